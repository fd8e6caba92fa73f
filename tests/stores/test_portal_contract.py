"""What every store promises of visits to the pages: a link opens once, and a session moves on from what it was."""

import asyncio

import msgspec
import pytest
from support.verifications import an_enrollment

from gateway.domain.api_keys import ApiKey, Application
from gateway.domain.idempotency import IdempotencyKey, RepeatedRequest
from gateway.domain.portal import PortalLink, PortalPage, PortalSession

BANK, OTHER = Application("app_1", "Example Bank"), Application("app_2", "Other Bank")
ALICE = "enr_1"


@pytest.fixture(autouse=True)
async def people(store, clock):
    """The people of a store that has two applications, with one person of the first."""
    for number, owner in enumerate((BANK, OTHER)):
        await store.api_keys.add(ApiKey(f"key_{number}", owner, "tests", bytes([number]) * 32, clock.now, None))
    await store.enrollments.enroll(an_enrollment(ALICE, at=clock.now, application_id=BANK.id), None)


def link(name=b"l" * 32):
    return PortalLink(name, ALICE, PortalPage.ENROLL, "https://bank.example/back", 1_800_000_600_000)


def session(name=b"s" * 32, **fields):
    return PortalSession(name, ALICE, PortalPage.ENROLL, None, 1_800_000_000_000, 1_800_001_800_000, **fields)


def idempotency_key(response):
    return IdempotencyKey(b"k" * 32, b"r", response)


async def test_a_link_opens_once_however_many_try(portal):
    assert await portal.add_link(link(), None) == link()
    assert await portal.link(link().digest) == link()
    opened = await asyncio.gather(*(portal.open_link(link().digest, session(bytes([n]) * 32)) for n in range(50)))
    assert opened.count(True) == 1
    sessions = [await portal.session(bytes([number]) * 32) for number in range(50)]
    assert [kept is not None for kept in sessions] == opened
    assert await portal.link(link().digest) == link()
    assert not await portal.open_link(b"x" * 32, session(b"x" * 32))


async def test_a_link_opens_until_its_time_and_not_at_it(portal, clock):
    for name in (b"a" * 32, b"b" * 32):
        await portal.add_link(link(name), None)
    clock.now = link().expires_at - 1
    assert await portal.open_link(b"a" * 32, session())
    clock.now += 1
    assert not await portal.open_link(b"b" * 32, session(b"b" * 32))
    assert await portal.session(b"b" * 32) is None


async def test_a_link_is_made_once_for_an_idempotency_key(portal):
    first, second = (idempotency_key(lambda _link, name=name: b"url of " + name) for name in (b"a" * 32, b"b" * 32))
    assert await portal.add_link(link(b"a" * 32), first) == link(b"a" * 32)
    with pytest.raises(RepeatedRequest) as repeated:
        await portal.add_link(link(b"b" * 32), second)
    assert repeated.value.response.content == b"url of " + b"a" * 32
    assert await portal.link(b"b" * 32) is None


async def test_a_session_moves_on_only_from_what_it_was(portal):
    await portal.add_link(link(), None)
    first = session(link_digest=link().digest)
    await portal.open_link(link().digest, first)
    assert await portal.session(first.digest) == first
    steps = [msgspec.structs.replace(first, verification_id=f"ver_{number}") for number in range(20)]
    moved = await asyncio.gather(*(portal.move_session(first, step) for step in steps))
    assert moved.count(True) == 1
    assert await portal.session(first.digest) == steps[moved.index(True)]
    await portal.end_session(first.digest)
    assert await portal.session(first.digest) is None
    assert not await portal.move_session(steps[moved.index(True)], first)


async def test_links_and_sessions_are_purged_after_their_time(portal, store):
    await portal.add_link(link(), None)
    await portal.open_link(link().digest, session())
    await store.retention.delete_expired(link().expires_at)
    assert await portal.link(link().digest)
    await store.retention.delete_expired(link().expires_at + 1)
    assert await portal.link(link().digest) is None
    assert await portal.session(session().digest)
    await store.retention.delete_expired(session().expires_at + 1)
    assert await portal.session(session().digest) is None


async def test_applications_are_found_by_their_id(store):
    assert [await store.api_keys.application(name) for name in (BANK.id, OTHER.id, "app_3")] == [BANK, OTHER, None]
