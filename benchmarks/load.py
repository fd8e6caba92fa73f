"""The load: prepared requests over keep-alive connections, each sent once, every answer judged; some µs per request."""

import asyncio
import gc
import itertools
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import cast

import msgspec

CONNECTIONS = 64
PATIENCE = 60.0
"""Seconds in which a load must be answered; far more than any takes."""

_LENGTH = b"Content-Length: "


class Expected(msgspec.Struct, frozen=True):
    """What a right answer has: its status, and bytes that its body must contain."""

    status: int
    marker: bytes = b""


class Answer(msgspec.Struct, frozen=True):
    """One answer."""

    status: int
    body: bytes

    def fits(self, expected: Expected) -> bool:
        """Tell whether this is a right answer."""
        return self.status == expected.status and expected.marker in self.body


class Wrong(Exception):
    """Answers were not what they must be, so no number of this run means anything."""


class Timing(msgspec.Struct, frozen=True):
    """How a load went; times in seconds, latencies sorted."""

    seconds: float
    latencies: list[float]

    @property
    def rate(self) -> float:
        """Return the requests per second."""
        return len(self.latencies) / self.seconds

    def percentile(self, percent: float) -> float:
        """Return the latency (s) under which so many percent of the answers came."""
        return percentile(self.latencies, percent)


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Return the value in a sorted sequence below which so many percent of them lie."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


class Connection(asyncio.Protocol):
    """A keep-alive connection with at most one request under way; tells `heard` each answer, and None when lost."""

    def __init__(self, heard: Callable[["Connection", Answer | None], None]) -> None:
        self._heard = heard
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are, in all but name

    def send(self, request: bytes) -> None:
        """Send a whole request."""
        self.sent_at = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Read an answer by its Content-Length; without one (204) it has no body."""
        buffer = self._buffer + data if self._buffer else data
        end = buffer.find(b"\r\n\r\n")
        at = buffer.find(_LENGTH, 0, end)
        length = int(buffer[at + len(_LENGTH) : buffer.find(b"\r", at)]) if at >= 0 else 0
        if end < 0 or len(buffer) < end + 4 + length:
            self._buffer = buffer
            return
        self._buffer = b""
        self._heard(self, Answer(int(buffer[9:12]), buffer[end + 4 :]))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Tell that no answer will come."""
        self._heard(self, None)

    def close(self) -> None:
        """Hang up."""
        self._heard = _nothing
        self._transport.close()


class Client:
    """A connection for single questions."""

    def __init__(self) -> None:
        self._connection: Connection
        self._answer: asyncio.Future[Answer]

    @classmethod
    async def connected(cls, port: int) -> "Client":
        """Connect to a server on loopback."""
        client = cls()
        client._connection = await _connect(port, client._hear)
        return client

    def ask(self, request: bytes, expected: Expected) -> Awaitable[Answer]:
        """Send a request at once and return its coming answer, which raises Wrong if it is not what it must be."""
        self._answer = asyncio.get_running_loop().create_future()
        self._connection.send(request)
        return self._judged(expected)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    async def _judged(self, expected: Expected) -> Answer:
        answer = await asyncio.wait_for(self._answer, PATIENCE)
        if not answer.fits(expected):
            raise Wrong(f"expected {expected}, got {answer}")
        return answer

    def _hear(self, _connection: Connection, answer: Answer | None) -> None:
        if answer is not None:
            self._answer.set_result(answer)
        elif not self._answer.done():  # a server may close a connection that waits for nothing
            self._answer.set_exception(Wrong("the connection was closed"))


async def fire(
    port: int,
    requests: Sequence[bytes],
    expected: Expected,
    *,
    until: Callable[[], Awaitable[None]] | None = None,
    connections: int = CONNECTIONS,
) -> Timing:
    """Send each request once over connections that are open already, and time it until all are answered.

    Args:
        port: the server's, on loopback.
        requests: whole requests, as they go over the wire.
        expected: what every answer must be.
        until: awaited as part of the time, for work that answers leave behind.
        connections: how many requests are under way at once.

    Raises:
        Wrong: an answer was not what it must be, or never came.
    """
    load = _Load(requests, expected)
    opened = [await _connect(port, load.hear) for _ in range(min(connections, len(requests)))]
    gc.collect()
    gc.disable()  # a pause of ours would count as the server's
    try:
        began = time.perf_counter()
        for connection in opened:
            load.send_next(connection)
        await asyncio.wait_for(load.over, PATIENCE)
        if until is not None:
            await until()
        seconds = time.perf_counter() - began
    finally:
        gc.enable()
        for connection in opened:
            connection.close()
    return Timing(seconds, sorted(load.latencies))


class _Load:
    def __init__(self, requests: Sequence[bytes], expected: Expected) -> None:
        self._count = len(requests)
        self._requests = iter(requests)
        self._expected = expected
        self.latencies: list[float] = []
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def send_next(self, connection: Connection) -> None:
        for request in itertools.islice(self._requests, 1):
            connection.send(request)

    def hear(self, connection: Connection, answer: Answer | None) -> None:
        self.latencies.append(time.perf_counter() - connection.sent_at)
        if self.over.done():
            return
        if answer is None or not answer.fits(self._expected):
            self.over.set_exception(Wrong(f"expected {self._expected}, got {answer}"))
        elif len(self.latencies) == self._count:
            self.over.set_result(None)
        else:
            self.send_next(connection)


async def _connect(port: int, heard: Callable[[Connection, Answer | None], None]) -> Connection:
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(lambda: Connection(heard), "127.0.0.1", port)
    return connection


def _nothing(_connection: Connection, _answer: Answer | None) -> None:
    """Hear nothing any more."""
