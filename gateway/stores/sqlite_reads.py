"""Reads on SQLite: short ones in the event loop on a connection of their own, long ones through aiosqlite.

A short read takes some microseconds, and never waits for a writer.
"""

import sqlite3
from typing import cast

import aiosqlite

from gateway.ports import StoreUnavailable
from gateway.stores.engine import Row


class SqliteReads:
    """Fills `gateway.stores.engine.Reads`."""

    def __init__(self, connection: sqlite3.Connection, lists: aiosqlite.Connection) -> None:
        self._connection = connection
        self._lists = lists

    async def one(self, statement: str, values: Row) -> Row | None:
        """See the protocol."""
        try:
            return cast("Row | None", self._connection.execute(statement, values).fetchone())
        except sqlite3.Error as error:
            raise StoreUnavailable(f"SQLite: {error}") from error

    async def all(self, statement: str, values: Row) -> list[Row]:
        """See the protocol."""
        try:
            return self._connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise StoreUnavailable(f"SQLite: {error}") from error

    async def many(self, statement: str, values: Row) -> list[Row]:
        """See the protocol."""
        try:
            return [tuple(row) for row in await self._lists.execute_fetchall(statement, values)]
        except sqlite3.Error as error:
            raise StoreUnavailable(f"SQLite: {error}") from error

    async def close(self) -> None:
        """Let go of the database."""
        await self._lists.close()
        self._connection.close()
