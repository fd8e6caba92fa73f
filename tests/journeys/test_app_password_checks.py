"""What a check of an app password costs and counts: one verification whatever it finds, whatever happens meanwhile."""

import asyncio
import itertools
import threading

import pytest
from support.app_passwords import POLICY, WRONG, Counting, delete
from support.integrator import PATIENCE
from support.world import LIMITS, world_at

from gateway import app
from gateway.domain.app_passwords import normalize_password
from gateway.domain.errors import Rejected
from gateway.domain.limits import DAY
from gateway.security.generators import Generators, new_password
from gateway.security.password_hashing import _MAX_QUEUED, _THREADS, PasswordHasher
from gateway.services.app_passwords import AppPasswords
from gateway.settings.applications import load_applications
from gateway.settings.settings import PortalSettings

MOST_AT_ONCE = _THREADS + _MAX_QUEUED


class Held(Counting):
    """Has verified when it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Event()
        self.let_go = threading.Event()

    def verify(self, *given):
        self.begun.set()
        self.let_go.wait(PATIENCE)
        return super().verify(*given)


@pytest.fixture
async def world(tmp_path, limits):
    applications = tmp_path / "applications.toml"
    applications.write_text(POLICY)
    async with world_at(tmp_path, limits=limits, portal=PortalSettings(applications=str(applications))) as world:
        yield world


@pytest.fixture
async def alice(integrator):
    return (await integrator.enroll("alice"))["id"]


@pytest.fixture
async def services(world):
    """Give the journeys over the world's own store, with another hasher, clock or source of passwords."""
    opened = []

    def build(hasher, **parts):
        opened.append(passwords := PasswordHasher(hasher))
        clock = parts.pop("clock", app.now)
        return AppPasswords(
            world.gateway.store.enrollments,
            world.gateway.store.rate_counters,
            load_applications(world.settings.portal.applications_file),
            app.vault_of(world.settings),
            passwords,
            world.settings.limits,
            clock,
            Generators(**parts),
        )

    yield build
    for passwords in opened:
        passwords.close()


@pytest.fixture
async def bank(world):
    """The application that the integrator's key belongs to."""
    applications = [key.application for key in await world.gateway.store.api_keys.all()]
    return next(application for application in applications if application.name == "Example Bank")


async def test_every_check_costs_one_verification_whatever_it_finds(integrator, alice, services, bank):
    hasher = Counting()
    today = services(hasher)
    _, password = await today.create(bank, alice, "Mail", "mail")
    _, brief = await today.create(bank, alice, "Brief", None, 1)
    off = (await integrator.enroll("off"))["id"]
    _, of_off = await today.create(bank, off, "Mail")
    await integrator.ask("PATCH", f"/v1/enrollments/{off}", {"groups": ["contractors"]})
    blocked = (await integrator.enroll("blocked"))["id"]
    _, of_blocked = await today.create(bank, blocked, "Mail")
    await integrator.ask("POST", f"/v1/enrollments/{blocked}/block", {"reason": "left"})
    tomorrow = services(hasher, clock=lambda: app.now() + DAY)
    for journey, user, typed, scope, works in (
        (today, "alice", password, "mail", True),
        (today, "alice", password.upper(), "mail", True),
        (today, "alice", brief, None, True),
        (tomorrow, "alice", brief, None, False),
        (today, "alice", password, "files", False),
        (today, "alice", password, None, False),
        (today, "alice", WRONG, None, False),
        (today, "alice", "no such thing", None, False),
        (today, "alice", "", None, False),
        (today, "off", of_off, None, False),
        (today, "blocked", of_blocked, None, False),
        (today, "nobody", password, "mail", False),
        (today, "nobody", "", None, False),
    ):
        before = hasher.verified
        right = await journey.check(bank, user, typed, scope)
        assert (right is not None, hasher.verified - before) == (works, 1), (user, typed, scope)


async def test_two_gateways_on_one_store_judge_no_more_than_one(alice, services, bank):
    hasher = Counting()
    one, other = services(hasher), services(hasher)
    await one.create(bank, alice, "Mail")
    guesses = [journey.check(bank, "alice", WRONG) for journey in (one, other) for _ in range(50)]
    answers = await asyncio.gather(*guesses, return_exceptions=True)
    assert answers.count(None) == hasher.verified == LIMITS.app_password_failures
    assert {type(answer) for answer in answers if answer is not None} == {Rejected}


async def test_one_that_is_deleted_while_it_is_verified_is_not_good(integrator, alice, services, bank):
    hasher = Held()
    app_passwords = services(hasher)
    made, password = await app_passwords.create(bank, alice, "Mail")
    checking = asyncio.create_task(app_passwords.check(bank, "alice", password))
    assert await asyncio.to_thread(hasher.begun.wait, PATIENCE)
    assert (await delete(integrator, alice, made.id)).status == 204
    hasher.let_go.set()
    assert await checking is None


async def test_another_is_drawn_while_the_selector_is_taken(world, alice, services, bank):
    vault = app.vault_of(world.settings)
    found: dict[bytes, str] = {}
    for _ in itertools.count():
        drawn = new_password()
        twin = found.setdefault(vault.password_selector(alice, drawn), drawn)
        if twin != drawn:
            break
    row = [twin, drawn, drawn, new_password()]
    passwords = iter(row)
    app_passwords = services(Counting(), new_password=lambda: next(passwords))
    made = [await app_passwords.create(bank, alice, name) for name in ("one", "another")]
    assert [normalize_password(password) for _, password in made] == [twin, row[-1]]
    assert len({kept.selector for kept in await app_passwords.list(bank, alice)}) == 2
    assert await app_passwords.check(bank, "alice", drawn) is None


async def test_what_could_not_be_judged_is_not_counted(alice, services, bank):
    hasher = Held()
    app_passwords = services(hasher)
    _, password = await app_passwords.create(bank, alice, "Mail")
    others = [app_passwords.check(bank, f"user {number}", WRONG) for number in range(MOST_AT_ONCE)]
    waiting = [asyncio.create_task(other) for other in others]
    async with asyncio.timeout(PATIENCE):
        while app_passwords._passwords._in_progress < MOST_AT_ONCE:
            await asyncio.sleep(0)
    for _ in range(2 * LIMITS.app_password_failures):
        with pytest.raises(Rejected, match="Too many passwords and PINs are being hashed"):
            await app_passwords.check(bank, "alice", password)
    hasher.let_go.set()
    assert await asyncio.gather(*waiting) == [None] * MOST_AT_ONCE
    assert await app_passwords.check(bank, "alice", password) is not None
