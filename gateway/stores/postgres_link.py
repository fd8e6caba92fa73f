"""A connection to PostgreSQL that is made when it is needed, and made again when it was lost."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

from gateway.ports import StoreUnavailable

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


class Link:
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
                self._connection = await self._made()
            return self._connection

    async def drop(self) -> None:
        """Let go of the connection at once; the next use makes another."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def close(self) -> None:
        """Say goodbye."""
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

    async def _made(self) -> "asyncpg.Connection[Any]":
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
