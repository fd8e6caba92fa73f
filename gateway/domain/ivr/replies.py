"""Selects the script that a call plays next from its state, so that a repeated request is answered like the first."""

import msgspec

from gateway.domain.delivery import AnsweredBy
from gateway.domain.ivr.states import PIN_CHOICE, CallState, PinFlaw, Script
from gateway.domain.timeouts import pass_deadline
from gateway.domain.verification import (
    Attempt,
    Change,
    Failure,
    FailureCode,
    Mode,
    Reply,
    Status,
    Verification,
)

MACHINE_FAILURE = Failure(FailureCode.ANSWERED_BY_MACHINE, "Voicemail or another machine took the call.")


def unknown_call(verification: Verification) -> Change:
    """Answer a call that is no attempt of this verification."""
    return Change(verification, reply=Reply(Script.NOT_NEEDED))


def unchanged(verification: Verification, attempt: Attempt) -> Change:
    """Answer as the state is."""
    return Change(verification, reply=_reply(verification, attempt))


def expired(verification: Verification, attempt: Attempt, now: int) -> Change | None:
    """Return what a call plays whose verification's lifetime is over; None while it is not.

    A deadline that the clock has not acted on yet counts, as it does for a code.
    """
    if verification.status is not Status.PENDING or now < verification.expires_at:
        return None
    return replied(pass_deadline(verification, now), attempt.id)


def replied(change: Change, attempt_id: str, reason: FailureCode | None = None, flaw: PinFlaw | None = None) -> Change:
    """Answer as the state is after a change; `reason` and `flaw` say why the call asks again."""
    attempt = next(attempt for attempt in change.verification.attempts if attempt.id == attempt_id)
    return msgspec.structs.replace(change, reply=_reply(change.verification, attempt, reason, flaw))


def listens(verification: Verification, attempt: Attempt, gather_number: int) -> bool:
    """Tell whether this Gather of a call is open, and a person may press its keys.

    A report of fraud is followed by one more, though its verification has ended.
    """
    if gather_number != attempt.gather_number or attempt.answered_by == AnsweredBy.MACHINE:
        return False
    if attempt.call_state is CallState.OFFER_STOP:
        return True
    pending = verification.status is Status.PENDING
    return pending and attempt.call_state is not CallState.CODE_SPOKEN and spoken_end(attempt) is None


def spoken_end(attempt: Attempt) -> Script | None:
    """Return what a call plays whose tries are used up, so that no Gather is open any more; None for any other."""
    if attempt.failure is None:
        return None
    ends = (
        _SPOKEN_ENDS_OF_CHOICE
        if attempt.call_state in PIN_CHOICE
        else _SPOKEN_ENDS_OF.get(attempt.mode or Mode.CONFIRM, _SPOKEN_ENDS)
    )
    return ends.get(attempt.failure.code)


def _reply(
    verification: Verification, attempt: Attempt, reason: FailureCode | None = None, flaw: PinFlaw | None = None
) -> Reply:
    script = _script(verification, attempt)
    return Reply(script, attempt.gather_number, reason, attempt.second_language, attempt.slow, flaw)


def _script(verification: Verification, attempt: Attempt) -> Script:
    if verification.proved_by == attempt.id:
        return Script.PIN_CHANGED if attempt.call_state is CallState.NEW_PIN_AGAIN else Script.CONFIRMED
    if attempt.answered_by == AnsweredBy.MACHINE:
        return Script.HANG_UP
    refusal = _REFUSALS.get(attempt.call_state) or spoken_end(attempt)
    if refusal is not None:
        return refusal
    if verification.status is not Status.PENDING or attempt.gather_number == 0:
        return Script.NOT_NEEDED
    return _QUESTIONS.get(attempt.call_state) or _PROOFS.get(attempt.mode or Mode.CONFIRM, Script.PRESS_POUND)


_REFUSALS = {
    CallState.OFFER_STOP: Script.FRAUD_REPORTED,
    CallState.REPORTED: Script.FRAUD_NOTED,
    CallState.STOPPED: Script.CALLS_STOPPED,
}
_QUESTIONS = {
    CallState.CONFIRM_REPORT: Script.REPORT_FRAUD,
    CallState.CONFIRM_STOP: Script.NO_MORE_CALLS,
    CallState.CODE_SPOKEN: Script.SPEAK_CODE,
    CallState.NEW_PIN: Script.CHOOSE_PIN,
    CallState.NEW_PIN_AGAIN: Script.REPEAT_PIN,
}
_PROOFS = {Mode.MATCH: Script.MATCH_DIGITS, Mode.PIN: Script.ENTER_PIN, Mode.CODE: Script.OFFER_CODE}
_SPOKEN_ENDS = {FailureCode.WRONG_KEY: Script.WRONG_KEYS, FailureCode.NO_KEY_PRESSED: Script.NO_KEY}
_SPOKEN_ENDS_OF = {
    Mode.MATCH: {
        FailureCode.WRONG_KEY: Script.WRONG_DIGITS,
        FailureCode.NO_KEY_PRESSED: Script.NO_DIGITS,
        FailureCode.RATE_LIMITED: Script.TOO_MANY_WRONG,
    },
    Mode.PIN: {
        FailureCode.WRONG_KEY: Script.WRONG_PIN,
        FailureCode.NO_KEY_PRESSED: Script.NO_DIGITS,
        FailureCode.RATE_LIMITED: Script.PIN_LOCKED,
    },
}
_SPOKEN_ENDS_OF_CHOICE = {**_SPOKEN_ENDS_OF[Mode.PIN], FailureCode.WRONG_KEY: Script.PIN_NOT_CHANGED}
