"""The PIN on a call: it is judged against the one that is kept, and one that somebody else set is changed at once.

A hash takes long, so it is held against what was keyed in outside of any transaction. The step that acts on the
verdict counts first, and is undone if the hash is not the one kept by then, or changes nothing if the turn has passed.
"""

import msgspec

from gateway.domain import pins
from gateway.domain.assurance import Assurance
from gateway.domain.attempts import attempt_changed, by_token
from gateway.domain.call_replies import listens, over, replied, unchanged
from gateway.domain.call_replies import nothing as says_nothing
from gateway.domain.call_tries import approved, not_judged, wrong
from gateway.domain.enrollment import Enrollment, EnrollmentChange
from gateway.domain.journal import JournalEntry
from gateway.domain.limits import Limits
from gateway.domain.scenes import PIN_CHOICE, PinFlaw, Scene
from gateway.domain.verification import Attempt, Change, Failure, FailureCode, Mode, Verification

_WRONG_PIN = Failure(FailureCode.WRONG_KEY, "Something else than the PIN was keyed in.")
_NOT_CHANGED = Failure(FailureCode.WRONG_KEY, "The PIN that somebody else set was not changed.")
_LOCKED = "Too many wrong PINs of this person."


class Gathered(msgspec.Struct, frozen=True, gc=False):
    """What a Gather of a call got; `token` and `sid` say of which, `turn` numbers it."""

    token: str
    sid: str
    turn: int
    digits: str

    def __repr__(self) -> str:
        return f"Gathered(turn={self.turn})"


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """Whether what was keyed in `fits` the hash `against`; None, and nothing fits, where there is no hash.

    `hash` is that of what was keyed in, where it may become the new PIN, or is to be kept in place of the other.
    """

    against: str | None
    fits: bool
    hash: str | None = None


class Judgement(msgspec.Struct, frozen=True, gc=False):
    """What becomes of a verification and of its person's record."""

    change: Change
    person: EnrollmentChange


class Outdated(Exception):
    """The hash is not the one that is kept now: judge anew."""


def is_to_be_judged(attempt: Attempt, digits: str) -> bool:
    """Tell whether a call asks for a PIN, and this may be one."""
    return attempt.mode is Mode.PIN and attempt.scene in {Scene.PROOF, *PIN_CHOICE} and pins.is_pin(digits)


def open_attempt(verification: Verification, gathered: Gathered) -> Attempt | None:
    """Return the call whose open Gather got what may be a PIN; None if there is nothing to be judged."""
    attempt = by_token(verification, gathered.token, gathered.sid)
    if attempt is None or not listens(verification, attempt, gathered.turn):
        return None
    return attempt if is_to_be_judged(attempt, gathered.digits) else None


def hash_asked_for(enrollment: Enrollment, attempt: Attempt) -> str | None:
    """Return the hash that what is keyed in on this call is held against; None if there is none (any more)."""
    pin = enrollment.pin
    if pin is None or (attempt.scene in PIN_CHOICE and pin.proven_on != attempt.id):
        return None
    return pin.chosen if attempt.scene is Scene.NEW_PIN_AGAIN else pin.hash


def no_pin(verification: Verification, attempt: Attempt, now: int, limits: Limits) -> Change:
    """Ask again, because what was keyed in cannot be a PIN; it is no guess, and counts for this call alone."""
    if attempt.scene is Scene.NEW_PIN:
        return _not_taken(verification, attempt, PinFlaw.MALFORMED, now, limits)
    if attempt.scene is Scene.NEW_PIN_AGAIN:
        return _not_taken(verification, attempt, PinFlaw.MISMATCH, now, limits)
    return wrong(verification, attempt, "call.wrong_pin", _WRONG_PIN, now, limits)


def pin_judged(
    verification: Verification, enrollment: Enrollment, gathered: Gathered, verdict: Verdict, now: int, limits: Limits
) -> Judgement:
    """Act on a verdict, if it is on the open Gather; raises Outdated if it is not on what is kept now."""
    attempt = by_token(verification, gathered.token, gathered.sid)
    if attempt is None:
        return Judgement(says_nothing(verification), EnrollmentChange(enrollment))
    if late := over(verification, attempt, now):
        return Judgement(late, EnrollmentChange(enrollment))
    if open_attempt(verification, gathered) is None:
        return Judgement(unchanged(verification, attempt), EnrollmentChange(enrollment))
    if verdict.against != hash_asked_for(enrollment, attempt):
        raise Outdated
    case = _Case(verification, attempt, enrollment, gathered.digits, verdict, now, limits)
    if enrollment.pin is not None and enrollment.pin.locked(now):
        return case.with_record(not_judged(verification, attempt, "call.pin_not_judged", _LOCKED, now))
    if enrollment.pin is None or verdict.against is None:  # taken away, or set anew by somebody else, during the call
        return case.with_record(case.wrong())
    return _STEPS[attempt.scene](case)


class _Case(msgspec.Struct, frozen=True, gc=False):
    verification: Verification
    attempt: Attempt
    enrollment: Enrollment
    digits: str
    verdict: Verdict
    now: int
    limits: Limits

    def with_record(self, change: Change, person: EnrollmentChange | None = None) -> Judgement:
        return Judgement(change, person or EnrollmentChange(self.enrollment))

    def wrong(self) -> Change:
        return wrong(self.verification, self.attempt, "call.wrong_pin", _WRONG_PIN, self.now, self.limits)

    def not_taken(self, flaw: PinFlaw) -> Change:
        return _not_taken(self.verification, self.attempt, flaw, self.now, self.limits)

    def asked(self, fact: str, scene: Scene, **fields: int) -> Change:
        attempt, turn = self.attempt, self.attempt.turn
        entries = (JournalEntry(fact, {"attempt_id": attempt.id, "turn": turn}),)
        change = attempt_changed(self.verification, attempt, self.now, entries, turn=turn + 1, scene=scene, **fields)
        return replied(change, attempt.id)

    def approved(self, fact: str) -> Change:
        return approved(self.verification, self.attempt, fact, Assurance.POSSESSION, self.now)


def _tried(case: _Case) -> Judgement:
    """Take the PIN for the proof, or go on to have it changed; a wrong one counts for the person."""
    pin = case.enrollment.pin
    if not case.verdict.fits:
        person = pins.pin_failed(case.enrollment, case.now, case.limits)
        locked = person.enrollment.pin is not None and person.enrollment.pin.locked(case.now)
        if locked:
            change = not_judged(case.verification, case.attempt, "call.wrong_pin", _LOCKED, case.now)
            return case.with_record(change, person)
        return case.with_record(case.wrong(), person)
    if pin is None or not pin.must_change:
        kept = None if case.verdict.hash is None else pins.pin_rehashed(case.enrollment, case.verdict.hash, case.now)
        return case.with_record(case.approved("call.pin_right"), kept)
    change = case.asked("call.pin_to_be_changed", Scene.NEW_PIN, wrong_keys=0, silent_prompts=0)
    return case.with_record(change, pins.pin_proven(case.enrollment, case.attempt.id, case.now))


def _chosen(case: _Case) -> Judgement:
    """Have a new PIN repeated, unless it is guessed too easily or is the old one."""
    flaw = PinFlaw.SAME if case.verdict.fits else pins.flaw_of(case.digits, case.enrollment.phones)
    if flaw is not None:
        return case.with_record(case.not_taken(flaw))
    if case.verdict.hash is None:
        raise TypeError("a PIN was chosen, and its hash was not made")
    change = case.asked("call.pin_chosen", Scene.NEW_PIN_AGAIN)
    return case.with_record(change, pins.pin_chosen(case.enrollment, case.verdict.hash, case.now))


def _repeated(case: _Case) -> Judgement:
    """Keep a new PIN that was repeated, and only then approve."""
    if case.verdict.fits:
        return case.with_record(case.approved("call.pin_changed"), pins.pin_changed(case.enrollment, case.now))
    return case.with_record(case.not_taken(PinFlaw.MISMATCH), pins.pin_dropped(case.enrollment, case.now))


def _not_taken(verification: Verification, attempt: Attempt, flaw: PinFlaw, now: int, limits: Limits) -> Change:
    fact = "call.pin_not_taken"
    return wrong(verification, attempt, fact, _NOT_CHANGED, now, limits, scene=Scene.NEW_PIN, flaw=flaw)


_STEPS = {Scene.PROOF: _tried, Scene.NEW_PIN: _chosen, Scene.NEW_PIN_AGAIN: _repeated}
