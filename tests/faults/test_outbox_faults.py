"""Both kinds of entries when the provider is busy, the store full or the process ends: sent once, or not at all."""

import logging
from collections.abc import AsyncIterator

import pytest
from support.integrator import PATIENCE
from support.network import ACCOUNT, TOKEN
from support.post import NUMBER, Post, block, until
from support.world import serving_at, settings_for

from gateway.domain.limits import DAY, SECOND
from gateway.domain.outbox import OutboxKind
from gateway.outbox.dispatcher import NOTIFICATION_WORKERS
from gateway.settings.accounts import Twilio
from gateway.settings.settings import Outbox

NUMBERS = [f"+1425555015{digit}" for digit in range(9)]
SHORTEST, LONGEST = 120 * SECOND, 3_600 * SECOND
WORKERS = {OutboxKind.ATTEMPT: "an attempt", OutboxKind.NOTIFICATION: "a notification"}


@pytest.fixture(params=OutboxKind)
def kind(request) -> OutboxKind:
    return request.param


@pytest.fixture
async def post(tmp_path, network, kind) -> AsyncIterator[Post]:
    post = Post(tmp_path, network, kind)
    await post.open()
    await post.add("alice", NUMBER)
    yield post
    await post.close()


only_notifications = pytest.mark.parametrize("kind", [OutboxKind.NOTIFICATION])


@only_notifications
async def test_while_the_provider_is_busy_tries_grow_rarer_until_the_day_is_over(post, network, caplog):
    caplog.set_level(logging.INFO, "gateway.outbox")
    await network.faults(api={"status": 429, "method": "POST"})
    post.start()
    delays = [await post.queued_again()]
    for _ in range(3):
        post.now += delays[-1]
        delays.append(await post.queued_again())
    assert delays == [SHORTEST, SHORTEST, 2 * SHORTEST, 4 * SHORTEST]
    post.now += DAY // 2
    assert await post.queued_again() == LONGEST
    tries = len(await network.exchanged("api", 5))
    post.now += DAY // 2
    await post.none_open()
    assert "older than a day" in caplog.text
    assert (len(await network.exchanges("api")), await network.texts(NUMBER)) == (tries, [])


async def test_once_the_provider_has_time_it_is_sent_and_only_once(post, network):
    await network.faults(api={"status": 429, "method": "POST", "count": 1})
    post.start()
    post.now += await post.queued_again()
    await post.none_open()
    assert len(await network.texts(NUMBER)) == 1


@only_notifications
async def test_one_that_waited_a_day_for_the_start_is_dropped_unsent(post, network):
    post.now += DAY + 1
    post.start()
    await post.none_open()
    assert await network.exchanges("api") == []


@only_notifications
async def test_one_that_waited_less_is_sent(post):
    post.now += DAY
    post.start()
    await post.received(1)
    await post.none_open()


async def test_what_a_process_that_ended_may_have_sent_is_never_sent_again(post, network, caplog):
    await network.faults(api={"answer_delay_ms": 60_000, "method": "POST"})
    post.start()
    await post.received(1)
    lease = await post.claimed()
    [held] = post.open_entries()
    await post.stop()
    await network.faults()
    post.start()
    post.now += lease - 6 * SECOND
    await post.add("bob", NUMBERS[0])  # its text shows that the outbox is at work, and leaves this entry alone
    await network.handset_when(lambda kept: kept["messages"], NUMBERS[0])
    assert held in post.open_entries()
    post.now += lease
    await post.none_open()
    await post.add("carol", NUMBERS[1])
    await network.handset_when(lambda kept: kept["messages"], NUMBERS[1])
    await post.none_open()
    assert len(await network.texts(NUMBER)) == 1
    if post.kind is OutboxKind.NOTIFICATION:
        assert "unknown whether the notification" in caplog.text
        assert post.states() == []


async def test_a_stop_lets_a_send_under_way_finish(post, network):
    await network.faults(api={"answer_delay_ms": 300, "method": "POST"})
    dispatcher = post.start()
    await post.received(1)
    assert dispatcher.alive
    await post.stop(PATIENCE)
    assert (post.open_entries(), dispatcher.alive) == ([], False)


async def test_one_that_is_sent_while_the_store_notes_nothing_is_not_sent_again(post, network, caplog):
    await network.faults(api={"answer_delay_ms": 1_000, "method": "POST"})
    post.start()
    await post.received(1)
    lease = await post.claimed()
    post.store._engine._connection.execute("PRAGMA query_only = ON")
    await until(lambda: f"{WORKERS[post.kind]} waits for the store" in caplog.text)
    post.store._engine._connection.execute("PRAGMA query_only = OFF")
    post.now += lease
    await post.none_open()
    assert len(await network.texts(NUMBER)) == 1


@pytest.mark.parametrize("concurrency", [1, 32])
async def test_many_slow_notifications_are_not_in_the_way_of_a_code(tmp_path, network, concurrency):
    patient = Twilio(network.url, ACCOUNT, TOKEN, total_timeout=30.0)
    outbox = Outbox(concurrency=concurrency)
    async with serving_at(settings_for(tmp_path, network.url, twilio=patient, outbox=outbox), network) as world:
        await network.faults(api={"hang": "after", "method": "POST", "count": NOTIFICATION_WORKERS})
        await block(world.gateway.store, "alice", *NUMBERS)
        for number in NUMBERS[:NOTIFICATION_WORKERS]:
            await network.handset_when(lambda kept: kept["messages"], number)
        await world.integrator.create()
        assert await network.code()
        rest = len(NUMBERS) - NOTIFICATION_WORKERS
        assert [len(await network.texts(number)) for number in NUMBERS] == [1] * NOTIFICATION_WORKERS + [0] * rest
