"""Applications and their API keys."""

from gateway.clock import Clock
from gateway.domain.api_keys import ApiKey, Application
from gateway.stores import rows, sql
from gateway.stores.engine import Engine, Transaction


class ApiKeyStore:
    """Durable keys; an application is there from its first key on."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._reads = engine.reads
        self._writer = engine.writer
        self._clock = clock

    async def add(self, key: ApiKey) -> ApiKey:
        """Store a key, and its application if the name is new; returns the key with the application as stored."""

        async def operation(transaction: Transaction) -> ApiKey:
            application = key.application
            await transaction.execute(sql.INSERT_APPLICATION, (application.id, application.name, key.created_at))
            row = await transaction.read(sql.SELECT_APPLICATION, (application.name,))
            stored = Application(*row) if row else application
            await transaction.execute(sql.INSERT_KEY, (key.id, stored.id, key.name, key.digest, key.created_at))
            return ApiKey(key.id, stored, key.name, key.digest, key.created_at, None)

        return await self._writer.run(operation)

    async def all(self) -> list[ApiKey]:
        """List all keys, revoked ones included."""
        return [rows.api_key_of(row) for row in await self._reads.all(sql.SELECT_KEYS, ())]

    async def revoke(self, key_id: str) -> bool:
        """Revoke a key at once; False if there is none with this id."""

        async def operation(transaction: Transaction) -> bool:
            return await transaction.write(sql.REVOKE_KEY, (self._clock(), key_id)) == 1

        return await self._writer.run(operation)

    async def application(self, application_id: str) -> Application | None:
        """Return an application."""
        row = await self._reads.row(sql.SELECT_APPLICATION_BY_ID, (application_id,))
        return Application(*row) if row else None

    async def application_named(self, name: str) -> Application | None:
        """Return the application of this name."""
        row = await self._reads.row(sql.SELECT_APPLICATION, (name,))
        return Application(*row) if row else None

    async def application_names(self) -> list[str]:
        """List the names of all applications."""
        return [name for (name,) in await self._reads.many(sql.SELECT_APPLICATION_NAMES, ())]
