"""Two gateways on one PostgreSQL: the provider calls one back, and whoever waits at the other is told at once."""

import asyncio
import contextlib

import msgspec
import pytest
from support.integrator import PHONE
from support.world import LIMITS, free_port, network_at, serving_at, settings_for

from gateway.settings.settings import Database


@pytest.fixture
async def worlds(tmp_path, postgres):
    """The first gateway is the one that callbacks reach, whoever has sent."""
    async with contextlib.AsyncExitStack() as stack:
        network = await stack.enter_async_context(network_at())
        limits = msgspec.structs.replace(LIMITS, resend_wait=0)
        settings = settings_for(tmp_path, network.url, database=Database(postgres.database()), limits=limits)
        elsewhere = msgspec.structs.replace(settings.server, port=free_port())
        first = await stack.enter_async_context(serving_at(settings, network))
        other = msgspec.structs.replace(settings, server=elsewhere)
        second = await stack.enter_async_context(serving_at(other, network))
        # Each has added its keys; a key of one is good at the other too.
        at_second = type(second.integrator)(network.session, f"http://127.0.0.1:{elsewhere.port}", first.integrator.key)
        yield first, msgspec.structs.replace(second, integrator=at_second)


async def test_a_call_that_one_places_is_approved_at_the_other(worlds):
    first, second = worlds
    await first.network.persona("manual")
    made = await second.integrator.create(channel="call")
    waiting = asyncio.create_task(second.integrator.finished(made["id"]))
    sid = await first.network.answered()
    await first.network.press(sid, "#")
    assert (await waiting)["status"] == "approved"
    assert (await first.integrator.show(made["id"]))["assurance"] == "presence"


async def test_a_long_poll_is_answered_by_the_commit_of_the_other(worlds):
    first, second = worlds
    made = await first.integrator.create()
    settled = await first.integrator.attempt_when(made["id"], "delivered")
    assert settled["status"] == "delivered"
    shown = await second.integrator.show(made["id"])
    path = f"/v1/verifications/{made['id']}?wait=30&revision={shown['revision']}"
    waiting = asyncio.create_task(second.integrator.ask("GET", path))
    canceled = await first.integrator.cancel(made["id"])
    assert canceled.body["status"] == "canceled"
    told = await asyncio.wait_for(waiting, 10)
    assert told.body["status"] == "canceled"


async def test_five_guesses_are_five_at_both_together(worlds):
    first, second = worlds
    made = await first.integrator.create()
    code = await first.network.code()
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    answers = await asyncio.gather(
        *([first, second][place % 2].integrator.check(made["id"], wrong) for place in range(40))
    )
    assert sorted(answer.status for answer in answers) == [200] * 5 + [409] * 35
    assert (await second.integrator.show(made["id"]))["status"] == "max_attempts_reached"


async def test_one_idempotency_key_makes_one_verification_at_both(worlds):
    first, second = worlds
    wish = {"to": PHONE, "channel": "sms"}
    answers = await asyncio.gather(
        *(
            [first, second][place % 2].integrator.ask("POST", "/v1/verifications", wish, Idempotency_Key="one")
            for place in range(10)
        )
    )
    [made] = {answer.body["id"] for answer in answers if answer.status == 201}
    assert {answer.status for answer in answers} <= {201, 409}  # 409 while the first is in flight at the same door
    await first.integrator.attempt_when(made, "delivered")
    assert len(await first.network.texts()) == 1


async def test_a_revoked_key_is_out_at_both_within_a_second(worlds):
    first, second = worlds
    made = await first.integrator.create()
    [key, *_] = [key for key in await first.gateway.store.keys() if key.application.name == "Example Bank"]
    assert await first.gateway.store.revoke_key(key.id)
    async with asyncio.timeout(5):
        while (await second.integrator.ask("GET", f"/v1/verifications/{made['id']}")).status != 401:
            await asyncio.sleep(0.05)
