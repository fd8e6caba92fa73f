"""Erasing a number: nothing kept tells it any more, also beside a gateway that has it in memory; its wishes stay."""

import os

import msgspec
import pytest
from support.outbox import waiting_notifications
from support.verifications import a_request, an_enrollment, create_in

from gateway.domain.api_keys import ApiKey, Application
from gateway.domain.enrollment import DefaultMethod, Phone, PhoneKind
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.limits import Limits
from gateway.domain.listing import ListFilter
from gateway.domain.outbox import OutboxUpdate
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.phones import offer_phone, verify_phone
from gateway.domain.verification import Change, Channel, Status
from gateway.security.vault import Vault
from gateway.stores import sql
from gateway.stores.suppressions import OptOutReason
from gateway.stores.verifications import Joining

LIMITS = Limits()
NUMBER, OTHER = PhoneNumber("+14255550123"), PhoneNumber("+14255550124")
WHY = "asked by letter"
FINGERPRINT, SEALING, CODE = (os.urandom(32) for _ in range(3))


@pytest.fixture
def vault() -> Vault:
    return Vault({1: SEALING}, FINGERPRINT, CODE)


async def create(store, vault, name="ver_1", number=NUMBER, joining=None):
    request = a_request(name, vault=vault, number=number, enrollment_id=joining and "enr_1")
    return await create_in(store, request, limits=LIMITS, joining=joining)


async def alice(store, clock, *numbers):
    """Enroll a person whose first phone is the default."""
    await store.api_keys.add(ApiKey("key_1", Application("app_1", "Bank"), "ci", b"d" * 32, clock.now, None))
    person = an_enrollment(at=clock.now)
    await store.enrollments.enroll(person, None)
    for place, number in enumerate(numbers):
        phone = Phone(f"phn_{place}", PhoneKind.AUTHENTICATION, number)
        await store.enrollments.change("enr_1", lambda kept, now, phone=phone: offer_phone(kept, phone, now, LIMITS))
        await store.enrollments.change(
            "enr_1", lambda kept, now, phone=phone: verify_phone(kept, phone, Channel.SMS, now)
        )
    for waiting in await waiting_notifications(store):
        await store.outbox.update(OutboxUpdate(waiting.id))


async def test_what_is_under_way_is_canceled_and_nothing_tells_the_number(store, beside, vault):
    await create(store, vault)
    await create(store, vault, "ver_2", OTHER)
    assert (await store.verifications.get("ver_1")).number == NUMBER  # the gateway has it in memory
    erased = await beside.eraser.erase(NUMBER, WHY)
    assert (erased.verifications, erased.counts) == (1, 1)
    listed = await store.verifications.page("app_1", ListFilter())
    assert [kept.number.is_wiped for kept in listed.verifications] == [False, True]
    change = await store.verifications.apply("ver_1", lambda kept, _now: Change(kept))
    assert change.verification.number.is_wiped
    assert change.verification.status is Status.CANCELED
    assert (await store.verifications.get("ver_1")).number.is_wiped
    row = await store.run(lambda work: work.read(sql.PAGE_VERIFICATIONS, ("", 1)))
    assert [bytes(value) for value in row[1:]] == [b"", b""]
    again = await beside.eraser.erase(NUMBER, WHY)
    assert msgspec.structs.astuple(again) == (0, 0, 0, 0)


async def test_a_phone_is_removed_by_the_rules_and_only_the_others_hear_of_it(store, beside, clock):
    await alice(store, clock, NUMBER, OTHER)
    await beside.eraser.erase(NUMBER, WHY)
    person = await store.enrollments.get("enr_1")
    assert [phone.number for phone in person.phones] == [OTHER]
    assert person.default_method == DefaultMethod("phn_1", Channel.SMS)
    last = (await store.enrollments.history("enr_1", 0))[-1]
    assert (last.type, last.facts["erased"], last.facts["reason"]) == ("phone.removed", True, WHY)
    assert [waiting.notification.number for waiting in await waiting_notifications(store)] == [OTHER]
    assert (await beside.eraser.erase(NUMBER, WHY)).phones == 0


async def test_notifications_to_the_number_are_dropped(store, beside, clock):
    await alice(store, clock, NUMBER)
    phone = Phone("phn_new", PhoneKind.AUTHENTICATION, OTHER)
    await store.enrollments.change("enr_1", lambda kept, now: offer_phone(kept, phone, now, LIMITS))
    await store.enrollments.change("enr_1", lambda kept, now: verify_phone(kept, phone, Channel.SMS, now))
    assert [waiting.notification.number for waiting in await waiting_notifications(store)] == [NUMBER]
    assert (await beside.eraser.erase(NUMBER, WHY)).notifications == 1


async def test_who_wanted_no_calls_and_texts_still_gets_none(store, beside, vault):
    await create(store, vault)
    await store.suppressions.add(NUMBER, "asked for it")
    await store.suppressions.opt_out(NUMBER, ["+15005550006"], OptOutReason.KEYWORD)
    await beside.eraser.erase(NUMBER, WHY)
    assert await store.suppressions.opted_out(NUMBER, "+15005550006")
    with pytest.raises(Rejected) as refused:
        await create(store, vault, "ver_2")
    assert refused.value.code is ErrorCode.NUMBER_STOPPED


async def test_a_person_in_the_middle_of_proving_it_is_told_that_it_ended(store, beside, vault, clock):
    await alice(store, clock)
    phone = Phone("phn_1", PhoneKind.AUTHENTICATION, NUMBER)
    await create(store, vault, joining=Joining("enr_1", lambda kept, _, now: offer_phone(kept, phone, now, LIMITS)))
    await beside.eraser.erase(NUMBER, WHY)
    person = await store.enrollments.get("enr_1")
    assert person.phones == ()
    assert person.last_outcome.status is Status.CANCELED


async def test_rows_under_an_older_key_are_found(store, vault, clock, reopen):
    await create(store, vault)
    await alice(store, clock, NUMBER)
    await store.close()
    newer = Vault({1: SEALING}, {1: FINGERPRINT, 2: os.urandom(32)}, CODE)
    again = await reopen(newer)
    erased = await again.eraser.erase(NUMBER, WHY)
    assert (erased.verifications, erased.phones, erased.counts) == (1, 1, 1)
    await again.close()
