"""Notices when the provider is busy or slow, the store full, or the process ends: told once, later, or not at all."""

import logging
from collections.abc import AsyncIterator

import pytest
from support.integrator import PATIENCE
from support.network import ACCOUNT, TOKEN
from support.post import NUMBER, Post, block, until
from support.world import serving_at, settings_for

from gateway.domain.limits import DAY, SECOND
from gateway.settings.accounts import Twilio

NUMBERS = [f"+1425555015{digit}" for digit in range(9)]
SHORTEST, LONGEST = 120 * SECOND, 3_600 * SECOND


@pytest.fixture
async def post(tmp_path, network) -> AsyncIterator[Post]:
    post = Post(tmp_path, network)
    await post.open()
    await block(post.store, "alice", NUMBER)
    yield post
    await post.close()


async def test_while_the_provider_is_busy_tries_grow_rarer_until_the_day_is_over(post, network, caplog):
    caplog.set_level(logging.INFO, "gateway.notices")
    await network.faults(api={"status": 429, "method": "POST"})
    post.start()
    leases = [await post.claimed()]
    for _ in range(3):
        post.now = post.act_at
        leases.append(await post.claimed())
    assert leases == [SHORTEST, SHORTEST, 2 * SHORTEST, 4 * SHORTEST]
    post.now += DAY // 2
    assert await post.claimed() == LONGEST
    tries = len(await network.exchanged("api", 5))
    post.now += DAY // 2
    await post.none_left()
    assert "older than a day" in caplog.text
    assert (len(await network.exchanges("api")), await network.texts(NUMBER)) == (tries, [])


async def test_once_the_provider_has_time_it_is_sent_and_only_once(post, network):
    await network.faults(api={"status": 429, "method": "POST", "count": 1})
    post.start()
    post.now += await post.claimed()
    await post.none_left()
    assert len(await network.texts(NUMBER)) == 1


async def test_one_that_waited_a_day_for_the_start_is_dropped_unsent(post, network):
    post.now += DAY + 1
    post.start()
    await post.none_left()
    assert await network.exchanges("api") == []


async def test_one_that_waited_less_is_sent(post):
    post.now += DAY
    post.start()
    await post.told(1)
    await post.none_left()


async def test_a_process_that_ends_between_send_and_drop_repeats_it_once_after_the_lease(post, network):
    await network.faults(api={"answer_delay_ms": 60_000, "method": "POST"})
    post.start()
    await post.told(1)
    await post.notices.close(0)
    lease = await post.claimed()
    await network.faults()
    await block(post.store, "bob", NUMBERS[0])  # so that a test sees that notices are sent, but not this one
    post.start()
    await network.handset_when(lambda kept: kept["messages"], NUMBERS[0])
    assert len(await network.texts(NUMBER)) == 1
    post.now += lease
    await post.told(2)
    await post.none_left()
    assert len(await network.texts(NUMBER)) == 2


async def test_a_stop_lets_a_send_under_way_finish(post, network):
    await network.faults(api={"answer_delay_ms": 300, "method": "POST"})
    notices = post.start()
    await post.told(1)
    assert notices.alive
    await notices.close(PATIENCE)
    assert (post.act_at, notices.alive) == (None, False)


async def test_one_that_is_sent_while_the_store_drops_nothing_is_not_sent_again(post, network, caplog):
    await network.faults(api={"answer_delay_ms": 1_000, "method": "POST"})
    post.start()
    await post.told(1)
    lease = await post.claimed()
    post.store._engine._connection.execute("PRAGMA query_only = ON")
    await until(lambda: "waits for the store" in caplog.text)
    post.store._engine._connection.execute("PRAGMA query_only = OFF")
    post.now += lease
    await post.none_left()
    assert len(await network.texts(NUMBER)) == 1


async def test_many_slow_notices_are_not_in_the_way_of_a_code(tmp_path, network):
    patient = Twilio(network.url, ACCOUNT, TOKEN, total_timeout=30.0)
    async with serving_at(settings_for(tmp_path, network.url, twilio=patient), network) as world:
        await network.faults(api={"hang": "after", "method": "POST", "count": 4})
        await block(world.gateway.store, "alice", *NUMBERS)
        for number in NUMBERS[:4]:
            await network.handset_when(lambda kept: kept["messages"], number)
        await world.integrator.create()
        assert await network.code()
        assert [len(await network.texts(number)) for number in NUMBERS] == [1] * 4 + [0] * 5
