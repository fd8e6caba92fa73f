"""A callee says no: reports that they did not ask for the call, or asks for no more calls and texts at all."""

import msgspec

from gateway.domain.attempts import attempt_changed
from gateway.domain.call_replies import replied
from gateway.domain.journal import JournalEntry
from gateway.domain.keypad import BLOCK_KEY
from gateway.domain.scenes import Scene
from gateway.domain.verification import (
    Attempt,
    Change,
    Ending,
    Failure,
    FailureCode,
    Verification,
    ended,
)

FRAUD_REPORTED = "call.fraud_reported"
"""The journal's word for a report of fraud on a call."""

_NO_MORE_CALLS = "call.no_more_calls"
_AFTER_FRAUD = "reported fraud on a call"
_ASKED = "asked for it on a call"
_FRAUD = Failure(FailureCode.REPORTED_FRAUD, "The person said that they did not ask for this call.")
_STOPPED = Failure(FailureCode.NUMBER_BLOCKED, "The person asked for no more calls and texts.")


def asked_to_confirm(verification: Verification, attempt: Attempt, scene: Scene, now: int) -> Change:
    """Ask whether the refusal is meant: one key alone is pressed by mistake too easily."""
    entry = JournalEntry("call.refusal_begun", {"attempt_id": attempt.id, "turn": attempt.turn, "scene": scene.value})
    change = attempt_changed(verification, attempt, now, (entry,), turn=attempt.turn + 1, scene=scene)
    return replied(change, attempt.id)


def refused(verification: Verification, attempt: Attempt, scene: Scene, now: int) -> Change:
    """End the verification: as reported fraud, or because its number is to go on the stop list.

    A report of fraud is followed by the offer to put the number on the stop list, too.
    """
    if scene is Scene.REPORT:
        return _denied(verification, attempt, FRAUD_REPORTED, _FRAUD, Scene.BLOCK, now)
    change = _denied(verification, attempt, _NO_MORE_CALLS, _STOPPED, Scene.STOPPED, now)
    return msgspec.structs.replace(change, stop=_ASKED)


def block_answered(verification: Verification, attempt: Attempt, digits: str, now: int) -> Change:
    """Take in whether whoever reported fraud wants no more calls and texts; anything but the one key means no."""
    wanted = digits == BLOCK_KEY
    entries = (_entry(_NO_MORE_CALLS, attempt),) if wanted else ()
    scene = Scene.STOPPED if wanted else Scene.REPORTED
    change = attempt_changed(verification, attempt, now, entries, turn=attempt.turn + 1, scene=scene)
    return msgspec.structs.replace(replied(change, attempt.id), stop=_AFTER_FRAUD if wanted else None)


def _denied(
    verification: Verification, attempt: Attempt, fact: str, failure: Failure, scene: Scene, now: int
) -> Change:
    refused = msgspec.structs.replace(attempt, updated_at=now, turn=attempt.turn + 1, scene=scene, failure=failure)
    attempts = tuple(refused if kept.id == refused.id else kept for kept in verification.attempts)
    entries = (_entry(fact, attempt),)
    change = ended(verification, Ending.PERSON_REFUSED, now, entries=entries, failure=failure, attempts=attempts)
    return replied(change, attempt.id)


def _entry(fact: str, attempt: Attempt) -> JournalEntry:
    return JournalEntry(fact, {"attempt_id": attempt.id, "turn": attempt.turn})
