"""The load generator: sends prepared requests over keep-alive connections and checks each answer; some µs each."""

import asyncio
import gc
import itertools
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import cast

import msgspec

CONNECTIONS = 64
TIMEOUT = 60.0
"""Seconds in which a load must be answered; far more than any takes."""

_LENGTH = b"Content-Length: "


class Expected(msgspec.Struct, frozen=True):
    """The status of a correct answer, and bytes that its body must contain."""

    status: int
    marker: bytes = b""


class Answer(msgspec.Struct, frozen=True):
    """One answer."""

    status: int
    body: bytes

    def matches(self, expected: Expected) -> bool:
        """Tell whether this is a correct answer."""
        return self.status == expected.status and expected.marker in self.body


class WrongAnswer(Exception):
    """An answer was not as expected, which invalidates the run."""


class Timing(msgspec.Struct, frozen=True):
    """The times of a load in seconds; latencies are sorted."""

    seconds: float
    latencies: list[float]

    @property
    def rate(self) -> float:
        """Return the requests per second."""
        return len(self.latencies) / self.seconds

    def percentile(self, percent: float) -> float:
        """Return a percentile of the latencies (s)."""
        return percentile(self.latencies, percent)


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Return a percentile of a sorted sequence."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


class Connection(asyncio.Protocol):
    """A keep-alive connection with at most one open request; passes each answer to `on_answer`, and None when lost."""

    def __init__(self, on_answer: Callable[["Connection", Answer | None], None]) -> None:
        self._on_answer = on_answer
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport."""
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
        self._on_answer(self, Answer(int(buffer[9:12]), buffer[end + 4 :]))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Report that no answer will come."""
        self._on_answer(self, None)

    def close(self) -> None:
        """Close the connection."""
        self._on_answer = _ignore
        self._transport.close()


class Client:
    """A connection for single requests."""

    def __init__(self) -> None:
        self._connection: Connection
        self._answer: asyncio.Future[Answer]

    @classmethod
    async def connect(cls, port: int) -> "Client":
        """Connect to a server on loopback."""
        client = cls()
        client._connection = await _connect(port, client._set_answer)
        return client

    def request(self, request: bytes, expected: Expected) -> Awaitable[Answer]:
        """Send a request at once and return its future answer, which raises WrongAnswer if it is not as expected."""
        self._answer = asyncio.get_running_loop().create_future()
        self._connection.send(request)
        return self._checked_answer(expected)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    async def _checked_answer(self, expected: Expected) -> Answer:
        answer = await asyncio.wait_for(self._answer, TIMEOUT)
        if not answer.matches(expected):
            raise WrongAnswer(f"expected {expected}, got {answer}")
        return answer

    def _set_answer(self, _connection: Connection, answer: Answer | None) -> None:
        if answer is not None:
            self._answer.set_result(answer)
        elif not self._answer.done():  # a server may close an idle connection
            self._answer.set_exception(WrongAnswer("the connection was closed"))


async def fire(
    port: int,
    requests: Sequence[bytes],
    expected: Expected,
    *,
    until: Callable[[], Awaitable[None]] | None = None,
    connections: int = CONNECTIONS,
) -> Timing:
    """Send each request once over open connections, and time it until all are answered.

    Args:
        port: The server's, on loopback.
        requests: Raw HTTP requests.
        expected: What every answer must be.
        until: Awaited as part of the time, for work that continues after the answers.
        connections: Number of concurrent requests.

    Raises:
        WrongAnswer: An answer was not as expected, or missing.
    """
    load = _Load(requests, expected)
    opened = [await _connect(port, load.add_answer) for _ in range(min(connections, len(requests)))]
    gc.collect()
    gc.disable()  # a pause of ours would count as the server's
    try:
        began = time.perf_counter()
        for connection in opened:
            load.send_next(connection)
        await asyncio.wait_for(load.over, TIMEOUT)
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

    def add_answer(self, connection: Connection, answer: Answer | None) -> None:
        self.latencies.append(time.perf_counter() - connection.sent_at)
        if self.over.done():
            return
        if answer is None or not answer.matches(self._expected):
            self.over.set_exception(WrongAnswer(f"expected {self._expected}, got {answer}"))
        elif len(self.latencies) == self._count:
            self.over.set_result(None)
        else:
            self.send_next(connection)


async def _connect(port: int, on_answer: Callable[[Connection, Answer | None], None]) -> Connection:
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(lambda: Connection(on_answer), "127.0.0.1", port)
    return connection


def _ignore(_connection: Connection, _answer: Answer | None) -> None:
    """Ignore an answer after the connection was closed."""
