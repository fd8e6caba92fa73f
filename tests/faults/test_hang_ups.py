"""A call of a verification that has ended without it is hung up: once, in the background, and after a crash too."""

import msgspec
import pytest
from support.integrator import PHONE
from support.world import LIMITS, serving_at, settings_for


@pytest.fixture
async def world(tmp_path, network, outbox):
    limits = msgspec.structs.replace(LIMITS, resend_wait=0)
    async with serving_at(settings_for(tmp_path, network.url, outbox=outbox, limits=limits), network) as world:
        yield world


async def hang_ups(network) -> list[dict]:
    return [order for order in await network.orders() if "Status" in order]


async def test_a_canceled_verification_stops_the_ringing(integrator, network):
    made = await integrator.create(channel="call")
    await network.ringing()
    await integrator.attempt_when(made["id"], "ringing")
    await integrator.cancel(made["id"])
    assert (await network.call_over())["status"] == "canceled"
    ended = await integrator.attempt_when(made["id"], "canceled")
    assert ended["failure"]["code"] == "hung_up"
    assert (await integrator.show(made["id"]))["status"] == "canceled"
    assert await hang_ups(network) == [{"Status": "completed"}]


async def test_a_call_that_was_answered_is_ended_too(integrator, network):
    made = await integrator.create(channel="call")
    await network.answered()
    await integrator.cancel(made["id"])
    assert (await network.call_over())["status"] == "completed"


async def test_the_code_of_the_text_stops_the_call_that_rings(integrator, network):
    made = await integrator.create()
    code = await network.code()
    await integrator.resend(made["id"], channel="call")
    await network.ringing()
    await integrator.attempt_when(made["id"], "ringing", number=1)
    assert (await integrator.check(made["id"], code)).body["status"] == "approved"
    assert (await network.call_over())["status"] == "canceled"
    ended = await integrator.show(made["id"])
    assert (ended["status"], ended["failure"]) == ("approved", None)


async def test_the_call_that_approved_says_goodbye_by_itself(integrator, network):
    made = await integrator.create(channel="call")
    sid = await network.answered()
    await network.press(sid, "#")
    await integrator.finished(made["id"])
    await network.call_over()
    assert await hang_ups(network) == []


async def test_an_answer_never_waits_for_the_hang_up(integrator, network):
    made = await integrator.create(channel="call")
    await network.ringing()
    await integrator.attempt_when(made["id"], "ringing")
    await network.faults(api={"hang": "connect", "method": "POST"})
    assert (await integrator.cancel(made["id"])).body["status"] == "canceled"


async def test_a_hang_up_whose_fate_is_unknown_is_not_repeated(integrator, network):
    made = await integrator.create(channel="call")
    await network.ringing()
    await integrator.attempt_when(made["id"], "ringing")
    await network.faults(api={"lose_answer": True, "method": "POST"})
    await integrator.cancel(made["id"])
    await network.call_over()
    await network.faults()
    other = await integrator.create("+14255550124")
    await integrator.attempt_when(other["id"], "delivered")
    assert len(await hang_ups(network)) <= 1


async def test_a_restart_forgets_no_hang_up(tmp_path, network):
    settings = settings_for(tmp_path, network.url)
    async with serving_at(settings, network) as world:
        made = await world.integrator.create(channel="call")
        await network.ringing()
        await world.integrator.attempt_when(made["id"], "ringing")
        await network.faults(api={"status": 429, "retry_after": 1, "method": "POST"})
        await world.integrator.cancel(made["id"])
        await network.exchanged("api", 2)
    await network.faults()
    async with serving_at(settings, network):
        assert (await network.call_over(PHONE))["status"] == "canceled"
