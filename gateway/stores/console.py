"""A short connection for the console, beside a gateway that serves the same SQLite file."""

import contextlib
import os
import sqlite3
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import aiosqlite

from gateway.ports import StoreUnavailable
from gateway.stores import statements as sql
from gateway.stores.head import HEAD

BUSY_PATIENCE = 10.0
"""Seconds to wait for the gateway's batches, which hold the write lock for some ms each."""


@contextlib.asynccontextmanager
async def open_console(path: Path) -> AsyncIterator[aiosqlite.Connection]:
    """Open a database that is there and at head; raises StoreUnavailable, in words for the operator."""
    try:
        async with aiosqlite.connect(existing(path), uri=True, timeout=BUSY_PATIENCE) as connection:
            await _must_be_at_head(connection, path)
            yield connection
    except sqlite3.Error as error:
        raise StoreUnavailable(f"{path}: {error}") from error


def existing(path: Path) -> str:
    """Return the URI of a database that must be there: a mistyped path is not to become a new one (SQLite: mode)."""
    if not os.access(path, os.R_OK):
        raise StoreUnavailable(f"there is no database that can be read at {path}: run poundkey migrate")
    return f"{path.absolute().as_uri()}?mode=rw"


async def _must_be_at_head(connection: aiosqlite.Connection, path: Path) -> None:
    try:
        revisions = list(await connection.execute_fetchall(sql.SELECT_REVISION))
    except sqlite3.OperationalError:
        revisions = []
    refuse_unless_head(revisions, path)


def refuse_unless_head(revisions: Sequence[object], path: Path) -> None:
    """Raise StoreUnavailable, in words for the operator, unless the rows of SELECT_REVISION are what they must be."""
    if revisions != [(HEAD,)]:
        raise StoreUnavailable(f"{path} is not at {HEAD}, which this program needs: run poundkey migrate")
