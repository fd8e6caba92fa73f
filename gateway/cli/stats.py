"""`poundkey counts`: how many verifications there were, of those that were removed, also while a gateway serves."""

import argparse
from datetime import date

import msgspec

from gateway.cli.config import load_settings
from gateway.cli.failure import CommandFailed
from gateway.cli.loop import run as run_loop
from gateway.cli.records import application_called, opened_store, print_table, shown
from gateway.settings.settings import Settings
from gateway.stores.daily_counts import DailyCount


def run(arguments: argparse.Namespace) -> int:
    """Print them; raises CommandFailed for an unknown application, and where the database cannot be used."""
    first, last = arguments.first, arguments.last
    if last < first:
        raise CommandFailed(f"--to {last} lies before --from {first}")
    counts = run_loop(_counts(load_settings(arguments.config), first, last, arguments.application))
    if arguments.json:
        print(msgspec.json.encode(counts).decode())
    else:
        print_table(
            ("DAY", "APPLICATION", "CHANNEL", "OUTCOME", "COUNT"),
            [(each.day, shown(each.application), each.channel, each.outcome, str(each.count)) for each in counts],
        )
    return 0


async def _counts(settings: Settings, first: date, last: date, name: str | None) -> list[DailyCount]:
    async with opened_store(settings) as store:
        application = await application_called(store, name) if name else None
        return await store.counts.between(first, last, application)
