"""What one number may cost holds over all its verifications, channels, applications and restarts."""

import asyncio

import msgspec
import pytest
from support.integrator import PHONE, wrong_for
from support.world import LIMITS, network_at, serving_at, settings_for

from gateway.domain.limits import PROVEN_FACTOR

SMS = {"to": PHONE, "channel": "sms"}

AT_ONCE = pytest.mark.parametrize("limits", [msgspec.structs.replace(LIMITS, resend_wait=0)])
TWO_SENDS = pytest.mark.parametrize("limits", [msgspec.structs.replace(LIMITS, sends_per_number=2, send_window=1)])
SIX_WRONG = pytest.mark.parametrize("limits", [msgspec.structs.replace(LIMITS, failed_checks_per_day=6)])


def limited(answer) -> bool:
    if answer.status != 429:
        return False
    assert answer.body["code"] == "rate_limited"
    assert int(answer.headers["Retry-After"]) > 0
    return True


@AT_ONCE
async def test_five_sends_over_verifications_channels_and_applications(world, integrator, network):
    other = world.other
    made = await integrator.create()
    await integrator.resend(made["id"])
    await other.create()
    await other.create(channel="call")
    await integrator.create(to={"country": "US", "number": "425 555 0123"})
    for client in (integrator, other):
        assert limited(await client.ask("POST", "/v1/verifications", SMS))
    assert limited(await integrator.resend(made["id"]))
    await integrator.create(to="+14255550124")
    await network.code("+14255550124")
    handset = await network.handset_when(lambda kept: kept["calls"] and len(kept["messages"]) == 4)
    assert len(handset["calls"]) == 1


@AT_ONCE
async def test_verifications_that_succeed_lock_nobody_out(integrator, network):
    """Enrollment, settings and sign-ins of one person, one after the other."""
    enrollment = await integrator.enroll("alice")
    for texts in range(1, LIMITS.sends_per_number + 2):
        made = await integrator.create(enrollment_id=enrollment["id"])
        assert (await integrator.check(made["id"], await network.code(texts=texts))).body["valid"]
    for _ in range(LIMITS.sends_per_number):
        await integrator.create(enrollment_id=enrollment["id"])
    assert limited(await integrator.ask("POST", "/v1/verifications", SMS | {"enrollment_id": enrollment["id"]}))


@pytest.mark.parametrize("limits", [msgspec.structs.replace(LIMITS, sends_per_number=1, sends_per_person=1)])
async def test_a_call_that_is_confirmed_is_given_back(integrator, network):
    enrollment = await integrator.enroll("alice")
    for calls in range(PROVEN_FACTOR):
        made = await integrator.create(channel="call", enrollment_id=enrollment["id"])
        await network.handset_when(lambda handset, calls=calls: len(handset["calls"]) > calls)
        await network.press(await network.answered(), "#")
        assert (await integrator.finished(made["id"]))["status"] == "approved"
    wish = {"to": PHONE, "channel": "call", "enrollment_id": enrollment["id"]}
    assert limited(await integrator.ask("POST", "/v1/verifications", wish))


@TWO_SENDS
async def test_who_waits_as_told_may_send_again(integrator):
    for _ in range(2):
        await integrator.create()
    refused = await integrator.ask("POST", "/v1/verifications", SMS)
    assert limited(refused)
    await asyncio.sleep(int(refused.headers["Retry-After"]))
    await integrator.create()


@SIX_WRONG
async def test_failed_checks_are_counted_over_verifications_and_applications(world, integrator, network):
    other = world.other
    made = await integrator.create()
    code = await network.code()
    for _ in range(5):
        await integrator.check(made["id"], wrong_for(code))
    second = await other.create()
    code = await network.code(texts=2)
    assert (await other.check(second["id"], wrong_for(code))).body["valid"] is False
    assert limited(await other.check(second["id"], code))
    shown = await other.show(second["id"])
    assert (shown["status"], shown["checks_left"]) == ("pending", 4)


async def test_no_restart_forgets(tmp_path):
    async with network_at() as network:
        settings = settings_for(tmp_path, network.url, limits=msgspec.structs.replace(LIMITS, failed_checks_per_day=1))
        async with serving_at(settings, network) as world:
            for _ in range(5):
                made = await world.integrator.create()
            code = await network.code(texts=5)
            await world.integrator.check(made["id"], wrong_for(code))
        async with serving_at(settings, network) as world:
            assert limited(await world.integrator.check(made["id"], code))
            assert limited(await world.integrator.ask("POST", "/v1/verifications", SMS))
            assert (await world.integrator.show(made["id"]))["checks_left"] == 4


@SIX_WRONG
async def test_a_person_who_used_up_the_codes_can_still_press_pound(integrator, network):
    made = await integrator.create()
    code = await network.code()
    for _ in range(5):
        await integrator.check(made["id"], wrong_for(code))
    await network.persona("presses_pound")
    called = await integrator.create(channel="call")
    assert (await integrator.finished(called["id"]))["status"] == "approved"
