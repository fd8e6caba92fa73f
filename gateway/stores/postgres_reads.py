"""Reads on PostgreSQL: what is asked for while a read is under way goes out together in the next one."""

import asyncio
from typing import Any

import asyncpg

from gateway.ports import StoreUnavailable
from gateway.stores.engine import Row
from gateway.stores.grouped import Grouped
from gateway.stores.postgres_link import LOST, Link

_TRIES = 2
_Asked = tuple[Row, "asyncio.Future[list[Row]]"]


class PostgresReads:
    """Fills `gateway.stores.engine.Reads`. Long reads have a connection of their own."""

    def __init__(self, url: str, grouped: Grouped) -> None:
        self._short = _Reader(Link(url), grouped)
        self._long = _Reader(Link(url), grouped)

    async def one(self, statement: str, values: Row) -> Row | None:
        """See the protocol."""
        found = await self._short.rows(statement, values)
        return found[0] if found else None

    async def all(self, statement: str, values: Row) -> list[Row]:
        """See the protocol."""
        return await self._short.rows(statement, values)

    async def many(self, statement: str, values: Row) -> list[Row]:
        """See the protocol."""
        return await self._long.rows(statement, values)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._short.close()
        await self._long.close()


class _Reader:
    def __init__(self, link: Link, grouped: Grouped) -> None:
        self._link = link
        self._grouped = grouped
        self._asked: dict[str, list[_Asked]] = {}
        self._working: asyncio.Task[None] | None = None
        self._closing = False

    async def rows(self, statement: str, values: Row) -> list[Row]:
        """Return the rows; raises StoreUnavailable."""
        future: asyncio.Future[list[Row]] = asyncio.get_running_loop().create_future()
        self._asked.setdefault(statement, []).append((values, future))
        if self._working is None:
            self._working = asyncio.create_task(self._work(), name="reads")
        return await future

    async def close(self) -> None:
        self._closing = True
        if self._working is not None:
            await self._link.drop()  # nobody needs the answer any more, and it may never come
            await self._working
        await self._link.close()

    async def _work(self) -> None:
        while self._asked:
            asked, self._asked = self._asked, {}
            for statement, askers in asked.items():
                waiting = [asker for asker in askers if not asker[1].done()]
                if waiting:
                    await self._answer(statement, waiting)
        self._working = None

    async def _answer(self, statement: str, askers: list[_Asked]) -> None:
        try:
            answers = await self._read(statement, [values for values, _ in askers])
        except Exception as error:  # noqa: BLE001 - each asker hears of it
            if len(askers) > 1 and isinstance(error.__cause__, asyncpg.DataError):  # one of them is at fault
                for asker in askers:
                    await self._answer(statement, [asker])
                return
            for _, future in askers:
                if not future.done():
                    future.set_exception(error)
        else:
            for (_, future), answer in zip(askers, answers, strict=True):
                if not future.done():
                    future.set_result(answer)

    async def _read(self, statement: str, each: list[Row]) -> list[list[Row]]:
        """Read; once more over a new connection if the old one was lost, for nothing can happen twice."""
        last: Exception | None = None
        for _ in range(_TRIES):
            if self._closing:
                raise StoreUnavailable("the store is closed")
            connection: asyncpg.Connection[Any] = await self._link.connection()
            try:
                return await self._grouped.rows(connection, statement, each, lock=False)
            except (*LOST, asyncpg.InvalidCachedStatementError) as error:
                last = error
                await self._link.drop()
            except asyncpg.PostgresError as error:
                if connection.is_closed():
                    last = error
                    continue
                raise StoreUnavailable(f"PostgreSQL: {error}") from error
        raise StoreUnavailable(f"PostgreSQL: {last or type(last).__name__}") from last
