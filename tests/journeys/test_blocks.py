"""Who is locked out, and who starts over: with a reason, at once, and with all that would spare a proof gone."""

import asyncio

import pytest
from support.integrator import PATIENCE
from support.network import said
from support.people import SECOND_PHONE, THIRD_PHONE, enroll, governed_at
from support.problems import assert_problem

from gateway.domain.errors import Rejected

RULES = '[applications."Example Bank"]\nproof_cache = 600\nremember_device_days = 30\nfraud_block_days = 7\n'


@pytest.fixture
async def world(tmp_path, limits):
    async with governed_at(tmp_path, RULES, limits=limits) as world:
        yield world


@pytest.fixture
async def alice(world):
    """A person with a phone, an app password, a trusted browser, a granted bypass and a recent proof."""
    alice = await enroll(world)
    await alice.prove()
    await alice.app_password()
    await world.gateway.services.authentication.trust_device(await alice.application(), alice.id, "browser")
    assert (await alice.ask("POST", "/bypass", {"seconds": 600, "reason": "no phone today"})).status == 201
    return alice


async def block(person, reason="a call from the bank", **fields):
    answer = await person.ask("POST", "/block", {"reason": reason, **fields})
    assert answer.status == 200, answer
    return answer.body


async def unblocked(person):
    async with asyncio.timeout(PATIENCE):
        while (record := await person.record())["status"] == "blocked":
            await asyncio.sleep(0.01)
        return record


async def assert_nothing_spares_a_proof(person):
    record = await person.record()
    assert (record["app_password_count"], record["trusted_device_count"]) == (0, 0)
    kept = await person.world.gateway.store.enrollments.get(person.id)
    assert (kept.bypass, kept.last_proof, kept.devices, kept.app_passwords) == (None, None, (), ())


async def test_a_block_says_why_and_since_when_and_ends_when_somebody_ends_it(alice):
    blocked = await block(alice)
    assert (blocked["status"], blocked["block"]["reason"], blocked["block"]["until"]) == (
        "blocked", "a call from the bank", None,
    )  # fmt: skip
    assert blocked["block"]["at"] == blocked["updated_at"]
    await assert_nothing_spares_a_proof(alice)
    answer = await alice.ask("POST", "/unblock", {"reason": "found again"})
    assert (answer.status, answer.body["status"], answer.body["block"]) == (200, "enrolled", None)
    await assert_nothing_spares_a_proof(alice)
    events = (await alice.ask("GET", "/events")).body["data"]
    assert [(entry["type"], entry["facts"]["reason"]) for entry in events[-2:]] == [
        ("enrollment.blocked", "a call from the bank"),
        ("enrollment.unblocked", "found again"),
    ]
    again = await alice.ask("POST", "/unblock", {"reason": "to be sure"})
    assert (again.status, again.body) == (200, answer.body)


async def test_whoever_is_locked_out_is_reached_in_no_way(alice, network):
    verification = (await alice.sign_in(channel="sms")).body
    await alice.approve(verification)
    await block(alice)
    questions = [
        ("/verifications", {}), ("/verifications", {"purpose": "sign_in"}),
        ("/phones", {"kind": "authentication", "to": SECOND_PHONE, "channel": "sms"}),
        ("/bypass", {"seconds": 60, "reason": "no phone today"}), ("/app-passwords", {"name": "Mail"}),
    ]  # fmt: skip
    for path, body in questions:
        assert_problem(await alice.ask("POST", path, body), 403, "enrollment_blocked")
    wish = {"to": THIRD_PHONE, "channel": "sms", "enrollment_id": alice.id}
    answer = await alice.world.integrator.ask("POST", "/v1/verifications", wish)
    assert_problem(answer, 403, "enrollment_blocked")
    assert [await network.texts(number) for number in (SECOND_PHONE, THIRD_PHONE)] == [[], []]
    proofs, application = alice.world.gateway.services.authentication, await alice.application()
    assert await proofs.recognize_device(application, alice.id, "browser") is None
    with pytest.raises(Rejected):
        await proofs.trust_device(application, alice.id, "another")


async def test_a_block_ends_by_itself(alice):
    blocked = await block(alice, seconds=1)
    assert blocked["block"]["until"] > blocked["block"]["at"]
    assert_problem(await alice.sign_in(), 403, "enrollment_blocked")
    record = await unblocked(alice)
    assert (record["status"], record["block"]) == ("enrolled", None)
    await assert_nothing_spares_a_proof(alice)
    assert (await alice.sign_in()).body["status"] == "pending"


async def test_an_operator_may_shorten_and_lengthen_a_block(alice):
    for seconds in (3_600, None, 60):
        blocked = await block(alice, **({"seconds": seconds} if seconds else {}))
        assert (blocked["block"]["until"] is None) == (seconds is None)
    assert (await alice.record())["block"] == blocked["block"]


async def test_a_phone_proven_behind_a_block_does_not_count(alice):
    offered = (await alice.offer(SECOND_PHONE)).body
    before = (await alice.record())["phones"]
    await block(alice)
    assert_problem(await alice.check(offered["verification"]), 403, "enrollment_blocked")
    record = await alice.record()
    assert (record["phones"], record["status"]) == (before, "blocked")
    assert record["last_outcome"]["verification_id"] != offered["verification"]["id"]
    await assert_nothing_spares_a_proof(alice)


async def test_a_key_pressed_behind_a_block_approves_nothing(alice, world):
    offered = (await alice.offer(SECOND_PHONE, "call")).body["verification"]
    sid = await world.network.answered(SECOND_PHONE)
    await block(alice)
    await world.network.press(sid, "#", SECOND_PHONE)
    heard = said(await world.network.call_over(SECOND_PHONE))
    assert "The verification is complete." not in heard[-1]
    assert (await world.integrator.finished(offered["id"]))["status"] == "failed"


async def test_who_starts_over_has_nothing_left_and_can_enroll_anew(alice):
    answer = await alice.ask("POST", "/reset", {"reason": "a new phone and no old one"})
    record = answer.body
    assert (answer.status, record["status"], record["phones"], record["default_method"]) == (200, "pending", [], None)
    await assert_nothing_spares_a_proof(alice)
    assert_problem(await alice.sign_in(), 409, "no_method")
    assert_problem(await alice.ask("POST", "/bypass", {"seconds": 60, "reason": "x"}), 409, "no_method")
    assert (await alice.history())[-1] == "enrollment.reset"
    phone = await alice.prove(SECOND_PHONE)
    assert (await alice.record())["default_method"]["phone_id"] == phone["id"]


async def test_a_reset_does_not_end_a_block(alice):
    await block(alice)
    answer = await alice.ask("POST", "/reset", {"reason": "a new phone"})
    assert (answer.body["status"], answer.body["phones"]) == ("blocked", [])
    assert_problem(await alice.offer(SECOND_PHONE), 403, "enrollment_blocked")


async def test_a_proof_that_was_under_way_when_the_person_started_over_counts_for_nothing(alice):
    verification = (await alice.sign_in(channel="sms")).body
    await alice.ask("POST", "/reset", {"reason": "a new phone"})
    assert_problem(await alice.check(verification), 409, "no_method")
    record = await alice.record()
    assert (record["status"], record["phones"]) == ("pending", [])
    await assert_nothing_spares_a_proof(alice)


async def test_a_record_that_is_removed_is_gone_and_may_be_made_again(alice, world):
    verification = (await alice.offer(SECOND_PHONE)).body["verification"]
    assert (await alice.ask("DELETE")).status == 204
    for method, path, body in (("GET", "", None), ("DELETE", "", None), ("POST", "/block", {"reason": "x"})):
        assert_problem(await alice.ask(method, path, body), 404, "not_found")
    assert (await world.integrator.show(verification["id"]))["status"] == "pending"
    assert_problem(await alice.check(verification), 404, "not_found")
    again = await enroll(world)
    assert (again.id == alice.id, (await again.record())["phones"]) == (False, [])


async def test_an_unblock_and_twenty_blocks_at_once_leave_one_state(alice):
    await asyncio.gather(*(block(alice, f"reason {number}") for number in range(20)))
    record = await alice.record()
    blocks = [kind for kind in await alice.history() if kind == "enrollment.blocked"]
    assert (record["status"], len(blocks)) == ("blocked", 20)
