"""How requests share connections, and what becomes of each when a connection, its turn or the whole pool is lost."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from yarl import URL

from gateway.providers.base import ProviderBusy, ProviderUncertain, ProviderUnreachable
from gateway.providers.http_client import ConnectionPool, HttpClient, HttpConnection, HttpResponse, Origin

if TYPE_CHECKING:
    from tests.providers.conftest import Carrier

OK = HttpResponse(200, None, b"ok")
MakeTransport = Callable[..., HttpClient]


@pytest.fixture
async def make_transport() -> AsyncIterator[MakeTransport]:
    async with contextlib.AsyncExitStack() as stack:

        def make(**settings: float) -> HttpClient:
            ample = {"max_connections": 8, "connect_timeout": 20.0, "total_timeout": 30.0}
            transport = HttpClient({"X-Sent": "always"}, **(ample | settings))
            stack.push_async_callback(transport.close)
            return transport

        yield make


@pytest.fixture
async def transport(make_transport: MakeTransport) -> HttpClient:
    return make_transport()


async def post(transport: HttpClient, carrier: Carrier, path: str = "/") -> HttpResponse:
    return await transport.exchange("POST", URL(carrier.base_url + path), b"a=1")


async def test_a_request_says_what_it_must_and_no_more(carrier: Carrier, transport: HttpClient):
    carrier.answers(200)
    await transport.exchange("POST", URL(carrier.base_url + "/a%20b?c=d&e="), b"f=g")
    await transport.exchange("GET", URL(carrier.base_url + "/?To=%2B1"))
    host = carrier.base_url.removeprefix("http://")
    posted, got = carrier.seen
    assert (posted.method, posted.path, posted.form) == ("POST", "/a%20b", [("f", "g")])
    assert posted.query == [("c", "d"), ("e", "")]
    kind = {"content-type": "application/x-www-form-urlencoded", "content-length": "3"}
    assert posted.headers == {"host": host, "x-sent": "always", **kind}
    assert (got.method, got.query, got.headers) == ("GET", [("To", "+1")], {"host": host, "x-sent": "always"})


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 X\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 100 X\r\n\r\nHTTP/1.1 200 X\r\nContent-Length: 2\r\n\r\nok",
    ],
)
async def test_a_connection_is_kept_after_a_complete_answer(carrier: Carrier, transport: HttpClient, answer: bytes):
    carrier.plays(answer)
    assert [await post(transport, carrier) for _ in range(3)] == [OK] * 3
    assert (len(carrier.seen), carrier.connections) == (3, 1)


@pytest.mark.parametrize(
    ("answer", "then"),
    [
        (b"HTTP/1.1 200 X\r\n\r\nok", "close"),
        (b"HTTP/1.1 200 X\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", "keep"),
        (b"HTTP/1.0 200 X\r\nContent-Length: 2\r\n\r\nok", "keep"),
        (b"HTTP/1.1 200 X\r\nContent-Length: 2\r\n\r\nokjunk", "keep"),
    ],
)
async def test_a_connection_that_is_over_is_replaced(carrier: Carrier, make_transport: MakeTransport, answer, then):
    carrier.plays(answer, then)
    transport = make_transport(max_connections=1)
    assert [await post(transport, carrier) for _ in range(3)] == [OK] * 3
    assert (len(carrier.seen), carrier.connections) == (3, 3)


async def test_the_clock_of_an_exchange_stops_with_it(carrier: Carrier, make_transport: MakeTransport):
    carrier.answers(200, b"ok")
    transport = make_transport(connect_timeout=0.9, total_timeout=1.0)
    now = asyncio.get_running_loop().time
    late = now() + 1.2
    while now() < late:
        assert await post(transport, carrier) == OK
    assert carrier.connections == 1


async def test_a_connection_that_died_idle_is_not_written_to(carrier: Carrier, pool: ConnectionPool):
    connection = await pool.connect()
    pool.give_back(connection)
    while not carrier.connections:
        await asyncio.sleep(0)
    carrier.hang_up()
    await connection.lost
    assert pool.take_idle() is None
    assert await pool.connect() is not connection


async def test_a_connection_that_closes_as_we_write_is_uncertain(carrier: Carrier, transport: HttpClient):
    carrier.plays(b"HTTP/1.1 204 X\r\n\r\n")
    carrier.plays(b"", "close")
    assert await post(transport, carrier) == HttpResponse(204, None, b"")
    with pytest.raises(ProviderUncertain):
        await post(transport, carrier)
    assert (len(carrier.seen), carrier.connections) == (2, 1)


async def test_a_server_that_speaks_first_is_never_written_to(transport: HttpClient):
    heard = asyncio.get_running_loop().create_future()

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        with contextlib.suppress(ConnectionError):
            heard.set_result(await reader.read())
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        url = URL.build(scheme="http", host="127.0.0.1", port=server.sockets[0].getsockname()[1])
        with pytest.raises((ProviderBusy, ProviderUncertain)) as caught:
            await transport.exchange("POST", url, b"a=1")
        assert caught.type is ProviderUncertain or not await heard


async def test_a_connection_that_dies_at_birth_is_busy_and_frees_its_slot(
    pool: ConnectionPool, monkeypatch: pytest.MonkeyPatch
):
    def die_at_birth(connection: HttpConnection, transport: asyncio.BaseTransport) -> None:
        connection_made(connection, transport)
        connection.fail("test")

    connection_made = HttpConnection.connection_made
    with monkeypatch.context() as patch:
        patch.setattr(HttpConnection, "connection_made", die_at_birth)
        with pytest.raises(ProviderBusy):
            await pool.connect()
    assert (await pool.connect()).is_reusable


async def test_no_more_connections_than_allowed(carrier: Carrier, make_transport: MakeTransport):
    carrier.answers(200, b"ok")
    transport = make_transport(max_connections=3)
    assert await asyncio.gather(*(post(transport, carrier) for _ in range(50))) == [OK] * 50
    assert (len(carrier.seen), carrier.connections) == (50, 3)


@pytest.mark.parametrize("then", ["keep", "close"])
async def test_turns_are_taken_in_order(carrier: Carrier, make_transport: MakeTransport, then):
    carrier.plays(b"HTTP/1.1 200 X\r\nContent-Length: 2\r\n\r\nok", then)
    transport = make_transport(max_connections=1)
    await asyncio.gather(*(post(transport, carrier, f"/{n}") for n in range(10)))
    assert [request.path for request in carrier.seen] == [f"/{n}" for n in range(10)]


async def test_a_turn_that_was_given_up_is_the_next_ones(carrier: Carrier, make_transport: MakeTransport):
    carrier.plays(b"", "hang")
    carrier.answers(200, b"ok")
    transport = make_transport(max_connections=1)
    first, second, third = (asyncio.create_task(post(transport, carrier, f"/{n}")) for n in range(3))
    await carrier.heard.wait()
    second.cancel()
    first.cancel()
    assert await third == OK
    assert [request.path for request in carrier.seen] == ["/0", "/2"]


@pytest.mark.parametrize("kept", [True, False])
async def test_a_turn_that_comes_as_it_is_given_up_is_not_lost(pool: ConnectionPool, kept: bool):  # noqa: FBT001 - a parameter's name says it
    connection = await pool.connect()
    waiting = asyncio.create_task(pool.connect())
    await asyncio.sleep(0)
    if not kept:
        connection.fail("test")
    pool.give_back(connection)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    again = pool.take_idle() or await pool.connect()
    assert (again is connection) == kept


async def test_a_connection_that_dies_on_its_way_to_the_next_is_replaced(pool: ConnectionPool):
    connection = await pool.connect()
    waiting = asyncio.create_task(pool.connect())
    await asyncio.sleep(0)
    pool.give_back(connection)
    connection.fail("test")
    replaced = await waiting
    assert replaced is not connection
    assert replaced.is_reusable


async def test_a_cancelled_exchange_closes_its_connection_and_frees_its_slot(
    carrier: Carrier, make_transport: MakeTransport
):
    carrier.plays(b"", "hang")
    carrier.answers(200, b"ok")
    transport = make_transport(max_connections=1)
    send = asyncio.create_task(post(transport, carrier))
    await carrier.heard.wait()
    send.cancel()
    with pytest.raises(asyncio.CancelledError):
        await send
    assert await post(transport, carrier) == OK
    assert carrier.connections == 2


async def test_an_exhausted_pool_is_busy_and_recovers(carrier: Carrier, make_transport: MakeTransport):
    carrier.plays(b"", "hang")
    carrier.answers(200, b"ok")
    transport = make_transport(max_connections=1, connect_timeout=0.05)
    hung = asyncio.create_task(post(transport, carrier))
    await carrier.heard.wait()
    outcomes = await asyncio.gather(*(post(transport, carrier) for _ in range(5)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ProviderUnreachable] * 5
    assert len(carrier.seen) == 1
    hung.cancel()
    await asyncio.wait([hung])
    assert await post(transport, carrier) == OK


async def test_connections_that_fail_give_their_slots_back(unused_tcp_port: int, make_transport: MakeTransport):
    transport = make_transport(max_connections=1)
    for _ in range(3):
        with pytest.raises(ProviderBusy):
            await transport.exchange("POST", URL(f"http://127.0.0.1:{unused_tcp_port}/"), b"a=1")


@pytest.mark.parametrize("host", ["x" * 64, "a..b"])
async def test_a_host_that_cannot_be_is_busy(make_transport: MakeTransport, host: str):
    with pytest.raises(ProviderBusy):
        await make_transport().exchange("POST", URL.build(scheme="http", host=host, port=1, path="/"), b"a=1")


async def test_closing_ends_every_exchange_by_how_far_it_came(carrier: Carrier, make_transport: MakeTransport):
    carrier.plays(b"", "hang")
    transport = make_transport(max_connections=1)
    sent = asyncio.create_task(post(transport, carrier))
    await carrier.heard.wait()
    waiting = asyncio.create_task(post(transport, carrier))
    deaf_to_tls = URL(carrier.base_url.replace("http:", "https:"))
    connecting = asyncio.create_task(transport.exchange("POST", deaf_to_tls, b"a=1"))
    while carrier.connections < 2:
        await asyncio.sleep(0)
    await asyncio.gather(*(transport.close() for _ in range(3)))
    outcomes = await asyncio.gather(sent, waiting, connecting, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ProviderUncertain, ProviderUnreachable, ProviderUnreachable]


@pytest.mark.parametrize("used", [True, False])
async def test_a_closed_transport_is_busy(carrier: Carrier, transport: HttpClient, used: bool):  # noqa: FBT001 - a parameter's name says it
    carrier.answers(200, b"ok")
    if used:
        await post(transport, carrier)
    await transport.close()
    with pytest.raises(ProviderBusy):
        await post(transport, carrier)
    assert len(carrier.seen) == used


@pytest.fixture
async def pool(carrier: Carrier) -> AsyncIterator[ConnectionPool]:
    pool = ConnectionPool(origin_of(carrier), size=1, connect_timeout=20.0, idle_timeout=20.0)
    yield pool
    await pool.close()


def origin_of(carrier: Carrier) -> Origin:
    return Origin("127.0.0.1", URL(carrier.base_url).port or 0, tls=False)


async def test_an_idle_connection_is_closed_in_time_and_its_slot_freed(carrier: Carrier):
    pool = ConnectionPool(origin_of(carrier), size=2, connect_timeout=20.0, idle_timeout=0.01)
    for _ in range(2):
        idle = [await pool.connect(), await pool.connect()]
        for connection in idle:
            pool.give_back(connection)
        await asyncio.wait([connection.lost for connection in idle])
    await pool.close()


async def test_a_certificate_that_is_trusted_and_names_the_host_is_accepted(
    carrier_with_tls: Carrier, certificate: Path, transport: HttpClient, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    carrier_with_tls.answers(200, b"ok")
    assert [await post(transport, carrier_with_tls) for _ in range(3)] == [OK] * 3
    assert carrier_with_tls.connections == 1
    with pytest.raises(ProviderBusy):
        await transport.exchange("POST", URL(carrier_with_tls.base_url).with_host("localhost"), b"a=1")
    assert len(carrier_with_tls.seen) == 3
