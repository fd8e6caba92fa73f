"""A call's inputs: it was answered, keys were pressed or not, a machine took it; each says what the call hears next."""

import msgspec

from gateway.domain.attempts import attempt_changed, by_token
from gateway.domain.delivery import DeliveryStatus, merge
from gateway.domain.journal import Entry
from gateway.domain.policy import Limits, Tally
from gateway.domain.refusals import Refused
from gateway.domain.verification import (
    Assurance,
    Attempt,
    Change,
    Ending,
    Failure,
    FailureCode,
    Mode,
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
_WRONG_DIGITS = Failure(FailureCode.WRONG_KEY, "Other digits than those that are shown were keyed in.")
_NO_KEY = Failure(FailureCode.NO_KEY_PRESSED, "The call was answered, but no key was pressed.")
_NO_DIGITS = Failure(FailureCode.NO_KEY_PRESSED, "The call was answered, but no digits were keyed in.")


def call_answered(verification: Verification, token: str, sid: str, answered_by: str | None, now: int) -> Change:
    """Someone or something took the call. Asked twice, the same prompt is answered and nothing else happens."""
    attempt = by_token(verification, token, sid)
    if attempt is None:
        return _nothing(verification)
    if answered_by == MACHINE:
        return machine_detected(verification, token, sid, now)
    if attempt.turn or attempt.failure or verification.status is not Status.PENDING:
        return _unchanged(verification, attempt)
    mode = attempt.mode and attempt.mode.value
    entry = Entry("call.answered", {"attempt_id": attempt.id, "answered_by": answered_by, "mode": mode})
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
    verification: Verification, token: str, sid: str, turn: int, digits: str, tally: Tally, now: int, limits: Limits
) -> Change:
    """A Gather ended. What the call asked for approves at once; other keys or silence ask again, a few times.

    Only the Gather that is open counts (`turn`): a repeated or late report of an earlier one gets today's answer. A
    call that has been reported as over still counts while its verification is pending.
    """
    attempt = by_token(verification, token, sid)
    if attempt is None:
        return _nothing(verification)
    over = verification.status is not Status.PENDING or _spoken_end(attempt) is not None
    if turn != attempt.turn or over or attempt.answered_by == MACHINE:
        return _unchanged(verification, attempt)
    if not digits:
        return _silent(verification, attempt, now, limits)
    if attempt.mode is Mode.MATCH:
        return _digits_judged(verification, attempt, digits, tally, now, limits)
    if digits == CONFIRM_KEY:
        return _approved(verification, attempt, "call.key_pressed", Assurance.PRESENCE, now)
    return _wrong(verification, attempt, "call.wrong_key", _WRONG_KEY, now, limits)


def _digits_judged(
    verification: Verification, attempt: Attempt, digits: str, tally: Tally, now: int, limits: Limits
) -> Change:
    """Hold what was keyed in against what is shown. Wrong digits count for the number as a wrong code does."""
    try:
        tally.refuse_check_over_limit(now, limits)
    except Refused as refusal:
        entry = Entry("call.digits_not_judged", {"attempt_id": attempt.id, "turn": attempt.turn})
        failure = Failure(FailureCode.RATE_LIMITED, refusal.detail)
        change = attempt_changed(verification, attempt, now, (entry,), turn=attempt.turn + 1, failure=failure)
        return _replied(change, attempt.id)
    if digits == verification.match_digits:
        return _approved(verification, attempt, "call.digits_matched", Assurance.POSSESSION, now)
    change = _wrong(verification, attempt, "call.wrong_digits", _WRONG_DIGITS, now, limits)
    return msgspec.structs.replace(change, tally=tally.with_failed_check(now))


def _wrong(verification: Verification, attempt: Attempt, fact: str, last: Failure, now: int, limits: Limits) -> Change:
    """Ask again, or fail the attempt for the reason `last` when this was the last try."""
    wrong = attempt.wrong_keys + 1
    change = attempt_changed(
        verification,
        attempt,
        now,
        (Entry(fact, {"attempt_id": attempt.id, "turn": attempt.turn}),),
        turn=attempt.turn + 1,
        wrong_keys=wrong,
        failure=last if wrong >= limits.wrong_keys_per_call else attempt.failure,
    )
    return _replied(change, attempt.id, again=FailureCode.WRONG_KEY)


def _silent(verification: Verification, attempt: Attempt, now: int, limits: Limits) -> Change:
    silent = attempt.silent_prompts + 1
    last = _NO_DIGITS if attempt.mode is Mode.MATCH else _NO_KEY
    change = attempt_changed(
        verification,
        attempt,
        now,
        (Entry("call.no_key", {"attempt_id": attempt.id, "turn": attempt.turn}),),
        turn=attempt.turn + 1,
        silent_prompts=silent,
        failure=last if silent >= limits.silent_prompts_per_call else attempt.failure,
    )
    return _replied(change, attempt.id, again=FailureCode.NO_KEY_PRESSED)


def _approved(verification: Verification, attempt: Attempt, fact: str, assurance: Assurance, now: int) -> Change:
    entry = Entry(fact, {"attempt_id": attempt.id, "turn": attempt.turn})
    proven = msgspec.structs.replace(attempt, updated_at=now, failure=None)
    attempts = tuple(proven if kept.id == proven.id else kept for kept in verification.attempts)
    change = ended(
        verification,
        Ending.KEY_PRESSED,
        now,
        entries=(entry,),
        assurance=assurance,
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
    end = _spoken_end(attempt)
    if end is not None:
        return Reply(end)
    if verification.status is not Status.PENDING or attempt.turn == 0:
        return Reply(Script.NOT_NEEDED)
    return Reply(Script.MATCH_DIGITS if attempt.mode is Mode.MATCH else Script.PRESS_POUND, attempt.turn, again)


def _spoken_end(attempt: Attempt) -> Script | None:
    """Return what a call hears whose tries are used up, so that no Gather is open any more; None for any other."""
    ends = _SPOKEN_ENDS_OF_MATCH if attempt.mode is Mode.MATCH else _SPOKEN_ENDS
    return ends.get(attempt.failure.code) if attempt.failure else None


_SPOKEN_ENDS = {FailureCode.WRONG_KEY: Script.WRONG_KEYS, FailureCode.NO_KEY_PRESSED: Script.NO_KEY}
_SPOKEN_ENDS_OF_MATCH = {
    FailureCode.WRONG_KEY: Script.WRONG_DIGITS,
    FailureCode.NO_KEY_PRESSED: Script.NO_DIGITS,
    FailureCode.RATE_LIMITED: Script.TOO_MANY_WRONG,
}
