"""A call's inputs: it was answered, a key was pressed or not, a machine took it; each says what the call hears next."""

import msgspec

from gateway.domain.attempts import attempt_changed, by_token
from gateway.domain.delivery import DeliveryStatus, merge
from gateway.domain.journal import Entry
from gateway.domain.policy import Limits
from gateway.domain.verification import (
    Assurance,
    Attempt,
    Change,
    Ending,
    Failure,
    FailureCode,
    Reply,
    Script,
    Status,
    Verification,
    ended,
)

CONFIRM_KEY = "#"
MACHINE = "machine"

_MACHINE = Failure(FailureCode.ANSWERED_BY_MACHINE, "Voicemail or another machine took the call.")
_WRONG_KEY = Failure(FailureCode.WRONG_KEY, "Other keys than # were pressed.")
_NO_KEY = Failure(FailureCode.NO_KEY_PRESSED, "The call was answered, but no key was pressed.")


def call_answered(verification: Verification, token: str, sid: str, answered_by: str | None, now: int) -> Change:
    """Someone or something took the call. Asked twice, the same prompt is answered and nothing else happens."""
    attempt = by_token(verification, token, sid)
    if attempt is None:
        return _nothing(verification)
    if answered_by == MACHINE:
        return machine_detected(verification, token, sid, now)
    if attempt.turn or attempt.failure or verification.status is not Status.PENDING:
        return _unchanged(verification, attempt)
    entry = Entry("call.answered", {"attempt_id": attempt.id, "answered_by": answered_by})
    change = attempt_changed(
        verification,
        attempt,
        now,
        (entry,),
        status=merge(attempt.status, DeliveryStatus.IN_PROGRESS),
        provider_sid=sid,
        answered_by=answered_by or attempt.answered_by,
        turn=1,
    )
    return _replied(change, attempt.id)


def machine_detected(verification: Verification, token: str, sid: str, now: int) -> Change:
    """A machine took the call: it never approves. After an approval, the late verdict is only noted."""
    attempt = by_token(verification, token, sid)
    if attempt is None:
        return _nothing(verification)
    if attempt.answered_by == MACHINE:
        return _unchanged(verification, attempt)
    entry = Entry("call.answered_by_machine", {"attempt_id": attempt.id})
    failure = attempt.failure if verification.proved_by == attempt.id else attempt.failure or _MACHINE
    change = attempt_changed(
        verification, attempt, now, (entry,), provider_sid=sid, answered_by=MACHINE, failure=failure
    )
    return _replied(change, attempt.id)


def person_detected(
    verification: Verification, token: str, sid: str, answered_by: str, now: int, limits: Limits
) -> Change:
    """No machine was heard: note the first such verdict. It proves nothing."""
    attempt = by_token(verification, token, sid)
    if attempt is None or attempt.answered_by is not None:
        return _nothing(verification)
    entry = Entry("call.answered_by", {"attempt_id": attempt.id, "answered_by": answered_by})
    return attempt_changed(
        verification, attempt, now, (entry,), grace=limits.call_grace, provider_sid=sid, answered_by=answered_by
    )


def digits_gathered(
    verification: Verification, token: str, sid: str, turn: int, digits: str, now: int, limits: Limits
) -> Change:
    """A Gather ended. # approves at once; another key or silence asks again, until the tries are used up.

    Only the Gather that is open counts (`turn`): a repeated or late report of an earlier one gets today's answer. A
    call that has been reported as over still counts while its verification is pending.
    """
    attempt = by_token(verification, token, sid)
    if attempt is None:
        return _nothing(verification)
    if turn != attempt.turn or verification.status is not Status.PENDING or attempt.answered_by == MACHINE:
        return _unchanged(verification, attempt)
    if digits == CONFIRM_KEY:
        return _confirmed(verification, attempt, now)
    if digits:
        wrong = attempt.wrong_keys + 1
        failure = _WRONG_KEY if wrong >= limits.wrong_keys_per_call else None
        entry = Entry("call.wrong_key", {"attempt_id": attempt.id, "turn": turn})
        fields = {"wrong_keys": wrong}
    else:
        silent = attempt.silent_prompts + 1
        failure = _NO_KEY if silent >= limits.silent_prompts_per_call else None
        entry = Entry("call.no_key", {"attempt_id": attempt.id, "turn": turn})
        fields = {"silent_prompts": silent}
    change = attempt_changed(
        verification, attempt, now, (entry,), turn=turn + 1, failure=failure or attempt.failure, **fields
    )
    return _replied(change, attempt.id, again=FailureCode.WRONG_KEY if digits else FailureCode.NO_KEY_PRESSED)


def _confirmed(verification: Verification, attempt: Attempt, now: int) -> Change:
    entry = Entry("call.key_pressed", {"attempt_id": attempt.id, "turn": attempt.turn})
    proven = msgspec.structs.replace(attempt, updated_at=now, failure=None)
    attempts = tuple(proven if kept.id == proven.id else kept for kept in verification.attempts)
    change = ended(
        verification,
        Ending.KEY_PRESSED,
        now,
        entries=(entry,),
        assurance=Assurance.PRESENCE,
        attempts=attempts,
        proved_by=attempt.id,
    )
    return _replied(change, attempt.id)


def _nothing(verification: Verification) -> Change:
    return Change(verification, reply=Reply(Script.NOT_NEEDED))


def _unchanged(verification: Verification, attempt: Attempt) -> Change:
    return Change(verification, reply=_reply(verification, attempt, None))


def _replied(change: Change, attempt_id: str, again: FailureCode | None = None) -> Change:
    attempt = next(kept for kept in change.verification.attempts if kept.id == attempt_id)
    return msgspec.structs.replace(change, reply=_reply(change.verification, attempt, again))


def _reply(verification: Verification, attempt: Attempt, again: FailureCode | None) -> Reply:
    """Say what the state calls for, so that a repeated request is answered like the first."""
    if verification.proved_by == attempt.id:
        return Reply(Script.CONFIRMED)
    if attempt.answered_by == MACHINE:
        return Reply(Script.HANG_UP)
    if attempt.failure is not None and attempt.failure.code in _SPOKEN_ENDS:
        return Reply(_SPOKEN_ENDS[attempt.failure.code])
    if verification.status is not Status.PENDING or attempt.turn == 0:
        return Reply(Script.NOT_NEEDED)
    return Reply(Script.PRESS_POUND, attempt.turn, again)


_SPOKEN_ENDS = {FailureCode.WRONG_KEY: Script.WRONG_KEYS, FailureCode.NO_KEY_PRESSED: Script.NO_KEY}
