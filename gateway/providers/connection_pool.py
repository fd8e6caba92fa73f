"""The keep-alive connections to one origin: who gets which, in what order, and when an idle one is let go."""

import asyncio
import contextlib
import ssl
from collections import deque
from typing import NamedTuple

from gateway.ports import ProviderUnreachable
from gateway.providers.http_connection import HttpConnection

# A reachable provider comes back within seconds; a verification lives for minutes.
_RECONNECT_AFTER = 5.0


class Origin(NamedTuple):
    """Where connections lead."""

    host: str
    port: int
    tls: bool


class ConnectionPool:
    """At most `size` connections to one origin, each lent to one request at a time.

    A slot is a connection or the right to open one. Whoever lets go of a slot hands it to the request that has waited
    longest, so while anybody waits nothing is idle and no slot is free, and nobody overtakes.

    Args:
        origin: where to; certificates are always verified.
        size: how many connections there may be.
        connect_timeout: seconds to wait for a slot and a connection together.
        idle_timeout: seconds after which an unused connection is closed.
    """

    def __init__(self, origin: Origin, *, size: int, connect_timeout: float, idle_timeout: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._origin = origin
        self._tls = ssl.create_default_context() if origin.tls else None
        self._connect_timeout = connect_timeout
        self._idle_timeout = idle_timeout
        self._free_slots = size
        self._open: set[HttpConnection] = set()
        self._idle: deque[HttpConnection] = deque()
        self._queue: deque[asyncio.Future[HttpConnection | None]] = deque()
        self._waits: set[asyncio.Timeout] = set()
        self._sweeper: asyncio.TimerHandle | None = None
        self._is_closed = False

    def take_idle(self) -> HttpConnection | None:
        """Lend the connection that was used last, as it is the likeliest to live; None if none is idle."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_reusable:
                return connection
            self._discard(connection)
        return None

    async def connect(self) -> HttpConnection:
        """Lend a connection that somebody gives back, or a new one.

        Raises:
            ProviderUnreachable: neither came about in time.
        """
        try:
            async with asyncio.timeout(self._connect_timeout) as wait:
                self._waits.add(wait)
                try:
                    return await self._next_slot() or await self._open_in_slot()
                finally:
                    self._waits.discard(wait)
        # The fault is cut off: its text names the host. An impossible host name is a UnicodeError.
        except (OSError, UnicodeError) as fault:
            raise no_connection(type(fault).__name__) from None

    def give_back(self, connection: HttpConnection) -> None:
        """End a loan. An exchange that was not completed costs the connection."""
        if self._is_closed or not connection.is_reusable:
            connection.fail("given up")
            self._discard(connection)
        elif not self._hand_over(connection):
            connection.idle_since = self._loop.time()
            self._idle.append(connection)
            if self._sweeper is None:
                self._sweeper = self._loop.call_later(self._idle_timeout, self._sweep)

    async def close(self) -> None:
        """Drop all connections: what is in flight ends as uncertain, and what still waits for a connection as busy."""
        self._is_closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        for wait in self._waits:
            if not wait.expired():
                wait.reschedule(self._loop.time())
        for connection in self._open:
            connection.fail("closed by us")
        if self._open:
            await asyncio.wait([connection.lost for connection in self._open])

    async def _next_slot(self) -> HttpConnection | None:
        """Wait for a slot: a live connection, or None for the right to open one."""
        if self._free_slots:
            self._free_slots -= 1
            return None
        turn: asyncio.Future[HttpConnection | None] = self._loop.create_future()
        self._queue.append(turn)
        try:
            connection = await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                # A hand-over may have skipped it meanwhile.
                with contextlib.suppress(ValueError):
                    self._queue.remove(turn)
            elif (unwanted := turn.result()) is not None:
                self.give_back(unwanted)
            else:
                self._free_slot()
            raise
        if connection is not None and not connection.is_reusable:
            # It died on its way to us; its slot is still ours.
            self._open.discard(connection)
            return None
        return connection

    async def _open_in_slot(self) -> HttpConnection:
        host, port, tls = self._origin
        try:
            _, connection = await self._loop.create_connection(
                HttpConnection, host, port, ssl=self._tls, server_hostname=host if tls else None
            )
        except BaseException:
            self._free_slot()
            raise
        self._open.add(connection)
        # A server may say something at once, close at once, or be too late for us.
        if self._is_closed or not connection.is_reusable:
            self.give_back(connection)
            raise ConnectionAbortedError
        return connection

    def _discard(self, connection: HttpConnection) -> None:
        self._open.discard(connection)
        self._free_slot()

    def _free_slot(self) -> None:
        if not self._hand_over(None):
            self._free_slots += 1

    def _hand_over(self, slot: HttpConnection | None) -> bool:
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(slot)
                return True
        return False

    def _sweep(self) -> None:
        """Close what is idle for too long. The deque is in the order of idling, since loans are from its end."""
        self._sweeper = None
        overdue = self._loop.time() - self._idle_timeout
        while self._idle and (self._idle[0].idle_since <= overdue or not self._idle[0].is_reusable):
            connection = self._idle.popleft()
            connection.fail("idle")
            self._discard(connection)
        if self._idle:
            self._sweeper = self._loop.call_at(self._idle[0].idle_since + self._idle_timeout, self._sweep)


def no_connection(reason: str) -> ProviderUnreachable:
    """The failure of a request of which not a byte was written.

    Args:
        reason: words of ours.
    """
    return ProviderUnreachable(_RECONNECT_AFTER, f"No connection to the provider came about ({reason}).")
