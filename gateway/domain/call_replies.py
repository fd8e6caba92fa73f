"""What a call hears next, as its state calls for it, so that a repeated request is answered like the first."""

import msgspec

from gateway.domain.delivery import AnsweredBy
from gateway.domain.scenes import PIN_CHOICE, PinFlaw, Scene, Script
from gateway.domain.timeouts import deadline_passed
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

MACHINE = AnsweredBy.MACHINE
MACHINE_FAILURE = Failure(FailureCode.ANSWERED_BY_MACHINE, "Voicemail or another machine took the call.")


def nothing(verification: Verification) -> Change:
    """Answer a call that we know nothing of."""
    return Change(verification, reply=Reply(Script.NOT_NEEDED))


def unchanged(verification: Verification, attempt: Attempt) -> Change:
    """Answer as the state is."""
    return Change(verification, reply=_reply(verification, attempt))


def over(verification: Verification, attempt: Attempt, now: int) -> Change | None:
    """Return what a call hears whose verification's lifetime is over; None while it is not.

    A deadline nobody has acted on yet counts, as it does for a code.
    """
    if verification.status is not Status.PENDING or now < verification.expires_at:
        return None
    return replied(deadline_passed(verification, now), attempt.id)


def replied(change: Change, attempt_id: str, again: FailureCode | None = None, flaw: PinFlaw | None = None) -> Change:
    """Answer as the state is after a change; `again` and `flaw` say why the call is asked once more."""
    attempt = next(kept for kept in change.verification.attempts if kept.id == attempt_id)
    return msgspec.structs.replace(change, reply=_reply(change.verification, attempt, again, flaw))


def listens(verification: Verification, attempt: Attempt, turn: int) -> bool:
    """Tell whether this Gather of a call is open, and a person may be at its keys.

    A report of fraud is followed by one more, though its verification has ended.
    """
    if turn != attempt.turn or attempt.answered_by == MACHINE:
        return False
    if attempt.scene is Scene.BLOCK:
        return True
    pending = verification.status is Status.PENDING
    return pending and attempt.scene is not Scene.CODE_TOLD and spoken_end(attempt) is None


def spoken_end(attempt: Attempt) -> Script | None:
    """Return what a call hears whose tries are used up, so that no Gather is open any more; None for any other."""
    if attempt.failure is None:
        return None
    ends = (
        _SPOKEN_ENDS_OF_CHOICE
        if attempt.scene in PIN_CHOICE
        else _SPOKEN_ENDS_OF.get(attempt.mode or Mode.CONFIRM, _SPOKEN_ENDS)
    )
    return ends.get(attempt.failure.code)


def _reply(
    verification: Verification, attempt: Attempt, again: FailureCode | None = None, flaw: PinFlaw | None = None
) -> Reply:
    script = _script(verification, attempt)
    return Reply(script, attempt.turn, again, attempt.second_language, attempt.slow, flaw)


def _script(verification: Verification, attempt: Attempt) -> Script:
    if verification.proved_by == attempt.id:
        return Script.PIN_CHANGED if attempt.scene is Scene.NEW_PIN_AGAIN else Script.CONFIRMED
    if attempt.answered_by == MACHINE:
        return Script.HANG_UP
    refused = _REFUSED.get(attempt.scene) or spoken_end(attempt)
    if refused is not None:
        return refused
    if verification.status is not Status.PENDING or attempt.turn == 0:
        return Script.NOT_NEEDED
    return _ASKED.get(attempt.scene) or _PROOFS.get(attempt.mode or Mode.CONFIRM, Script.PRESS_POUND)


_REFUSED = {
    Scene.BLOCK: Script.FRAUD_REPORTED,
    Scene.REPORTED: Script.FRAUD_NOTED,
    Scene.STOPPED: Script.CALLS_STOPPED,
}
_ASKED = {
    Scene.REPORT: Script.REPORT_FRAUD,
    Scene.NO_MORE: Script.NO_MORE_CALLS,
    Scene.CODE_TOLD: Script.SPEAK_CODE,
    Scene.NEW_PIN: Script.CHOOSE_PIN,
    Scene.NEW_PIN_AGAIN: Script.REPEAT_PIN,
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
