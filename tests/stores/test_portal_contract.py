"""What every store promises of visits to the pages: a link opens once, and a session moves on from what it was."""

import asyncio

import msgspec
import pytest
from support.verifications import an_enrollment

from gateway.domain.portal import PortalLink, PortalPage, PortalSession
from gateway.ports import ApiKey, Application, Receipt, Replay

BANK, OTHER = Application("app_1", "Example Bank"), Application("app_2", "Other Bank")
ALICE = "enr_1"


@pytest.fixture
async def people(store, clock):
    """The people of a store that has two applications, with one person of the first."""
    for number, owner in enumerate((BANK, OTHER)):
        await store.add_key(ApiKey(f"key_{number}", owner, "tests", bytes([number]) * 32, clock.now, None))
    await store.people.enroll(an_enrollment(ALICE, at=clock.now, application_id=BANK.id), None)
    return store.people


def link(name=b"l" * 32):
    return PortalLink(name, ALICE, PortalPage.ENROLL, "https://bank.example/back", 1_800_000_600_000)


def session(name=b"s" * 32, **fields):
    return PortalSession(name, ALICE, PortalPage.ENROLL, None, 1_800_000_000_000, 1_800_001_800_000, **fields)


def receipt(answer):
    return Receipt(b"k" * 32, b"r", answer)


async def test_a_link_opens_once_however_many_try(people):
    assert await people.add_link(link(), None) == link()
    assert await people.link(link().digest) == link()
    opened = await asyncio.gather(*(people.open_link(link().digest, session(bytes([n]) * 32)) for n in range(50)))
    assert opened.count(True) == 1
    sessions = [await people.session(bytes([number]) * 32) for number in range(50)]
    assert [kept is not None for kept in sessions] == opened
    assert await people.link(link().digest) == link()
    assert not await people.open_link(b"x" * 32, session(b"x" * 32))


async def test_a_link_opens_until_its_time_and_not_at_it(people, clock):
    for name in (b"a" * 32, b"b" * 32):
        await people.add_link(link(name), None)
    clock.now = link().expires_at - 1
    assert await people.open_link(b"a" * 32, session())
    clock.now += 1
    assert not await people.open_link(b"b" * 32, session(b"b" * 32))
    assert await people.session(b"b" * 32) is None


async def test_a_link_is_made_once_for_an_idempotency_key(people):
    made = [
        await people.add_link(link(name), receipt(lambda _link, name=name: b"url of " + name))
        for name in (b"a" * 32, b"b" * 32)
    ]
    assert made == [link(b"a" * 32), Replay(b"url of " + b"a" * 32)]
    assert await people.link(b"b" * 32) is None


async def test_a_session_moves_on_only_from_what_it_was(people):
    await people.add_link(link(), None)
    first = session(link_digest=link().digest)
    await people.open_link(link().digest, first)
    assert await people.session(first.digest) == first
    steps = [msgspec.structs.replace(first, verification_id=f"ver_{number}") for number in range(20)]
    moved = await asyncio.gather(*(people.move_session(first, step) for step in steps))
    assert moved.count(True) == 1
    assert await people.session(first.digest) == steps[moved.index(True)]
    await people.end_session(first.digest)
    assert await people.session(first.digest) is None
    assert not await people.move_session(steps[moved.index(True)], first)


async def test_links_and_sessions_are_purged_after_their_time(people, store):
    await people.add_link(link(), None)
    await people.open_link(link().digest, session())
    await store.purge(link().expires_at)
    assert await people.link(link().digest)
    await store.purge(link().expires_at + 1)
    assert await people.link(link().digest) is None
    assert await people.session(session().digest)
    await store.purge(session().expires_at + 1)
    assert await people.session(session().digest) is None


async def test_applications_are_found_by_their_id(people):
    assert [await people.application(name) for name in (BANK.id, OTHER.id, "app_3")] == [BANK, OTHER, None]
