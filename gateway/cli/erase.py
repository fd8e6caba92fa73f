"""`poundkey erase`: wipes a number wherever it is kept, also while a gateway serves the same database."""

import argparse

from gateway.cli.config import load_settings
from gateway.cli.loop import run as run_loop
from gateway.cli.records import number_of, opened_store
from gateway.domain.phone_number import PhoneNumber
from gateway.settings.settings import Settings
from gateway.stores.checkpoints import empty_log
from gateway.stores.erasing import Erased
from gateway.stores.places import is_postgres, sqlite_path


def run(arguments: argparse.Namespace) -> int:
    """Erase; raises CommandFailed for what is no number, and where the database cannot be used."""
    settings = load_settings(arguments.config)
    erased = run_loop(_erased(settings, number_of(arguments.number), arguments.reason))
    print(f"verifications  {erased.verifications} wiped")
    print(f"phones         {erased.phones} removed from people's records")
    print(f"limits         {erased.counts} forgotten")
    print(f"notices        {erased.notices} dropped")
    if not _leaves_no_trace(settings):
        print("The database's log still holds copies of what was wiped, until the gateway has written as much again.")
    return 0


async def _erased(settings: Settings, number: PhoneNumber, reason: str) -> Erased:
    async with opened_store(settings) as store:
        return await store.erasing.erase(number, reason)


def _leaves_no_trace(settings: Settings) -> bool:
    """Cut off a SQLite log, which has the pages as they were; PostgreSQL's is its operator's."""
    url = settings.database.url
    return is_postgres(url) or empty_log(sqlite_path(url))
