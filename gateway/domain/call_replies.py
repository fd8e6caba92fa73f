"""What a call hears next, as its state calls for it, so that a repeated request is answered like the first."""

import msgspec

from gateway.domain.scenes import Scene, Script
from gateway.domain.verification import (
    Attempt,
    Change,
    FailureCode,
    Mode,
    Reply,
    Status,
    Verification,
)

MACHINE = "machine"


def nothing(verification: Verification) -> Change:
    """Answer a call that we know nothing of."""
    return Change(verification, reply=Reply(Script.NOT_NEEDED))


def unchanged(verification: Verification, attempt: Attempt) -> Change:
    """Answer as the state is."""
    return Change(verification, reply=_reply(verification, attempt, None))


def replied(change: Change, attempt_id: str, again: FailureCode | None = None) -> Change:
    """Answer as the state is after a change; `again` says why the call is asked once more."""
    attempt = next(kept for kept in change.verification.attempts if kept.id == attempt_id)
    return msgspec.structs.replace(change, reply=_reply(change.verification, attempt, again))


def spoken_end(attempt: Attempt) -> Script | None:
    """Return what a call hears whose tries are used up, so that no Gather is open any more; None for any other."""
    ends = _SPOKEN_ENDS_OF_MATCH if attempt.mode is Mode.MATCH else _SPOKEN_ENDS
    return ends.get(attempt.failure.code) if attempt.failure else None


def _reply(verification: Verification, attempt: Attempt, again: FailureCode | None) -> Reply:
    return Reply(_script(verification, attempt), attempt.turn, again, attempt.second_language)


def _script(verification: Verification, attempt: Attempt) -> Script:
    if verification.proved_by == attempt.id:
        return Script.CONFIRMED
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
}
_PROOFS = {Mode.MATCH: Script.MATCH_DIGITS, Mode.CODE: Script.OFFER_CODE}
_SPOKEN_ENDS = {FailureCode.WRONG_KEY: Script.WRONG_KEYS, FailureCode.NO_KEY_PRESSED: Script.NO_KEY}
_SPOKEN_ENDS_OF_MATCH = {
    FailureCode.WRONG_KEY: Script.WRONG_DIGITS,
    FailureCode.NO_KEY_PRESSED: Script.NO_DIGITS,
    FailureCode.RATE_LIMITED: Script.TOO_MANY_WRONG,
}
