"""PINs on calls: the verification and the record of its person change together, however many come at once."""

import asyncio

import msgspec
import pytest
from support.outbox import waiting_notifications
from support.verifications import NUMBER, a_request, an_enrollment, create_in

from gateway.domain.api_keys import ApiKey, Application
from gateway.domain.enrollment import (
    EnrollmentChange,
    NotificationKind,
    Phone,
    PhoneKind,
    Pin,
)
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.ivr import call_events
from gateway.domain.ivr.pin import KeyedPin, PinVerdict, StalePinHash, decide_pin
from gateway.domain.limits import Limits
from gateway.domain.verification import Channel, FailureCode, Mode, Status
from gateway.stores.verifications import Joining

LIMITS = Limits()
BANK = Application("app_1", "Example Bank")
ALICE, HASH = "enr_1", "1$the hash"
RIGHT, WRONG = PinVerdict(HASH, fits=True), PinVerdict(HASH, fits=False)


@pytest.fixture
async def alice(store, clock):
    """Somebody with a proven phone and a PIN of their own."""
    await store.api_keys.add(ApiKey("key_1", BANK, "tests", b"k" * 32, clock.now, None))
    phones = (Phone("phn_1", PhoneKind.AUTHENTICATION, NUMBER, clock.now),)
    await store.enrollments.enroll(an_enrollment(ALICE, at=clock.now, application_id=BANK.id), None)
    await store.enrollments.change(
        ALICE, lambda kept, _now: EnrollmentChange(msgspec.structs.replace(kept, phones=phones, pin=Pin(HASH)))
    )


@pytest.fixture
def called(store, vault):
    """Places a call to the person and lets it be answered; returns the verification's id."""
    generous = msgspec.structs.replace(LIMITS, sends_per_number=1_000)

    async def call(name: str) -> str:
        request = a_request(name, Channel.CALL, vault=vault, application_id=BANK.id, mode=Mode.PIN, enrollment_id=ALICE)
        joining = Joining(ALICE, lambda kept, _sharers, _now: EnrollmentChange(kept))
        await create_in(store, request, limits=generous, joining=joining)
        await store.verifications.apply(
            name, lambda kept, now: call_events.answer_call(kept, f"token-{name}", name, None, now)
        )
        return name

    return call


def judged(name: str, verdict: PinVerdict, turn: int = 1):
    gathered = KeyedPin(f"token-{name}", name, turn, "583017")
    return lambda kept, person, now: decide_pin(kept, person, gathered, verdict, now, LIMITS)


@pytest.mark.usefixtures("alice")
async def test_a_right_pin_approves_and_is_the_persons_last_proof(store, called):
    change = await store.verifications.judge_pin(await called("ver_1"), judged("ver_1", RIGHT))
    assert change.verification.status is Status.APPROVED
    person = await store.enrollments.get(ALICE)
    assert (person.last_outcome.status, person.pin) == (Status.APPROVED, Pin(HASH))


@pytest.mark.usefixtures("alice")
async def test_a_pin_that_is_chosen_on_a_call_is_kept_with_its_notice_and_told_once(store, beside, called):
    name = await called("ver_1")
    await store.enrollments.change(
        ALICE, lambda kept, _now: EnrollmentChange(msgspec.structs.replace(kept, pin=Pin(HASH, must_change=True)))
    )
    await store.verifications.judge_pin(name, judged(name, RIGHT))
    await store.verifications.judge_pin(name, judged(name, PinVerdict(HASH, fits=False, hash="1$own"), turn=2))
    assert await waiting_notifications(store) == []
    stores, repeated = [store, beside], PinVerdict("1$own", fits=True)
    await asyncio.gather(
        *(stores[place % 2].verifications.judge_pin(name, judged(name, repeated, turn=3)) for place in range(20))
    )
    [waiting] = await waiting_notifications(store)
    assert (waiting.notification.kind, waiting.notification.number) == (NotificationKind.PIN_SET, NUMBER)
    assert (await store.enrollments.get(ALICE)).pin == Pin("1$own")


@pytest.mark.usefixtures("alice")
async def test_guesses_on_many_calls_at_once_get_no_more_verdicts_than_the_limit(store, beside, called):
    names = [await called(f"ver_{number}") for number in range(30)]
    stores = [store, beside]
    guesses = [stores[place % 2].verifications.judge_pin(name, judged(name, WRONG)) for place, name in enumerate(names)]
    changes = await asyncio.gather(*guesses)
    counted = [change for change in changes if any(entry.type == "call.wrong_pin" for entry in change.entries)]
    assert len(counted) == LIMITS.pin_failures
    person = await store.enrollments.get(ALICE)
    assert len(person.pin.failures) == LIMITS.pin_failures
    late = await store.verifications.judge_pin(await called("ver_late"), judged("ver_late", RIGHT))
    assert late.verification.failure.code is FailureCode.RATE_LIMITED


@pytest.mark.usefixtures("alice")
async def test_the_same_gather_told_many_times_is_judged_once(store, beside, called):
    name = await called("ver_1")
    stores = [store, beside]
    await asyncio.gather(*(stores[place % 2].verifications.judge_pin(name, judged(name, WRONG)) for place in range(20)))
    assert len((await store.enrollments.get(ALICE)).pin.failures) == 1
    assert (await store.verifications.get(name)).attempts[0].gather_number == 2


@pytest.mark.usefixtures("alice")
async def test_a_verdict_on_another_hash_leaves_nothing_behind(store, called):
    name = await called("ver_1")
    before = await store.verifications.get(name), await store.enrollments.get(ALICE)
    with pytest.raises(StalePinHash):
        await store.verifications.judge_pin(name, judged(name, PinVerdict("1$another", fits=True)))
    assert (await store.verifications.get(name), await store.enrollments.get(ALICE)) == before


@pytest.mark.usefixtures("alice")
async def test_an_approval_that_the_record_does_not_bear_leaves_nothing_behind(store, called):
    name = await called("ver_1")
    await store.enrollments.change(ALICE, lambda kept, _now: EnrollmentChange(msgspec.structs.replace(kept, phones=())))
    with pytest.raises(Rejected) as caught:
        await store.verifications.judge_pin(name, judged(name, RIGHT))
    assert caught.value.code is ErrorCode.NO_METHOD
    assert (await store.verifications.get(name)).status is Status.PENDING


async def test_an_unknown_verification_is_refused(store):
    with pytest.raises(Rejected) as caught:
        await store.verifications.judge_pin("ver_none", judged("ver_none", RIGHT))
    assert caught.value.code is ErrorCode.NOT_FOUND
