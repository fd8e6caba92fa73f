"""Short reads in the event loop on a connection of their own: some microseconds each, and never behind a writer."""

import sqlite3
from typing import Any

from gateway.ports import StoreUnavailable

Row = tuple[Any, ...]


class Reads:
    """What is committed. Each method raises StoreUnavailable when SQLite fails."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def one(self, statement: str, values: Row) -> Row | None:
        """Return the first row."""
        try:
            row: Row | None = self._connection.execute(statement, values).fetchone()
        except sqlite3.Error as error:
            raise StoreUnavailable(f"SQLite: {error}") from error
        return row

    def all(self, statement: str, values: Row) -> list[Row]:
        """Return all rows."""
        try:
            return self._connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise StoreUnavailable(f"SQLite: {error}") from error
