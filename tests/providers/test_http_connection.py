"""What bytes of the wire are an answer, in whatever pieces they come, and what else ends the connection."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tables import for_each

from gateway.providers.base import ProviderUncertain
from gateway.providers.http_client import MAX_BODY, MAX_OVERHEAD, HttpConnection, HttpResponse

REQUEST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
BY_LENGTH = b"HTTP/1.1 201 Created\r\nContent-Length: 4\r\nRetry-After:  7 \r\n\r\nbody"
BY_CHUNKS = (
    b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\nretry-after: 7\r\n\r\n"
    b"1;note=x\r\nb\r\n3\r\nody\r\n0\r\nRetry-After: 99\r\nContent-Encoding: gzip\r\n\r\n"
)
AFTER_INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nRetry-After: 99\r\n\r\n" + BY_LENGTH
BY_CLOSE = b"HTTP/1.1 201 Created\r\nRetry-After: 7\r\n\r\nbody"
COMPLETE = {"length": BY_LENGTH, "chunks": BY_CHUNKS, "interim": AFTER_INTERIM}


class Wire(asyncio.Transport):
    """A socket in memory: it remembers what was written and whether it was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def close(self) -> None:
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed


def connect() -> tuple[HttpConnection, Wire]:
    connection, wire = HttpConnection(), Wire()
    connection.connection_made(wire)
    return connection, wire


def hear(connection: HttpConnection, wire: Wire, *pieces: bytes) -> None:
    """Deliver bytes as a loop would: nothing arrives after the connection was let go."""
    for piece in pieces:
        if piece and not wire.closed:
            connection.data_received(piece)


def hang_up(connection: HttpConnection, wire: Wire, fault: Exception | None = None) -> None:
    if fault is None and not wire.closed:
        connection.eof_received()
    wire.closed = True
    connection.connection_lost(fault)


async def outcome(raw: bytes, *, then_closed: bool = False) -> HttpResponse:
    connection, wire = connect()
    waiter = connection.send(REQUEST)
    hear(connection, wire, raw)
    if then_closed:
        hang_up(connection, wire)
    assert waiter.done()
    return await waiter


@given(
    raw=st.sampled_from([*COMPLETE.values(), BY_CLOSE]),
    cuts=st.sets(st.integers(1, max(map(len, COMPLETE.values())))),
)
async def test_an_answer_is_the_same_in_whatever_pieces_it_comes(raw: bytes, cuts: set[int]):
    connection, wire = connect()
    waiter = connection.send(REQUEST)
    hear(connection, wire, *(raw[start:end] for start, end in pairwise([0, *sorted(cuts), len(raw)]) if start < end))
    if raw is BY_CLOSE:
        assert not waiter.done()
        hang_up(connection, wire)
    else:
        assert connection.is_reusable
    assert await waiter == HttpResponse(201, "7", b"body")
    assert wire.written == [REQUEST]


@given(raw=st.sampled_from(list(COMPLETE.values())), missing=st.integers(1), reset=st.booleans())
async def test_an_answer_cut_short_is_uncertain(raw: bytes, missing: int, reset: bool):  # noqa: FBT001 - drawn by Hypothesis
    connection, wire = connect()
    waiter = connection.send(REQUEST)
    hear(connection, wire, raw[: -(missing % len(raw) or len(raw))])
    hang_up(connection, wire, ConnectionResetError() if reset else None)
    with pytest.raises(ProviderUncertain):
        await waiter


async def test_an_answer_that_ends_by_a_reset_is_uncertain():
    connection, wire = connect()
    waiter = connection.send(REQUEST)
    hear(connection, wire, BY_CLOSE)
    hang_up(connection, wire, ConnectionResetError())
    with pytest.raises(ProviderUncertain):
        await waiter


@given(pieces=st.lists(st.binary() | st.sampled_from([*COMPLETE.values(), BY_CLOSE, b"HTTP/1.1 ", b"\r\n"])))
async def test_whatever_comes_is_an_answer_or_uncertain(pieces: list[bytes]):
    connection, wire = connect()
    waiter = connection.send(REQUEST)
    hear(connection, wire, *pieces)
    hang_up(connection, wire)
    assert isinstance(waiter.exception() or waiter.result(), (HttpResponse, ProviderUncertain))
    assert connection.lost.done()
    assert not connection.is_reusable


@pytest.mark.parametrize("status", [204, 304])
async def test_some_answers_have_no_body(status: int):
    connection, wire = connect()
    waiter = connection.send(REQUEST)
    hear(connection, wire, b"HTTP/1.1 %d X\r\n\r\n" % status)
    assert await waiter == HttpResponse(status, None, b"")
    assert connection.is_reusable


@for_each("earlier", [b"HTTP/1.1 204 X\r\nRetry-After: 7\r\n\r\n", *COMPLETE.values()])
async def test_nothing_of_an_answer_is_taken_for_the_next(earlier: bytes):
    connection, wire = connect()
    first = connection.send(REQUEST)
    hear(connection, wire, earlier)
    await first
    second = connection.send(REQUEST)
    hear(connection, wire, b"HTTP/1.1 200 X\r\nContent-Length: 0\r\n\r\n")
    assert await second == HttpResponse(200, None, b"")
    third = connection.send(REQUEST)
    hang_up(connection, wire)
    with pytest.raises(ProviderUncertain):
        await third


async def test_a_connection_closed_after_an_interim_answer_is_uncertain():
    with pytest.raises(ProviderUncertain):
        await outcome(b"HTTP/1.1 100 Continue\r\n\r\n", then_closed=True)


@pytest.mark.parametrize(
    "raw", [BY_LENGTH.replace(b"\r\n", b"\r\nConnection: close\r\n", 1), b"HTTP/1.0" + BY_LENGTH[8:]]
)
async def test_a_provider_that_wants_to_close_is_not_asked_again(raw: bytes):
    connection, wire = connect()
    waiter = connection.send(REQUEST)
    hear(connection, wire, raw)
    assert await waiter == HttpResponse(201, "7", b"body")
    assert not connection.is_reusable


@for_each("raw", COMPLETE)
@for_each("together", [True, False])
@for_each("junk", [b"H", b"junk", BY_LENGTH.replace(b"201", b"500")])
async def test_bytes_after_an_answer_cost_the_connection_and_not_the_answer(raw: bytes, together: bool, junk: bytes):  # noqa: FBT001 - a parameter's name says it
    connection, wire = connect()
    waiter = connection.send(REQUEST)
    hear(connection, wire, *([raw + junk] if together else [raw, junk]))
    assert await waiter == HttpResponse(201, "7", b"body")
    assert not connection.is_reusable
    assert wire.closed


async def test_bytes_before_a_request_cost_the_connection():
    connection, wire = connect()
    hear(connection, wire, BY_LENGTH)
    assert wire.closed
    assert not connection.is_reusable


async def test_an_exchange_that_was_given_up_spoils_the_connection():
    connection, wire = connect()
    connection.send(REQUEST).cancel()
    hear(connection, wire, BY_LENGTH)
    assert not connection.is_reusable


SMALL = b"HTTP/1.1 201 X\r\nContent-Length: 2\r\n\r\n{}"
MUCH = MAX_OVERHEAD + 1
OVERSIZED = {
    "status line": b"HTTP/1.1 201 " + b"x" * MUCH + SMALL[14:],
    "header name": SMALL.replace(b"\r\n", b"\r\n" + b"x" * MUCH + b": x\r\n", 1),
    "header value": SMALL.replace(b"\r\n", b"\r\nX: " + b"x" * MUCH + b"\r\n", 1),
    "many headers": SMALL.replace(b"\r\n", b"\r\n" + b"X: x\r\n" * (MUCH // 6 + 1), 1),
    "endless header": b"HTTP/1.1 201 X\r\nX: " + b"x" * MUCH,
    "interim answers": b"HTTP/1.1 100 X\r\n\r\n" * (MUCH // 18 + 1) + SMALL,
    "chunk extension": BY_CHUNKS.replace(b"note=x", b"x" * MUCH),
    "trailer": BY_CHUNKS.replace(b"99", b"9" * MUCH),
    "body": b"HTTP/1.1 201 X\r\n\r\n" + b" " * (MAX_BODY + 1),
    "body with a length": b"HTTP/1.1 201 X\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY + 1) + b" " * (MAX_BODY + 1),
    "body in chunks": b"HTTP/1.1 201 X\r\nTransfer-Encoding: chunked\r\n\r\n"
    + (b"1000\r\n" + b" " * 4096 + b"\r\n") * 257,
}


@for_each("raw", OVERSIZED)
@for_each("piece", [1 << 10, 1 << 24])
async def test_no_part_of_an_answer_grows_without_bounds(raw: bytes, piece: int):
    connection, wire = connect()
    waiter = connection.send(REQUEST)
    hear(connection, wire, *(raw[start : start + piece] for start in range(0, len(raw), piece)))
    assert wire.closed
    with pytest.raises(ProviderUncertain, match="too large"):
        await waiter


async def test_an_answer_may_be_as_large_as_the_bounds():
    body = b" " * MAX_BODY
    head = b"HTTP/1.1 201 X\r\nX: %b\r\nContent-Length: %d\r\n\r\n"
    room = MAX_OVERHEAD - len(head % (b"", len(body)))
    assert (await outcome(head % (b"x" * room, len(body)) + body)).body == body


@for_each(
    "raw",
    [
        b"junk\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 201 X\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"HTTP/1.1 201 X\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 201 X\r\nContent-Length: -2\r\n\r\n{}",
        b"HTTP/1.1 201 X\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n{}",
        b"HTTP/1.1 201 X\r\nBad\0name: x\r\n\r\n",
    ],
)
async def test_what_is_not_plainly_http_is_uncertain(raw: bytes):
    with pytest.raises(ProviderUncertain, match="not HTTP"):
        await outcome(raw)


def packed(coding: str, body: bytes) -> bytes:
    return f"HTTP/1.1 201 X\r\nContent-Encoding: {coding}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.mark.parametrize(
    ("coding", "pack"), [("gzip", gzip.compress), ("X-GZIP", gzip.compress), ("deflate", zlib.compress)]
)
async def test_a_body_packed_without_being_asked_is_unpacked_within_bounds(coding: str, pack: type):
    assert (await outcome(packed(coding, pack(b"{}")))).body == b"{}"
    assert (await outcome(packed(coding, b""))).body == b""
    assert (await outcome(packed(coding, pack(b" " * MAX_BODY)))).body == b" " * MAX_BODY
    for broken in (pack(b" " * (MAX_BODY + 1)), pack(b"{}")[:-1], b"{}"):
        with pytest.raises(ProviderUncertain):
            await outcome(packed(coding, broken))
