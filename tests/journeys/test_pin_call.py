"""A call on which a person keys in their PIN, then #: first one that was given to them, then one of their own."""

import asyncio

import msgspec
import pytest
from support.integrator import PHONE
from support.network import gather_url, said
from support.people import Person, enroll, governed_at
from support.problems import assert_problem
from support.world import LIMITS

GIVEN, OWN = "583017", "40962"
EASY = msgspec.structs.replace(LIMITS, resend_wait=0, sends_per_number=50, sends_per_person=50)
AT_ONCE = pytest.mark.parametrize("limits", [EASY])
TWO_WRONG = pytest.mark.parametrize("limits", [msgspec.structs.replace(EASY, pin_failures=2, wrong_keys_per_call=9)])


@pytest.fixture
async def alice(world) -> Person:
    """Somebody with a proven phone."""
    person = await enroll(world)
    await person.prove()
    return person


async def give(person: Person, pin: str = GIVEN):
    answer = await person.ask("PUT", "/pin", {"pin": pin})
    assert answer.status == 200, answer
    assert answer.body["pin"] == {"set": True, "must_change": True, "locked": False}


async def called(person: Person):
    """Ask for a sign-in by PIN, and answer the call; returns the verification and the call's sid."""
    answer = await person.sign_in(mode="pin")
    assert answer.status == 201, answer
    assert (answer.body["mode"], answer.body["next"]["check"]) == ("pin", False)
    return answer.body, await person.world.network.answered()


async def keyed(network, sid: str, *entries: str):
    """Key in one thing after the other, each once it is asked for."""
    for times, digits in enumerate(entries, start=1):
        await network.asked(times)
        await network.press(sid, f"{digits}#")


async def own_pin(person: Person):
    """Let a person have a PIN of their own, by their first call."""
    await give(person)
    made, sid = await called(person)
    await keyed(person.world.network, sid, GIVEN, OWN, OWN)
    assert (await person.world.integrator.finished(made["id"]))["status"] == "approved"


async def test_the_first_use_ends_with_a_pin_of_their_own_and_only_then_approves(integrator, network, alice):
    await give(alice)
    made, sid = await called(alice)
    await keyed(network, sid, GIVEN, OWN)
    await network.asked(3)
    assert (await integrator.show(made["id"]))["status"] == "pending"
    await network.press(sid, f"{OWN}#")
    ended = await integrator.finished(made["id"])
    assert (ended["status"], ended["assurance"], ended["failure"]) == ("approved", "possession", None)
    heard = said(await network.call_over())
    assert heard[0].endswith("please enter your PIN, then press the pound key.")
    assert heard[1].startswith("Somebody else set this PIN")
    assert heard[2] == "Please enter your new PIN once more, then press the pound key."
    assert heard[3].startswith("Thank you. Your new PIN is set")
    assert (await alice.record())["pin"] == {"set": True, "must_change": False, "locked": False}
    assert (await alice.history())[-2:] == ["pin.set", "pin.changed"]


@AT_ONCE
async def test_their_own_pin_approves_at_once_and_the_given_one_no_more(integrator, network, alice):
    await own_pin(alice)
    made, sid = await called(alice)
    await keyed(network, sid, GIVEN, OWN)
    ended = await integrator.finished(made["id"])
    assert (ended["status"], ended["assurance"]) == ("approved", "possession")
    heard = said(await network.call_over())
    assert heard[1].startswith("That was not your PIN.")
    assert heard[2].startswith("Thank you. The verification is complete.")
    types = [entry["type"] for entry in await integrator.events(made["id"])]
    assert [word for word in types if "pin" in word] == ["call.wrong_pin", "call.pin_right"]


async def test_what_is_no_good_as_a_pin_is_said_and_asked_again(integrator, network, alice):
    await give(alice)
    made, sid = await called(alice)
    await keyed(network, sid, GIVEN, "12", GIVEN, PHONE[-4:])
    ended = await integrator.finished(made["id"])
    assert (ended["status"], ended["failure"]["code"]) == ("failed", "wrong_key")
    heard = said(await network.call_over())
    assert heard[2].startswith("A PIN has four to ten digits.")
    assert heard[3].startswith("That is the PIN that you have already.")
    assert heard[4].startswith("No new PIN was set")
    assert (await alice.record())["pin"]["must_change"]


@AT_ONCE
async def test_two_pins_that_differ_are_chosen_anew_and_a_hang_up_leaves_the_old_one(integrator, network, alice):
    await give(alice)
    made, sid = await called(alice)
    await keyed(network, sid, GIVEN, OWN, "40963", "7531")
    await network.asked(5)
    await network.hang_up(sid)
    ended = await integrator.finished(made["id"])
    assert (ended["status"], ended["failure"]["code"]) == ("failed", "hung_up")
    assert said(await network.call_over())[3].startswith("Those two PINs were not the same.")
    made, sid = await called(alice)
    await keyed(network, sid, GIVEN, OWN, OWN)
    assert (await integrator.finished(made["id"]))["status"] == "approved"


async def test_keys_for_wishes_work_while_a_pin_is_chosen(integrator, network, alice):
    await give(alice)
    made, sid = await called(alice)
    await keyed(network, sid, GIVEN, "*", "8", OWN, "*", OWN)
    assert (await integrator.finished(made["id"]))["status"] == "approved"


@pytest.mark.parametrize(
    ("key", "code", "status"), [("0", "reported_fraud", "blocked"), ("9", "number_blocked", "enrolled")]
)
@pytest.mark.parametrize("before", [[], [GIVEN]])
async def test_a_person_says_no_at_any_point(integrator, network, alice, key, code, status, before):
    await give(alice)
    made, sid = await called(alice)
    await keyed(network, sid, *before, key)
    ended = await integrator.finished(made["id"])
    assert (ended["status"], ended["failure"]["code"]) == ("denied", code)
    record = await alice.record()
    assert (record["status"], record["pin"]["set"]) == (status, status != "blocked")


@TWO_WRONG
async def test_wrong_pins_lock_over_all_calls_and_a_new_pin_unlocks(integrator, network, alice):
    await give(alice)
    made, sid = await called(alice)
    await keyed(network, sid, "111222")
    await network.asked(2)
    await network.hang_up(sid)
    await integrator.finished(made["id"])
    made, sid = await called(alice)
    await keyed(network, sid, "111222")
    ended = await integrator.finished(made["id"])
    assert (ended["status"], ended["failure"]["code"]) == ("failed", "rate_limited")
    assert said(await network.call_over())[1].startswith("Too many wrong PINs were entered")
    assert (await alice.record())["pin"] == {"set": True, "must_change": True, "locked": True}
    assert (await alice.history())[-1] == "pin.locked"
    refused = await alice.sign_in(mode="pin")
    assert_problem(refused, 429, "pin_locked")
    assert 0 < int(refused.headers["Retry-After"]) <= LIMITS.pin_window
    assert_problem(await integrator.resend(made["id"], channel="call"), 409, "verification_finished")
    await give(alice)
    made, sid = await called(alice)
    await keyed(network, sid, GIVEN, OWN, OWN)
    assert (await integrator.finished(made["id"]))["status"] == "approved"


@TWO_WRONG
async def test_a_fallback_places_no_call_for_a_pin_that_is_locked_by_then(integrator, network, alice):
    await give(alice)
    made, sid = await called(alice)
    await network.faults(callbacks={"drop": True})
    steps = [{"channel": "sms", "wait": 5}, {"channel": "call", "mode": "pin"}]
    texted = (await alice.sign_in(channel="sms", fallback=steps)).body
    await keyed(network, sid, "70583", "70584")
    await integrator.finished(made["id"])
    kept = await integrator.wait_until(texted["id"], lambda kept: kept["fallback"] is None)
    assert [attempt["channel"] for attempt in kept["attempts"]] == ["sms"]
    [left_out] = [one for one in await integrator.events(texted["id"]) if one["type"] == "fallback.left_out"]
    assert left_out["facts"]["reason"] == "pin_locked"


@TWO_WRONG
async def test_a_call_under_way_judges_nothing_once_the_pin_is_locked(integrator, network, alice):
    await give(alice)
    made, sid = await called(alice)
    [order] = [order for order in await network.orders() if "Url" in order]
    for turn in (1, 2):
        await network.report(gather_url(order, turn), CallSid=sid, Digits="111222", FinishedOnKey="#")
    ended = await integrator.finished(made["id"])
    assert ended["failure"]["code"] == "rate_limited"
    assert "locked" in (await network.report(gather_url(order, 3), CallSid=sid, Digits=GIVEN, FinishedOnKey="#"))[1]
    assert (await integrator.show(made["id"]))["status"] == "failed"


@AT_ONCE
async def test_a_pin_that_is_set_anew_while_one_is_chosen_asks_for_it_again(integrator, network, alice):
    await give(alice)
    made, sid = await called(alice)
    await keyed(network, sid, GIVEN, OWN)
    await network.asked(3)
    await give(alice, "715926")
    await network.press(sid, f"{OWN}#")
    call = await network.asked(4)
    assert said(call)[3].startswith("That was not your PIN.")
    for times, digits in enumerate(("715926", OWN, OWN), start=4):
        await network.asked(times)
        await network.press(sid, f"{digits}#")
    assert (await integrator.finished(made["id"]))["status"] == "approved"


@AT_ONCE
async def test_a_resent_call_asks_for_the_pin_again(integrator, network, alice):
    await own_pin(alice)
    made, sid = await called(alice)
    await integrator.resend(made["id"], channel="sms")
    await network.hang_up(sid)
    await network.call_over()
    await integrator.attempt_when(made["id"], "completed")
    again = await integrator.resend(made["id"], channel="call")
    assert (again.status, again.body["attempts"][-1]["mode"]) == (200, "pin")


async def test_without_a_pin_no_call_asks_for_one(integrator, alice):
    assert_problem(await alice.sign_in(mode="pin"), 409, "pin_not_set")
    assert_problem(await alice.offer("+14255550124", "call", mode="pin"), 409, "pin_not_set")
    bare = await integrator.ask("POST", "/v1/verifications", {"to": PHONE, "channel": "call", "mode": "pin"})
    assert_problem(bare, 422, "mode_not_offered")
    made = await integrator.create()
    assert_problem(await integrator.resend(made["id"], channel="call", mode="pin"), 403, "method_forbidden")


async def test_a_pin_is_taken_away_and_a_bad_one_refused(alice):
    assert_problem(await alice.ask("DELETE", "/pin"), 404, "not_found")
    for pin, code in (
        ("123", "pin_malformed"),
        ("12345678901", "pin_malformed"),
        ("12a4", "pin_malformed"),
        ("٤٠٩٦", "pin_malformed"),
        ("0000", "pin_too_simple"),
        ("1234", "pin_too_simple"),
        ("9876", "pin_too_simple"),
        ("7890", "pin_too_simple"),
        (PHONE[-6:], "pin_too_simple"),
    ):
        assert_problem(await alice.ask("PUT", "/pin", {"pin": pin}), 422, code)
    await give(alice)
    assert (await alice.ask("DELETE", "/pin")).status == 204
    assert (await alice.record())["pin"] == {"set": False, "must_change": False, "locked": False}


@AT_ONCE
async def test_a_reset_takes_the_pin_and_a_lost_phone_does_not(alice):
    await give(alice)
    phone = (await alice.record())["phones"][0]
    await alice.ask("DELETE", f"/phones/{phone['id']}?lost=true")
    assert (await alice.record())["pin"]["set"]
    await alice.ask("POST", "/reset", {"reason": "starts over"})
    assert not (await alice.record())["pin"]["set"]


async def test_a_policy_has_every_call_ask_for_the_pin(tmp_path):
    async with governed_at(tmp_path, '[default]\ncall_proof = "pin"\n', limits=EASY) as world:
        alice, bare = await enroll(world), {"to": PHONE, "channel": "call"}
        await alice.prove()
        assert_problem(await alice.sign_in(channel="call"), 409, "pin_not_set")
        assert_problem(await alice.sign_in(channel="call", mode="match"), 403, "method_forbidden")
        assert_problem(await world.integrator.ask("POST", "/v1/verifications", bare), 403, "method_forbidden")
        steps = [{"channel": "sms"}, {"channel": "call"}]
        methods = (await alice.ask("GET", "/policy")).body["methods"]
        assert {method["denial"]["code"] for method in methods if method["channel"] == "call"} == {"pin_not_set"}
        assert all(method["allowed"] for method in methods if method["channel"] == "sms")
        left_out = (await alice.sign_in(channel="sms", fallback=steps)).body
        assert left_out["fallback"] is None
        await give(alice)
        answer = await alice.sign_in(channel="call")
        assert answer.body["mode"] == "pin"
        assert all(method["allowed"] for method in (await alice.ask("GET", "/policy")).body["methods"])
        await keyed(world.network, await world.network.answered(), GIVEN, OWN, OWN)
        assert (await world.integrator.finished(answer.body["id"]))["status"] == "approved"
        assert (await alice.offer("+14255550124", "call")).body["verification"]["mode"] == "pin"


@pytest.mark.parametrize("persona", ["voicemail", "voicemail_with_tones", "presses_pound"])
async def test_neither_a_machine_nor_a_bare_pound_approves(integrator, network, alice, persona):
    await give(alice)
    await network.persona(persona)
    ended = await integrator.finished((await alice.sign_in(mode="pin")).body["id"])
    assert (ended["status"], ended["assurance"]) == ("failed", None)


@pytest.mark.parametrize("limits", [msgspec.structs.replace(EASY, wrong_keys_per_call=1_000)])
async def test_a_thousand_guesses_at_once_get_no_more_verdicts_than_the_limit(integrator, network, alice):
    await give(alice)
    made, sid = await called(alice)
    [order] = [order for order in await network.orders() if "Url" in order]
    guesses = [str(100_100 + number) for number in range(1_000)]

    async def guess(number: int, digits: str) -> None:
        url = gather_url(order, 1 + number % 20)
        await network.report(url, CallSid=sid, Digits=digits, FinishedOnKey="#")

    await asyncio.gather(*(guess(number, digits) for number, digits in enumerate([*guesses[:-1], GIVEN])))
    types = [entry["type"] for entry in await integrator.events(made["id"])]
    assert types.count("call.wrong_pin") <= LIMITS.pin_failures
    ended = await integrator.show(made["id"])
    assert ended["status"] in {"pending", "failed"}
