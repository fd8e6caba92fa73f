"""STOP, START and HELP: who told a sender to stop gets no text of it, and a call is offered instead."""

import asyncio
import re

import msgspec
import pytest
from support.integrator import PHONE
from support.network import OURS
from support.world import LIMITS, PhoneNetwork, World, world_at

from gateway.domain.phone_number import PhoneNumber
from gateway.settings.channels import Text
from webhooks.urls import Addresses

CODE = re.compile(r"#(\d+)$")
SERVICE = "MG" + "0" * 32


async def text_in(world: World, body: str, **fields: str) -> tuple[int, str]:
    """Report a text from the person's phone, as the provider does."""
    url = Addresses(world.settings.server.public_url, "twilio").inbound_message_url()
    return await world.network.report(url, **{"MessageSid": "SM1", "From": PHONE, "To": OURS, "Body": body} | fields)


async def texts_asked_for(network: PhoneNetwork) -> int:
    """Count the texts that the provider was asked to send."""
    asked = [one for one in await network.exchanges("api") if one["method"] == "POST"]
    return len([one for one in asked if one["url"].endswith("Messages.json")])


async def test_after_stop_no_text_is_asked_for_a_call_goes_through_and_start_heals(integrator, network):
    await network.persona("presses_pound")
    await network.text_back("Stop")
    made = await integrator.create()
    ended = await integrator.finished(made["id"])
    [attempt] = ended["attempts"]
    assert (ended["status"], ended["failure"]["code"]) == ("failed", "opted_out")
    assert (attempt["status"], attempt["failure"].get("provider_code"), attempt["provider_sid"]) == (
        "failed",
        None,
        None,
    )
    assert await texts_asked_for(network) == 0
    called = await integrator.create(channel="call")
    assert (await integrator.finished(called["id"]))["status"] == "approved"
    await network.text_back("START")
    again = await integrator.create()
    handset = await network.handset_when(lambda kept: CODE.search(kept["messages"][-1]["body"]))
    code = CODE.search(handset["messages"][-1]["body"])[1]
    assert (await integrator.check(again["id"], code)).body["valid"]


async def test_a_text_that_was_created_before_the_stop_and_waits_is_not_sent(world, integrator, network):
    await network.faults(api={"status": 429, "retry_after": 1, "method": "POST", "count": 1})
    made = await integrator.create()
    await network.exchanged("api", 1)
    await text_in(world, "STOP")
    assert (await integrator.finished(made["id"]))["failure"]["code"] == "opted_out"
    assert await texts_asked_for(network) == 1


@pytest.mark.parametrize(("channel", "why"), [("sms", "opted_out"), ("call", "number_blocked")])
async def test_what_waits_when_its_number_wants_no_more_calls_and_texts_is_not_sent(
    world, integrator, network, channel, why
):
    await network.faults(api={"status": 429, "retry_after": 1, "method": "POST", "count": 1})
    made = await integrator.create(channel=channel)
    await network.exchanged("api", 1)
    await world.gateway.store.stops.add(PhoneNumber(PHONE), "asked for it on a call")
    assert (await integrator.finished(made["id"]))["failure"]["code"] == why
    assert len([one for one in await network.exchanges("api") if one["method"] == "POST"]) == 1


async def test_a_stop_at_the_same_time_lets_one_text_through_at_most_and_none_after_it(world, integrator, network):
    numbers = [f"+1425555{last:04}" for last in range(200, 220)]
    jobs = [job for number in numbers for job in (integrator.create(to=number), text_in(world, "STOP", From=number))]
    made = [answer for answer in await asyncio.gather(*jobs) if isinstance(answer, dict)]
    for one in made:
        await integrator.attempt_when(one["id"], "sent", "delivered", "failed")
    before = await texts_asked_for(network)
    later = await asyncio.gather(*(integrator.create(to=number) for number in numbers))
    failures = [(await integrator.finished(one["id"]))["failure"]["code"] for one in later]
    assert failures == ["opted_out"] * len(numbers)
    assert await texts_asked_for(network) == before <= len(numbers)


@pytest.mark.parametrize("limits", [msgspec.structs.replace(LIMITS, resend_wait=0)])
async def test_a_code_that_was_texted_before_the_stop_still_counts(world, integrator, network):
    made = await integrator.create()
    code = await network.code()
    await network.text_back("UNSUBSCRIBE")
    await integrator.resend(made["id"], channel="sms")
    assert (await integrator.attempt_when(made["id"], "failed", number=1))["failure"]["code"] == "opted_out"
    assert (await integrator.check(made["id"], code)).body["status"] == "approved"
    assert await world.gateway.store.replies.opted_out(PhoneNumber(PHONE), OURS)
    assert not await world.gateway.store.replies.opted_out(PhoneNumber("+14255550124"), OURS)


async def test_the_provider_s_no_teaches_us_and_is_asked_once(world, integrator, network):
    world.network.simulator.set_inbound_url(None)  # the stop never reaches us
    await network.control("POST", f"/v1/handsets/{PHONE}/messages", {"to": OURS, "body": "STOP"})
    for provider_code in ("21610", None):
        made = await integrator.create()
        failure = (await integrator.finished(made["id"]))["failure"]
        assert (failure["code"], failure.get("provider_code")) == ("opted_out", provider_code)
    assert await texts_asked_for(network) == 1


async def test_a_no_that_comes_with_the_report_teaches_us_too(world, integrator, network):
    await network.faults(callbacks={"drop": True})
    made = await integrator.create()
    attempt = await integrator.attempt_when(made["id"], "sent")
    [order] = await network.orders()
    form = {"MessageSid": attempt["provider_sid"], "MessageStatus": "failed", "ErrorCode": "21610"}
    assert (await network.report(order["StatusCallback"], **{**form, "MessageSid": "SM_other"}))[0] == 204
    assert not await world.gateway.store.replies.opted_out(PhoneNumber(PHONE), OURS)
    assert (await network.report(order["StatusCallback"], **form))[0] == 204
    assert await world.gateway.store.replies.opted_out(PhoneNumber(PHONE), OURS)


@pytest.mark.parametrize(
    ("body", "opt_out", "stopped"), [("Arrêt", "STOP", True), ("STOP", "HELP", False), ("STOP", "", True)]
)
async def test_the_service_s_own_words_go_before_ours(world, body, opt_out, stopped):
    await text_in(world, body, MessagingServiceSid=SERVICE, OptOutType=opt_out)
    replies = world.gateway.store.replies
    assert [await replies.opted_out(PhoneNumber(PHONE), sender) for sender in (OURS, SERVICE)] == [stopped, stopped]


async def test_keywords_are_left_to_the_provider_to_answer(world):
    for body in ("STOP", "HELP", "START", "hello", ""):
        assert await text_in(world, body) == (200, "<Response/>")


async def test_they_are_answered_in_the_person_s_language_if_we_are_told_to(tmp_path):
    async with world_at(tmp_path, text=Text(OURS, answer_keywords=True)) as world:
        assert "This number texts codes" in (await text_in(world, "HELP"))[1]
        await world.integrator.create(locale="de")
        assert "keine SMS mehr" in (await text_in(world, "STOP"))[1]
        assert "wieder SMS" in (await text_in(world, "START"))[1]
        assert (await text_in(world, "hello"))[1] == "<Response/>"
