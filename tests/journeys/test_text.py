"""A verification by text, end to end."""

import msgspec
import pytest
from support.integrator import PHONE, wrong_for
from support.world import HOST, LIMITS

SHORT_LIVED = pytest.mark.parametrize("limits", [msgspec.structs.replace(LIMITS, lifetime=2)])
PATIENT = pytest.mark.parametrize("limits", [msgspec.structs.replace(LIMITS, text_grace=60)])


async def test_a_code_by_text_proves_the_phone(integrator, network):
    made = await integrator.create(metadata={"order": "7"})
    assert (made["status"], made["attempts"][0]["status"], made["checks_left"]) == ("pending", "queued", 5)
    code = await network.code()
    checked = (await integrator.check(made["id"], f"{code[:3]}-{code[3:]} ")).body
    assert (checked["valid"], checked["status"], checked["assurance"]) == (True, "approved", "possession")
    await integrator.attempt_when(made["id"], "delivered")
    shown = await integrator.show(made["id"])
    assert (shown["status"], shown["metadata"], shown["failure"]) == ("approved", {"order": "7"}, None)
    assert shown["next"] == {"check": False, "resend_sms_at": None, "resend_call_at": None}


async def test_an_approved_code_works_once(integrator, network):
    made = await integrator.create()
    code = await network.code()
    assert (await integrator.check(made["id"], code)).body["valid"]
    again = await integrator.check(made["id"], code)
    assert (again.status, again.body["code"]) == (409, "verification_finished")


async def test_the_fifth_wrong_code_ends_it(integrator, network):
    made = await integrator.create()
    code = await network.code()
    answers = [await integrator.check(made["id"], wrong_for(code)) for _ in range(5)]
    assert [(answer.status, answer.body["valid"]) for answer in answers] == [(200, False)] * 5
    assert [answer.body["checks_left"] for answer in answers] == [4, 3, 2, 1, 0]
    assert [answer.body["status"] for answer in answers] == ["pending"] * 4 + ["max_attempts_reached"]
    right = await integrator.check(made["id"], code)
    assert (right.status, right.body["code"]) == (409, "verification_finished")


async def test_a_code_proves_only_its_own_verification(integrator, network):
    made = await integrator.create()
    other = await integrator.create(to="+14255550124")
    code, others = await network.code(), await network.code("+14255550124")
    if code != others:
        assert not (await integrator.check(other["id"], code)).body["valid"]
    assert (await integrator.check(other["id"], others)).body["valid"]
    assert (await integrator.show(made["id"]))["status"] == "pending"


@SHORT_LIVED
async def test_it_expires_and_its_code_with_it(integrator, network):
    made = await integrator.create()
    code = await network.code()
    ended = await integrator.finished(made["id"])
    assert (ended["status"], ended["failure"]) == ("expired", None)
    assert ended["updated_at"] >= ended["expires_at"]
    late = await integrator.check(made["id"], code)
    assert (late.status, late.body["code"]) == (409, "verification_finished")


async def test_a_canceled_one_takes_no_code(integrator, network):
    made = await integrator.create()
    code = await network.code()
    assert (await integrator.cancel(made["id"])).body["status"] == "canceled"
    for late in (await integrator.check(made["id"], code), await integrator.cancel(made["id"])):
        assert (late.status, late.body["code"]) == (409, "verification_finished")
    late = await integrator.resend(made["id"])
    assert (late.status, late.body["code"]) == (409, "verification_finished")
    assert len(await network.texts()) == 1


async def test_a_text_that_cannot_be_delivered_fails_it_after_a_grace(integrator, network):
    await network.persona("unreachable")
    made = await integrator.create()
    ended = await integrator.finished(made["id"])
    [attempt] = ended["attempts"]
    assert (ended["status"], ended["failure"]["code"]) == ("failed", "number_unreachable")
    assert (attempt["status"], attempt["failure"]["provider_code"]) == ("undelivered", "30003")


@PATIENT
async def test_a_code_from_a_text_that_was_reported_lost_still_counts(integrator, network):
    await network.persona("unreachable")
    made = await integrator.create()
    code = await network.code()
    await integrator.attempt_when(made["id"], "undelivered")
    assert (await integrator.check(made["id"], code)).body["status"] == "approved"


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("en", "is your Example Bank code."),
        ("en-US", "is your Example Bank code."),
        ("de", "ist Ihr Code für Example Bank."),
        ("de-AT", "ist Ihr Code für Example Bank."),
        ("xx", "is your Example Bank code."),
    ],
)
async def test_the_text_speaks_the_locale_and_ends_with_the_code_line(integrator, network, locale, words):
    await integrator.create(locale=locale)
    code = await network.code()
    [text] = await network.texts()
    first, *_, last = text.splitlines()
    assert first.startswith(f"{code} {words}")
    assert "10 min" in first.lower()
    assert last == f"@{HOST} #{code}"


async def test_a_number_as_people_write_it(integrator, network):
    made = await integrator.create(to={"country": "US", "number": "(425) 555-0123"})
    assert made["to"] == PHONE
    await network.code(PHONE)


async def test_the_journal_tells_it_in_order(integrator, network):
    made = await integrator.create()
    code = await network.code()
    await integrator.attempt_when(made["id"], "delivered")
    await integrator.check(made["id"], wrong_for(code))
    await integrator.check(made["id"], code)
    events = await integrator.events(made["id"])
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    types = [event["type"] for event in events]
    assert types[:2] == ["verification.created", "attempt.queued"]
    assert types[-3:] == ["code.checked", "code.checked", "verification.approved"]
    assert {"attempt.sent", "message.status"} <= set(types)
