"""Fallback on a whole gateway: the next way follows by itself, with the same code, and one outcome."""

from datetime import datetime

import msgspec
import pytest
from support.integrator import PHONE
from support.people import SECOND_PHONE, enroll, governed_at
from support.problems import assert_problem
from support.world import LIMITS

TEXT, CALL = {"channel": "sms", "wait": 5}, {"channel": "call"}
TEXT_THEN_CALL = [TEXT, CALL]
POLICY = '[default]\nfallback = [{ channel = "sms", wait = 60 }, { channel = "call" }]\n'


def channels(verification) -> list[str]:
    return [attempt["channel"] for attempt in verification["attempts"]]


async def facts_of(integrator, verification_id: str, kind: str) -> list[dict]:
    return [event["facts"] for event in await integrator.events(verification_id) if event["type"] == kind]


async def test_a_text_that_is_lost_is_followed_by_a_call_at_once(integrator, network):
    await network.persona("unreachable")
    made = await integrator.create(fallback=[{"channel": "sms", "wait": 3600}, CALL])
    assert made["fallback"]["next"] == {"channel": "call", "mode": "confirm", "at": made["fallback"]["next"]["at"]}
    called = await integrator.wait_until(made["id"], lambda kept: len(kept["attempts"]) == 2)
    assert (channels(called), called["channel"], called["mode"]) == (["sms", "call"], "call", "confirm")
    assert called["fallback"] is None
    ended = await integrator.finished(made["id"])
    assert (ended["status"], ended["failure"]["code"]) == ("failed", "number_unreachable")
    [moved] = await facts_of(integrator, made["id"], "fallback.moved_on")
    assert (moved["channel"], moved["after"]) == ("call", "number_unreachable")


async def test_a_call_that_is_not_answered_is_followed_by_a_text_whose_code_approves(integrator, network):
    await network.persona("busy")
    made = await integrator.create(channel="call", fallback=[{"channel": "call"}, {"channel": "sms"}])
    code = await network.code()
    approved = (await integrator.check(made["id"], code)).body
    assert (approved["status"], approved["assurance"], channels(approved)) == (
        "approved",
        "possession",
        ["call", "sms"],
    )
    assert approved["fallback"] is None


@pytest.mark.parametrize("mode", ["match", "code"])
async def test_a_step_that_names_no_mode_asks_for_no_less_than_the_call_before(integrator, network, mode):
    await network.persona("busy")
    steps = [{"channel": "call"}, {"channel": "call"}, {"channel": "call", "mode": "confirm"}]
    made = await integrator.create(channel="call", mode=mode, fallback=steps)
    assert made["fallback"]["next"]["mode"] == mode
    again = await integrator.wait_until(made["id"], lambda kept: len(kept["attempts"]) == 2)
    assert (again["mode"], again["match_digits"]) == (mode, made["match_digits"])
    assert again["fallback"]["next"]["mode"] == "confirm", "who wants less says so"


async def test_a_persons_step_asks_for_the_pin_again(tmp_path):
    async with governed_at(tmp_path, "") as world:
        person = await enroll(world)
        await person.prove(PHONE)
        await person.ask("PUT", "/pin", {"pin": "583017"})
        begun = await person.sign_in(channel="call", mode="pin", fallback=[CALL, {"channel": "sms"}, CALL])
        await world.network.decline(await world.network.ringing())
        texted = await world.integrator.wait_until(begun.body["id"], lambda kept: len(kept["attempts"]) == 2)
        assert texted["fallback"]["next"]["mode"] == "pin"


async def test_without_any_news_the_next_way_follows_after_the_wait_with_the_same_code(integrator, network):
    await network.faults(callbacks={"drop": True})
    made = await integrator.create(fallback=[TEXT, {"channel": "sms"}])
    begun, at = (datetime.fromisoformat(time) for time in (made["created_at"], made["fallback"]["next"]["at"]))
    assert (at - begun).total_seconds() == 5
    first = await network.code()
    assert await network.code(texts=2) == first
    shown = await integrator.show(made["id"])
    assert [moved["after"] for moved in await facts_of(integrator, made["id"], "fallback.moved_on")] == [None]
    sent = datetime.fromisoformat(shown["attempts"][1]["created_at"])
    assert 0 <= (sent - at).total_seconds() < 5
    assert (await integrator.check(made["id"], first)).body["valid"]


async def test_who_has_the_text_is_not_called(integrator, network):
    made = await integrator.create(fallback=TEXT_THEN_CALL)
    await network.code()
    arrived = await integrator.wait_until(made["id"], lambda kept: kept["attempts"][0]["status"] == "delivered")
    assert arrived["fallback"] == {"next": {"channel": "call", "mode": "confirm", "at": None}}
    assert channels(arrived) == ["sms"]


@pytest.mark.parametrize("limits", [msgspec.structs.replace(LIMITS, resend_wait=0)])
async def test_a_resend_takes_the_place_of_the_next_step(integrator, network):
    made = await integrator.create(fallback=[TEXT, CALL, {"channel": "sms"}])
    await network.code()
    again = (await integrator.resend(made["id"], channel="sms")).body
    assert again["fallback"]["next"]["channel"] == "sms"
    last = (await integrator.resend(made["id"], channel="sms")).body
    assert last["fallback"] is None


@pytest.mark.parametrize("limits", [msgspec.structs.replace(LIMITS, sends_per_number=1)])
async def test_a_step_over_the_limit_is_left_out(integrator, network):
    await network.persona("unreachable")
    made = await integrator.create(fallback=TEXT_THEN_CALL)
    ended = await integrator.finished(made["id"])
    assert (ended["status"], channels(ended)) == ("failed", ["sms"])
    [left_out] = await facts_of(integrator, made["id"], "fallback.left_out")
    assert left_out == {"channel": "call", "mode": "confirm", "reason": "rate_limited"}
    assert (await network.handset())["calls"] == []


async def test_the_policys_fallback_is_for_what_begins_as_it_does(tmp_path):
    async with governed_at(tmp_path, POLICY) as world:
        texted = await world.integrator.create()
        assert texted["fallback"]["next"]["channel"] == "call"
        assert (await world.integrator.create(channel="call", to=SECOND_PHONE))["fallback"] is None
        assert (await world.integrator.create(fallback=[], to=SECOND_PHONE))["fallback"] is None


async def test_a_way_that_the_policy_forbids_is_left_out(tmp_path):
    policy = POLICY + 'enroll = ["sms"]\nsign_in = ["sms"]\n'
    async with governed_at(tmp_path, policy) as world:
        made = await world.integrator.create()
        assert made["fallback"] is None
        [left_out] = await facts_of(world.integrator, made["id"], "fallback.left_out")
        assert left_out == {"channel": "call", "mode": "confirm", "reason": "method_forbidden"}


async def test_a_persons_sign_in_goes_on_by_itself(tmp_path):
    async with governed_at(tmp_path, "") as world:
        person = await enroll(world)
        await person.prove(PHONE)
        await world.network.persona("busy")
        begun = await person.sign_in(fallback=[{"channel": "call", "mode": "match"}, {"channel": "sms"}])
        assert (begun.status, begun.body["channel"], begun.body["mode"]) == (201, "call", "match")
        await world.integrator.wait_until(begun.body["id"], lambda kept: len(kept["attempts"]) == 2)
        code = await world.network.code(texts=2)
        await world.integrator.check(begun.body["id"], code)
        record = await person.record()
        assert record["last_outcome"]["verification_id"] == begun.body["id"]
        assert record["last_outcome"]["status"] == "approved"


async def test_a_blocked_person_gets_no_further_step(tmp_path):
    async with governed_at(tmp_path, "") as world:
        person = await enroll(world)
        await person.prove(PHONE)
        begun = await person.sign_in(channel="call", fallback=[{"channel": "call"}, {"channel": "sms"}])
        await world.network.ringing()
        await person.ask("POST", "/block", {"reason": "lost phone"})
        await world.network.decline(await world.network.ringing())
        await world.integrator.finished(begun.body["id"])
        left_out = await facts_of(world.integrator, begun.body["id"], "fallback.left_out")
        assert [facts["reason"] for facts in left_out] == ["enrollment_blocked"]
        shown = await world.integrator.show(begun.body["id"])
        assert channels(shown) == ["call"]


@pytest.mark.parametrize(
    "steps",
    [
        [TEXT],
        [CALL, TEXT],
        [TEXT] * 6,
        [TEXT, {"channel": "pigeon"}],
        [TEXT, {"channel": "call", "mode": "pin"}],
        [TEXT, {"channel": "sms", "mode": "code"}],
        [{"channel": "sms", "wait": 4}, CALL],
        [{"channel": "sms", "wait": 3601}, CALL],
        [TEXT, {"channel": "call", "colour": "red"}],
        "sms",
    ],
    ids=str,
)
async def test_steps_that_cannot_be_are_refused_by_their_field(integrator, network, steps):
    answer = await integrator.ask("POST", "/v1/verifications", {"to": PHONE, "channel": "sms", "fallback": steps})
    assert_problem(answer, 422, "fields_invalid")
    assert {error["field"].split("[")[0].split(".")[0] for error in answer.body["errors"]} == {"fallback"}
    assert await network.orders() == []
