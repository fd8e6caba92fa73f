"""What was keyed in on a call: the proof that it asked for, a wish of the callee's, a wrong key, or nothing."""

import msgspec

from gateway.domain.attempts import attempt_changed
from gateway.domain.call_refusals import asked_to_confirm, block_answered, refused
from gateway.domain.call_replies import replied, unchanged
from gateway.domain.delivery import CALL_ENDED
from gateway.domain.journal import Entry
from gateway.domain.keypad import FRAUD_KEY, POUND, REPEAT_KEY, Keypad
from gateway.domain.policy import Limits, Tally
from gateway.domain.refusals import Refused
from gateway.domain.scenes import Scene
from gateway.domain.verification import (
    Assurance,
    Attempt,
    Change,
    Ending,
    Failure,
    FailureCode,
    Mode,
    Verification,
    ended,
)

MOST_REPEATS = 5
"""How often a callee may have the prompt said anew; after that, the keys for it are wrong keys."""

_WRONG_KEY = Failure(FailureCode.WRONG_KEY, "Other keys than the one that was asked for were pressed.")
_WRONG_DIGITS = Failure(FailureCode.WRONG_KEY, "Other digits than those that are shown were keyed in.")
_NO_KEY = Failure(FailureCode.NO_KEY_PRESSED, "The call was answered, but no key was pressed.")
_NO_DIGITS = Failure(FailureCode.NO_KEY_PRESSED, "The call was answered, but no digits were keyed in.")


class Keyed(msgspec.Struct, frozen=True, gc=False):
    """What a Gather got, and what the keys mean. `cut_off`: no finish key ended it, so more may have been meant."""

    digits: str
    keypad: Keypad
    cut_off: bool


def keys_taken(
    verification: Verification, attempt: Attempt, keyed: Keyed, tally: Tally, now: int, limits: Limits
) -> Change:
    """Act on what the open Gather of a call got."""
    if attempt.scene is Scene.BLOCK:
        return block_answered(verification, attempt, keyed.digits, now)
    if not keyed.digits:
        return _silent(verification, attempt, now, limits)
    if attempt.scene is not Scene.PROOF:
        return _refusal_judged(verification, attempt, keyed, now, limits)
    granted = _wish_granted(verification, attempt, keyed, now, limits)
    if granted is not None:
        return granted
    if attempt.mode is Mode.MATCH:
        return _digits_judged(verification, attempt, keyed.digits, tally, now, limits)
    return _key_judged(verification, attempt, keyed, now, limits)


def _wish_granted(
    verification: Verification, attempt: Attempt, keyed: Keyed, now: int, limits: Limits
) -> Change | None:
    """Do what a key of its own asks for; None for what the mode has to judge.

    A refusal is asked about unless # behind its key has confirmed it already, which only digits that # ends can show.
    """
    digits, keypad = keyed.digits, keyed.keypad
    scene = {FRAUD_KEY: Scene.REPORT, keypad.never_call: Scene.NO_MORE}.get(digits)
    if scene is not None:
        confirmed = attempt.mode is Mode.MATCH and not keyed.cut_off
        return (refused if confirmed else asked_to_confirm)(verification, attempt, scene, now)
    if digits == keypad.language:
        other = not attempt.second_language
        return _said_anew(verification, attempt, "call.language_changed", now, limits, second_language=other)
    if digits == REPEAT_KEY:
        return _said_anew(verification, attempt, "call.repeated", now, limits)
    return None


def _refusal_judged(verification: Verification, attempt: Attempt, keyed: Keyed, now: int, limits: Limits) -> Change:
    """Take a refusal as meant if # follows, or the key that confirms; any other key leads back to the first prompt."""
    if keyed.digits in {POUND, keyed.keypad.confirm}:
        return refused(verification, attempt, attempt.scene, now)
    return _said_anew(verification, attempt, "call.refusal_dropped", now, limits)


def _key_judged(verification: Verification, attempt: Attempt, keyed: Keyed, now: int, limits: Limits) -> Change:
    """Judge a lone key: the one that was asked for approves, or has the code told."""
    if keyed.digits != keyed.keypad.confirm:
        return _wrong(verification, attempt, "call.wrong_key", _WRONG_KEY, now, limits)
    if attempt.mode is Mode.CODE:
        return _code_told(verification, attempt, now)
    return _approved(verification, attempt, "call.key_pressed", Assurance.PRESENCE, now)


def _said_anew(
    verification: Verification, attempt: Attempt, fact: str, now: int, limits: Limits, **fields: bool
) -> Change:
    """Say the first prompt once more, which is no try; too often, and it is one."""
    repeats = attempt.repeats + 1
    if repeats > MOST_REPEATS:
        return _wrong(verification, attempt, "call.wrong_key", _WRONG_KEY, now, limits)
    entry = Entry(fact, {"attempt_id": attempt.id, "turn": attempt.turn})
    change = attempt_changed(
        verification,
        attempt,
        now,
        (entry,),
        turn=attempt.turn + 1,
        repeats=repeats,
        scene=Scene.PROOF,
        **fields,
    )
    return replied(change, attempt.id)


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
        return replied(change, attempt.id)
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
        scene=Scene.PROOF,
        failure=last if wrong >= limits.wrong_keys_per_call else attempt.failure,
    )
    return replied(change, attempt.id, again=FailureCode.WRONG_KEY)


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
        scene=Scene.PROOF,
        failure=last if silent >= limits.silent_prompts_per_call else attempt.failure,
    )
    return replied(change, attempt.id, again=FailureCode.NO_KEY_PRESSED)


def _code_told(verification: Verification, attempt: Attempt, now: int) -> Change:
    """Let the call speak the code, because a person pressed a key; one that is over tells nobody anything."""
    if attempt.status in CALL_ENDED:
        return unchanged(verification, attempt)
    entry = Entry("call.code_told", {"attempt_id": attempt.id, "turn": attempt.turn})
    change = attempt_changed(verification, attempt, now, (entry,), turn=attempt.turn + 1, scene=Scene.CODE_TOLD)
    return replied(change, attempt.id)


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
    return replied(change, attempt.id)
