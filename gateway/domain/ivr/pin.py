"""The PIN on a call: it is compared with the stored hash, and one that somebody else set is changed at once.

Hashing takes long, so it happens outside of any transaction. The step that acts on the verdict raises StalePinHash if
the hash is not the stored one by then, and changes nothing if another gather is open.
"""

import msgspec

from gateway.domain import pins
from gateway.domain.assurance import Assurance
from gateway.domain.attempts import find_attempt_by_token
from gateway.domain.enrollment import Enrollment, EnrollmentChange
from gateway.domain.ivr.dtmf import Dtmf, DtmfInput, classify
from gateway.domain.ivr.flow import (
    PIN_NOT_CHANGED,
    WRONG_PIN,
    Row,
    approve_by,
    count_no_match,
    fail_unchecked,
    move_to,
    no_match,
)
from gateway.domain.ivr.keypad import Keypad
from gateway.domain.ivr.replies import expired, listens, replied, unchanged, unknown_call
from gateway.domain.ivr.states import PIN_CHOICE, CallState, PinFlaw
from gateway.domain.limits import Limits
from gateway.domain.verification import Attempt, Change, Verification

_LOCKED = "Too many wrong PINs of this person."
_WRONG_ROW = Row(no_match, "call.wrong_pin", CallState.PROOF, WRONG_PIN)


class KeyedPin(msgspec.Struct, frozen=True, gc=False):
    """What a gather got that may be a PIN; `token` and `sid` name the call, `gather_number` the gather."""

    token: str
    sid: str
    gather_number: int
    digits: str

    def __repr__(self) -> str:
        return f"KeyedPin(gather_number={self.gather_number})"


class PinVerdict(msgspec.Struct, frozen=True, gc=False):
    """Whether the keyed PIN `fits` the hash `against`; None, and nothing fits, where there is no hash.

    `hash` is that of the keyed PIN, where it may become the new one or replace the stored hash.
    """

    against: str | None
    fits: bool
    hash: str | None = None


class PinDecision(msgspec.Struct, frozen=True, gc=False):
    """What becomes of a verification and of its person's record."""

    change: Change
    person: EnrollmentChange


class StalePinHash(Exception):
    """The hash is not the stored one any more: compare again."""


def open_attempt(verification: Verification, keyed: KeyedPin) -> Attempt | None:
    """Return the call whose open gather got what may be a PIN; None if there is nothing to compare."""
    attempt = find_attempt_by_token(verification, keyed.token, keyed.sid)
    if attempt is None or not listens(verification, attempt, keyed.gather_number):
        return None
    return attempt if classify(attempt, Dtmf(keyed.digits, Keypad())) is DtmfInput.PIN else None


def expected_hash(enrollment: Enrollment, attempt: Attempt) -> str | None:
    """Return the hash that what is keyed in on this call is compared with; None if there is none (any more)."""
    pin = enrollment.pin
    if pin is None or (attempt.call_state in PIN_CHOICE and pin.proven_on != attempt.id):
        return None
    return pin.chosen if attempt.call_state is CallState.NEW_PIN_AGAIN else pin.hash


def decide_pin(
    verification: Verification, enrollment: Enrollment, keyed: KeyedPin, verdict: PinVerdict, now: int, limits: Limits
) -> PinDecision:
    """Act on a verdict, if its gather is open; raises StalePinHash if its hash is not the stored one now."""
    attempt = find_attempt_by_token(verification, keyed.token, keyed.sid)
    if attempt is None:
        return PinDecision(unknown_call(verification), EnrollmentChange(enrollment))
    if late := expired(verification, attempt, now):
        return PinDecision(late, EnrollmentChange(enrollment))
    if open_attempt(verification, keyed) is None:
        return PinDecision(unchanged(verification, attempt), EnrollmentChange(enrollment))
    if verdict.against != expected_hash(enrollment, attempt):
        raise StalePinHash
    case = _Case(verification, attempt, enrollment, keyed.digits, verdict, now, limits)
    if enrollment.pin is not None and enrollment.pin.locked(now):
        return case.decided(fail_unchecked(verification, attempt, "call.pin_not_judged", _LOCKED, now))
    if enrollment.pin is None or verdict.against is None:  # removed, or set by somebody else, during the call
        return case.decided(case.no_match(_WRONG_ROW))
    return _STEPS[attempt.call_state](case)


class _Case(msgspec.Struct, frozen=True, gc=False):
    verification: Verification
    attempt: Attempt
    enrollment: Enrollment
    digits: str
    verdict: PinVerdict
    now: int
    limits: Limits

    def decided(self, change: Change, person: EnrollmentChange | None = None) -> PinDecision:
        return PinDecision(change, person or EnrollmentChange(self.enrollment))

    def no_match(self, row: Row) -> Change:
        return count_no_match(self.verification, self.attempt, row, self.now, self.limits)

    def reject_new_pin(self, flaw: PinFlaw, person: EnrollmentChange | None = None) -> PinDecision:
        row = Row(no_match, "call.pin_not_taken", CallState.NEW_PIN, PIN_NOT_CHANGED, flaw)
        return self.decided(self.no_match(row), person)

    def move(self, entry: str, state: CallState, **fields: int) -> Change:
        change = move_to(self.verification, self.attempt, Row(no_match, entry, state), self.now, **fields)
        return replied(change, self.attempt.id)

    def approve(self, entry: str) -> Change:
        return approve_by(self.verification, self.attempt, entry, Assurance.POSSESSION, self.now)


def _prove(case: _Case) -> PinDecision:
    """Accept the PIN as the proof, or go on to have it changed; a wrong one counts for the person."""
    pin = case.enrollment.pin
    if not case.verdict.fits:
        person = pins.count_wrong_pin(case.enrollment, case.now, case.limits)
        locked = person.enrollment.pin is not None and person.enrollment.pin.locked(case.now)
        if locked:
            change = fail_unchecked(case.verification, case.attempt, "call.wrong_pin", _LOCKED, case.now)
            return case.decided(change, person)
        return case.decided(case.no_match(_WRONG_ROW), person)
    if pin is None or not pin.must_change:
        rehash = case.verdict.hash
        person_change = None if rehash is None else pins.rehash_pin(case.enrollment, rehash, case.now)
        return case.decided(case.approve("call.pin_right"), person_change)
    change = case.move("call.pin_to_be_changed", CallState.NEW_PIN, no_match_count=0, no_input_count=0)
    return case.decided(change, pins.record_pin_proven(case.enrollment, case.attempt.id, case.now))


def _choose(case: _Case) -> PinDecision:
    """Have a new PIN repeated, unless it is guessed too easily or is the old one."""
    flaw = PinFlaw.SAME if case.verdict.fits else pins.find_flaw(case.digits, case.enrollment.phones)
    if flaw is not None:
        return case.reject_new_pin(flaw)
    if case.verdict.hash is None:
        raise TypeError("a chosen PIN without its hash")
    change = case.move("call.pin_chosen", CallState.NEW_PIN_AGAIN)
    return case.decided(change, pins.choose_pin(case.enrollment, case.verdict.hash, case.now))


def _repeat(case: _Case) -> PinDecision:
    """Store a new PIN that was repeated, and only then approve."""
    if case.verdict.fits:
        return case.decided(case.approve("call.pin_changed"), pins.change_pin(case.enrollment, case.now))
    return case.reject_new_pin(PinFlaw.MISMATCH, pins.drop_chosen_pin(case.enrollment, case.now))


_STEPS = {CallState.PROOF: _prove, CallState.NEW_PIN: _choose, CallState.NEW_PIN_AGAIN: _repeat}
