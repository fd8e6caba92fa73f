"""The API keys as the console changes them."""

import aiosqlite

from gateway.ports import ApiKey, Application
from gateway.stores import rows
from gateway.stores import statements as sql


class ConsoleKeys:
    """The keys in a database opened by `open_console`. Each change is durable when its method returns."""

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
        return [rows.api_key_of(tuple(row)) for row in await self._connection.execute_fetchall(sql.SELECT_KEYS)]

    async def revoke(self, key_id: str, now: int) -> bool:
        """Revoke a key at `now` (ms since the epoch), which a gateway sees within a second; False if there is none."""
        cursor = await self._connection.execute(sql.REVOKE_KEY, (now, key_id))
        await self._connection.commit()
        return cursor.rowcount == 1
