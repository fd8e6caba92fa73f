"""`poundkey restored`: after a backup was restored, before a gateway serves it, so that nothing is sent twice."""

import argparse

from gateway.app import open_store
from gateway.cli.config import load_settings
from gateway.cli.failure import CommandFailed
from gateway.cli.loop import run as run_loop
from gateway.ports import StoreUnavailable
from gateway.settings.settings import Settings
from gateway.stores.restoring import Settled


def run(arguments: argparse.Namespace) -> int:
    """Settle what was under way; raises CommandFailed where the database cannot be used, or a gateway has it."""
    try:
        settled = run_loop(_settled(load_settings(arguments.config)))
    except StoreUnavailable as unavailable:
        raise CommandFailed(str(unavailable)) from None
    print(f"verifications  {settled.verifications} were under way: nothing more of them is sent by itself")
    print(f"sends          {settled.sends} were not handed over: the provider is asked what became of them")
    print(f"notices        {settled.notices} dropped")
    return 0


async def _settled(settings: Settings) -> Settled:
    store = await open_store(settings)
    try:
        return await store.restoring.settle()
    finally:
        await store.close()
