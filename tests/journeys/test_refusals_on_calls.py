"""A person says no on a call: reports fraud, asks for no more calls; and nobody reaches them any more."""

import msgspec
import pytest
from support.integrator import PHONE
from support.network import said
from support.world import LIMITS, OURS, world_at

from gateway.settings.channels import Voice

OTHER_PHONE = "+14255550124"
MODES = pytest.mark.parametrize("mode", ["confirm", "match", "code"])
AT_ONCE = pytest.mark.parametrize("limits", [msgspec.structs.replace(LIMITS, resend_wait=0)])


async def refuse(network, key, mode, number=PHONE):
    """Press a key and # as each mode takes them; returns the call's sid."""
    sid = await network.answered(number)
    if mode == "match":
        await network.press(sid, f"{key}#", number)
    else:
        await network.press(sid, key, number)
        await network.asked(2, number)
        await network.press(sid, "#", number)
    return sid


@MODES
async def test_0_and_pound_report_fraud_and_lock_the_person_out(integrator, network, mode):
    person = await integrator.enroll()
    made = await integrator.create(channel="call", mode=mode, enrollment_id=person["id"])
    sid = await refuse(network, "0", mode)
    ended = await integrator.finished(made["id"])
    assert (ended["status"], ended["assurance"], ended["failure"]["code"]) == ("denied", None, "reported_fraud")
    record = await integrator.enrollment(person["id"])
    assert (record["status"], record["last_outcome"]["failure"]["code"]) == ("blocked", "reported_fraud")
    await network.handset_when(lambda kept: "press 1" in said(kept["calls"][-1])[-1])
    await network.hang_up(sid)
    types = [entry["type"] for entry in await integrator.events(made["id"])]
    assert "call.fraud_reported" in types


async def test_after_a_report_1_stops_calls_and_texts_of_every_application(world, integrator, network):
    made = await integrator.create(channel="call")
    sid = await refuse(network, "0", "confirm")
    await integrator.finished(made["id"])
    await network.handset_when(lambda kept: kept["calls"][-1]["gathering"] and "press 1" in said(kept["calls"][-1])[-1])
    await network.press(sid, "1")
    assert said(await network.call_over())[-1].startswith("You will get no more calls and text messages")
    sends = len(await network.orders())
    for asking in (integrator, world.other):
        for channel in ("sms", "call"):
            answer = await asking.ask("POST", "/v1/verifications", {"to": PHONE, "channel": channel})
            assert (answer.status, answer.body["code"]) == (403, "number_stopped")
    assert len(await network.orders()) == sends
    assert await network.texts() == []
    await integrator.create(OTHER_PHONE)


@MODES
async def test_9_and_pound_stop_calls_and_texts_and_lock_nobody_out(integrator, network, mode):
    person = await integrator.enroll()
    made = await integrator.create(channel="call", mode=mode, enrollment_id=person["id"])
    await refuse(network, "9", mode)
    ended = await integrator.finished(made["id"])
    assert (ended["status"], ended["failure"]["code"]) == ("denied", "number_blocked")
    assert said(await network.call_over())[-1].startswith("You will get no more calls and text messages")
    assert (await integrator.enrollment(person["id"]))["status"] != "blocked"
    answer = await integrator.ask("POST", "/v1/verifications", {"to": PHONE, "channel": "sms"})
    assert (answer.status, answer.body["code"]) == (403, "number_stopped")


@AT_ONCE
async def test_what_another_application_has_under_way_is_not_resent(world, integrator, network):
    texted = await world.other.create()
    await network.code()
    await integrator.create(channel="call")
    await refuse(network, "9", "confirm")
    await network.call_over()
    answer = await world.other.resend(texted["id"], channel="sms")
    assert (answer.status, answer.body["code"]) == (403, "number_stopped")
    assert len(await network.texts()) == 1
    code = await network.code()
    assert (await world.other.check(texted["id"], code)).body["valid"] is True


@pytest.mark.parametrize("key", ["0", "9"])
async def test_one_key_by_mistake_refuses_nothing(integrator, network, key):
    made = await integrator.create(channel="call")
    sid = await network.answered()
    for times, pressed in enumerate((key, "4", "#"), start=1):
        await network.asked(times)
        await network.press(sid, pressed)
    assert (await integrator.finished(made["id"]))["status"] == "approved"
    await network.call_over()
    await integrator.create()


async def test_a_first_digit_that_a_slow_person_keys_in_is_asked_about(integrator, network):
    made = await integrator.create(channel="call", mode="match")
    sid = await network.answered()
    await network.press(sid, "0")
    await network.speed(1000)
    await network.handset_when(lambda kept: any("To report" in sentence for sentence in said(kept["calls"][-1])))
    assert (await integrator.show(made["id"]))["status"] != "denied"
    await network.hang_up(sid)


async def test_a_star_says_it_again(integrator, network):
    made = await integrator.create(channel="call")
    sid = await network.answered()
    await network.press(sid, "*")
    call = await network.asked(2)
    heard = said(call)
    assert heard[0] == heard[1]
    await network.press(sid, "#")
    assert (await integrator.finished(made["id"]))["status"] == "approved"


async def test_nobody_can_stop_calls_where_there_is_no_key_for_it(tmp_path):
    async with world_at(tmp_path, voice=Voice(OURS, never_call_key="")) as world:
        made = await world.integrator.create(channel="call")
        sid = await world.network.answered()
        assert "never" not in said((await world.network.handset())["calls"][-1])[0]
        for times in range(1, LIMITS.wrong_keys_per_call + 1):
            await world.network.asked(times)
            await world.network.press(sid, "9")
        assert (await world.integrator.finished(made["id"]))["failure"]["code"] == "wrong_key"


async def test_two_calls_at_once_are_each_their_own(world, integrator, network):
    one = await integrator.create(channel="call")
    first = await network.answered()
    two = await world.other.create(channel="call")
    second = await network.answered()
    assert first != second
    await network.press(second, "#")
    assert (await world.other.finished(two["id"]))["status"] == "approved"
    assert (await integrator.show(one["id"]))["status"] == "pending"
    await network.press(first, "0")
    await network.handset_when(lambda kept: kept["calls"][0]["gathering"] and len(said(kept["calls"][0])) == 2)
    await network.press(first, "#")
    assert (await integrator.finished(one["id"]))["status"] == "denied"
    assert (await world.other.show(two["id"]))["status"] == "approved"


async def test_a_report_of_fraud_is_told_to_the_operator_without_the_number(integrator, network, caplog):
    made = await integrator.create(channel="call")
    await refuse(network, "0", "confirm")
    await integrator.finished(made["id"])
    told = [record.getMessage() for record in caplog.records if "reported fraud" in record.getMessage()]
    assert told == [f"a person reported fraud on a call: {made['id']}"]


async def test_a_stop_outlives_the_gateway(tmp_path):
    async with world_at(tmp_path) as world:
        await world.integrator.create(channel="call")
        await refuse(world.network, "9", "confirm")
        await world.network.call_over()
        settings = world.settings
    async with world_at(tmp_path, keys=settings.keys) as world:
        answer = await world.integrator.ask("POST", "/v1/verifications", {"to": PHONE, "channel": "sms"})
        assert (answer.status, answer.body["code"]) == (403, "number_stopped")
