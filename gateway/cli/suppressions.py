"""`poundkey suppressions`: the numbers that get no calls and texts; also while a gateway serves the same database."""

import argparse

from gateway.cli.command import run_loop
from gateway.cli.config import load_settings
from gateway.cli.database import opened_store, parse_number
from gateway.cli.terminal import format_utc, print_table, printable
from gateway.domain.phone_number import PhoneNumber
from gateway.settings.settings import Settings
from gateway.stores.suppressions import SuppressedNumber, SuppressionStore


def run(arguments: argparse.Namespace) -> int:
    """Run the action; raises CommandFailed for an invalid number or an unavailable database."""
    run_loop(_run_action(load_settings(arguments.config), arguments))
    return 0


async def _run_action(settings: Settings, arguments: argparse.Namespace) -> None:
    async with opened_store(settings) as store:
        suppressions = store.suppressions
        if arguments.action == "list":
            _print_numbers(await suppressions.all())
        elif arguments.action == "add":
            await _add(suppressions, parse_number(arguments.number), arguments.reason)
        else:
            await _remove(suppressions, parse_number(arguments.number), arguments.reason)


async def _add(suppressions: SuppressionStore, number: PhoneNumber, reason: str) -> None:
    """Add a number; one that is on the list already is no failure."""
    added = await suppressions.add(number, reason)
    print(f"{suppressions.subject(number)} {'gets no more calls and texts' if added else 'was suppressed already'}")


async def _remove(suppressions: SuppressionStore, number: PhoneNumber, reason: str) -> None:
    """Remove a number; one that is not on the list is no failure."""
    removed = await suppressions.remove(number, reason)
    print(f"{suppressions.subject(number)} {'gets calls and texts again' if removed else 'was not suppressed'}")


def _print_numbers(numbers: list[SuppressedNumber]) -> None:
    print_table(
        ("ID", "SINCE", "REASON"),
        [(number.id, format_utc(number.added_at), printable(number.reason)) for number in numbers],
    )
