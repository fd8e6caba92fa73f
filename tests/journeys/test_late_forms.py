"""Forms that arrive slowly: what has ended a visit meanwhile holds for them, too, and nobody waits for ever."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import pytest
import pytest_asyncio
from support.portal import Person, Portal, portal_at
from support.visitor import Seen, Visitor, at_settings, visitor

from gateway.pages import portal_requests

pytestmark = pytest.mark.asyncio(loop_scope="module")

HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}
PHONE = {"kind": "authentication", "country": "US", "number": "(425) 555-0199", "channel": "sms"}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def portal(tmp_path_factory):
    async with portal_at(tmp_path_factory.mktemp("portal")) as portal:
        yield portal


@pytest_asyncio.fixture(loop_scope="module")
async def thief(portal):
    async with visitor(portal) as thief:
        yield thief


@contextlib.asynccontextmanager
async def held_back(thief: Visitor, path: str, **fields: str) -> AsyncIterator["asyncio.Future[Seen]"]:
    """Send half of a form, and the other half at the end of the block."""
    body = urlencode({"csrf": thief.csrf, **fields}).encode()
    begun, rest = asyncio.Event(), asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield body[:8]
        begun.set()
        await rest.wait()
        yield body[8:]

    seen = asyncio.ensure_future(thief.ask("POST", path, data=slowly(), headers=HEADERS))
    await begun.wait()
    await thief.get("/portal/help")  # by now the gateway has the first half
    yield seen
    rest.set()
    await seen


async def start_over(portal: Portal, person: Person, *ways: str) -> None:
    for way in ways:
        answer = await portal.integrator.ask("POST", f"/v1/enrollments/{person.id}/{way}", {"reason": "a thief"})
        assert answer.status == 200, answer


@pytest.mark.parametrize("ways", [["reset"], ["block", "unblock"]], ids=" and ".join)
@pytest.mark.parametrize(
    ("path", "form"), [("/portal/settings/phones", PHONE), ("/portal/app-passwords", {"name": "Mail"})], ids="{}".format
)
async def test_a_form_that_was_begun_before_the_visit_ended_changes_nothing(portal, thief, ways, path, form):
    person = await portal.enrolled()
    await at_settings(portal, thief, person)
    async with held_back(thief, path, **form) as late:
        await start_over(portal, person, *ways)
    assert late.result().status == 401
    record = await portal.record(person)
    assert [phone["number"] for phone in record["phones"]] == [person.number] * (ways != ["reset"])
    assert record["app_password_count"] == 0


async def test_a_browser_is_not_trusted_by_a_form_that_was_begun_before_the_person_started_over(portal, thief):
    person = await portal.enrolled("trusting")
    await thief.open(await portal.link(person, "sign_in"))
    [pending] = (await portal.integrator.ask("GET", "/v1/verifications?status=pending")).body["data"]
    assert (await portal.integrator.check(pending["id"], await portal.code(person.number, 2))).body["valid"]
    async with held_back(thief, "/portal/finish", remember="on") as late:
        await start_over(portal, person, "reset")
    assert (late.result().status, late.result().cookies) == (401, ())
    assert (await portal.record(person))["trusted_device_count"] == 0


@pytest.mark.parametrize("ways", [["reset"], ["block", "unblock"]], ids=" and ".join)
async def test_an_app_password_that_is_being_hashed_when_the_visit_ends_is_not_made(portal, thief, monkeypatch, ways):
    person = await portal.enrolled()
    await at_settings(portal, thief, person)
    passwords = portal.world.gateway.services.app_passwords._passwords
    hashed = passwords.hash

    async def slow(password: str) -> str:
        await start_over(portal, person, *ways)
        return await hashed(password)

    monkeypatch.setattr(passwords, "hash", slow)
    seen = await thief.post("/portal/app-passwords", name="Mail")
    assert (seen.status, seen.location) == (303, "/portal")
    assert (await portal.record(person))["app_password_count"] == 0


async def test_a_browser_that_is_about_to_be_trusted_when_the_visit_ends_is_not(portal, thief, monkeypatch):
    person = await portal.enrolled("trusting")
    await thief.open(await portal.link(person, "sign_in"))
    code = await portal.code(person.number, 2)
    proofs = portal.world.gateway.services.authentication
    trusted = proofs.trust_device

    async def late(*given: object) -> int:
        await start_over(portal, person, "reset")
        return await trusted(*given)

    monkeypatch.setattr(proofs, "trust_device", late)
    await thief.get("/portal/verify")
    seen = await thief.post("/portal/verify", code=code, remember="on")
    assert (seen.status, seen.cookies) == (303, ())
    assert (await portal.record(person))["trusted_device_count"] == 0


async def test_a_form_that_does_not_arrive_is_not_waited_for(portal, thief, monkeypatch):
    monkeypatch.setattr(portal_requests, "_FORM_SECONDS", 0.05)
    await at_settings(portal, thief, await portal.enrolled())
    async with held_back(thief, "/portal/app-passwords", name="Mail") as late:
        async with asyncio.timeout(10):
            seen = await asyncio.shield(late)
    assert (seen.status, seen.title) == (403, "We did not accept this form · Example Bank")
