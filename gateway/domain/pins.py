"""PINs: what one looks like, who set it, how many wrong ones lock it, and how it is changed on a call."""

import itertools
import re
from collections.abc import Iterable

import msgspec

from gateway.domain.enrollment import (
    Enrollment,
    EnrollmentChange,
    NotificationKind,
    Phone,
    Pin,
    notifications_to,
    reject_if_blocked,
    update_enrollment,
)
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.ivr.states import PinFlaw
from gateway.domain.journal import JournalEntry
from gateway.domain.limits import SECOND, Limits
from gateway.domain.policy import Denial, Policy
from gateway.domain.verification import Mode

SHORTEST, LONGEST = 4, 10
"""Digits of a PIN."""

_PIN = re.compile(rf"[0-9]{{{SHORTEST},{LONGEST}}}")
_BASE = 10
_NOT_SET = "This person has no PIN."
_SET_ONE = "Set one, or ask for a text."
_LOCKED = "Too many wrong PINs of this person. A new PIN, set by who runs the service, ends the lock at once."
_REFUSALS = {
    PinFlaw.MALFORMED: (ErrorCode.PIN_MALFORMED, f"A PIN has {SHORTEST} to {LONGEST} digits, 0 to 9."),
    PinFlaw.TOO_SIMPLE: (
        ErrorCode.PIN_TOO_SIMPLE,
        "This PIN is guessed first: it repeats one digit, counts up or down, or ends a phone number of the person's.",
    ),
}


def is_pin(typed: str) -> bool:
    """Tell whether this can be a PIN at all."""
    return _PIN.fullmatch(typed) is not None


def find_flaw(typed: str, phones: Iterable[Phone]) -> PinFlaw | None:
    """Say why this cannot be the PIN of a person with these phones, or None if it can."""
    if not is_pin(typed):
        return PinFlaw.MALFORMED
    steps = {(int(after) - int(before)) % _BASE for before, after in itertools.pairwise(typed)}
    if steps in ({0}, {1}, {_BASE - 1}):
        return PinFlaw.TOO_SIMPLE
    known = any(phone.number.e164.endswith(typed) or phone.extension == typed for phone in phones)
    return PinFlaw.TOO_SIMPLE if known else None


def reject_unsuitable_pin(typed: str, phones: Iterable[Phone]) -> None:
    """Raise Rejected (`pin_malformed`, `pin_too_simple`) for what is not taken as a PIN."""
    flaw = find_flaw(typed, phones)
    if flaw is not None:
        code, detail = _REFUSALS[flaw]
        raise Rejected(code, detail, field="pin")


def set_pin(enrollment: Enrollment, typed: str, pin_hash: str, now: int, *, must_change: bool) -> EnrollmentChange:
    """Give a person a PIN in place of the one there was, with its lock; one set by another has to be changed.

    The phones are notified, whoever set it: a thief could be in the settings, too.
    Raises Rejected: `enrollment_blocked`, `pin_malformed`, `pin_too_simple`.
    """
    reject_if_blocked(enrollment, now)
    reject_unsuitable_pin(typed, enrollment.phones)
    return _replaced(enrollment, Pin(pin_hash, must_change), JournalEntry("pin.set", {"must_change": must_change}), now)


def remove_pin(enrollment: Enrollment, now: int) -> EnrollmentChange:
    """Remove the PIN; the phones are notified. Raises Rejected (`not_found`)."""
    if enrollment.pin is None:
        raise Rejected(ErrorCode.NOT_FOUND, _NOT_SET)
    notifications = notifications_to(enrollment.phones, NotificationKind.PIN_REMOVED)
    return update_enrollment(enrollment, now, JournalEntry("pin.removed"), notices=notifications, pin=None)


def reject_pin_call(enrollment: Enrollment, now: int) -> None:
    """Raise Rejected for a call that could not be answered: `pin_not_set`, or `pin_locked` with the time to wait."""
    pin = enrollment.pin
    if pin is None:
        raise Rejected(ErrorCode.PIN_NOT_SET, f"{_NOT_SET} {_SET_ONE}")
    if pin.locked(now):
        raise Rejected(ErrorCode.PIN_LOCKED, _LOCKED, retry_after=-(-(pin.locked_until - now) // SECOND))


def pin_denial(policy: Policy, enrollment: Enrollment, now: int) -> Denial | None:
    """Say why a person may not be called where calls ask for the PIN, or None if they may."""
    if policy.call_proof is not Mode.PIN:
        return None
    try:
        reject_pin_call(enrollment, now)
    except Rejected as refusal:
        return Denial(refusal.code, refusal.detail, policy.origin("call_proof"), _SET_ONE)
    return None


def count_wrong_pin(enrollment: Enrollment, now: int, limits: Limits) -> EnrollmentChange:
    """Count a wrong PIN. A right one clears none of them, so the limit holds in every window."""
    pin = enrollment.pin
    if pin is None:
        return EnrollmentChange(enrollment)
    start = now - limits.pin_window * SECOND
    # A clock set back leaves times in the future: they count, so a jump never opens a limit.
    failures = (*(at for at in pin.failures if at > start), now)
    if len(failures) < limits.pin_failures:
        return _with(enrollment, now, pin, failures=failures)
    until = failures[-limits.pin_failures] + limits.pin_window * SECOND
    entry = JournalEntry("pin.locked", {"until": until})
    return _with(enrollment, now, pin, entry, failures=failures, locked_until=until)


def record_pin_proven(enrollment: Enrollment, attempt_id: str, now: int) -> EnrollmentChange:
    """Note on which call the PIN was right, so that it can be changed there, and nowhere else."""
    return _with(enrollment, now, _there(enrollment), proven_on=attempt_id, chosen=None)


def choose_pin(enrollment: Enrollment, pin_hash: str, now: int) -> EnrollmentChange:
    """Store the PIN that was chosen on that call until it is repeated."""
    return _with(enrollment, now, _there(enrollment), chosen=pin_hash)


def drop_chosen_pin(enrollment: Enrollment, now: int) -> EnrollmentChange:
    """Drop the chosen PIN: something else was repeated."""
    return _with(enrollment, now, _there(enrollment), chosen=None)


def change_pin(enrollment: Enrollment, now: int) -> EnrollmentChange:
    """Replace the PIN by the one that was chosen and repeated. The phones are notified.

    So is the phone that was called: someone to whom its calls are forwarded does not get its texts.
    """
    pin = _there(enrollment)
    if pin.chosen is None:
        raise TypeError("nothing was chosen that could be the PIN")
    return _replaced(enrollment, Pin(pin.chosen, failures=pin.failures), JournalEntry("pin.changed"), now)


def rehash_pin(enrollment: Enrollment, pin_hash: str, now: int) -> EnrollmentChange:
    """Keep the same PIN under a newer key."""
    return _with(enrollment, now, _there(enrollment), hash=pin_hash)


def without_choice(enrollment: Enrollment, attempt_ids: Iterable[str]) -> Enrollment:
    """Return the record without what is left of a change that was given up on one of these calls."""
    pin = enrollment.pin
    if pin is None or pin.proven_on is None or pin.proven_on not in attempt_ids:
        return enrollment
    return msgspec.structs.replace(enrollment, pin=msgspec.structs.replace(pin, proven_on=None, chosen=None))


def _there(enrollment: Enrollment) -> Pin:
    if enrollment.pin is None:
        raise TypeError("a PIN was judged, and its person does not have it")
    return enrollment.pin


def _replaced(enrollment: Enrollment, pin: Pin, entry: JournalEntry, now: int) -> EnrollmentChange:
    notifications = notifications_to(enrollment.phones, NotificationKind.PIN_SET)
    return update_enrollment(enrollment, now, entry, notices=notifications, pin=pin)


def _with(enrollment: Enrollment, now: int, pin: Pin, *entries: JournalEntry, **fields: object) -> EnrollmentChange:
    return update_enrollment(enrollment, now, *entries, pin=msgspec.structs.replace(pin, **fields))
