"""One HTTP exchange with a provider: pooled, bounded in time and size, and exact about whether the request left us."""

import asyncio
import contextlib
import ssl
import zlib
from collections import deque
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple, cast

import httptools
import msgspec
from yarl import URL

from gateway.providers.base import ProviderUncertain, ProviderUnreachable

# Seconds. Shorter than servers wait, as who closes first cannot be surprised by a request.
_IDLE_TIMEOUT = 15.0

FORM = b"application/x-www-form-urlencoded"
JSON = b"application/json"
_BODY = b"Content-Type: %b\r\nContent-Length: %d\r\n\r\n%b"

# Texts, calls and some pages of their lists.
_REMEMBERED_TARGETS = 16

# A reachable provider comes back within seconds; a verification lives for minutes.
_RECONNECT_AFTER = 5.0

# Bytes, counted after decompression. The largest answer we ask for is a page of 100 calls, some 200 kB.
MAX_BODY = 1024 * 1024

# Bytes of an answer that are not body: interim answers, head, chunk framing, trailers.
MAX_OVERHEAD = 64 * 1024

_FIRST_FINAL_STATUS = 200
_COMPRESSED = (b"gzip", b"x-gzip", b"deflate")
_EITHER_WRAPPER = zlib.MAX_WBITS | 32  # zlib: 32 detects whether it is gzip or deflate


class HttpResponse(msgspec.Struct, frozen=True):
    """A complete HTTP response. `retry_after` is the header as it came, None if there was none."""

    status: int
    retry_after: str | None
    body: bytes


class HttpConnection(asyncio.Protocol):
    """The client's end of HTTP/1.1 (RFC 9112), one exchange at a time.

    Bytes that nobody asked for end the connection, so an answer can never be taken for that of a later request.
    """

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self._new_future = loop.create_future
        self.lost: asyncio.Future[None] = loop.create_future()
        """Done once the socket is closed."""
        self.idle_since = 0.0
        """Loop time at which the pool last got the connection back."""
        self._parser = httptools.HttpResponseParser(self)
        self._waiter: asyncio.Future[HttpResponse] | None = None

    @property
    def is_reusable(self) -> bool:
        """Whether another request may go out: the last answer is complete, and both ends want to go on."""
        return self._waiter is None and not self._transport.is_closing()

    def send(self, request: bytes) -> asyncio.Future[HttpResponse]:
        """Write a request; the future becomes its answer, or ProviderUncertain if that never completes.

        Args:
            request: head and body. The connection must be reusable.
        """
        self._overhead = 0
        self._begin()
        self._waiter = waiter = self._new_future()
        self._transport.write(request)
        return waiter

    def fail(self, reason: str) -> None:
        """Drop the connection; an exchange in flight ends as uncertain.

        Args:
            reason: words of ours. The parser's quote the answer, which quotes numbers.
        """
        self._transport.abort()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(ProviderUncertain(f"The provider gave no complete answer ({reason})."))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.BaseProtocol`."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are, in all but name

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        if self._waiter is None:
            self.fail("unasked bytes")
            return
        self._overhead += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.fail("not HTTP")
        else:
            if self._overhead > MAX_OVERHEAD:
                self.fail("head too large")

    def eof_received(self) -> None:
        """See `asyncio.Protocol`. An answer without a length is complete when the provider closes (RFC 9112 §6.3)."""
        if self._waiter is not None and self._head_is_complete and not self._has_length:
            self._complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.BaseProtocol`."""
        self.fail(type(exc).__name__ if exc else "connection closed")
        self.lost.set_result(None)

    def on_message_begin(self) -> None:
        """See `httptools.HttpResponseParser`, as all that follow."""
        if self._waiter is None:
            self.fail("unasked bytes")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep the first header of a name; a trailer is none."""
        if not self._head_is_complete:
            self._headers.setdefault(name.lower(), value)

    def on_headers_complete(self) -> None:
        """Note how the body will end."""
        self._head_is_complete = True
        self._has_length = b"content-length" in self._headers or b"transfer-encoding" in self._headers

    def on_body(self, body: bytes) -> None:
        """Take in a piece."""
        self._overhead -= len(body)
        self._body += body
        if len(self._body) > MAX_BODY:
            self.fail("body too large")

    def on_message_complete(self) -> None:
        """Answer, unless it was an interim response, after which another comes (RFC 9110 §15.2)."""
        if self._parser.get_status_code() < _FIRST_FINAL_STATUS:
            self._begin()
        else:
            self._complete()

    def _begin(self) -> None:
        self._headers: dict[bytes, bytes] = {}
        self._head_is_complete = self._has_length = False
        self._body = bytearray()

    def _complete(self) -> None:
        """Hand over the answer. A waiter that gave up stays, and with it the connection unusable."""
        if self._waiter is None or self._waiter.done():
            return
        # A head and its body may come in one piece, so this is the first look at the size of the head alone.
        if self._overhead > MAX_OVERHEAD:
            self.fail("head too large")
            return
        body = _unpacked(bytes(self._body), self._headers.get(b"content-encoding", b""))
        if body is None:
            self.fail("body badly packed or too large")
            return
        if not self._parser.should_keep_alive():
            self._transport.close()
        retry_after = self._headers.get(b"retry-after")
        self._waiter.set_result(
            HttpResponse(
                self._parser.get_status_code(),
                None if retry_after is None else retry_after.strip().decode("latin-1"),
                body,
            )
        )
        self._waiter = None


class Origin(NamedTuple):
    """Where connections lead."""

    host: str
    port: int
    tls: bool


class ConnectionPool:
    """At most `size` connections to one origin, each lent to one request at a time.

    A slot is a connection or the right to open one. A released slot goes to the request that has waited
    longest, so while a request waits nothing is idle and no slot is free, and no request overtakes another.

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
        waiter: asyncio.Future[HttpConnection | None] = self._loop.create_future()
        self._queue.append(waiter)
        try:
            connection = await waiter
        except asyncio.CancelledError:
            if waiter.cancelled():
                # A hand-over may have skipped it meanwhile.
                with contextlib.suppress(ValueError):
                    self._queue.remove(waiter)
            elif (unwanted := waiter.result()) is not None:
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
            waiter = self._queue.popleft()
            if not waiter.done():
                waiter.set_result(slot)
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


class ConnectionLimits(msgspec.Struct, frozen=True):
    """Bounds of a provider's connections.

    Attributes:
        max_connections: How many requests may be in flight to one origin.
        connect_timeout: Seconds until a request holds a connection, TLS handshake included.
        total_timeout: Seconds until the answer is complete; longer than `connect_timeout`.
    """

    max_connections: int = 64
    connect_timeout: float = 5.0
    total_timeout: float = 15.0


DEFAULT_LIMITS = ConnectionLimits()


class HttpClient:
    """A pool of keep-alive connections to one provider.

    Redirects are answers, not followed: a POST must not wander. There are no cookies, the proxy variables of the
    environment are ignored, TLS certificates are always verified. Must be made inside a running event loop.

    Args:
        headers: sent with every request.
        max_connections: how many requests may be in flight to one origin; further ones wait, in the order they came,
            as part of their connect timeout.
        connect_timeout: seconds until a request holds a connection, TLS handshake included.
        total_timeout: seconds until the answer is complete; must be longer than `connect_timeout`, or a request that
            never left would count as uncertain.
    """

    def __init__(
        self, headers: Mapping[str, str], *, max_connections: int, connect_timeout: float, total_timeout: float
    ) -> None:
        if connect_timeout >= total_timeout:
            raise ValueError("the connect timeout must be shorter than the total timeout")
        self._loop = asyncio.get_running_loop()
        self._headers = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._max_connections = max_connections
        self._connect_timeout = connect_timeout
        self._total_timeout = total_timeout
        self._is_closed = False
        self._pools: dict[Origin, ConnectionPool] = {}
        self._target = lru_cache(_REMEMBERED_TARGETS)(self._find_target)

    async def exchange(self, method: str, url: URL, body: bytes | None = None, kind: bytes = FORM) -> HttpResponse:
        """Send one request and read its whole answer, whatever its status. The request goes out at most once.

        Args:
            method: GET or POST.
            url: where to.
            body: what to send.
            kind: the body's content type.

        Raises:
            ProviderUnreachable: no connection came about, so not a byte of the request was written.
            ProviderUncertain: anything else that left us without a complete answer; a pooled connection that dies
                while we write belongs here, since the provider may have read the request.
        """
        if self._is_closed:
            raise no_connection("closed")
        deadline = self._loop.time() + self._total_timeout
        head, pool = self._target(method, url)
        request = head + (b"\r\n" if body is None else _BODY % (kind, len(body), body))
        connection = pool.take_idle() or await pool.connect()
        timer = self._loop.call_at(deadline, connection.fail, "timed out")
        try:
            return await connection.send(request)
        finally:
            timer.cancel()
            pool.give_back(connection)

    async def close(self) -> None:
        """Close all connections; requests in flight end as uncertain, those that wait for a connection as busy."""
        self._is_closed = True
        await asyncio.gather(*(pool.close() for pool in self._pools.values()))

    def _find_target(self, method: str, url: URL) -> tuple[bytes, ConnectionPool]:
        """Prepare what requests to a URL have in common: the head (RFC 9112 §3) up to its body's type, and the pool."""
        head = f"{method} {url.raw_path_qs} HTTP/1.1\r\nHost: {url.host_port_subcomponent}\r\n{self._headers}"
        # Whatever is not plainly http is not sent in the clear.
        origin = Origin(url.raw_host or "", url.port or 0, tls=url.scheme != "http")
        if origin not in self._pools:
            self._pools[origin] = ConnectionPool(
                origin,
                size=self._max_connections,
                connect_timeout=self._connect_timeout,
                idle_timeout=_IDLE_TIMEOUT,
            )
        return head.encode("latin-1"), self._pools[origin]


def no_connection(reason: str) -> ProviderUnreachable:
    """The failure of a request of which not a byte was written.

    Args:
        reason: words of ours.
    """
    return ProviderUnreachable(_RECONNECT_AFTER, f"No connection to the provider came about ({reason}).")


def _unpacked(body: bytes, coding: bytes) -> bytes | None:
    """The body as it was before a coding that we never accept and some proxies apply; None if broken or too large."""
    if not body or coding.strip().lower() not in _COMPRESSED:
        return body
    unpacker = zlib.decompressobj(_EITHER_WRAPPER)
    try:
        plain = unpacker.decompress(body, MAX_BODY + 1)
    except zlib.error:
        return None
    return plain if unpacker.eof and len(plain) <= MAX_BODY else None
