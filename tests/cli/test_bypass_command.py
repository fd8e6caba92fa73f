"""`poundkey bypass`: a code from the console lets a person in once, through the gateway that serves the database."""

import re

import pytest

from gateway.domain.api_keys import Application
from gateway.domain.assurance import Basis
from gateway.domain.errors import Rejected
from gateway.domain.verification import Status

GRANT = ("bypass", "grant", "--application", "Example Bank")
WHY = ("--seconds", "300", "--reason", "lost her phone")


@pytest.fixture
def grant(beside):
    """Runs `bypass grant` for a user."""

    async def run(user: str, *words: str) -> tuple[int, str, str]:
        return await beside(*GRANT, "--user", user, *(words or WHY))

    return run


@pytest.fixture
def sign_in(world):
    """Signs a person in with a code, as the gateway does it."""
    store, proofs = world.gateway.store, world.gateway.services.authentication

    async def use(enrollment_id: str, code: str):
        enrollment = await store.enrollments.get(enrollment_id)
        application = Application(enrollment.application_id, "Example Bank")
        return (await proofs.use_bypass(application, enrollment_id, code)).change.verification

    return use


async def test_the_code_lets_a_person_in_once(world, grant, sign_in):
    person = await world.integrator.enroll()
    await world.integrator.create(enrollment_id=person["id"])  # which gives the person a phone
    code, out, err = await grant("alice@example.com")
    assert code == 0
    assert re.fullmatch(r"[0-9]{8}\n", out)
    assert re.fullmatch(
        r"For one sign-in of alice@example\.com, until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\. This is shown once:\n", err
    )
    verification = await sign_in(person["id"], f"{out[:4]} {out[4:8]}")
    assert (verification.status, verification.basis) == (Status.APPROVED, Basis.BYPASS)
    with pytest.raises(Rejected):
        await sign_in(person["id"], out)
    events = (await world.integrator.ask("GET", f"/v1/enrollments/{person['id']}/events")).body["data"]
    granted = next(event for event in events if event["type"] == "bypass.granted")
    assert granted["facts"]["reason"] == "lost her phone"
    assert out.strip() not in str(events)


async def test_a_new_code_takes_the_place_of_the_old_one(world, grant, sign_in):
    person = await world.integrator.enroll()
    await world.integrator.create(enrollment_id=person["id"])
    (_, first, _), (_, second, _) = await grant("alice@example.com"), await grant("alice@example.com")
    with pytest.raises(Rejected):
        await sign_in(person["id"], first)
    assert (await sign_in(person["id"], second)).status is Status.APPROVED


async def test_who_is_blocked_stays_out(world, grant):
    person = await world.integrator.enroll()
    await world.integrator.ask("POST", f"/v1/enrollments/{person['id']}/block", {"reason": "stolen phone"})
    code, out, err = await grant("alice@example.com")
    assert (code, out) == (2, "")
    assert err.startswith("poundkey bypass: This person is blocked")


async def test_who_is_not_there_cannot_be_let_in(world, grant):
    await world.other.enroll("bob@example.com")
    code, out, err = await grant("bob@example.com")
    assert (code, out, err) == (2, "", "poundkey bypass: Example Bank has no user bob@example.com\n")


@pytest.mark.parametrize(
    ("seconds", "reason", "problem"),
    [
        ("9", "lost", "must be a number from 10 to 86400"),
        ("86401", "lost", "must be a number from 10 to 86400"),
        ("٣٠٠", "lost", "must be a number from 10 to 86400"),
        ("300", " ", "1 to 254 printable characters"),
        ("300", "a\nb", "1 to 254 printable characters"),
        ("300", "a" * 255, "1 to 254 printable characters"),
    ],
)
def test_how_long_and_why_are_within_bounds(poundkey, seconds, reason, problem):
    code, _, err = poundkey(*GRANT, "--user", "a", "--seconds", seconds, "--reason", reason)
    assert code == 2
    assert problem in err
