"""A person signs in: by the default, by another phone or channel, or by what stands in for a new proof."""

import asyncio

import pytest
from support.integrator import PHONE
from support.people import SECOND_PHONE, THIRD_PHONE, enroll, governed_at
from support.problems import assert_problem, fields_of

from gateway.domain.assurance import Basis
from gateway.domain.commands import VerificationRequest
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.recognition import NotRecognized
from gateway.domain.verification import Channel, Purpose

CACHE = "[default]\nproof_cache = 600\n"


@pytest.fixture
def policy():
    return ""


@pytest.fixture
async def world(tmp_path, limits, policy):
    async with governed_at(tmp_path, policy, limits=limits) as world:
        yield world


@pytest.fixture
async def alice(world):
    alice = await enroll(world)
    await alice.prove()
    return alice


@pytest.fixture
def proofs(world):
    return world.gateway.services.authentication


async def bypass(alice, seconds=600, **headers):
    answer = await alice.ask("POST", "/bypass", {"seconds": seconds, "reason": "no phone today"}, **headers)
    assert answer.status == 201, answer
    return answer.body["code"]


async def test_the_default_method_is_used(alice, network):
    answer = await alice.sign_in()
    made = answer.body
    assert (answer.status, made["status"], made["to"], made["channel"]) == (201, "pending", PHONE, "sms")
    assert (made["purpose"], made["basis"], made["enrollment_id"]) == ("sign_in", None, alice.id)
    ended = await alice.approve(made)
    assert (ended["assurance"], ended["basis"]) == ("possession", None)
    outcome = (await alice.record())["last_outcome"]
    assert (outcome["verification_id"], outcome["status"]) == (made["id"], "approved")
    assert len(await network.texts()) == 2


@pytest.mark.parametrize("body", [{}, None])
async def test_nothing_said_is_the_default_method_without_a_purpose(alice, body):
    answer = await alice.ask("POST", "/verifications", body)
    assert (answer.status, answer.body["to"], answer.body["purpose"]) == (201, PHONE, None)


async def test_the_default_follows_what_the_person_chose(alice):
    second = await alice.prove(SECOND_PHONE, kind="alternate")
    await alice.ask("PATCH", "", {"default_method": {"phone_id": second["id"], "channel": "call"}})
    made = (await alice.sign_in()).body
    assert (made["to"], made["channel"], made["mode"]) == (SECOND_PHONE, "call", "confirm")
    assert (await alice.approve(made))["assurance"] == "presence"


async def test_another_way_is_by_phone_or_by_channel(alice):
    second = await alice.prove(SECOND_PHONE, kind="alternate")
    by_phone = (await alice.sign_in(phone_id=second["id"])).body
    assert (by_phone["to"], by_phone["channel"]) == (SECOND_PHONE, "sms")
    by_channel = (await alice.sign_in(channel="call")).body
    assert (by_channel["to"], by_channel["channel"]) == (PHONE, "call")
    for made in (by_phone, by_channel):
        await alice.approve(made)


async def test_a_mode_is_a_calls_own(alice):
    made = (await alice.sign_in(mode="match")).body
    assert (made["channel"], made["mode"], len(made["match_digits"])) == ("call", "match", 2)
    assert_problem(await alice.sign_in(channel="sms", mode="match"), 422, "mode_not_offered")


async def test_a_locale_of_the_persons_own_is_spoken(alice):
    await alice.ask("PATCH", "", {"locale": "de"})
    made = (await alice.sign_in()).body
    assert made["locale"] == "de"


async def test_only_a_proven_phone_of_the_person_signs_in(world, alice, network):
    unproven = (await alice.offer(SECOND_PHONE)).body["phone"]["id"]
    bob = await enroll(world, "bob@example.com")
    theirs = (await bob.prove(THIRD_PHONE))["id"]
    for fields in ({"purpose": "sign_in"}, {}):
        answer = await alice.ask("POST", "/verifications", {**fields, "phone_id": unproven})
        assert fields_of(assert_problem(answer, 409, "phone_not_proven")) == {"phone_id"}
    for name in (theirs, "phn_unknown"):
        assert fields_of(assert_problem(await alice.sign_in(phone_id=name), 404, "not_found")) == {"phone_id"}
    assert len(await network.texts(THIRD_PHONE)) == 1


async def test_who_has_no_phone_is_sent_to_enroll(world):
    bob = await enroll(world, "bob@example.com")
    problem = assert_problem(await bob.sign_in(), 409, "no_method")
    assert "enroll" in problem["detail"]


async def test_who_has_no_proven_phone_yet_is_asked_by_the_one_there_is(world):
    bob = await enroll(world, "bob@example.com")
    offered = (await bob.offer(SECOND_PHONE)).body
    await world.integrator.cancel(offered["verification"]["id"])
    made = (await bob.sign_in(phone_id=offered["phone"]["id"])).body
    await bob.approve(made)
    assert (await bob.record())["status"] == "enrolled"


@pytest.mark.parametrize("policy", ['[default]\nsign_in = ["call"]\ncall_proof = "match"\n'])
async def test_policy_decides_how_and_says_so(alice):
    problem = assert_problem(await alice.sign_in(), 403, "method_forbidden")
    assert "the default policy" in problem["detail"]
    assert "Ask for a call instead." in problem["detail"]
    assert_problem(await alice.sign_in(channel="call", mode="confirm"), 403, "method_forbidden")
    assert (await alice.sign_in(channel="call")).body["mode"] == "match"
    shown = (await alice.ask("GET", "/policy")).body["methods"]
    denied = [method for method in shown if method["purpose"] == "sign_in" and not method["allowed"]]
    assert {(method["channel"], method["denial"]["code"]) for method in denied} == {("sms", "method_forbidden")}
    assert {method["phone_id"] for method in denied} >= {(await alice.record())["phones"][0]["id"]}


@pytest.mark.parametrize("policy", [CACHE])
async def test_a_recent_proof_spares_the_next_sign_in_a_text(alice, network):
    made = (await alice.sign_in()).body
    assert (made["status"], made["basis"], made["assurance"]) == ("approved", "recent_proof", "possession")
    assert (made["attempts"], made["next"]["check"], made["checks_left"]) == ([], False, 0)
    assert (await alice.record())["last_outcome"]["verification_id"] == made["id"]
    assert await alice.world.integrator.show(made["id"]) == made
    assert len(await network.texts()) == 1


@pytest.mark.parametrize("policy", [CACHE])
async def test_a_proof_is_asked_for_where_it_is_meant(alice):
    phone = (await alice.record())["phones"][0]["id"]
    for fields in ({"phone_id": phone}, {"channel": "call"}, {"mode": "match"}, {"purpose": None}):
        made = (await alice.sign_in(**fields)).body
        assert (made["status"], made["basis"]) == ("pending", None)


@pytest.mark.parametrize("policy", ["[default]\nproof_cache = 1\n"])
async def test_a_proof_is_recent_for_so_long_and_a_spared_one_does_not_prolong_it(alice):
    async with asyncio.timeout(20):
        while (made := (await alice.sign_in()).body)["status"] == "approved":
            await asyncio.sleep(0.05)
    assert (made["status"], made["basis"]) == ("pending", None)


async def test_without_the_policy_every_sign_in_is_a_proof(alice):
    assert (await alice.sign_in()).body["status"] == "pending"


async def test_an_idempotency_key_asks_once(alice, network):
    answers = [await alice.sign_in(key="one") for _ in range(3)]
    assert len({answer.body["id"] for answer in answers}) == 1
    assert [answer.headers.get("Idempotency-Replayed") for answer in answers] == [None, "true", "true"]
    await alice.approve(answers[0].body)
    assert (await alice.sign_in(key="one")).body == answers[0].body
    assert len(await network.texts()) == 2


async def test_two_sign_ins_at_once_are_two_proofs(alice):
    answers = await asyncio.gather(alice.sign_in(), alice.sign_in(channel="call"))
    ended = await asyncio.gather(*(alice.approve(answer.body) for answer in answers))
    assert {verification["assurance"] for verification in ended} == {"possession", "presence"}
    assert (await alice.record())["last_outcome"]["verification_id"] in {verification["id"] for verification in ended}


async def test_a_bypass_signs_in_once(alice, proofs, network):
    code = await bypass(alice)
    assert (len(code), code.isdigit()) == (8, True)
    application = await alice.application()
    created = await proofs.use_bypass(application, alice.id, f" {code[:4]}-{code[4:]} ")
    shown = await alice.world.integrator.show(created.change.verification.id)
    assert (shown["status"], shown["basis"], shown["assurance"], shown["attempts"]) == ("approved", "bypass", None, [])
    with pytest.raises(Rejected) as refusal:
        await proofs.use_bypass(application, alice.id, code)
    assert refusal.value.code is ErrorCode.BYPASS_INVALID
    assert (await alice.history())[-2:] == ["bypass.granted", "bypass.used"]
    assert len(await network.texts()) == 1


async def test_five_wrong_guesses_end_a_bypass_and_a_new_one_takes_its_place(alice, proofs):
    first, second = await bypass(alice), await bypass(alice)
    application = await alice.application()
    guesses = [first, *(str(int(second) ^ number).zfill(8) for number in range(1, 5)), second]
    for guess in guesses:
        with pytest.raises(Rejected) as refusal:
            await proofs.use_bypass(application, alice.id, guess)
        assert refusal.value.code is ErrorCode.BYPASS_INVALID
    assert (await alice.history()).count("bypass.refused") == 5


async def test_a_bypass_without_a_phone_is_not_used_up(alice, proofs):
    code = await bypass(alice)
    phone = (await alice.record())["phones"][0]["id"]
    await alice.ask("DELETE", f"/phones/{phone}")
    application = await alice.application()
    with pytest.raises(Rejected) as refusal:
        await proofs.use_bypass(application, alice.id, code)
    assert refusal.value.code is ErrorCode.NO_METHOD
    await alice.prove(SECOND_PHONE)
    assert await proofs.use_bypass(application, alice.id, code)


async def test_a_bypass_is_granted_once_for_an_idempotency_key(alice):
    codes = {await bypass(alice, Idempotency_Key="one") for _ in range(3)}
    assert len(codes) == 1
    assert (await alice.history()).count("bypass.granted") == 1
    other = {"seconds": 60, "reason": "another"}
    assert_problem(await alice.ask("POST", "/bypass", other, Idempotency_Key="one"), 422, "idempotency_key_reused")


@pytest.mark.parametrize("policy", ["[default]\nremember_device_days = 30\n"])
async def test_a_trusted_browser_signs_in_until_it_is_forgotten(alice, proofs):
    application = await alice.application()
    assert await proofs.recognize_device(application, alice.id, "browser") is None
    assert await proofs.trust_device(application, alice.id, "browser") == 30
    known = await proofs.recognize_device(application, alice.id, "browser")
    shown = await alice.world.integrator.show(known.change.verification.id)
    assert (shown["status"], shown["basis"], shown["assurance"]) == ("approved", "trusted_device", None)
    assert await proofs.recognize_device(application, alice.id, "another") is None
    assert (await alice.record())["trusted_device_count"] == 1
    await proofs.forget_devices(application, alice.id)
    assert await proofs.recognize_device(application, alice.id, "browser") is None


async def test_what_does_not_hold_any_more_in_the_transaction_spares_no_proof(world, alice):
    """Between the look at the record and the commit, a browser may be forgotten and a person reset."""
    wish = VerificationRequest(
        number=PhoneNumber(PHONE), channel=Channel.SMS, locale="en", enrollment_id=alice.id, purpose=Purpose.SIGN_IN
    )
    before = await alice.record()
    recognize = world.gateway.services.verifications.recognize
    for basis in (Basis.TRUSTED_DEVICE, Basis.RECENT_PROOF):
        with pytest.raises(NotRecognized):
            await recognize(await alice.application(), wish, basis, None, lambda _kept, _now: False)
    assert await alice.record() == before
    assert (await world.integrator.ask("GET", "/v1/verifications?status=approved")).body["data"] == [
        await world.integrator.show(before["last_outcome"]["verification_id"])
    ]
