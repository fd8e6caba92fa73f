"""What every store promises of notices: kept with their cause, taken by one at a time, gone when they are dropped."""

import asyncio

import msgspec
import pytest
from support.verifications import an_enrollment

from gateway.domain.api_keys import ApiKey, Application
from gateway.domain.blocks import block_person, unblock_person
from gateway.domain.enrollment import EnrollmentChange, Notification, NotificationKind, Phone, PhoneKind
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.phones import remove_phone

MOBILE, SPARE, DESK = (PhoneNumber(f"+1425555012{digit}") for digit in "345")
LEASE = 60_000


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
    await store.enrollments.enroll(an_enrollment(at=clock.now, application_id=bank.id, locale="de"), None)
    await store.enrollments.change(
        "enr_1", lambda alice, _now: EnrollmentChange(msgspec.structs.replace(alice, phones=phones))
    )
    return store.enrollments


async def block(people):
    change = await people.change("enr_1", lambda alice, now: block_person(alice, "a lost phone", None, now))
    return change.enrollment


async def test_a_notice_says_what_it_is_about_and_whose(outbox, people, clock):
    alice = await block(people)
    clock.now += 5_000
    due = await outbox.due_notices(10)
    assert {told.notice for told in due} == {
        Notification(NotificationKind.BLOCKED, number) for number in (MOBILE, SPARE)
    }
    assert {(told.application_name, told.created_at) for told in due} == {("Example Bank", clock.now - 5_000)}
    assert [told.enrollment for told in due] == [alice, alice]


async def test_the_oldest_come_first_and_no_more_than_asked_for(outbox, people, clock):
    await people.change("enr_1", lambda alice, now: remove_phone(alice, "phn_2", now))
    clock.now += 1_000
    await block(people)
    kinds = [told.notice.kind for told in await outbox.due_notices(10)]
    assert kinds == [NotificationKind.PHONE_REMOVED, NotificationKind.PHONE_REMOVED, NotificationKind.BLOCKED]
    assert len(await outbox.due_notices(2)) == 2


async def test_each_change_has_notices_of_its_own(outbox, people):
    await block(people)
    await people.change("enr_1", lambda alice, now: unblock_person(alice, "found again", now))
    await block(people)
    assert len({told.id for told in await outbox.due_notices(10)}) == 4


async def test_one_has_it_for_the_lease_and_then_another_may(outbox, people, clock):
    await block(people)
    first, second = await outbox.due_notices(10)
    claims = await asyncio.gather(*(outbox.claim_notice(first.id, LEASE) for _ in range(20)))
    assert sum(claims) == 1
    assert await outbox.due_notices(10) == [second]
    clock.now += LEASE - 1
    assert not await outbox.claim_notice(first.id, LEASE)
    clock.now += 1
    assert first in await outbox.due_notices(10)
    assert await outbox.claim_notice(first.id, LEASE)


async def test_what_is_dropped_is_gone_whoever_has_it(outbox, people, clock):
    await block(people)
    claimed, free = await outbox.due_notices(10)
    await outbox.claim_notice(claimed.id, LEASE)
    for told in (claimed, free, free):
        await outbox.drop_notice(told.id)
    clock.now += LEASE
    assert await outbox.due_notices(10) == []
    assert not await outbox.claim_notice(claimed.id, LEASE)


async def test_a_change_that_fails_tells_nobody(outbox, people):
    def broken(alice, now):
        block_person(alice, "a lost phone", None, now)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await people.change("enr_1", broken)
    assert await outbox.due_notices(10) == []


async def test_a_record_that_is_removed_takes_its_notices_along(outbox, people):
    await block(people)
    await people.remove("enr_1", lambda alice, _now: EnrollmentChange(alice))
    assert await outbox.due_notices(10) == []


async def test_a_store_opened_again_has_them_and_no_number_is_on_disk(outbox, people, store, reopen, disk):
    await block(people)
    due = await outbox.due_notices(10)
    await store.close()
    on_disk = await disk()
    assert b"ntc_" in on_disk
    assert not [number for number in (MOBILE, SPARE, DESK) if number.e164[2:].encode() in on_disk]
    again = await reopen()
    assert await again.outbox.due_notices(10) == due
    await again.close()
