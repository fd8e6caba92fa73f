"""Who waits for a change is told at once, by long-poll or stream, without polling the database and without threads."""

import asyncio
import contextlib
import statistics
import threading
import time
from collections.abc import AsyncIterator

import msgspec
import pytest
from support import raw_http
from support.integrator import wrong_for
from support.world import LIMITS

from gateway.api import verifications
from gateway.domain.errors import StoreUnavailable

WAITERS = 2_000
MANY_CHECKS = pytest.mark.parametrize(
    "limits", [msgspec.structs.replace(LIMITS, checks_per_verification=100, failed_checks_per_day=100)]
)


@MANY_CHECKS
async def test_a_waiter_is_answered_within_100_ms_of_the_change(integrator, network):
    made = await integrator.create()
    code = await network.code()
    await integrator.attempt_when(made["id"], "delivered")
    delays = []
    for _ in range(20):
        shown = await integrator.show(made["id"])
        waiter = asyncio.create_task(integrator.wait(made["id"], shown["revision"]))
        checked = await integrator.check(made["id"], wrong_for(code))
        answered = time.perf_counter()
        told = await waiter
        delays.append(time.perf_counter() - answered)
        assert told["revision"] == checked.body["revision"]
    assert statistics.median(delays) < 0.1


async def test_a_waiter_behind_the_times_is_answered_at_once(integrator, network):
    made = await integrator.create()
    await network.code()
    now = await integrator.attempt_when(made["id"], "delivered")
    told = await integrator.wait(made["id"], made["revision"])
    assert told["attempts"][0] == now


async def test_a_wait_without_a_change_ends_with_the_present_state(integrator, network):
    made = await integrator.create(channel="call")
    await network.answered()
    shown = await integrator.show(made["id"])
    assert await integrator.wait(made["id"], shown["revision"], seconds=1) == shown
    assert await integrator.wait(made["id"], shown["revision"], seconds=0) == shown


async def test_waiting_reads_nothing_from_the_database(world, integrator, network):
    made = await integrator.create(channel="call")
    await network.answered()
    shown = await integrator.show(made["id"])
    statements: list[str] = []
    world.gateway.store._engine.reads._connection.set_trace_callback(statements.append)
    assert await integrator.wait(made["id"], shown["revision"], seconds=1) == shown
    world.gateway.store._engine.reads._connection.set_trace_callback(None)
    assert [statement for statement in statements if made["id"] in statement] == []


async def test_two_thousand_waiters_take_no_threads_and_are_all_answered(world, integrator, network):
    made = await integrator.create()
    code = await network.code()
    shown = await integrator.wait_until(made["id"], lambda kept: kept["attempts"][0]["status"] == "delivered")
    path = f"/v1/verifications/{made['id']}?wait=30&revision={shown['revision']}"
    question = raw_http.request("GET", path, integrator.key)
    watched = world.gateway.store._engine.waiters._futures
    threads = threading.active_count()

    async def wait() -> dict:
        async with raw_http.connected(integrator.url) as connection:
            status, body = await connection.ask(question)
            assert status == 200
            return msgspec.json.decode(body)

    waiters = [asyncio.create_task(wait()) for _ in range(WAITERS)]
    async with asyncio.timeout(30):
        while len(watched.get(made["id"], ())) < WAITERS:
            await asyncio.sleep(0)
        assert threading.active_count() <= threads + 1  # the store's one thread for checkpoints may have begun
        await integrator.check(made["id"], code)
        answers = await asyncio.gather(*waiters)
    assert [answer["status"] for answer in answers] == ["approved"] * WAITERS
    assert made["id"] not in watched


async def test_a_waiter_that_went_away_is_forgotten_with_the_next_change(world, integrator, network):
    made = await integrator.create(channel="call")
    await network.answered()
    shown = await integrator.show(made["id"])
    watched = world.gateway.store._engine.waiters._futures
    async with asyncio.timeout(20):
        waiter = asyncio.create_task(integrator.wait(made["id"], shown["revision"]))
        while made["id"] not in watched:
            await asyncio.sleep(0)
        waiter.cancel()
        await asyncio.wait([waiter])
        await integrator.cancel(made["id"])
    assert made["id"] not in watched


async def test_a_stream_tells_everything_once_and_ends_with_the_verification(integrator, network):
    await network.persona("presses_pound")
    made = await integrator.create(channel="call")
    told = [event async for event in integrator.stream(made["id"])]
    assert "verification.approved" in [event["event"] for event in told]
    assert [event["data"] for event in told] == (await integrator.events(made["id"]))[: len(told)]
    assert [int(event["id"]) for event in told] == list(range(1, len(told) + 1))
    assert [event["event"] for event in told] == [event["data"]["type"] for event in told]


@pytest.mark.parametrize("seen", [0, 1, 3])
async def test_a_stream_resumes_behind_the_last_event(integrator, network, seen):
    made = await integrator.create()
    await network.code()
    await integrator.attempt_when(made["id"], "delivered")
    await integrator.cancel(made["id"])
    everything = await integrator.events(made["id"])
    resumed = [event["data"] async for event in integrator.stream(made["id"], str(seen))]
    assert resumed == everything[seen:]


async def test_a_stream_that_was_cut_misses_nothing(integrator, network):
    made = await integrator.create()
    code = await network.code()
    stream = integrator.stream(made["id"])
    before = [await anext(stream)]
    await stream.aclose()
    await integrator.check(made["id"], wrong_for(code))
    await integrator.attempt_when(made["id"], "delivered")
    following = integrator.stream(made["id"], before[-1]["id"])
    after = [await anext(following)]
    await integrator.check(made["id"], code)
    after += [event async for event in following]
    assert [event["data"] for event in before + after] == await integrator.events(made["id"])


@contextlib.asynccontextmanager
async def streaming(integrator, verification_id: str) -> AsyncIterator[raw_http.Connection]:
    path = f"/v1/verifications/{verification_id}/events"
    async with raw_http.connected(integrator.url) as connection:
        connection.writer.write(raw_http.request("GET", path, integrator.key, b"", "Accept: text/event-stream"))
        yield connection


@pytest.fixture
def quick_heartbeat(monkeypatch):
    monkeypatch.setattr(verifications, "_HEARTBEAT", 0.01)


@pytest.mark.usefixtures("quick_heartbeat")
async def test_a_listener_who_leaves_is_no_failure_of_ours(integrator, world, caplog):
    made = await integrator.create(channel="call")
    async with streaming(integrator, made["id"]) as connection:
        await connection.reader.readuntil(b": waiting\n\n")
    async with asyncio.timeout(20):
        while made["id"] in world.gateway.store._engine.waiters._futures:
            await asyncio.sleep(0.01)
    await integrator.show(made["id"])
    assert caplog.records == []


@pytest.mark.usefixtures("quick_heartbeat")
async def test_a_stream_ends_where_nothing_can_be_read_any_more(integrator, world, monkeypatch):
    async def unread(_verification_id: str) -> None:
        raise StoreUnavailable("gone")

    made = await integrator.create(channel="call")
    async with asyncio.timeout(20), streaming(integrator, made["id"]) as connection:
        await connection.reader.readuntil(b": waiting\n\n")
        monkeypatch.setattr(world.gateway.store.verifications, "get", unread)
        assert b"HTTP/1.1" not in await connection.reader.readuntil(b"\r\n0\r\n\r\n")


@pytest.mark.parametrize("odd", ["", "-1", "x", "9" * 30, "１"])
async def test_an_odd_last_event_id_streams_from_the_start(integrator, odd):
    made = await integrator.create()
    await integrator.cancel(made["id"])
    told = [int(event["id"]) async for event in integrator.stream(made["id"], odd)]
    assert told[0] == 1
