"""The measured engines: new databases for gateways, with fast bulk inserts and direct queries."""

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

_FAST_PRAGMAS = ("journal_mode = OFF", "synchronous = OFF", "cache_size = -256000")
_INDEXES_OF_SQLITE = """
SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'verifications' AND sql IS NOT NULL
"""
_INDEXES_OF_POSTGRES = """
SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'verifications' AND indexdef NOT LIKE 'CREATE UNIQUE%'
"""


class Database(Protocol):
    """A database of one gateway; `url` is its setting `database.url`."""

    url: str

    async def query(self, statement: str, *values: object) -> list[Row]:
        """Run a statement with a value for each `?`, and return its rows."""

    async def insert(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """Insert many rows."""

    def filling(self) -> AbstractAsyncContextManager[None]:
        """Speed up inserts until the block ends, and restore normal operation; no gateway may use the database."""

    def cpu_seconds(self) -> float:
        """Return the CPU time that processes of the database's own have used so far."""


class Engine(Protocol):
    """A kind of database: its name for `--engine`, its printed title, how many gateways can share a database."""

    name: str
    title: str
    most_processes: int

    def database(self, folder: Path) -> AbstractAsyncContextManager[Database]:
        """Create a database without tables, in `folder` if it is a file."""


class Sqlite:
    """The engine SQLite."""

    name = "sqlite"
    title = f"SQLite {sqlite3.sqlite_version}, synchronous=FULL"
    most_processes = 1

    @contextlib.asynccontextmanager
    async def database(self, folder: Path) -> AsyncIterator[Database]:
        """Create a database file in `folder`."""
        path = folder / "poundkey.db"
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
            yield _SqliteDatabase(f"sqlite:///{path}", connection)


class Postgres:
    """The engine PostgreSQL, with all databases on one server."""

    name = "postgres"
    title = f"PostgreSQL {VERSION}, default settings"
    most_processes = 2

    def __init__(self, server: Server) -> None:
        self._server = server
        self._names = itertools.count(1)

    @contextlib.asynccontextmanager
    async def database(self, folder: Path) -> AsyncIterator[Database]:  # noqa: ARG002 - the server has one of its own
        """Create a database on the server."""
        name = f"bench_{next(self._names)}"
        connection = await asyncpg.connect(self._server.url("postgres"))
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()
        url = self._server.url(name)
        # The query that detects the end of a run must not scan a whole table meanwhile.
        connection = await asyncpg.connect(url, server_settings={"enable_seqscan": "off"})
        try:
            yield _PostgresDatabase(url, self._server, connection)
        finally:
            await connection.close()


class _SqliteDatabase:
    def __init__(self, url: str, connection: sqlite3.Connection) -> None:
        self.url = url
        self._connection = connection

    async def query(self, statement: str, *values: object) -> list[Row]:
        return self._connection.execute(statement, values).fetchall()

    async def insert(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        placeholders = ", ".join("?" * len(columns))
        self._connection.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({placeholders})", rows)  # noqa: S608 - our own words

    @contextlib.asynccontextmanager
    async def filling(self) -> AsyncIterator[None]:
        for pragma in _FAST_PRAGMAS:
            await self.query(f"PRAGMA {pragma}")
        async with _without_indexes(self, _INDEXES_OF_SQLITE):
            await self.query("BEGIN")
            yield
            await self.query("COMMIT")
        await self.query("PRAGMA journal_mode = WAL")

    def cpu_seconds(self) -> float:
        return 0.0


class _PostgresDatabase:
    def __init__(self, url: str, server: Server, connection: "asyncpg.Connection[Any]") -> None:
        self.url = url
        self._server = server
        self._connection = connection

    async def query(self, statement: str, *values: object) -> list[Row]:
        numbers = itertools.count(1)
        numbered = re.sub(r"\?", lambda _: f"${next(numbers)}", statement)
        return [tuple(row) for row in await self._connection.fetch(numbered, *values)]

    async def insert(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        await self._connection.copy_records_to_table(table, columns=columns, records=rows)

    @contextlib.asynccontextmanager
    async def filling(self) -> AsyncIterator[None]:
        async with _without_indexes(self, _INDEXES_OF_POSTGRES):
            yield
        # Maintenance that the server must not do during the measurement.
        for statement in ("VACUUM ANALYZE", "CHECKPOINT"):
            await self._connection.execute(statement)

    def cpu_seconds(self) -> float:
        return self._server.cpu_seconds()


@contextlib.asynccontextmanager
async def _without_indexes(database: Database, list_indexes: str) -> AsyncIterator[None]:
    """Drop the indexes of the verifications until the block ends; `list_indexes` selects names and definitions."""
    indexes = await database.query(list_indexes)
    for name, _ in indexes:
        await database.query(f"DROP INDEX {name}")
    yield
    for _, statement in indexes:
        await database.query(statement)
