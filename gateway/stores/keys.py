"""The API keys for the console: a short connection of its own, beside a gateway that serves the same SQLite file."""

import contextlib
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import aiosqlite

from gateway.ports import ApiKey, Application, StoreUnavailable
from gateway.stores import statements as sql
from gateway.stores.head import HEAD

_BUSY_PATIENCE = 10.0
"""Seconds to wait for the gateway's batches, which hold the write lock for some ms each."""


class ConsoleKeys:
    """The keys of one open database."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    async def add(self, key: ApiKey) -> ApiKey:
        """Keep a key, and its application if the name is new; returns the key with the application as kept."""
        application = key.application
        await self._connection.execute(sql.INSERT_APPLICATION, (application.id, application.name, key.created_at))
        [(kept_id, kept_name)] = await self._connection.execute_fetchall(sql.SELECT_APPLICATION, (application.name,))
        await self._connection.execute(sql.INSERT_KEY, (key.id, kept_id, key.name, key.digest, key.created_at))
        await self._connection.commit()
        return ApiKey(key.id, Application(kept_id, kept_name), key.name, key.digest, key.created_at, None)

    async def all(self) -> list[ApiKey]:
        """List all keys, revoked ones included, oldest first."""
        return [
            ApiKey(key_id, Application(application_id, application), name, digest, created_at, revoked_at)
            for key_id, application_id, application, name, digest, created_at, revoked_at in (
                await self._connection.execute_fetchall(sql.SELECT_KEYS)
            )
        ]

    async def revoke(self, key_id: str, now: int) -> bool:
        """Revoke a key at `now` (ms since the epoch), which a gateway sees within a second; False if there is none."""
        cursor = await self._connection.execute(sql.REVOKE_KEY, (now, key_id))
        await self._connection.commit()
        return cursor.rowcount == 1


@contextlib.asynccontextmanager
async def open_keys(path: Path) -> AsyncIterator[ConsoleKeys]:
    """Open the keys of a database that is there and at head; raises StoreUnavailable, in words for the operator."""
    try:
        # mode=rw: a mistyped path must not become a new database.
        uri = f"{path.resolve().as_uri()}?mode=rw"
        async with aiosqlite.connect(uri, uri=True, timeout=_BUSY_PATIENCE) as connection:
            await _must_be_at_head(connection, path)
            yield ConsoleKeys(connection)
    except sqlite3.Error as error:
        raise StoreUnavailable(f"{path}: {error}") from error


async def _must_be_at_head(connection: aiosqlite.Connection, path: Path) -> None:
    try:
        revisions = await connection.execute_fetchall(sql.SELECT_REVISION)
    except sqlite3.OperationalError:
        revisions = ()
    if list(revisions) != [(HEAD,)]:
        raise StoreUnavailable(f"{path} is not at {HEAD}, which this program needs: run poundkey migrate")
