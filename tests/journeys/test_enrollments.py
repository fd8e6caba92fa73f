"""The outcome of a person's verification, whatever it is, lands on the person's record."""

import pytest
from support.integrator import PHONE, wrong_for


async def test_a_new_person_is_pending_and_has_nothing(integrator):
    enrollment = await integrator.enroll()
    assert (enrollment["status"], enrollment["phones"], enrollment["last_outcome"]) == ("pending", [], None)
    again = await integrator.ask("POST", "/v1/enrollments", {"user": enrollment["user"]})
    assert (again.status, again.body["id"]) == (200, enrollment["id"])
    found = await integrator.ask("GET", "/v1/enrollments?user=alice@example.com")
    assert found.body == await integrator.enrollment(enrollment["id"]) == enrollment


async def test_an_approval_enrolls_the_person_with_the_phone(integrator, network):
    enrollment = await integrator.enroll()
    made = await integrator.create(enrollment_id=enrollment["id"])
    before = await integrator.enrollment(enrollment["id"])
    assert [(phone["number"], phone["status"]) for phone in before["phones"]] == [(PHONE, "unverified")]
    checked = (await integrator.check(made["id"], await network.code())).body
    after = await integrator.enrollment(enrollment["id"])
    [phone] = after["phones"]
    outcome = after["last_outcome"]
    assert (after["status"], phone["status"], phone["kind"]) == ("enrolled", "verified", "authentication")
    assert phone["verified_at"] == outcome["at"] == checked["updated_at"]
    assert after["default_method"] == {"phone_id": phone["id"], "channel": "sms"}
    assert (outcome["verification_id"], outcome["status"], outcome["assurance"]) == (
        made["id"],
        "approved",
        "possession",
    )
    assert outcome["failure"] is None


async def test_pound_on_a_call_enrolls_with_presence(integrator, network):
    await network.persona("presses_pound")
    enrollment = await integrator.enroll()
    made = await integrator.create(channel="call", enrollment_id=enrollment["id"])
    await integrator.finished(made["id"])
    after = await integrator.enrollment(enrollment["id"])
    assert (after["status"], after["last_outcome"]["assurance"]) == ("enrolled", "presence")
    assert after["default_method"]["channel"] == "call"


@pytest.mark.parametrize(
    ("persona", "code"),
    [("busy", "line_busy"), ("rejects", "call_rejected"), ("unreachable", "number_unreachable")],
)
async def test_a_failure_lands_there_too_and_proves_nothing(integrator, network, persona, code):
    await network.persona(persona)
    enrollment = await integrator.enroll()
    made = await integrator.create(channel="call", enrollment_id=enrollment["id"])
    ended = await integrator.finished(made["id"])
    after = await integrator.enrollment(enrollment["id"])
    assert after["last_outcome"]["failure"] == ended["failure"]
    assert (after["last_outcome"]["status"], after["last_outcome"]["failure"]["code"]) == ("failed", code)
    assert (after["status"], after["phones"][0]["status"], after["default_method"]) == ("pending", "unverified", None)


async def test_cancellation_and_wrong_codes_land_there(integrator, network):
    enrollment = await integrator.enroll()
    made = await integrator.create(enrollment_id=enrollment["id"])
    await integrator.cancel(made["id"])
    assert (await integrator.enrollment(enrollment["id"]))["last_outcome"]["status"] == "canceled"
    second = await integrator.create(to="+14255550124", enrollment_id=enrollment["id"])
    code = await network.code("+14255550124")
    for _ in range(5):
        await integrator.check(second["id"], wrong_for(code))
    outcome = (await integrator.enrollment(enrollment["id"]))["last_outcome"]
    assert (outcome["verification_id"], outcome["status"]) == (second["id"], "max_attempts_reached")


async def test_a_later_failure_leaves_a_proven_phone_proven(integrator, network):
    enrollment = await integrator.enroll()
    made = await integrator.create(enrollment_id=enrollment["id"])
    await integrator.check(made["id"], await network.code())
    second = await integrator.create(enrollment_id=enrollment["id"])
    await integrator.cancel(second["id"])
    after = await integrator.enrollment(enrollment["id"])
    assert after["last_outcome"]["status"] == "canceled"
    assert (after["status"], [phone["status"] for phone in after["phones"]]) == ("enrolled", ["verified"])


async def test_another_applications_enrollment_is_unknown(integrator, world):
    theirs = await world.other.enroll()
    for wish in ({"to": PHONE, "channel": "sms", "enrollment_id": theirs["id"]},):
        answer = await integrator.ask("POST", "/v1/verifications", wish)
        assert (answer.status, answer.body["code"]) == (404, "not_found")
        assert [error["field"] for error in answer.body["errors"]] == ["enrollment_id"]
    assert (await integrator.ask("GET", f"/v1/enrollments/{theirs['id']}")).status == 404


async def test_an_unknown_enrollment_creates_and_sends_nothing(integrator, network):
    wish = {"to": PHONE, "channel": "sms", "enrollment_id": "enr_unknown"}
    answer = await integrator.ask("POST", "/v1/verifications", wish)
    assert (answer.status, answer.body["code"]) == (404, "not_found")
    assert [error["field"] for error in answer.body["errors"]] == ["enrollment_id"]
    assert (await integrator.ask("GET", "/v1/verifications")).body["data"] == []
    assert await network.texts() == []
