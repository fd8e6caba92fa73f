"""The stores under the contract: each fixture parameter is one engine."""

import os
from collections.abc import AsyncIterator

import asyncpg
import pytest

from gateway.security.vault import Vault
from gateway.stores.migrate import migrate
from gateway.stores.opening import open_store, store_beside
from gateway.stores.places import is_postgres
from gateway.stores.postgres import open_postgres
from gateway.stores.statement import Statement
from gateway.stores.store import Store


class ManualClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_800_000_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def vault() -> Vault:
    return Vault({1: os.urandom(32)}, os.urandom(32), os.urandom(32))


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory):
    path = tmp_path_factory.mktemp("empty") / "poundkey.db"
    migrate(f"sqlite:///{path}")
    return path.read_bytes()


@pytest.fixture
def database(tmp_path, empty_database):
    path = tmp_path / "poundkey.db"
    path.write_bytes(empty_database)
    return path


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request) -> str:
    return request.param


@pytest.fixture
def url(engine, request) -> str:
    if engine == "sqlite":
        return f"sqlite:///{request.getfixturevalue('database')}"
    return request.getfixturevalue("postgres").database()


@pytest.fixture
def reopen(url, vault, clock):
    """Opens the store again, with other keys if asked to; the test closes it."""

    async def open_again(keys: Vault = vault) -> Store:
        if is_postgres(url):
            return await open_postgres(url, keys, clock)
        return await open_store(url, keys, clock)

    return open_again


@pytest.fixture
async def store(reopen) -> AsyncIterator[Store]:
    store = await reopen()
    yield store
    await store.close()


@pytest.fixture
def portal(store):
    return store.portal


@pytest.fixture
def rate_counters(store):
    return store.rate_counters


@pytest.fixture
async def beside(store, engine, url, vault, clock, reopen) -> AsyncIterator[Store]:
    """The same database, opened by another process."""
    await store.ready()
    if engine == "postgres":
        opened = await reopen()
        yield opened
        await opened.close()
        return
    async with store_beside(url, vault, clock) as opened:
        yield opened


@pytest.fixture
def fill_up(store, engine):
    """Lets a table take no more rows."""

    async def fill(table: str) -> None:
        full = (
            f"ALTER TABLE {table} ADD CONSTRAINT is_full CHECK (false) NOT VALID"
            if engine == "postgres"
            else f"CREATE TRIGGER is_full BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'is_full'); END"
        )
        await store.run(lambda work: work.execute(Statement(full, writes=True), ()))

    return fill


@pytest.fixture
def disk(engine, url, request):
    """Reads all that is kept."""

    async def read() -> bytes:
        if engine == "sqlite":
            return b"".join(path.read_bytes() for path in request.getfixturevalue("database").parent.iterdir())
        connection = await asyncpg.connect(url)
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        rows = [row for (table,) in tables for row in await connection.fetch(f'SELECT * FROM "{table}"')]  # noqa: S608 - our own names
        await connection.close()
        return b"".join(
            value if isinstance(value, bytes) else f"{value} ".encode() for row in rows for value in row.values()
        )

    return read
