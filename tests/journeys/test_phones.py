"""A person's phones: each is proven before it counts, an old one goes only then, and the default is one of them."""

import asyncio

import msgspec
import pytest
from support.integrator import PHONE, wrong_for
from support.people import OFFICE, OFFICE_NUMBER, SECOND_PHONE, THIRD_PHONE, enroll, governed_at
from support.problems import assert_problem, fields_of
from support.world import LIMITS

from gateway.domain.errors import Rejected

MANY_SENDS = msgspec.structs.replace(LIMITS, sends_per_person=100)


@pytest.fixture
def policy():
    return ""


@pytest.fixture
async def world(tmp_path, limits, policy):
    async with governed_at(tmp_path, policy, limits=limits) as world:
        yield world


@pytest.fixture
async def alice(world):
    return await enroll(world)


def numbers_of(record):
    return [(phone["number"], phone["status"]) for phone in record["phones"]]


async def test_a_phone_counts_once_it_is_proven(alice):
    answer = await alice.offer()
    phone, verification = answer.body["phone"], answer.body["verification"]
    assert (answer.status, phone["status"], phone["verified_at"], phone["extension"]) == (201, "unverified", None, None)
    assert (verification["purpose"], verification["enrollment_id"], verification["to"]) == ("enroll", alice.id, PHONE)
    before = await alice.record()
    assert (before["status"], before["phones"], before["default_method"]) == ("pending", [phone], None)
    ended = await alice.approve(verification)
    after = await alice.record()
    assert (after["status"], after["default_method"]) == ("enrolled", {"phone_id": phone["id"], "channel": "sms"})
    assert after["phones"] == [phone | {"status": "verified", "verified_at": after["last_outcome"]["at"]}]
    assert (after["last_outcome"]["verification_id"], after["last_outcome"]["status"]) == (ended["id"], "approved")
    assert await alice.history() == ["phone.offered", "phone.verified"]


async def test_a_phone_with_wrong_codes_never_counts(alice, integrator, network):
    answer = await alice.offer()
    code = await network.code()
    for _ in range(5):
        await integrator.check(answer.body["verification"]["id"], wrong_for(code))
    after = await alice.record()
    assert (after["status"], numbers_of(after)) == ("pending", [(PHONE, "unverified")])
    assert after["last_outcome"]["status"] == "max_attempts_reached"


async def test_the_old_phone_goes_once_the_new_one_is_proven_and_not_before(alice):
    old = await alice.prove()
    answer = await alice.offer(SECOND_PHONE, replaces=old["id"])
    assert numbers_of(await alice.record()) == [(PHONE, "verified"), (SECOND_PHONE, "unverified")]
    await alice.approve(answer.body["verification"])
    after = await alice.record()
    assert numbers_of(after) == [(SECOND_PHONE, "verified")]
    assert after["default_method"] == {"phone_id": answer.body["phone"]["id"], "channel": "sms"}
    assert (await alice.history())[-2:] == ["phone.verified", "phone.replaced"]
    assert_problem(await alice.sign_in(phone_id=old["id"]), 404, "not_found")


async def test_a_replacement_that_fails_or_is_given_up_leaves_the_old_phone(alice, integrator):
    old = await alice.prove()
    answer = await alice.offer(SECOND_PHONE, replaces=old["id"])
    await integrator.cancel(answer.body["verification"]["id"])
    assert (PHONE, "verified") in numbers_of(await alice.record())
    await alice.prove(SECOND_PHONE)
    assert numbers_of(await alice.record()) == [(PHONE, "verified"), (SECOND_PHONE, "verified")]


@pytest.mark.parametrize("replaces", ["phn_unknown", ""])
async def test_what_is_to_be_replaced_must_be_the_persons(world, alice, network, replaces):
    bob = await enroll(world, "bob@example.com")
    theirs = (await bob.prove(SECOND_PHONE))["id"]
    for name in (replaces, theirs):
        answer = await alice.offer(THIRD_PHONE, replaces=name)
        assert fields_of(assert_problem(answer, 404, "not_found")) == {"replaces"}
    assert ((await alice.record())["phones"], await network.texts(THIRD_PHONE)) == ([], [])
    assert len((await bob.record())["phones"]) == 1


async def test_a_phone_that_is_removed_passes_the_default_on(alice):
    first, second = await alice.prove(), await alice.prove(SECOND_PHONE, kind="alternate")
    removed = await alice.ask("DELETE", f"/phones/{first['id']}")
    assert (removed.status, removed.body) == (204, None)
    after = await alice.record()
    assert (after["phones"], after["default_method"]) == ([second], {"phone_id": second["id"], "channel": "sms"})
    assert_problem(await alice.ask("DELETE", f"/phones/{first['id']}"), 404, "not_found")
    await alice.ask("DELETE", f"/phones/{second['id']}")
    last = await alice.record()
    assert (last["status"], last["phones"], last["default_method"]) == ("pending", [], None)


@pytest.mark.parametrize("policy", ["[default]\nproof_cache = 600\nremember_device_days = 30\n"])
async def test_a_lost_phone_takes_what_spares_a_proof_with_it(world, alice):
    first = await alice.prove()
    await alice.prove(SECOND_PHONE, kind="alternate")
    password = (await alice.app_password())["password"]
    proofs, application = world.gateway.services.authentication, await alice.application()
    bypass = (await alice.ask("POST", "/bypass", {"seconds": 600, "reason": "no phone today"})).body["code"]
    await proofs.trust_device(application, alice.id, "browser")
    kept = await alice.record()
    assert (kept["app_password_count"], kept["trusted_device_count"]) == (1, 1)
    assert (await alice.ask("DELETE", f"/phones/{first['id']}?lost=true")).status == 204
    after = await alice.record()
    assert (after["app_password_count"], after["trusted_device_count"]) == (0, 0)
    assert not await alice.app_password_works(password)
    assert await proofs.recognize_device(application, alice.id, "browser") is None
    with pytest.raises(Rejected):
        await proofs.use_bypass(application, alice.id, bypass)
    signing_in = await alice.sign_in()
    assert (signing_in.body["status"], signing_in.body["to"], signing_in.body["basis"]) == (
        "pending",
        SECOND_PHONE,
        None,
    )


async def test_a_phone_that_is_removed_while_it_is_being_proven_stays_away(alice):
    answer = await alice.offer()
    await alice.ask("DELETE", f"/phones/{answer.body['phone']['id']}")
    assert_problem(await alice.check(answer.body["verification"]), 409, "no_method")
    after = await alice.record()
    assert (after["status"], after["phones"], after["default_method"]) == ("pending", [], None)


async def test_the_default_is_chosen_among_proven_phones(alice):
    first = await alice.prove()
    unproven = (await alice.offer(SECOND_PHONE)).body["phone"]
    changed = await alice.ask("PATCH", "", {"default_method": {"phone_id": first["id"], "channel": "call"}})
    assert (changed.status, changed.body["default_method"]["channel"]) == (200, "call")
    for name, status, code in ((unproven["id"], 409, "phone_not_proven"), ("phn_unknown", 404, "not_found")):
        answer = await alice.ask("PATCH", "", {"default_method": {"phone_id": name, "channel": "sms"}, "locale": "fr"})
        assert fields_of(assert_problem(answer, status, code)) == {"default_method.phone_id"}
    after = await alice.record()
    assert (after["default_method"], after["locale"]) == (changed.body["default_method"], None)


async def test_what_is_said_of_a_person_can_be_changed_and_taken_back(alice):
    said = {"display_name": "Alice", "locale": "de-AT", "groups": ["staff", "contractors"]}
    assert said.items() <= (await alice.ask("PATCH", "", said)).body.items()
    assert said.items() <= (await alice.ask("PATCH", "", {})).body.items()
    cleared = (await alice.ask("PATCH", "", {"display_name": None, "locale": None, "groups": []})).body
    assert (cleared["display_name"], cleared["locale"], cleared["groups"]) == (None, None, [])
    assert await alice.history() == ["enrollment.amended"] * 2


async def test_an_office_phone_is_called_and_its_extension_dialled(alice, network):
    phone = await alice.prove(OFFICE, "call", kind="office")
    assert (phone["number"], phone["extension"], phone["kind"]) == (OFFICE_NUMBER, "12", "office")
    heard = (await network.handset(OFFICE_NUMBER))["calls"][0]["transcript"]
    assert [entry["text"].strip("wW") for entry in heard if entry["verb"] == "Keys"] == ["12"]
    assert (await alice.record())["default_method"]["channel"] == "call"
    signing_in = (await alice.sign_in()).body
    assert (signing_in["channel"], signing_in["to"]) == ("call", OFFICE_NUMBER)


async def test_a_text_cannot_reach_an_extension(alice, network):
    answer = await alice.offer(OFFICE, "sms", kind="office")
    assert fields_of(assert_problem(answer, 422, "number_invalid")) == {"channel"}
    phone = await alice.prove(OFFICE, "call", kind="office")
    assert fields_of(assert_problem(await alice.sign_in(channel="sms"), 422, "number_invalid")) == {"channel"}
    wish = {"default_method": {"phone_id": phone["id"], "channel": "sms"}}
    answer = await alice.ask("PATCH", "", wish)
    assert fields_of(assert_problem(answer, 422, "number_invalid")) == {"default_method.channel"}
    assert await network.texts(OFFICE_NUMBER) == []


async def test_the_same_number_with_another_extension_is_another_phone(alice):
    first = await alice.prove(OFFICE, "call", kind="office")
    answer = await alice.offer(OFFICE | {"extension": "13"}, "call", kind="office")
    assert answer.body["phone"]["id"] != first["id"]
    assert [phone["status"] for phone in (await alice.record())["phones"]] == ["verified", "unverified"]


async def test_two_phones_of_two_kinds_at_once_both_count(alice):
    answers = await asyncio.gather(alice.offer(), alice.offer(SECOND_PHONE, kind="alternate"))
    await asyncio.gather(*(alice.approve(answer.body["verification"]) for answer in answers))
    after = await alice.record()
    assert {phone["status"] for phone in after["phones"]} == {"verified"}
    assert after["default_method"]["phone_id"] in {phone["id"] for phone in after["phones"]}


async def test_of_two_new_phones_of_one_kind_the_later_one_counts(alice):
    answers = [await alice.offer(), await alice.offer(SECOND_PHONE)]
    assert_problem(await alice.check(answers[0].body["verification"]), 409, "no_method")
    await alice.approve(answers[1].body["verification"])
    assert numbers_of(await alice.record()) == [(SECOND_PHONE, "verified")]


async def test_twenty_offers_of_one_number_at_once_are_one_phone(alice, limits):
    answers = await asyncio.gather(*(alice.offer() for _ in range(20)))
    offered = [answer.body["phone"]["id"] for answer in answers if answer.status == 201]
    assert (len(offered), len(set(offered))) == (limits.sends_per_number, 1)
    assert {answer.body["code"] for answer in answers if answer.status != 201} == {"rate_limited"}
    assert len((await alice.record())["phones"]) == 1


async def test_an_idempotency_key_offers_and_sends_once(alice, network):
    first = await alice.offer(key="one")
    await alice.approve(first.body["verification"])
    again = await alice.offer(key="one")
    assert (again.status, again.body, again.headers["Idempotency-Replayed"]) == (201, first.body, "true")
    assert_problem(await alice.offer(SECOND_PHONE, key="one"), 422, "idempotency_key_reused")
    assert (len(await network.texts()), await network.texts(SECOND_PHONE)) == (1, [])


async def test_who_tries_number_after_number_is_stopped(alice, limits):
    answers = [await alice.offer(f"+1425555{number:04}") for number in range(200, 200 + limits.sends_per_person + 2)]
    assert [answer.status for answer in answers] == [201] * limits.sends_per_person + [429] * 2
    assert int(answers[-1].headers["Retry-After"]) <= limits.send_window
    assert len((await alice.record())["phones"]) == 1


@pytest.mark.parametrize("limits", [MANY_SENDS])
async def test_an_eleventh_phone_is_refused(alice):
    for number in range(5):
        await alice.prove(f"+1425555{number:04}")
    for extension in range(5):
        await alice.prove(OFFICE | {"extension": str(extension)}, "call", kind="office")
    answer = await alice.offer(SECOND_PHONE, "call")
    assert_problem(answer, 409, "phones_full")
    assert (await alice.offer()).status == 409
    first = (await alice.record())["phones"][0]
    assert (await alice.offer(first["number"])).status == 201
    await alice.ask("DELETE", f"/phones/{first['id']}")
    assert (await alice.offer(SECOND_PHONE)).status == 201


@pytest.mark.parametrize("policy", ['[applications."Example Bank"]\npeople_per_number = 2\n'])
async def test_one_number_on_several_enrollments_is_counted_in_one_application(world):
    people = [await enroll(world, f"person-{number}@example.com") for number in range(3)]
    for person in people[:2]:
        await person.prove()
    problem = assert_problem(await people[2].offer(), 403, "number_shared_too_often")
    assert "Example Bank" in problem["detail"]
    assert (await people[0].sign_in()).status == 201
    theirs = (await world.other.ask("POST", "/v1/enrollments", {"user": "x"})).body["id"]
    wish = {"kind": "authentication", "to": PHONE, "channel": "sms"}
    assert (await world.other.ask("POST", f"/v1/enrollments/{theirs}/phones", wish)).status == 201
    await people[1].ask("POST", "/reset", {"reason": "left the bank"})
    assert (await people[2].offer()).status == 201


async def test_a_verification_without_a_purpose_enrolls_a_phone_only_as_policy_has_it(tmp_path):
    async with governed_at(tmp_path, '[default]\nenroll = ["call"]\nsign_in = ["sms"]\n') as world:
        person = await enroll(world)
        wish = {"to": PHONE, "channel": "sms", "enrollment_id": person.id}
        assert_problem(await world.integrator.ask("POST", "/v1/verifications", wish), 403, "method_forbidden")
        assert (await person.record())["phones"] == []
        await world.network.persona("presses_pound")
        made = await world.integrator.create(channel="call", enrollment_id=person.id)
        assert made["purpose"] == "enroll"
        assert (await world.integrator.finished(made["id"]))["status"] == "approved"
        assert (await world.integrator.create(enrollment_id=person.id))["purpose"] is None


@pytest.mark.parametrize(
    ("policy", "wish", "code"),
    [
        ('enroll = ["call"]', {}, "method_forbidden"),
        ('phone_kinds = ["authentication"]', {"kind": "office"}, "phone_kind_forbidden"),
        ('text_countries = ["DE"]', {}, "country_forbidden"),
        ('line_types = ["voip"]', {}, "line_type_forbidden"),
        ('call_proof = "match"', {"channel": "call", "mode": "confirm"}, "method_forbidden"),
    ],
)
async def test_what_policy_forbids_is_refused_with_who_decided_and_nothing_is_sent(tmp_path, policy, wish, code):
    rules = f'[applications."Example Bank".groups.contractors]\n{policy}\n'
    async with governed_at(tmp_path, rules) as world:
        bob, carol = await enroll(world, "bob", groups=["contractors"]), await enroll(world, "carol")
        problem = assert_problem(await bob.offer(**wish), 403, code)
        assert "the group contractors" in problem["detail"]
        assert ((await bob.record())["phones"], await world.network.orders()) == ([], [])
        assert (await carol.offer(**wish)).status == 201
        await bob.ask("PATCH", "", {"groups": []})
        assert (await bob.offer(SECOND_PHONE, **wish)).status == 201
