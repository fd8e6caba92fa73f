"""A provider that fails: what it may have taken is never sent again, and what became of it is found out."""

import pytest
from support.integrator import PHONE

from gateway.settings.settings import Outbox

NO_CALLBACKS = {"callbacks": {"drop": True}}
TAKEN = {
    "the answer is lost": {"lose_answer": True},
    "the answer hangs": {"hang": "after"},
    "the answer stops halfway": {"hang": "body"},
    "the answer is a page": {"body": "html"},
    "the answer is half of it": {"body": "broken_json"},
    "the answer names no sid": {"body": "no_sid"},
    "the answer is endless": {"body": "huge"},
    "the answer leads elsewhere": {"body": "redirect"},
}
NOT_TAKEN = {
    "500": {"status": 500},
    "502 as a page": {"status": 502, "body": "html"},
    "503": {"status": 503},
    "it hangs": {"hang": "connect"},
}
REFUSALS = {
    ("sms", "+15005550001"): ("number_invalid", "21211"),
    ("sms", "+15005550002"): ("number_unreachable", "21612"),
    ("sms", "+15005550003"): ("country_blocked", "21408"),
    ("sms", "+15005550004"): ("opted_out", "21610"),
    ("sms", "+15005550009"): ("number_unreachable", "21614"),
    ("call", "+15005550001"): ("number_invalid", "21217"),
    ("call", "+15005550002"): ("number_unreachable", "21214"),
    ("call", "+15005550003"): ("country_blocked", "21215"),
    ("call", "+15005550004"): ("number_blocked", "21216"),
}


async def events_of(integrator, verification_id: str) -> list[str]:
    return [event["type"] for event in await integrator.events(verification_id)]


@pytest.mark.parametrize("fault", TAKEN.values(), ids=TAKEN)
async def test_a_text_that_was_taken_is_found_and_never_sent_again(integrator, network, fault):
    await network.faults(api={**fault, "method": "POST"}, **NO_CALLBACKS)
    made = await integrator.create()
    await integrator.attempt_when(made["id"], "unknown")
    await network.faults(**NO_CALLBACKS)
    attempt = await integrator.attempt_when(made["id"], "sent", "failed")
    [message] = (await network.handset())["messages"]
    assert (attempt["status"], attempt["provider_sid"]) == ("sent", message["sid"])
    assert len(await network.orders()) <= 1
    code = await network.code()
    assert (await integrator.check(made["id"], code)).body["valid"]


@pytest.mark.parametrize("fault", NOT_TAKEN.values(), ids=NOT_TAKEN)
async def test_a_text_that_was_not_taken_fails_and_is_never_sent_again(integrator, network, fault):
    await network.faults(api={**fault, "method": "POST"})
    made = await integrator.create()
    await integrator.attempt_when(made["id"], "unknown")
    await network.faults()
    ended = await integrator.finished(made["id"])
    assert (ended["status"], ended["failure"]["code"]) == ("failed", "outcome_unknown")
    assert ended["attempts"][0]["status"] == "failed"
    assert await network.texts() == []
    assert len(await network.orders()) <= 1


@pytest.mark.parametrize("outbox", [Outbox(reconcile_after=60.0)])
async def test_the_callback_is_the_first_to_name_it(integrator, network):
    await network.faults(api={"lose_answer": True})
    made = await integrator.create()
    attempt = await integrator.attempt_when(made["id"], "delivered")
    [message] = (await network.handset())["messages"]
    assert attempt["provider_sid"] == message["sid"]


async def test_a_call_whose_answer_is_lost_is_found(integrator, network):
    await network.faults(api={"lose_answer": True, "method": "POST"}, **NO_CALLBACKS)
    made = await integrator.create(channel="call")
    attempt = await integrator.attempt_when(made["id"], "sent")
    [call] = (await network.handset())["calls"]
    assert attempt["provider_sid"] == call["sid"]


async def test_a_call_of_another_application_is_not_taken_for_ours(world, integrator, network):
    await network.faults(**NO_CALLBACKS)
    theirs = await world.other.create(channel="call")
    await world.other.attempt_when(theirs["id"], "sent")
    await network.faults(api={"status": 500, "method": "POST"}, **NO_CALLBACKS)
    ended = await integrator.finished((await integrator.create(channel="call"))["id"])
    assert (ended["failure"]["code"], ended["attempts"][0]["provider_sid"]) == ("outcome_unknown", None)
    assert (await world.other.show(theirs["id"]))["status"] == "pending"


async def test_two_texts_to_one_number_are_told_apart(integrator, network):
    await network.faults(api={"lose_answer": True, "method": "POST"}, **NO_CALLBACKS)
    made = [(await integrator.create())["id"] for _ in range(3)]
    attempts = [await integrator.attempt_when(verification_id, "sent", "failed") for verification_id in made]
    sids = {message["body"][:6]: message["sid"] for message in (await network.handset())["messages"]}
    assert sorted(attempt["provider_sid"] for attempt in attempts) == sorted(sids.values())
    for verification_id, attempt in zip(made, attempts, strict=True):
        code = next(code for code, sid in sids.items() if sid == attempt["provider_sid"])
        assert (await integrator.check(verification_id, code)).body["valid"]


async def test_a_provider_that_asks_for_patience_is_asked_again(integrator, network):
    await network.faults(api={"status": 429, "retry_after": 1, "count": 1})
    made = await integrator.create()
    attempt = await integrator.attempt_when(made["id"], "delivered")
    assert attempt["failure"] is None
    assert len(await network.texts()) == 1
    assert "attempt.unknown" not in await events_of(integrator, made["id"])


async def test_what_was_canceled_while_it_waited_is_not_sent(integrator, network):
    await network.faults(api={"status": 429, "retry_after": 1, "count": 1})
    made = await integrator.create()
    await network.exchanged("api", 1)
    await integrator.ask("POST", f"/v1/verifications/{made['id']}/cancel")
    await integrator.attempt_when(made["id"], "canceled")
    assert await network.texts() == []


@pytest.mark.parametrize("outbox", [Outbox(busy_tries=1)])
async def test_a_provider_that_stays_busy_is_unavailable(integrator, network):
    await network.faults(api={"status": 429, "retry_after": 1})
    made = await integrator.create()
    ended = await integrator.finished(made["id"])
    assert (ended["status"], ended["failure"]["code"]) == ("failed", "provider_unavailable")
    assert await network.texts() == []


@pytest.mark.parametrize(("channel", "number"), REFUSALS, ids=str)
async def test_a_refusal_has_its_own_reason(integrator, network, channel, number):
    code, provider_code = REFUSALS[channel, number]
    made = await integrator.create(number, channel)
    ended = await integrator.finished(made["id"])
    assert (ended["status"], ended["failure"]["code"]) == ("failed", code)
    assert ended["failure"]["provider_code"] == provider_code
    assert number[1:] not in ended["failure"]["detail"]
    assert len(await network.orders()) == 1


async def test_a_person_who_texted_stop_gets_no_more_texts_but_can_be_called(integrator, network):
    await network.control("POST", f"/v1/handsets/{PHONE}/messages", {"to": "+15005550006", "body": "STOP"})
    made = await integrator.create()
    assert (await integrator.finished(made["id"]))["failure"]["code"] == "opted_out"
    await network.persona("presses_pound")
    called = await integrator.create(channel="call")
    assert (await integrator.finished(called["id"]))["status"] == "approved"


async def test_a_provider_that_hangs_for_one_holds_up_nobody_else(integrator, network):
    await network.faults(api={"hang": "connect", "count": 1})
    slow = await integrator.create()
    quick = await integrator.create("+14255550124")
    await integrator.attempt_when(quick["id"], "delivered")
    assert (await integrator.show(slow["id"]))["attempts"][0]["status"] not in {"sent", "delivered"}
    assert await network.texts() == []
