"""`poundkey stops`: the numbers that get no calls and texts, also while a gateway serves the same database."""

import argparse
from collections.abc import Sequence

from gateway.cli.config import load_settings
from gateway.cli.loop import run as run_loop
from gateway.cli.records import number_of, opened_store, print_table, shown, utc
from gateway.domain.phone_number import PhoneNumber
from gateway.settings.settings import Settings
from gateway.stores.stop_list import StopList, StoppedNumber


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked; raises CommandFailed for what is no number, and where the database cannot be used."""
    run_loop(_run(load_settings(arguments.config), arguments))
    return 0


async def _run(settings: Settings, arguments: argparse.Namespace) -> None:
    async with opened_store(settings) as store:
        if arguments.action == "list":
            _list(await store.stops.all())
        else:
            await _change(store.stops, arguments.action, number_of(arguments.number), arguments.reason)


async def _change(stops: StopList, action: str, number: PhoneNumber, reason: str) -> None:
    """Change the list; a number that is where it should be is told, and is no failure."""
    subject = stops.subject(number)
    if action == "add":
        done = await stops.add(number, reason)
        print(f"{subject} gets no more calls and texts" if done else f"{subject} was stopped already")
    else:
        done = await stops.remove(number, reason)
        print(f"{subject} gets calls and texts again" if done else f"{subject} was not stopped")


def _list(stopped: Sequence[StoppedNumber]) -> None:
    print_table(("ID", "SINCE", "REASON"), [(one.id, utc(one.added_at), shown(one.reason)) for one in stopped])
