"""`poundkey recover`: run once on a restored backup, before a gateway serves it, so that nothing is sent twice."""

import argparse

from gateway.app import open_store
from gateway.cli.command import CommandFailed, run_loop
from gateway.cli.config import load_settings
from gateway.domain.errors import StoreUnavailable
from gateway.settings.settings import Settings
from gateway.stores.recovery import Recovered


def run(arguments: argparse.Namespace) -> int:
    """Recover; raises CommandFailed if the database is unavailable, or if a gateway uses it."""
    try:
        recovered = run_loop(_recover(load_settings(arguments.config)))
    except StoreUnavailable as unavailable:
        raise CommandFailed(str(unavailable)) from None
    print(f"verifications  {recovered.verifications} pending: nothing more is sent for them automatically")
    print(f"sends          {recovered.sends} open: the gateway will ask the provider for their status")
    print(f"notifications  {recovered.notifications} deleted")
    return 0


async def _recover(settings: Settings) -> Recovered:
    store = await open_store(settings)
    try:
        return await store.recovery.recover()
    finally:
        await store.close()
