"""A person's record in any order of inputs: only proven phones count, and what is taken is gone."""

import itertools
from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from support.verifications import a_verification, an_enrollment

from gateway.domain import blocks, recognition
from gateway.domain.app_passwords import create_app_password as app_password_created
from gateway.domain.assurance import Assurance, Basis
from gateway.domain.enrollment import (
    AppPassword,
    DefaultMethod,
    EnrollmentChange,
    EnrollmentStatus,
    Phone,
    PhoneKind,
)
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.limits import DAY, SECOND, Limits
from gateway.domain.outcomes import record_outcome
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.phones import PHONE_LIMIT, choose_default, offer_phone, remove_phone
from gateway.domain.verification import Channel, Failure, FailureCode, Outcome, Purpose, Status, Verification

LIMITS = Limits()
START = 1_800_000_000_000
NUMBERS = [PhoneNumber(f"+1425555{number:04}") for number in range(100, 114)]
SPOTS = [(number, extension) for number in NUMBERS for extension in (None, "12")]
GOOD, WRONG = b"good", b"wrong"
FRAUD = Failure(FailureCode.REPORTED_FRAUD, "The person did not ask for this.")
Spot = tuple[PhoneNumber, str | None]


def verification_of(spot: Spot, channel: Channel = Channel.CALL, **fields: Any) -> Verification:  # noqa: ANN401 - any field
    usual = {"number": spot[0], "extension": spot[1], "enrollment_id": "enr_1", "fraud_block_days": 30}
    return a_verification(created_at=START, channel=channel, **{**usual, **fields})


def approval(at: int, assurance: Assurance | None = Assurance.POSSESSION) -> Outcome:
    return Outcome("ver_1", Status.APPROVED, assurance, None, at)


def spot_of(phone: Phone) -> Spot:
    return phone.number, phone.extension


class People(RuleBasedStateMachine):
    """One person, whatever is done with their record; beside it, what a careful clerk would remember."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.ids = itertools.count(1)
        self.person = an_enrollment(at=START)
        self.journal: list[str] = []
        self.approved: set[Spot] = set()
        self.sent: list[int] = []
        self.guesses: int | None = None
        self.bypass_ends = 0

    def take(self, change: EnrollmentChange) -> EnrollmentChange:
        self.person = change.enrollment
        self.journal += [entry.type for entry in change.entries]
        return change

    def offer(self, spot: Spot, kind: PhoneKind, replaces: str | None) -> bool:
        phone = Phone(f"phn_{next(self.ids):04}", kind, spot[0], extension=spot[1], replaces=replaces)
        before = self.person
        try:
            self.take(offer_phone(before, phone, self.now, LIMITS))
        except Rejected as refusal:
            assert refusal.code in {
                ErrorCode.ENROLLMENT_BLOCKED,
                ErrorCode.PHONES_FULL,
                ErrorCode.RATE_LIMITED,
                ErrorCode.NOT_FOUND,
            }
            assert (refusal.code is ErrorCode.ENROLLMENT_BLOCKED) == before.blocked(self.now)
            return False
        self.sent.append(self.now)
        assert self.person.proven_phones == before.proven_phones or before.phone_at(*spot) is not None
        assert {kept.id for kept in before.proven_phones} <= {kept.id for kept in self.person.phones}
        return True

    @rule(seconds=st.sampled_from([1, 30, 300, 3_600, 86_400]))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds * SECOND

    @rule(spot=st.sampled_from(SPOTS), kind=st.sampled_from(PhoneKind), place=st.integers(-1, 11))
    def phone_is_offered(self, spot: Spot, kind: PhoneKind, place: int) -> None:
        replaced = self.person.phones[place].id if 0 <= place < len(self.person.phones) else None
        self.offer(spot, kind, replaced)

    @rule(spot=st.sampled_from(SPOTS), channel=st.sampled_from(Channel))
    def proof_arrives(self, spot: Spot, channel: Channel) -> None:
        """A verification of any number is approved, late ones and those of phones that are gone included."""
        channel = Channel.CALL if spot[1] else channel
        before, phone = self.person, self.person.phone_at(*spot)
        change = self.take(record_outcome(before, verification_of(spot, channel), approval(self.now)))
        after = change.enrollment
        counts = phone is not None and not before.blocked(self.now)
        if counts:
            self.approved.add(spot)
            assert spot in {spot_of(kept) for kept in after.proven_phones}
        old = before.phone(phone.replaces) if counts and phone.replaces else None
        gone = {kept.id for kept in before.phones} - {kept.id for kept in after.phones}
        assert gone == ({old.id} if old else set())
        assert after.last_outcome == approval(self.now)
        if not counts:
            assert (after.phones, after.last_proof) == (before.phones, before.last_proof)
            assert change.notices == ()

    @rule(place=st.integers(0, 9), channel=st.sampled_from(Channel))
    def offered_phone_is_proven(self, place: int, channel: Channel) -> None:
        if place < len(self.person.phones):
            self.proof_arrives(spot_of(self.person.phones[place]), channel)

    @rule(place=st.integers(0, 9), number=st.sampled_from(SPOTS), channel=st.sampled_from(Channel))
    def phone_is_replaced(self, place: int, number: Spot, channel: Channel) -> None:
        if place < len(self.person.phones) and self.offer(
            number, PhoneKind.AUTHENTICATION, self.person.phones[place].id
        ):
            self.proof_arrives(number, channel)

    @rule(
        spot=st.sampled_from(SPOTS),
        status=st.sampled_from([status for status in Status if status not in {Status.PENDING, Status.APPROVED}]),
    )
    def proof_fails(self, spot: Spot, status: Status) -> None:
        before = self.person
        outcome = Outcome("ver_1", status, None, None, self.now)
        self.take(record_outcome(before, verification_of(spot), outcome))
        assert (
            msgspec.structs.replace(self.person, last_outcome=before.last_outcome, updated_at=before.updated_at)
            == before
        )

    @rule(spot=st.sampled_from(SPOTS), basis=st.sampled_from(Basis))
    def sign_in_is_spared(self, spot: Spot, basis: Basis) -> None:
        before = self.person
        recognized = verification_of(spot, basis=basis, purpose=Purpose.SIGN_IN)
        self.take(record_outcome(before, recognized, approval(self.now)))
        assert (self.person.phones, self.person.last_proof) == (before.phones, before.last_proof)

    @rule(spot=st.sampled_from(SPOTS), days=st.integers(1, 90))
    def fraud_is_reported(self, spot: Spot, days: int) -> None:
        before = self.person
        outcome = Outcome("ver_1", Status.DENIED, None, FRAUD, self.now)
        self.take(record_outcome(before, verification_of(spot, fraud_block_days=days), outcome))
        block = self.person.block
        assert block
        assert block.until is None or block.until >= self.now + days * DAY
        if before.blocked(self.now):
            assert before.block
            assert block.until is None or (before.block.until or block.until + 1) <= block.until
        else:
            assert block.until == self.now + days * DAY

    @rule(place=st.integers(0, 9), lost=st.booleans())
    def phone_is_removed(self, place: int, lost: bool) -> None:  # noqa: FBT001 - drawn by Hypothesis
        if place < len(self.person.phones):
            phone = self.person.phones[place]
            self.take(remove_phone(self.person, phone.id, self.now, lost=lost))
            assert self.person.phone(phone.id) is None
            if lost:
                self.nothing_is_left()

    @rule(place=st.integers(0, 9), channel=st.sampled_from(Channel))
    def default_is_chosen(self, place: int, channel: Channel) -> None:
        if place < len(self.person.phones):
            phone = self.person.phones[place]
            method = DefaultMethod(phone.id, channel)
            try:
                self.take(choose_default(self.person, method, self.now))
            except Rejected as refusal:
                unproven, unreachable = phone.verified_at is None, phone.extension and channel is Channel.SMS
                codes = {ErrorCode.PHONE_NOT_PROVEN: unproven, ErrorCode.NUMBER_INVALID: unreachable}
                assert codes[refusal.code]
            else:
                assert self.person.default_method == method

    @rule(seconds=st.none() | st.integers(1, 3_600))
    def operator_blocks(self, seconds: int | None) -> None:
        until = None if seconds is None else self.now + seconds * SECOND
        self.take(blocks.block_person(self.person, "a call from the bank", until, self.now))
        self.nothing_is_left()
        if until is not None:
            assert self.person.blocked(until - 1)
            assert not self.person.blocked(until)

    @rule()
    def operator_unblocks(self) -> None:
        self.take(blocks.unblock_person(self.person, "found again", self.now))
        assert not self.person.blocked(self.now)

    @rule()
    def person_starts_over(self) -> None:
        block = self.person.block
        self.take(blocks.reset(self.person, "a new employee", self.now))
        assert (self.person.phones, self.person.default_method, self.person.block) == ((), None, block)
        self.nothing_is_left()

    @rule()
    def app_password_is_made(self) -> None:
        number = next(self.ids)
        app_password = AppPassword(f"apw_{number}", "Mail", number.to_bytes(8), "hash", self.now)
        try:
            self.take(app_password_created(self.person, app_password, self.now))
        except Rejected:
            assert self.person.blocked(self.now) or len(self.person.app_passwords) == 40

    @rule(days=st.integers(1, 30))
    def browser_is_trusted(self, days: int) -> None:
        digest = next(self.ids).to_bytes(8)
        try:
            self.take(recognition.trust_device(self.person, digest, days, self.now))
        except Rejected:
            assert self.person.blocked(self.now)
        else:
            assert recognition.trusted_until(self.person, digest, self.now) == self.now + days * DAY
            assert recognition.trusted_until(self.person, digest, self.now + days * DAY) is None

    @rule(seconds=st.integers(10, 3_600))
    def bypass_is_granted(self, seconds: int) -> None:
        try:
            self.take(recognition.grant_bypass(self.person, GOOD, seconds, "no phone today", self.now))
        except Rejected:
            assert self.person.blocked(self.now)
        else:
            self.guesses, self.bypass_ends = 5, self.now + seconds * SECOND

    @precondition(lambda self: self.person.bypass is not None)
    @rule(guess=st.sampled_from([GOOD, WRONG, WRONG]))
    def bypass_is_tried(self, guess: bytes) -> None:
        works = guess == GOOD and self.now < self.bypass_ends and bool(self.guesses)
        try:
            change = self.take(recognition.use_bypass(self.person, guess, self.now))
        except Rejected:
            assert not works
            return
        assert works == (change.refusal is None)
        self.guesses = 0 if works else (self.guesses or 0) - 1
        assert (self.person.bypass is None) == (self.guesses == 0)

    def nothing_is_left(self) -> None:
        left = self.person
        assert (left.app_passwords, left.devices, left.bypass, left.last_proof) == ((), (), None, None)

    @invariant()
    def a_phone_counts_only_by_an_approval_of_its_own_number(self) -> None:
        assert {spot_of(phone) for phone in self.person.proven_phones} <= self.approved

    @invariant()
    def the_default_is_a_proven_phone_of_the_person_or_none(self) -> None:
        method = self.person.default_method
        proven = {phone.id for phone in self.person.proven_phones}
        assert (method is None) == (not proven)
        assert method is None or method.phone_id in proven
        phone = method and self.person.phone(method.phone_id)
        assert phone is None or phone.extension is None or method.channel is Channel.CALL

    @invariant()
    def no_phone_is_there_twice_and_there_are_at_most_ten(self) -> None:
        spots = [spot_of(phone) for phone in self.person.phones]
        assert len(spots) == len(set(spots)) <= PHONE_LIMIT

    @invariant()
    def what_a_phone_replaces_is_another_phone_that_is_there(self) -> None:
        for phone in self.person.phones:
            assert phone.replaces is None or (phone.replaces != phone.id and self.person.phone(phone.replaces))

    @invariant()
    def sends_are_limited_whatever_the_number(self) -> None:
        window = [at for at in self.sent if at > self.now - LIMITS.send_window * SECOND]
        assert len(window) <= LIMITS.sends_per_person

    @invariant()
    def who_is_locked_out_has_nothing_that_spares_a_proof(self) -> None:
        if self.person.blocked(self.now):
            self.nothing_is_left()
            assert self.person.status(self.now) is EnrollmentStatus.BLOCKED

    @invariant()
    def the_journal_counts_every_entry(self) -> None:
        assert self.person.entries == len(self.journal)


TestPeople = People.TestCase
TestPeople.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
