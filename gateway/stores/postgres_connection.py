"""A connection to PostgreSQL that is made when it is needed, and made again when it was lost; and what runs over it."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg
import msgspec

from gateway.domain.errors import StoreUnavailable
from gateway.stores.engine import Row
from gateway.stores.statement import Statement

_CONNECT_TIMEOUT = 5.0
_COMMAND_TIMEOUT = 30.0
_SETTINGS = {
    "application_name": "poundkey",
    # A process that stands still must not keep rows from the others, who wait a little longer than it may.
    "idle_in_transaction_session_timeout": "3s",
    "lock_timeout": "5s",
    "jit": "off",
    # Every statement has a key or an index, but a table that was small when its plan was made would be read whole,
    # and go on to be when it has grown, until the server counts its rows again.
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}

LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a statement on a connection that the server is just ending
    ConnectionError,
    OSError,
    TimeoutError,
)
"""What asyncpg raises when the connection, not the statement, is at fault."""

Greeting = Callable[["asyncpg.Connection[Any]"], Awaitable[None]]


class ReconnectingConnection:
    """One connection. `greeting` is done on each new one."""

    def __init__(self, url: str, greeting: Greeting | None = None) -> None:
        self._url = url
        self._greeting = greeting
        self._connection: asyncpg.Connection[Any] | None = None
        self._making = asyncio.Lock()

    async def connection(self) -> "asyncpg.Connection[Any]":
        """Return the connection; raises StoreUnavailable where none can be made."""
        async with self._making:
            if self._connection is None or self._connection.is_closed():
                self._connection = await self._new_connection()
            return self._connection

    async def drop(self) -> None:
        """End the connection at once; the next use makes another."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def close(self) -> None:
        """Close the connection in order."""
        if self._connection is not None:
            with contextlib.suppress(*LOST, asyncpg.PostgresError):
                await self._connection.close(timeout=1)
            self._connection = None

    @staticmethod
    async def _greet(connection: "asyncpg.Connection[Any]", greeting: Greeting) -> None:
        try:
            await greeting(connection)
        except BaseException:
            connection.terminate()
            raise

    async def _new_connection(self) -> "asyncpg.Connection[Any]":
        try:
            connection = await asyncpg.connect(
                self._url,
                timeout=_CONNECT_TIMEOUT,
                command_timeout=_COMMAND_TIMEOUT,
                statement_cache_size=256,
                server_settings=_SETTINGS,
            )
            if self._greeting is not None:
                await self._greet(connection, self._greeting)
        except (*LOST, asyncpg.PostgresError) as error:
            raise StoreUnavailable(f"PostgreSQL: {error or type(error).__name__}") from error
        return connection


class _Prepared(msgspec.Struct, frozen=True):
    """A statement as PostgreSQL is given it; `many` takes arrays, and its rows begin with the place of their values."""

    one: str
    many: str


class StatementBatcher:
    """Runs a statement for many rows of values in one round trip. What it learns of a statement holds for every use.

    The types of the arrays are what PostgreSQL itself says of the statement's parameters.
    """

    def __init__(self) -> None:
        self._prepared: dict[Statement, _Prepared] = {}

    async def rows(
        self, connection: "asyncpg.Connection[Any]", statement: Statement, each: Sequence[Row], *, lock: bool
    ) -> list[list[Row]]:
        """Return the rows for each of the values; of a change, one empty row for each row that it changed."""
        statement = (statement.locking or statement) if lock else statement
        prepared = await self.prepared(connection, statement)
        if not prepared.many or (len(each) == 1 and not statement.writes):
            return [[tuple(row) for row in await connection.fetch(prepared.one, *values)] for values in each]
        rows_of_each: list[list[Row]] = [[] for _ in each]
        # In one order everywhere, so that no two transactions wait for each other's rows.
        order = sorted(range(len(each)), key=lambda place: _sortable(each[place]))
        for row in await connection.fetch(prepared.many, *zip(*(each[place] for place in order), strict=True)):
            whose, *rest = row
            rows_of_each[order[whose - 1]].append(tuple(rest))
        return rows_of_each

    async def execute(self, connection: "asyncpg.Connection[Any]", statement: Statement, each: Sequence[Row]) -> None:
        """Change rows for each of the values."""
        prepared = await self.prepared(connection, statement)
        if not prepared.many:
            for values in each:
                await connection.execute(prepared.one, *values)
            return
        order = sorted(each, key=_sortable)
        await connection.fetch(prepared.many, *zip(*order, strict=True))

    async def prepared(self, connection: "asyncpg.Connection[Any]", statement: Statement) -> _Prepared:
        """Return both forms of a statement, with PostgreSQL's own marks."""
        prepared = self._prepared.get(statement)
        if prepared is None:
            one = _marked(statement.text, "${}")
            types = [parameter.name for parameter in (await connection.prepare(one)).get_parameters()]
            prepared = self._prepared[statement] = _Prepared(one, _for_many(statement.batch, types))
        return prepared


def _for_many(batch: str, types: Sequence[str]) -> str:
    """Return the batch form for arrays of these types; nothing for a statement without one, or without values."""
    if not batch or not types:
        return ""
    arrays = ", ".join(f"${place}::{name}[]" for place, name in enumerate(types, 1))
    columns = ", ".join(f"p{place}" for place in range(1, len(types) + 1))
    each = f"unnest({arrays}) WITH ORDINALITY AS q({columns}, n)"
    return _marked(batch, "q.p{}").replace("{each}", each)


def _marked(text: str, mark: str) -> str:
    """Write each `?` as the mark with its place."""
    parts = text.split("?")
    return "".join(part + mark.format(place) for place, part in enumerate(parts[:-1], 1)) + parts[-1]


def _sortable(values: Row) -> tuple[tuple[bool, Any], ...]:
    return tuple((value is None, value if value is not None else 0) for value in values)
