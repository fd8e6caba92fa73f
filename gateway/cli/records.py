"""What the commands on people's records have in common."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

from gateway.app import now, vault_of
from gateway.cli.failure import CommandFailed
from gateway.domain.errors import Rejected
from gateway.domain.phone_number import PhoneNumber, parse_e164
from gateway.ports import Application, StoreUnavailable
from gateway.settings.settings import Settings
from gateway.stores.opening import store_beside
from gateway.stores.store import SqlStore


@contextlib.asynccontextmanager
async def opened_store(settings: Settings) -> AsyncIterator[SqlStore]:
    """Open the database beside its gateways; raises CommandFailed where it cannot be used."""
    try:
        async with store_beside(settings.database.url, vault_of(settings), now) as store:
            yield store
    except StoreUnavailable as unavailable:
        raise CommandFailed(str(unavailable)) from None


async def application_called(store: SqlStore, name: str) -> Application:
    """Return the application of this name; raises CommandFailed."""
    application = await store.application(name)
    if application is None:
        raise CommandFailed(f"there is no application {name}; see poundkey keys list")
    return application


def number_of(text: str) -> PhoneNumber:
    """Read an E.164 number; raises CommandFailed."""
    try:
        return parse_e164(text)
    except Rejected as refused:
        raise CommandFailed(refused.detail) from None


def shown(text: str) -> str:
    """Return a text as it is, or escaped if it could do something to the terminal."""
    return text if text.isprintable() else ascii(text)


def utc(at: int) -> str:
    """Write a time (ms since the epoch) for people."""
    return datetime.fromtimestamp(at / 1_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def print_table(head: Sequence[str], body: Sequence[Sequence[str]]) -> None:
    """Print rows in columns as wide as they need."""
    rows = [head, *body]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
