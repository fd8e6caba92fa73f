"""What every store promises of notifications: kept with their cause, claimed by one, never sent behind a lost lease."""

import asyncio

import msgspec
import pytest
from support.outbox import waiting_notifications

from gateway.domain.api_keys import ApiKey, Application
from gateway.domain.blocks import block_person, unblock_person
from gateway.domain.enrollment import Enrollment, EnrollmentChange, NotificationKind, Phone, PhoneKind
from gateway.domain.outbox import TO_SEND, NotificationContent, OutboxKind, OutboxState, OutboxUpdate
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.phones import remove_phone

MOBILE, SPARE, DESK = (PhoneNumber(f"+1425555012{digit}") for digit in "345")
LEASE = 60_000
TURN = 5_000
"""How long PostgreSQL leaves what it has listed to the one that it was listed to."""


@pytest.fixture
async def people(store, clock):
    """The people of a store that has one, with three proven phones."""
    bank = Application("app_1", "Example Bank")
    await store.api_keys.add(ApiKey("key_1", bank, "tests", b"d" * 32, clock.now, None))
    phones = (
        Phone("phn_1", PhoneKind.AUTHENTICATION, MOBILE, clock.now),
        Phone("phn_2", PhoneKind.ALTERNATE, SPARE, clock.now),
        Phone("phn_3", PhoneKind.OFFICE, DESK, clock.now),
    )
    await store.enrollments.enroll(Enrollment("enr_1", bank.id, "alice", clock.now, clock.now, locale="de"), None)
    await store.enrollments.change(
        "enr_1", lambda alice, _now: EnrollmentChange(msgspec.structs.replace(alice, phones=phones))
    )
    return store.enrollments


async def block(people):
    await people.change("enr_1", lambda alice, now: block_person(alice, "a lost phone", None, now))


def claim_due(store, limit=10):
    return store.outbox.claim_due(limit, OutboxKind.NOTIFICATION, TO_SEND)


async def test_an_entry_names_its_person_and_its_notification_says_what_it_is_about(store, people, clock):
    await block(people)
    clock.now += 5_000
    due = await claim_due(store)
    assert {(entry.subject_id, entry.state, entry.tries) for entry in due} == {("enr_1", OutboxState.QUEUED, 0)}
    assert {entry.created_at for entry in due} == {clock.now - 5_000}
    notifications = [await store.outbox.notification(entry.id) for entry in due]
    assert set(notifications) == {
        NotificationContent(NotificationKind.BLOCKED, number, "Example Bank", "de") for number in (MOBILE, SPARE)
    }


async def test_no_attempt_is_listed_with_them_and_they_are_not_listed_with_attempts(store, people):
    await block(people)
    assert await store.outbox.claim_due(10, OutboxKind.ATTEMPT) == []
    assert len(await claim_due(store)) == 2


async def test_the_oldest_come_first_and_no_more_than_asked_for(store, people, clock):
    await people.change("enr_1", lambda alice, now: remove_phone(alice, "phn_2", now))
    clock.now += 1_000
    await block(people)
    kinds = [(await store.outbox.notification(entry.id)).kind for entry in await claim_due(store)]
    assert kinds == [NotificationKind.PHONE_REMOVED, NotificationKind.PHONE_REMOVED, NotificationKind.BLOCKED]
    clock.now += TURN
    assert len(await claim_due(store, 2)) == 2


async def test_each_change_has_notifications_of_its_own(store, people):
    await block(people)
    await people.change("enr_1", lambda alice, now: unblock_person(alice, "found again", now))
    await block(people)
    assert len({waiting.id for waiting in await waiting_notifications(store)}) == 4


async def test_one_claims_it_and_behind_the_lease_it_is_listed_but_never_claimed_again(store, people, clock):
    await block(people)
    first, second = await claim_due(store)
    claims = await asyncio.gather(*(store.outbox.claim(first.id, LEASE) for _ in range(20)))
    assert sum(claims) == 1
    clock.now += LEASE - 1
    assert await claim_due(store) == [second]
    clock.now += 1 + TURN
    listed = {entry.id: (entry.state, entry.tries) for entry in await claim_due(store)}
    assert listed == {first.id: (OutboxState.SENDING, 1), second.id: (OutboxState.QUEUED, 0)}
    assert not await store.outbox.claim(first.id, LEASE)


async def test_one_that_its_holder_queues_again_is_claimed_again(store, people, clock):
    await block(people)
    first, second = await claim_due(store)
    await store.outbox.claim(first.id, LEASE)
    await store.outbox.update(OutboxUpdate(second.id))
    again = OutboxUpdate(first.id, OutboxState.QUEUED, delay=1_000, tries=1, only_from=OutboxState.SENDING)
    await store.outbox.update(again)
    assert await claim_due(store) == []
    clock.now += 1_000
    [entry] = await claim_due(store)
    assert (entry.id, entry.state, entry.tries) == (first.id, OutboxState.QUEUED, 1)
    assert await store.outbox.claim(first.id, LEASE)


async def test_what_is_removed_is_gone_whoever_has_it(store, people, clock):
    await block(people)
    claimed, free = await claim_due(store)
    await store.outbox.claim(claimed.id, LEASE)
    for entry in (claimed, free, free):
        await store.outbox.update(OutboxUpdate(entry.id))
    clock.now += LEASE
    assert await claim_due(store) == []
    assert not await store.outbox.claim(claimed.id, LEASE)
    assert await store.outbox.notification(claimed.id) is None


async def test_a_change_that_fails_tells_nobody(store, people):
    def broken(alice, now):
        block_person(alice, "a lost phone", None, now)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await people.change("enr_1", broken)
    assert await waiting_notifications(store) == []


async def test_a_record_that_is_removed_takes_its_notifications_along(store, people):
    await block(people)
    await people.remove("enr_1", lambda alice, _now: EnrollmentChange(alice))
    assert await claim_due(store) == []


async def test_after_a_restore_none_is_sent(store, people):
    await block(people)
    assert msgspec.structs.astuple(await store.recovery.recover()) == (0, 0, 2)
    assert await claim_due(store) == []


async def test_a_store_opened_again_has_them_and_no_number_is_on_disk(people, store, reopen, disk):
    await block(people)
    waiting = await waiting_notifications(store)
    assert len(waiting) == 2
    await store.close()
    on_disk = await disk()
    assert b"ntc_" in on_disk
    assert not [number for number in (MOBILE, SPARE, DESK) if number.e164[2:].encode() in on_disk]
    again = await reopen()
    assert await waiting_notifications(again) == waiting
    await again.close()
