"""The engines under measurement: new databases for gateways, filled fast, and asked beside them."""

import contextlib
import itertools
import re
import sqlite3
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol

import asyncpg

from benchmarks.postgres import VERSION, Server

Row = tuple[Any, ...]

_SPEED = ("journal_mode = OFF", "synchronous = OFF", "cache_size = -256000")
_INDEXES_OF_SQLITE = """
SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'verifications' AND sql IS NOT NULL
"""
_INDEXES_OF_POSTGRES = """
SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'verifications' AND indexdef NOT LIKE 'CREATE UNIQUE%'
"""


class Database(Protocol):
    """A database of one gateway; `url` is what its settings say."""

    url: str

    async def ask(self, statement: str, *values: object) -> list[Row]:
        """Run a statement with a value for each `?`, and return its rows."""

    async def insert(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """Add many rows."""

    def filling(self) -> AbstractAsyncContextManager[None]:
        """Make inserts fast until the block ends, and then as if they had come one by one; no gateway may be there."""

    def cpu_seconds(self) -> float:
        """Return the CPU time that processes of the database's own have used so far."""


class Engine(Protocol):
    """A kind of database: its name for `--engine`, its title in what is printed, how many gateways share a database."""

    name: str
    title: str
    most_processes: int

    def database(self, folder: Path) -> AbstractAsyncContextManager[Database]:
        """Make a database without tables, in `folder` if it is a file."""


class Sqlite:
    """Fills `Engine`."""

    name = "sqlite"
    title = f"SQLite {sqlite3.sqlite_version}, synchronous=FULL"
    most_processes = 1

    @contextlib.asynccontextmanager
    async def database(self, folder: Path) -> AsyncIterator[Database]:
        """See the protocol."""
        path = folder / "poundkey.db"
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
            yield _SqliteDatabase(f"sqlite:///{path}", connection)


class Postgres:
    """Fills `Engine` with databases of one server."""

    name = "postgres"
    title = f"PostgreSQL {VERSION}, default settings"
    most_processes = 2

    def __init__(self, server: Server) -> None:
        self._server = server
        self._names = itertools.count(1)

    @contextlib.asynccontextmanager
    async def database(self, folder: Path) -> AsyncIterator[Database]:  # noqa: ARG002 - the server has one of its own
        """See the protocol."""
        name = f"bench_{next(self._names)}"
        connection = await asyncpg.connect(self._server.url("postgres"))
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()
        url = self._server.url(name)
        # What asks for the end of a run must not read a table whole meanwhile.
        connection = await asyncpg.connect(url, server_settings={"enable_seqscan": "off"})
        try:
            yield _PostgresDatabase(url, self._server, connection)
        finally:
            await connection.close()


class _SqliteDatabase:
    def __init__(self, url: str, connection: sqlite3.Connection) -> None:
        self.url = url
        self._connection = connection

    async def ask(self, statement: str, *values: object) -> list[Row]:
        return self._connection.execute(statement, values).fetchall()

    async def insert(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        marks = ", ".join("?" * len(columns))
        self._connection.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)  # noqa: S608 - our own words

    @contextlib.asynccontextmanager
    async def filling(self) -> AsyncIterator[None]:
        for pragma in _SPEED:
            await self.ask(f"PRAGMA {pragma}")
        async with _without_indexes(self, _INDEXES_OF_SQLITE):
            await self.ask("BEGIN")
            yield
            await self.ask("COMMIT")
        await self.ask("PRAGMA journal_mode = WAL")

    def cpu_seconds(self) -> float:
        return 0.0


class _PostgresDatabase:
    def __init__(self, url: str, server: Server, connection: "asyncpg.Connection[Any]") -> None:
        self.url = url
        self._server = server
        self._connection = connection

    async def ask(self, statement: str, *values: object) -> list[Row]:
        places = itertools.count(1)
        numbered = re.sub(r"\?", lambda _: f"${next(places)}", statement)
        return [tuple(row) for row in await self._connection.fetch(numbered, *values)]

    async def insert(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        await self._connection.copy_records_to_table(table, columns=columns, records=rows)

    @contextlib.asynccontextmanager
    async def filling(self) -> AsyncIterator[None]:
        async with _without_indexes(self, _INDEXES_OF_POSTGRES):
            yield
        # What the server would have done on the way, and must not do during the measurement.
        for chore in ("VACUUM ANALYZE", "CHECKPOINT"):
            await self._connection.execute(chore)

    def cpu_seconds(self) -> float:
        return self._server.cpu_seconds()


@contextlib.asynccontextmanager
async def _without_indexes(database: Database, find: str) -> AsyncIterator[None]:
    """Drop the indexes of the verifications, which are made faster afterwards; `find` lists how."""
    found = await database.ask(find)
    for name, _ in found:
        await database.ask(f"DROP INDEX {name}")
    yield
    for _, statement in found:
        await database.ask(statement)
