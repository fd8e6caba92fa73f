"""Which engine a database's URL names: brings it to head, and opens it for a gateway or beside one."""

import contextlib
from collections.abc import AsyncIterator

from gateway.clock import Clock
from gateway.domain.errors import StoreUnavailable
from gateway.security.vault import Unreadable, Vault
from gateway.stores import rows, sql
from gateway.stores.engine import Transaction
from gateway.stores.migrate import bring_to_head
from gateway.stores.places import is_postgres, sqlite_path
from gateway.stores.sqlite import open_sqlite, sqlite_beside
from gateway.stores.store import Store

_NEWEST = sql.list_verifications(application=False, numbers=0, status=False, after=False)


async def open_store(url: str, vault: Vault, clock: Clock) -> Store:
    """Open a gateway's database; raises StoreUnavailable.

    SQLite is brought to head first, for it is this gateway's alone; PostgreSQL must be, and tells its own time.
    """
    if is_postgres(url):
        from gateway.stores.postgres import open_postgres  # noqa: PLC0415 - its driver is only for who uses it

        store = await open_postgres(url, vault)
        try:
            await store.ready()
        except StoreUnavailable:
            await store.close()
            raise
        return store
    await bring_to_head(url)
    return await open_sqlite(sqlite_path(url), vault, clock)


@contextlib.asynccontextmanager
async def store_beside(url: str, vault: Vault, clock: Clock) -> AsyncIterator[Store]:
    """Open a database that is there and at head beside its gateways, for the console.

    Raises StoreUnavailable, in words for the operator, also for what the block meets: numbers that no key opens.
    """
    try:
        if is_postgres(url):
            store = await open_store(url, vault, clock)
            try:
                yield store
            finally:
                await store.close()
        else:
            async with sqlite_beside(sqlite_path(url), vault, clock) as beside:
                yield beside
    except Unreadable as error:
        raise StoreUnavailable(f"the database holds numbers that keys.sealing does not open: {error}") from None


async def inspect(url: str, vault: Vault, clock: Clock) -> None:
    """Return if a database is there, at head, writable, and readable with these keys.

    Raises:
        StoreUnavailable: it is not, in words for the operator.
    """

    async def write_and_read(transaction: Transaction) -> None:
        await transaction.execute(sql.DELETE_RESPONSE, (b"",))  # there is none; it fails where nothing can be written
        for verification_id, state, sealed_number in await transaction.read_all(_NEWEST, (1,)):
            rows.verification_of(verification_id, state, sealed_number, vault)

    async with store_beside(url, vault, clock) as store:
        await store.run(write_and_read)
