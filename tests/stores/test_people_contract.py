"""What every store promises of people: one change at a time, kept whole with all of it, and nothing of it in clear."""

import asyncio

import msgspec
import pytest
from support.outbox import waiting_notifications
from support.verifications import a_request, an_enrollment, create_in

from gateway.domain import blocks, recognition
from gateway.domain.api_keys import ApiKey, Application
from gateway.domain.enrollment import (
    DefaultMethod,
    EnrollmentChange,
    NotificationKind,
    Phone,
    PhoneKind,
    update_enrollment,
)
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.idempotency import IdempotencyKey, RepeatedRequest
from gateway.domain.journal import JournalEntry
from gateway.domain.limits import Limits
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.phones import choose_default, offer_phone, remove_phone, verify_phone
from gateway.domain.portal import PortalLink, PortalPage, PortalSession
from gateway.domain.timeouts import pass_deadline
from gateway.domain.verification import Channel
from gateway.stores.statement import select
from gateway.stores.verifications import Joining

LIMITS = Limits()
BANK, OTHER = Application("app_1", "Example Bank"), Application("app_2", "Other Bank")
MOBILE, SPARE, DESK = (PhoneNumber(f"+1425555012{digit}") for digit in "345")
EXTENSION = "73519"
ALICE = "enr_1"
TABLES = ("enrollments", "phones", "outbox", "portal_links", "portal_sessions")


@pytest.fixture
async def people(store, clock):
    """The people of a store that has two applications, with one person of the first."""
    for number, owner in enumerate((BANK, OTHER)):
        await store.api_keys.add(ApiKey(f"key_{number}", owner, "tests", bytes([number]) * 32, clock.now, None))
    await store.enrollments.enroll(person(ALICE, clock), None)
    return store.enrollments


@pytest.fixture
async def alice(people, clock):
    """That person with two proven phones and one with an extension that is still to be proven."""
    phones = (
        Phone("phn_1", PhoneKind.AUTHENTICATION, MOBILE, clock.now),
        Phone("phn_2", PhoneKind.ALTERNATE, SPARE, clock.now),
        Phone("phn_3", PhoneKind.OFFICE, DESK, None, EXTENSION),
    )
    default = DefaultMethod("phn_1", Channel.SMS)
    change = await people.change(
        ALICE, lambda kept, _now: EnrollmentChange(msgspec.structs.replace(kept, phones=phones, default_method=default))
    )
    return change.enrollment


def person(name, clock, application=BANK, user="alice"):
    return an_enrollment(
        name, at=clock.now, application_id=application.id, user=user, display_name="Alice", locale="de", groups=("a",)
    )


def link(name=b"l" * 32, page=PortalPage.ENROLL, expires_at=1_800_000_600_000):
    return PortalLink(name, ALICE, page, "https://bank.example/back", expires_at)


def session(name=b"s" * 32, **fields):
    return PortalSession(name, ALICE, PortalPage.ENROLL, None, 1_800_000_000_000, 1_800_001_800_000, **fields)


def idempotency_key(response, key=b"k" * 32, request=b"r"):
    return IdempotencyKey(key, request, response)


def trusting(number):
    return lambda kept, now: recognition.trust_device(kept, bytes([number]) * 32, 30, now)


async def rows_of(store):
    async def count(work):
        return {table: (await work.read(select(f"SELECT count(*) FROM {table}")))[0] for table in TABLES}  # noqa: S608 - our own names

    return await store.run(count)


async def begin(store, name, number, enrollment_id=ALICE, joined=None):
    """Begin a verification of a number for a person; `joined` hears how many others have it."""
    request = a_request(name, Channel.CALL, application_name=BANK.name, number=number, enrollment_id=enrollment_id)
    phone = Phone(f"phn_{name}", PhoneKind.AUTHENTICATION, number)

    def step(kept, sharers, now):
        if joined is not None:
            joined.append(sharers)
        return offer_phone(kept, phone, now, LIMITS)

    return await create_in(store, request, limits=LIMITS, joining=Joining(enrollment_id, step))


async def test_a_change_is_kept_with_its_phones_and_its_journal(people, alice, clock):
    assert await people.get(ALICE) == alice
    clock.now += 5_000
    change = await people.change(ALICE, lambda kept, now: remove_phone(kept, "phn_1", now))
    after = await people.get(ALICE)
    assert after == change.enrollment == await people.of_user(BANK.id, "alice")
    assert ([phone.id for phone in after.phones], after.updated_at) == (["phn_2", "phn_3"], clock.now)
    assert after.default_method == DefaultMethod("phn_2", Channel.SMS)
    [entry] = await people.history(ALICE, 0)
    assert (
        (entry.sequence, entry.type, entry.at)
        == (after.entries, "phone.removed", clock.now)
        == (1, entry.type, entry.at)
    )


@pytest.mark.usefixtures("alice")
async def test_the_journal_is_read_from_behind_an_entry(people):
    await people.change(ALICE, lambda kept, now: blocks.block_person(kept, "stolen", None, now))
    two = JournalEntry("first", {}), JournalEntry("second", {"of": 2})
    await people.change(ALICE, lambda kept, now: update_enrollment(kept, now, *two))
    entries = await people.history(ALICE, 0)
    assert [(entry.sequence, entry.type) for entry in entries] == [
        (1, "enrollment.blocked"), (2, "first"), (3, "second"),
    ]  # fmt: skip
    assert await people.history(ALICE, 2) == entries[2:]
    assert await people.history(ALICE, 3) == await people.history("enr_none", 0) == []


async def test_who_is_not_there_cannot_be_changed_or_removed(people, store):
    for attempt in (
        people.change("enr_none", lambda kept, _now: EnrollmentChange(kept)),
        people.remove("enr_none", lambda kept, _now: EnrollmentChange(kept)),
        begin(store, "ver_1", MOBILE, "enr_none"),
    ):
        with pytest.raises(Rejected) as refusal:
            await attempt
        assert refusal.value.code is ErrorCode.NOT_FOUND
    assert await store.verifications.get("ver_1") is None


@pytest.mark.usefixtures("alice")
async def test_fifty_changes_at_once_are_fifty_changes(people):
    await asyncio.gather(
        *(
            people.change(ALICE, lambda kept, now: update_enrollment(kept, now, JournalEntry("x", {})))
            for _ in range(50)
        )
    )
    assert (await people.get(ALICE)).entries == len(await people.history(ALICE, 0)) == 50


async def test_a_hundred_at_once_enroll_one_person(people, clock):
    results = await asyncio.gather(
        *(people.enroll(person(f"enr_{number}", clock, user="bob"), None) for number in range(2, 102))
    )
    assert [new for _, new in results].count(True) == 1
    assert len({kept.id for kept, _ in results}) == 1
    assert (await people.enroll(person("enr_other", clock, OTHER, "bob"), None))[1]


async def test_a_change_that_fails_harms_no_neighbour(store, people, alice):
    def broken(_kept, _now):
        raise ZeroDivisionError

    def forbidden(_kept, _now):
        raise Rejected(ErrorCode.ENROLLMENT_BLOCKED, "no")

    def impossible(kept, now):  # its journal's place is taken: the database itself refuses
        change = remove_phone(kept, "phn_1", now)
        return msgspec.structs.replace(change, enrollment=msgspec.structs.replace(change.enrollment, entries=1))

    results = await asyncio.gather(
        people.change(ALICE, trusting(1)),
        people.change(ALICE, broken),
        people.change(ALICE, forbidden),
        people.change(ALICE, impossible),
        people.remove(ALICE, forbidden),
        people.change(ALICE, trusting(2)),
        return_exceptions=True,
    )
    assert type(results.pop(3)).__name__ in {"IntegrityError", "UniqueViolationError"}
    assert [type(result).__name__ for result in results] == [
        "EnrollmentChange", "ZeroDivisionError", "Rejected", "Rejected", "EnrollmentChange",
    ]  # fmt: skip
    after = await people.get(ALICE)
    assert [device.digest[:1] for device in after.devices] == [b"\x01", b"\x02"]
    assert after.phones == alice.phones
    assert [entry.type for entry in await people.history(ALICE, 0)] == ["device.trusted"] * 2
    assert await waiting_notifications(store) == []


@pytest.mark.usefixtures("alice")
async def test_a_refusal_that_comes_with_a_change_is_kept(people):
    await people.change(ALICE, lambda kept, now: recognition.grant_bypass(kept, b"good", 600, "no phone", now))
    wrong = [people.change(ALICE, lambda kept, now: recognition.use_bypass(kept, b"bad", now)) for _ in range(20)]
    results = await asyncio.gather(*wrong, return_exceptions=True)
    counted = [result for result in results if isinstance(result, EnrollmentChange)]
    assert [change.refusal.code for change in counted] == [ErrorCode.BYPASS_INVALID] * 5
    assert {result.code for result in results if isinstance(result, Rejected)} == {ErrorCode.BYPASS_INVALID}
    assert (await people.get(ALICE)).bypass is None
    assert [entry.facts for entry in await people.history(ALICE, 1)] == [
        {"guesses_left": left} for left in (4, 3, 2, 1, 0)
    ]


@pytest.mark.usefixtures("alice")
async def test_a_bypass_is_used_once_however_many_try(people):
    await people.change(ALICE, lambda kept, now: recognition.grant_bypass(kept, b"good", 600, "no phone", now))
    right = [people.change(ALICE, lambda kept, now: recognition.use_bypass(kept, b"good", now)) for _ in range(20)]
    results = await asyncio.gather(*right, return_exceptions=True)
    assert sum(isinstance(result, EnrollmentChange) and result.refusal is None for result in results) == 1


@pytest.mark.usefixtures("alice")
async def test_notifications_are_kept_in_the_transaction_of_their_cause(store, people, fill_up):
    await people.change(ALICE, lambda kept, now: blocks.block_person(kept, "stolen", None, now))
    assert {waiting.notification.kind for waiting in await waiting_notifications(store)} == {NotificationKind.BLOCKED}
    await fill_up("outbox")
    with pytest.raises(Exception, match="full"):
        await people.change(ALICE, lambda kept, now: remove_phone(kept, "phn_1", now))
    assert [phone.id for phone in (await people.get(ALICE)).phones] == ["phn_1", "phn_2", "phn_3"]
    assert len(await people.history(ALICE, 0)) == 1


@pytest.mark.usefixtures("alice")
async def test_an_idempotency_key_changes_once_and_answers_the_same(people):
    grant = lambda kept, now: recognition.grant_bypass(kept, b"good", 600, "no phone", now)  # noqa: E731 - one line
    key = idempotency_key(lambda change: change.enrollment.bypass.reason.encode())
    results = await asyncio.gather(*(people.change(ALICE, grant, key) for _ in range(9)), return_exceptions=True)
    assert [isinstance(result, RepeatedRequest) for result in results] == [False] + [True] * 8
    assert {result.response.content for result in results[1:]} == {b"no phone"}
    assert (await people.get(ALICE)).entries == 1


@pytest.mark.usefixtures("alice")
async def test_a_record_goes_with_all_that_hangs_on_it(portal, people, store, clock):
    await begin(store, "ver_1", PhoneNumber("+14255550177"))
    await people.change(ALICE, lambda kept, now: blocks.block_person(kept, "stolen", None, now))
    for number in (1, 2):
        await portal.add_link(link(bytes([number]) * 32), None)
    assert await portal.open_link(b"\x01" * 32, session())
    await people.enroll(person("enr_2", clock, user="bob"), None)
    with pytest.raises(ZeroDivisionError):
        await people.remove(ALICE, lambda _kept, _now: 1 // 0)
    assert await rows_of(store) == dict(zip(TABLES, (2, 4, 3, 2, 1), strict=True))
    await people.remove(ALICE, lambda kept, _now: EnrollmentChange(kept))
    assert await rows_of(store) == dict(zip(TABLES, (1, 0, 1, 0, 0), strict=True))
    assert await waiting_notifications(store) == []  # what is left is the attempt of a verification
    assert await people.history(ALICE, 0) == []
    assert await people.get(ALICE) is await people.of_user(BANK.id, "alice") is None
    clock.now += LIMITS.lifetime * 1_000
    assert (await store.verifications.apply("ver_1", pass_deadline)).outcome  # there is nobody to tell it to


async def test_the_people_who_have_a_number_are_counted_in_their_application_alone(people, store, clock):
    for number, (owner, user) in enumerate([(BANK, "bob"), (BANK, "carol"), (OTHER, "dave")], start=2):
        await people.enroll(person(f"enr_{number}", clock, owner, user), None)
    joined = []
    for number, name in enumerate(["enr_2", "enr_3", "enr_4", ALICE, "enr_2"]):
        await begin(store, f"ver_{number}", MOBILE, name, joined)
        await people.change(name, lambda kept, now: verify_phone(kept, kept.phone_at(MOBILE, None), Channel.SMS, now))
    assert joined == [0, 1, 0, 2, 2]
    await people.change("enr_3", lambda kept, now: blocks.reset(kept, "moved", now))
    clock.now += LIMITS.send_window * 1_000
    await people.enroll(person("enr_5", clock, BANK, "eve"), None)
    await begin(store, "ver_8", MOBILE, "enr_5", joined)
    await begin(store, "ver_9", MOBILE, ALICE, joined)
    assert joined[-2:] == [2, 1]  # Eve's, which is not proven, is nobody's yet


@pytest.mark.usefixtures("alice")
async def test_a_store_opened_again_has_them_and_neither_number_nor_extension_is_on_disk(
    portal, people, store, reopen, disk
):
    await people.change(ALICE, lambda kept, now: choose_default(kept, DefaultMethod("phn_2", Channel.CALL), now))
    await people.change(ALICE, lambda kept, now: blocks.block_person(kept, "stolen", None, now))
    await portal.add_link(link(), None)
    await portal.open_link(link().digest, session())
    kept = await people.get(ALICE), await people.history(ALICE, 0), await waiting_notifications(store)
    await store.close()
    on_disk = await disk()
    assert b"phn_3" in on_disk
    secrets = [number.e164[2:].encode() for number in (MOBILE, SPARE, DESK)] + [EXTENSION.encode()]
    assert [secret for secret in secrets if secret in on_disk] == []
    again = await reopen()
    found = again.enrollments
    assert (await found.get(ALICE), await found.history(ALICE, 0), await waiting_notifications(again)) == kept
    portal = again.portal
    assert (await portal.link(link().digest), await portal.session(session().digest)) == (link(), session())
    await again.close()
