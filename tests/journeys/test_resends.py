"""Sending again: the same code, after waits that grow, by the same or another channel."""

import asyncio
from datetime import datetime

import msgspec
import pytest
from support.integrator import wrong_for
from support.network import gather_url
from support.world import LIMITS

AT_ONCE = pytest.mark.parametrize("limits", [msgspec.structs.replace(LIMITS, resend_wait=0)])
PATIENT = pytest.mark.parametrize(
    "limits", [msgspec.structs.replace(LIMITS, resend_wait=0, call_grace=60, text_grace=60)]
)
SOON = pytest.mark.parametrize("limits", [msgspec.structs.replace(LIMITS, resend_wait=1)])


def seconds_between(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


@AT_ONCE
async def test_the_same_code_is_sent_again(integrator, network):
    made = await integrator.create()
    first = await network.code()
    again = (await integrator.resend(made["id"])).body
    assert [attempt["channel"] for attempt in again["attempts"]] == ["sms", "sms"]
    assert await network.code(texts=2) == first
    assert (await integrator.check(made["id"], first)).body["status"] == "approved"


@AT_ONCE
async def test_a_resend_gives_no_wrong_code_back(integrator, network):
    made = await integrator.create()
    code = await network.code()
    await integrator.check(made["id"], wrong_for(code))
    assert (await integrator.resend(made["id"])).body["checks_left"] == 4


@AT_ONCE
async def test_who_gets_no_text_can_be_called_and_press_pound(integrator, network):
    await network.persona("presses_pound")
    made = await integrator.create()
    await network.code()
    again = (await integrator.resend(made["id"], channel="call")).body
    assert (again["channel"], again["mode"], again["attempts"][1]["channel"]) == ("call", "confirm", "call")
    ended = await integrator.finished(made["id"])
    assert (ended["status"], ended["assurance"]) == ("approved", "presence")


@AT_ONCE
@pytest.mark.parametrize(("asked", "mode"), [({}, "code"), ({"channel": "call", "mode": "confirm"}, "confirm")])
async def test_a_call_that_told_the_code_is_followed_by_one_that_does(integrator, network, asked, mode):
    made = await integrator.create(channel="call", mode="code")
    await network.press(await network.answered(), "#")
    await integrator.attempt_when(made["id"], "completed")
    again = await integrator.resend(made["id"], **asked)
    assert (again.status, again.body["mode"]) == (200, mode)


@AT_ONCE
async def test_the_code_of_the_text_counts_while_the_call_rings(integrator, network):
    made = await integrator.create()
    code = await network.code()
    await integrator.resend(made["id"], channel="call")
    await network.answered()
    assert (await integrator.check(made["id"], code)).body["assurance"] == "possession"


@AT_ONCE
async def test_no_second_call_while_one_is_under_way(integrator, network):
    made = await integrator.create(channel="call")
    await network.answered()
    assert (await integrator.show(made["id"]))["next"]["resend_call_at"] is None
    refused = await integrator.resend(made["id"])
    assert (refused.status, refused.body["code"]) == (429, "rate_limited")
    assert len((await network.handset())["calls"]) == 1


async def test_a_resend_too_early_is_told_when(integrator, network):
    made = await integrator.create()
    await network.code()
    refused = await integrator.resend(made["id"])
    assert (refused.status, refused.body["code"]) == (429, "rate_limited")
    assert 0 < int(refused.headers["Retry-After"]) <= LIMITS.resend_wait
    shown = await integrator.show(made["id"])
    assert seconds_between(shown["created_at"], shown["next"]["resend_sms_at"]) == LIMITS.resend_wait
    assert len(shown["attempts"]) == len(await network.texts()) == 1


@SOON
async def test_waits_double_and_who_waits_as_told_may_send(integrator, network):
    made = await integrator.create()
    await network.code()
    assert seconds_between(made["created_at"], made["next"]["resend_sms_at"]) == 1
    early = await integrator.resend(made["id"])
    await asyncio.sleep(int(early.headers["Retry-After"]))
    again = (await integrator.resend(made["id"])).body
    assert await network.code(texts=2)
    assert seconds_between(again["attempts"][1]["created_at"], again["next"]["resend_sms_at"]) == 2


@PATIENT
async def test_a_pound_on_its_way_counts_though_the_text_after_it_is_refused(integrator, network):
    made = await integrator.create(channel="call")
    sid = await network.answered()
    [order] = await network.orders()
    await network.hang_up(sid)
    await integrator.attempt_when(made["id"], "completed")
    await network.faults(api={"status": 400, "error_code": 21211})
    await integrator.resend(made["id"], channel="sms")
    await integrator.attempt_when(made["id"], "failed", number=1)
    await network.report(gather_url(order), CallSid=sid, Digits="#")
    shown = await integrator.show(made["id"])
    assert (shown["status"], shown["assurance"], shown["failure"]) == ("approved", "presence", None)


@PATIENT
async def test_the_code_of_a_text_that_was_reported_lost_counts_though_voicemail_takes_the_call_after_it(
    integrator, network
):
    await network.persona("unreachable")
    made = await integrator.create()
    await integrator.attempt_when(made["id"], "undelivered", "failed")
    [order] = await network.orders()
    await network.persona("voicemail")
    await integrator.resend(made["id"], channel="call")
    await integrator.wait_until(made["id"], lambda kept: kept["attempts"][1]["failure"])
    checked = await integrator.check(made["id"], order["Body"].rpartition("#")[2])
    assert checked.status == 200, checked
    assert (checked.body["status"], checked.body["assurance"]) == ("approved", "possession")
