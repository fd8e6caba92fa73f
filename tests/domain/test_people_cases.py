"""What an outcome, a replacement, a loss, a block and a trusted browser each do to a person's record."""

from typing import Any

import pytest
from support.verifications import a_verification, an_enrollment

from gateway.domain import blocks, recognition
from gateway.domain.assurance import Assurance
from gateway.domain.enrollment import (
    DefaultMethod,
    Enrollment,
    EnrollmentChange,
    EnrollmentStatus,
    NotificationKind,
    Phone,
    PhoneKind,
)
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.limits import DAY, Limits
from gateway.domain.outcomes import record_outcome
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.phones import offer_phone, remove_phone
from gateway.domain.verification import Channel, Failure, FailureCode, Outcome, Status, Verification

LIMITS = Limits()
START = 1_800_000_000_000
SPOTS = [(PhoneNumber(f"+1425555010{digit}"), extension) for digit in range(3) for extension in (None, "12")]
GOOD = b"good"
FRAUD = Failure(FailureCode.REPORTED_FRAUD, "The person did not ask for this.")
Spot = tuple[PhoneNumber, str | None]


def verification_of(spot: Spot, channel: Channel = Channel.CALL, days: int = 30) -> Verification:
    return a_verification(
        created_at=START,
        number=spot[0],
        extension=spot[1],
        channel=channel,
        enrollment_id="enr_1",
        fraud_block_days=days,
    )


def approval(at: int) -> Outcome:
    return Outcome("ver_1", Status.APPROVED, Assurance.POSSESSION, None, at)


def enrolled(*phones: Phone, **fields: Any) -> Enrollment:  # noqa: ANN401 - any field of the record
    proven = next((phone for phone in phones if phone.verified_at is not None), None)
    default = DefaultMethod(proven.id, Channel.SMS) if proven else None
    return an_enrollment(at=START, phones=phones, default_method=default, **fields)


def proven(spot: Spot = SPOTS[0], name: str = "phn_1", kind: PhoneKind = PhoneKind.AUTHENTICATION) -> Phone:
    return Phone(name, kind, spot[0], START, spot[1])


def offered(person: Enrollment, spot: Spot, name: str = "phn_new", **fields: Any) -> Enrollment:  # noqa: ANN401 - any field
    phone = Phone(name, fields.pop("kind", PhoneKind.AUTHENTICATION), spot[0], extension=spot[1], **fields)
    return offer_phone(person, phone, START, LIMITS).enrollment


def approved(person: Enrollment, spot: Spot, channel: Channel = Channel.CALL, at: int = START + 1) -> EnrollmentChange:
    return record_outcome(person, verification_of(spot, channel), approval(at))


def test_a_phone_cannot_replace_itself():
    person = offered(enrolled(proven()), SPOTS[0], replaces="phn_1")
    after = approved(person, SPOTS[0]).enrollment
    assert [phone.id for phone in after.phones] == ["phn_1"]
    assert after.default_method == DefaultMethod("phn_1", Channel.SMS)


def test_a_replacement_that_was_given_up_takes_no_phone_away():
    known = proven(SPOTS[2], "phn_2")
    given_up = offered(enrolled(proven(), known), SPOTS[2], replaces="phn_1")
    later = offered(given_up, SPOTS[2])  # signs in by the phone, or adds it for its own sake
    assert [phone.id for phone in approved(later, SPOTS[2]).enrollment.phones] == ["phn_1", "phn_2"]


def test_what_is_to_be_replaced_must_be_there():
    with pytest.raises(Rejected) as refusal:
        offered(enrolled(proven()), SPOTS[2], replaces="phn_9")
    assert (refusal.value.code, refusal.value.field) == (ErrorCode.NOT_FOUND, "replaces")


def test_the_phone_that_was_to_be_replaced_may_go_first():
    person = offered(enrolled(proven(), proven(SPOTS[4], "phn_2")), SPOTS[2], replaces="phn_1")
    person = remove_phone(person, "phn_1", START).enrollment
    change = approved(offered(person, SPOTS[2]), SPOTS[2])
    assert [phone.id for phone in change.enrollment.proven_phones] == ["phn_2", "phn_new"]
    assert {notice.kind for notice in change.notices} == {NotificationKind.PHONE_ADDED}


def test_the_latest_phone_of_a_kind_is_the_one_to_be_proven():
    person = offered(offered(enrolled(proven()), SPOTS[2], "phn_typo"), SPOTS[4], "phn_right")
    assert [phone.id for phone in person.phones] == ["phn_1", "phn_right"]
    assert approved(person, SPOTS[2]).enrollment.phones == person.phones


def test_who_names_another_kind_while_it_is_unproven_gets_that_kind():
    person = offered(offered(enrolled(proven()), SPOTS[2], kind=PhoneKind.OFFICE), SPOTS[2], kind=PhoneKind.ALTERNATE)
    assert [phone.kind for phone in person.phones] == [PhoneKind.AUTHENTICATION, PhoneKind.ALTERNATE]
    again = offered(approved(person, SPOTS[2]).enrollment, SPOTS[2], kind=PhoneKind.OFFICE)
    assert again.phones[1].kind is PhoneKind.ALTERNATE


def test_a_default_passes_to_the_replacement_by_a_way_that_reaches_it():
    person = offered(enrolled(proven()), SPOTS[3], kind=PhoneKind.OFFICE, replaces="phn_1")
    after = approved(person, SPOTS[3]).enrollment
    assert after.default_method == DefaultMethod("phn_new", Channel.CALL)


def test_a_phone_that_was_lost_proves_nothing_any_more():
    person = enrolled(proven(), proven(SPOTS[2], "phn_2"))
    after = approved(remove_phone(person, "phn_1", START, lost=True).enrollment, SPOTS[0]).enrollment
    assert not recognition.recently_proven(after, 600, START + 2)


def test_a_loss_takes_the_bypass_along():
    person = recognition.grant_bypass(enrolled(proven()), GOOD, 600, "no phone today", START).enrollment
    assert remove_phone(person, "phn_1", START, lost=True).enrollment.bypass is None
    assert remove_phone(person, "phn_1", START).enrollment.bypass == person.bypass


def test_who_is_locked_out_proves_no_phone():
    person = blocks.block_person(offered(enrolled(proven()), SPOTS[2]), "stolen", START + 1_000, START).enrollment
    after = approved(person, SPOTS[2], at=START + 999).enrollment
    assert (after.phones, after.last_proof) == (person.phones, None)
    assert after.last_outcome == approval(START + 999)
    assert len(approved(person, SPOTS[2], at=START + 1_000).enrollment.proven_phones) == 2


@pytest.mark.parametrize(
    ("until", "after"), [(None, None), (START + 90 * DAY, START + 90 * DAY), (START + 5, START + 30 * DAY)]
)
def test_a_report_of_fraud_never_shortens_a_block(until, after):
    person = blocks.block_person(enrolled(proven()), "stolen", until, START).enrollment
    reported = Outcome("ver_1", Status.DENIED, None, FRAUD, START)
    change = record_outcome(person, verification_of(SPOTS[0]), reported)
    assert change.enrollment.block
    assert change.enrollment.block.until == after
    assert change.enrollment.last_outcome == reported


@pytest.mark.parametrize("days", [1, 30, 90])
def test_a_report_of_fraud_locks_out_for_the_policys_days(days):
    reported = Outcome("ver_1", Status.DENIED, None, FRAUD, START)
    change = record_outcome(enrolled(proven()), verification_of(SPOTS[0], days=days), reported)
    assert change.enrollment.status(START + days * DAY - 1) is EnrollmentStatus.BLOCKED
    assert change.enrollment.status(START + days * DAY) is EnrollmentStatus.ENROLLED
    assert [notice.kind for notice in change.notices] == [NotificationKind.BLOCKED]


def test_trust_ends_when_the_person_is_locked_out_and_none_begins():
    person = recognition.trust_device(enrolled(proven()), b"browser", 30, START).enrollment
    person = blocks.block_person(person, "stolen", None, START).enrollment
    assert recognition.trusted_until(person, b"browser", START) is None
    with pytest.raises(Rejected) as refusal:
        recognition.trust_device(person, b"browser", 30, START)
    assert refusal.value.code is ErrorCode.ENROLLMENT_BLOCKED


def test_a_twenty_first_browser_lets_the_oldest_go():
    person = enrolled(proven())
    for number in range(21):
        person = recognition.trust_device(person, bytes([number]), 30, START + number).enrollment
    trusted = [recognition.trusted_until(person, bytes([number]), START + 30) is not None for number in range(21)]
    assert trusted == [False] + [True] * 20
    assert recognition.forget_devices(person, START).enrollment.devices == ()


@pytest.mark.parametrize(("age", "recent"), [(0, True), (299_999, True), (300_000, False), (-1, False)])
def test_a_proof_is_recent_for_its_seconds_and_never_in_the_future(age, recent):
    person = approved(enrolled(proven()), SPOTS[0], at=START).enrollment
    assert recognition.recently_proven(person, 300, START + age) is recent
    assert not recognition.recently_proven(person, 0, START)
