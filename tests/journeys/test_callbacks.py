"""Whatever callbacks come, and in whatever order, they are answered well and change nothing twice."""

import asyncio
import itertools

import pytest
from support.integrator import PHONE
from support.network import gather_url

UNKNOWN_SID = "CA" + "f" * 32


async def text_delivered(integrator, network):
    made = await integrator.create()
    await network.code()
    attempt = await integrator.attempt_when(made["id"], "delivered")
    [order] = await network.orders()
    return made["id"], attempt, order["StatusCallback"]


async def call_answered(integrator, network):
    """Return the verification's id, the call's sid, and the order with the callback addresses."""
    made = await integrator.create(channel="call")
    sid = await network.answered()
    [order] = await network.orders()
    return made["id"], sid, order


async def test_every_callback_comes_fifty_times(integrator, network):
    await network.faults(callbacks={"duplicate": 49})
    made = await integrator.create()
    await network.code()
    await integrator.attempt_when(made["id"], "delivered")
    callbacks = await network.exchanged("callback", 100)
    assert {callback["status"] for callback in callbacks} == {204}
    words = [
        event["facts"]["word"] for event in await integrator.events(made["id"]) if event["type"] == "message.status"
    ]
    assert words == ["sent", "delivered"]


async def test_the_same_report_at_once_is_one_entry(integrator, network):
    verification_id, sid, order = await call_answered(integrator, network)
    report = {"CallSid": sid, "CallStatus": "completed", "SequenceNumber": "9", "From": PHONE}
    answers = await asyncio.gather(*(network.report(order["StatusCallback"], **report) for _ in range(50)))
    assert set(answers) == {(204, "")}
    entries = [event for event in await integrator.events(verification_id) if event["facts"].get("sequence") == 9]
    assert len(entries) == 1


async def test_reordered_callbacks_move_nothing_back(integrator, network):
    await network.faults(callbacks={"reorder": True})
    made = await integrator.create()
    code = await network.code()
    await integrator.attempt_when(made["id"], "delivered")
    words = [dict(callback["form"])["MessageStatus"] for callback in await network.exchanged("callback", 2)]
    assert words == ["delivered", "sent"]
    assert (await integrator.show(made["id"]))["attempts"][0]["status"] == "delivered"
    assert (await integrator.check(made["id"], code)).body["valid"]


@pytest.mark.parametrize("order_of", list(itertools.permutations(["initiated", "ringing", "in-progress"])))
async def test_a_calls_progress_in_any_order_is_its_furthest(integrator, network, order_of):
    verification_id, sid, order = await call_answered(integrator, network)
    for word in order_of:
        status, _ = await network.report(
            order["StatusCallback"], CallSid=sid, CallStatus=word, SequenceNumber=str(len(word))
        )
        assert status == 204
    assert (await integrator.show(verification_id))["attempts"][0]["status"] == "in_progress"


async def test_a_key_that_the_end_of_the_call_has_overtaken_still_counts(integrator, network):
    verification_id, sid, order = await call_answered(integrator, network)
    await network.report(
        order["StatusCallback"], CallSid=sid, CallStatus="completed", SequenceNumber="7", SipResponseCode="200"
    )
    assert (await integrator.show(verification_id))["status"] == "pending"
    gather = gather_url(order)
    _, script = await network.report(gather, CallSid=sid, Digits="#")
    assert "Thank you." in script
    ended = await integrator.show(verification_id)
    assert (ended["status"], ended["failure"], ended["attempts"][0]["failure"]) == ("approved", None, None)


async def test_callbacks_after_the_end_change_no_outcome(integrator, network):
    verification_id, attempt, url = await text_delivered(integrator, network)
    await integrator.cancel(verification_id)
    before = await integrator.show(verification_id)
    for word in ("failed", "undelivered", "queued"):
        assert await network.report(url, MessageSid=attempt["provider_sid"], MessageStatus=word) == (204, "")
    after = await integrator.show(verification_id)
    kept = ("status", "failure", "assurance", "checks_left")
    assert [after[name] for name in kept] == [before[name] for name in kept]
    assert after["attempts"][0]["status"] == "delivered"


async def test_keys_after_the_end_approve_nothing(integrator, network):
    verification_id, sid, order = await call_answered(integrator, network)
    await integrator.cancel(verification_id)
    gather = gather_url(order)
    status, script = await network.report(gather, CallSid=sid, Digits="#")
    assert status == 200
    assert "already ended" in script
    assert (await integrator.show(verification_id))["status"] == "canceled"


async def test_a_true_callback_replayed_does_nothing(integrator, network):
    made = await integrator.create(channel="call")
    sid = await network.answered()
    await network.press(sid, "7")
    await network.asked(2)
    before = await integrator.show(made["id"])
    [pressed] = [fetch for fetch in await network.exchanges("fetch") if fetch["url"].endswith("/gather/1")]
    status, _ = await network.report(pressed["url"], **{**dict(pressed["form"]), "Digits": "#"})
    assert status == 200
    assert await integrator.show(made["id"]) == before


@pytest.mark.parametrize("word", ["levitating", "read", "accepted", "scheduled", "  "])
async def test_words_that_we_do_not_know_are_harmless(integrator, network, word):
    verification_id, attempt, url = await text_delivered(integrator, network)
    assert await network.report(url, MessageSid=attempt["provider_sid"], MessageStatus=word) == (204, "")
    assert (await integrator.show(verification_id))["attempts"][0]["status"] == "delivered"


async def test_an_attempt_that_we_do_not_know_is_harmless(world, network):
    call = f"{world.settings.server.public_url}/callbacks/twilio/calls/ver_unknown/token"
    text = f"{world.settings.server.public_url}/callbacks/twilio/messages/ver_unknown/token/status"
    assert await network.report(text, MessageSid="SM1", MessageStatus="sent") == (204, "")
    assert await network.report(f"{call}/status", CallSid=UNKNOWN_SID, CallStatus="busy") == (204, "")
    assert await network.report(f"{call}/machine", CallSid=UNKNOWN_SID, AnsweredBy="machine_start") == (204, "")
    for question in ("answer", "gather/1"):
        status, script = await network.report(f"{call}/{question}", CallSid=UNKNOWN_SID, Digits="#")
        assert status == 200
        assert "<Hangup" in script


async def test_one_calls_token_opens_no_other_verification(integrator, network):
    verification_id, sid, order = await call_answered(integrator, network)
    other = await integrator.create(to="+14255550124", channel="call")
    others_sid = await network.answered("+14255550124")
    foreign = order["Url"].removesuffix("answer").replace(verification_id, other["id"])
    for call in (sid, others_sid):
        status, script = await network.report(f"{foreign}gather/1", CallSid=call, Digits="#")
        assert status == 200
        assert "Thank you." not in script
        assert (await network.report(f"{foreign}status", CallSid=call, CallStatus="busy"))[0] == 204
    for made in (verification_id, other["id"]):
        shown = await integrator.show(made)
        assert (shown["status"], shown["attempts"][0]["status"]) == ("pending", "in_progress")


async def test_another_calls_sid_under_this_calls_token_is_harmless(integrator, network):
    verification_id, _, order = await call_answered(integrator, network)
    gather = gather_url(order)
    status, script = await network.report(gather, CallSid=UNKNOWN_SID, Digits="#")
    assert status == 200
    assert "Thank you." not in script
    assert (await integrator.show(verification_id))["status"] == "pending"


async def test_a_forged_callback_is_turned_away(integrator, network):
    verification_id, sid, order = await call_answered(integrator, network)
    gather = gather_url(order)
    status, _ = await network.report(gather, token="a forger's guess", CallSid=sid, Digits="#")
    assert status == 403
    assert (await integrator.show(verification_id))["status"] == "pending"
    await network.press(sid, "#")
    assert (await integrator.finished(verification_id))["status"] == "approved"


async def test_a_late_verdict_of_a_machine_takes_no_approval_back(integrator, network):
    verification_id, sid, order = await call_answered(integrator, network)
    await network.press(sid, "#")
    await integrator.finished(verification_id)
    await network.call_over()
    status, _ = await network.report(order["AsyncAmdStatusCallback"], CallSid=sid, AnsweredBy="machine_start")
    assert status == 204
    ended = await integrator.show(verification_id)
    assert (ended["status"], ended["attempts"][0]["answered_by"]) == ("approved", "machine")
    assert ended["failure"] is None


async def test_keys_that_a_machine_pressed_are_none(integrator, network):
    verification_id, sid, order = await call_answered(integrator, network)
    status, script = await network.report(gather_url(order), CallSid=sid, Digits="#", AnsweredBy="machine_start")
    assert (status, "<Hangup" in script, "Thank you." in script) == (200, True, False)
    ended = await integrator.show(verification_id)
    assert (ended["status"], ended["failure"]["code"]) == ("failed", "answered_by_machine")


async def test_a_text_from_a_person_is_taken_and_not_answered(network):
    await network.control("POST", f"/v1/handsets/{PHONE}/messages", {"to": "+15005550006", "body": "Who is this?"})
    assert [callback["status"] for callback in await network.exchanged("callback", 1)] == [200]
    assert len(await network.texts()) == 1
