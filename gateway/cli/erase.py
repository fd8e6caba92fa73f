"""`poundkey erase`: erases a number wherever it is stored; also while a gateway serves the same database."""

import argparse

from gateway.cli.command import run_loop
from gateway.cli.config import load_settings
from gateway.cli.database import opened_store, parse_number
from gateway.domain.phone_number import PhoneNumber
from gateway.settings.settings import Settings
from gateway.stores.checkpoints import empty_log
from gateway.stores.erasure import Erased
from gateway.stores.places import is_postgres, sqlite_path


def run(arguments: argparse.Namespace) -> int:
    """Erase the number; raises CommandFailed for an invalid number or an unavailable database."""
    settings = load_settings(arguments.config)
    erased = run_loop(_erase(settings, parse_number(arguments.number), arguments.reason))
    print(f"verifications  {erased.verifications} no longer have the number")
    print(f"phones         {erased.phones} removed from enrollments")
    print(f"limits         {erased.counts} deleted")
    print(f"notifications  {erased.notifications} deleted")
    if not _truncate_log(settings):
        print("The database's log still has copies of what was erased, until the gateway has written as much again.")
    return 0


async def _erase(settings: Settings, number: PhoneNumber, reason: str) -> Erased:
    async with opened_store(settings) as store:
        return await store.eraser.erase(number, reason)


def _truncate_log(settings: Settings) -> bool:
    """Truncate SQLite's write-ahead log, which has the old pages; PostgreSQL's is up to its operator.

    Returns:
        False if the log could not be truncated.
    """
    url = settings.database.url
    return is_postgres(url) or empty_log(sqlite_path(url))
