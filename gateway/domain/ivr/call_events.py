"""The events of a call: it was answered, a machine or a person was detected, a Gather returned. Each has a reply."""

from gateway.domain.attempts import find_attempt_by_token, update_attempt
from gateway.domain.delivery import AnsweredBy, DeliveryStatus, merge
from gateway.domain.ivr.dtmf import Dtmf
from gateway.domain.ivr.flow import Gathered, run
from gateway.domain.ivr.keypad import Keypad
from gateway.domain.ivr.replies import MACHINE_FAILURE, expired, listens, replied, unchanged, unknown_call
from gateway.domain.journal import JournalEntry
from gateway.domain.limits import Limits, RateCounters
from gateway.domain.verification import Change, Status, Verification

_USUAL_KEYS = Keypad()


def answer_call(verification: Verification, token: str, sid: str, answered_by: str | None, now: int) -> Change:
    """Someone or something took the call. A repeated request gets the same prompt, and nothing else happens."""
    attempt = find_attempt_by_token(verification, token, sid)
    if attempt is None:
        return unknown_call(verification)
    if answered_by == AnsweredBy.MACHINE:
        return detect_machine(verification, token, sid, now)
    if late := expired(verification, attempt, now):
        return late
    if attempt.gather_number or attempt.failure or verification.status is not Status.PENDING:
        return unchanged(verification, attempt)
    mode = attempt.mode and attempt.mode.value
    entry = JournalEntry("call.answered", {"attempt_id": attempt.id, "answered_by": answered_by, "mode": mode})
    change = update_attempt(
        verification,
        attempt,
        now,
        (entry,),
        status=merge(attempt.status, DeliveryStatus.IN_PROGRESS),
        provider_sid=sid,
        answered_by=answered_by or attempt.answered_by,
        gather_number=1,
    )
    return replied(change, attempt.id)


def detect_machine(verification: Verification, token: str, sid: str, now: int) -> Change:
    """A machine took the call: it never approves. After an approval, the late verdict is only noted."""
    attempt = find_attempt_by_token(verification, token, sid)
    if attempt is None:
        return unknown_call(verification)
    if attempt.answered_by == AnsweredBy.MACHINE:
        return unchanged(verification, attempt)
    entry = JournalEntry("call.answered_by_machine", {"attempt_id": attempt.id})
    failure = attempt.failure if verification.proved_by == attempt.id else attempt.failure or MACHINE_FAILURE
    change = update_attempt(
        verification, attempt, now, (entry,), provider_sid=sid, answered_by=AnsweredBy.MACHINE, failure=failure
    )
    return replied(change, attempt.id)


def detect_person(verification: Verification, token: str, sid: str, answered_by: str, now: int) -> Change:
    """No machine was detected: note the first such verdict. It proves nothing."""
    attempt = find_attempt_by_token(verification, token, sid)
    if attempt is None or attempt.answered_by is not None:
        return unknown_call(verification)
    entry = JournalEntry("call.answered_by", {"attempt_id": attempt.id, "answered_by": answered_by})
    return update_attempt(verification, attempt, now, (entry,), provider_sid=sid, answered_by=answered_by)


def gather_digits(
    verification: Verification,
    token: str,
    sid: str,
    gather_number: int,
    digits: str,
    rate_counters: RateCounters,
    now: int,
    limits: Limits,
    *,
    keypad: Keypad = _USUAL_KEYS,
    cut_off: bool = False,
) -> Change:
    """A Gather returned. What the call asked for approves at once; other keys or none ask again, a few times.

    Only the open Gather counts: a repeated or late report of an earlier one gets today's answer. A call that has been
    reported as ended still counts while its verification is pending. `cut_off`: no finish key ended the digits, so
    more may have been meant to follow. What may be a PIN changes nothing here.
    """
    attempt = find_attempt_by_token(verification, token, sid)
    if attempt is None:
        return unknown_call(verification)
    if late := expired(verification, attempt, now):
        return late
    if not listens(verification, attempt, gather_number):
        return unchanged(verification, attempt)
    return run(Gathered(verification, attempt, Dtmf(digits, keypad, cut_off), rate_counters, now, limits))
