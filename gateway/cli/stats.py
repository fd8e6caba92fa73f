"""`poundkey stats`: counts of deleted verifications by day; also while a gateway serves the same database."""

import argparse
from datetime import date

import msgspec

from gateway.cli.command import CommandFailed, run_loop
from gateway.cli.config import load_settings
from gateway.cli.database import application_named, opened_store
from gateway.cli.terminal import print_table, printable
from gateway.settings.settings import Settings
from gateway.stores.daily_counts import DailyCount


def run(arguments: argparse.Namespace) -> int:
    """Print the counts; raises CommandFailed for an unknown application or an unavailable database."""
    first, last = arguments.first, arguments.last
    if last < first:
        raise CommandFailed(f"--to {last} lies before --from {first}")
    counts = run_loop(_daily_counts(load_settings(arguments.config), first, last, arguments.application))
    if arguments.json:
        print(msgspec.json.encode(counts).decode())
    else:
        print_table(
            ("DAY", "APPLICATION", "CHANNEL", "OUTCOME", "COUNT"),
            [(each.day, printable(each.application), each.channel, each.outcome, str(each.count)) for each in counts],
        )
    return 0


async def _daily_counts(settings: Settings, first: date, last: date, name: str | None) -> list[DailyCount]:
    async with opened_store(settings) as store:
        application = await application_named(store, name) if name else None
        return await store.daily_counts.between(first, last, application)
