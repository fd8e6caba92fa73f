"""What was keyed in on a call: the proof that it asked for, a wish of the callee's, a wrong key, or nothing."""

import msgspec

from gateway.domain.assurance import Assurance
from gateway.domain.attempts import attempt_changed
from gateway.domain.call_pins import is_to_be_judged, no_pin
from gateway.domain.call_refusals import asked_to_confirm, block_answered, refused
from gateway.domain.call_replies import replied, unchanged
from gateway.domain.call_tries import approved, asked_for, not_judged, silent, wrong
from gateway.domain.delivery import CALL_ENDED
from gateway.domain.errors import Rejected
from gateway.domain.journal import JournalEntry
from gateway.domain.keypad import FRAUD_KEY, POUND, REPEAT_KEY, SLOW_KEY, Keypad
from gateway.domain.limits import Limits, Tally
from gateway.domain.scenes import Scene
from gateway.domain.verification import Attempt, Change, Failure, FailureCode, Mode, Verification

MOST_REPEATS = 5
"""How often a callee may have the prompt said anew; after that, the keys for it are wrong keys."""

_WRONG_KEY = Failure(FailureCode.WRONG_KEY, "Other keys than the one that was asked for were pressed.")
_WRONG_DIGITS = Failure(FailureCode.WRONG_KEY, "Other digits than those that are shown were keyed in.")
_NO_KEY = Failure(FailureCode.NO_KEY_PRESSED, "The call was answered, but no key was pressed.")
_NO_DIGITS = Failure(FailureCode.NO_KEY_PRESSED, "The call was answered, but no digits were keyed in.")
_ENDED_BY_POUND = frozenset({Mode.MATCH, Mode.PIN})
"""The modes of calls that take more than one key, which # ends."""


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
        last = _NO_DIGITS if attempt.mode in _ENDED_BY_POUND else _NO_KEY
        return silent(verification, _asking_for_a_digit(verification, attempt, keyed.keypad), last, now, limits)
    if attempt.scene in {Scene.REPORT, Scene.NO_MORE}:
        return _refusal_judged(verification, attempt, keyed, now, limits)
    granted = _wish_granted(verification, attempt, keyed, now, limits)
    if granted is not None:
        return granted
    return _proof_judged(verification, attempt, keyed, tally, now, limits)


def _proof_judged(
    verification: Verification, attempt: Attempt, keyed: Keyed, tally: Tally, now: int, limits: Limits
) -> Change:
    """Judge what was keyed in by what the mode asks for; what may be a PIN takes longer, and waits for `call_pins`."""
    if attempt.mode is Mode.MATCH:
        return _digits_judged(verification, attempt, keyed.digits, tally, now, limits)
    if is_to_be_judged(attempt, keyed.digits):
        return unchanged(verification, attempt)
    if attempt.mode is Mode.PIN:
        return no_pin(verification, attempt, now, limits)
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
        confirmed = attempt.mode in _ENDED_BY_POUND and not keyed.cut_off
        return (refused if confirmed else asked_to_confirm)(verification, attempt, scene, now)
    if digits == keypad.language:
        other = not attempt.second_language
        return _said_anew(verification, attempt, "call.language_changed", now, limits, second_language=other)
    if digits == SLOW_KEY:
        return _said_anew(verification, attempt, "call.pace_changed", now, limits, slow=not attempt.slow)
    if digits == REPEAT_KEY:
        return _said_anew(verification, attempt, "call.repeated", now, limits)
    return None


def _refusal_judged(verification: Verification, attempt: Attempt, keyed: Keyed, now: int, limits: Limits) -> Change:
    """Take a refusal as meant if # follows, or the key that confirms; any other key leads back to the first prompt."""
    if keyed.digits in {POUND, *_confirming(attempt, keyed.keypad)}:
        return refused(verification, attempt, attempt.scene, now)
    return _said_anew(verification, attempt, "call.refusal_dropped", now, limits)


def _asking_for_a_digit(verification: Verification, attempt: Attempt, keypad: Keypad) -> Attempt:
    """Let a call to a new office phone ask for a digit in place of #, which the phone may have kept to itself."""
    if not verification.learns_key or attempt.mode is not Mode.CONFIRM or keypad.confirm != POUND:
        return attempt
    return msgspec.structs.replace(attempt, confirm_key=keypad.stand_in)


def _key_judged(verification: Verification, attempt: Attempt, keyed: Keyed, now: int, limits: Limits) -> Change:
    """Judge a lone key: the one that was asked for approves, or has the code told; the usual one does so on any phone.

    The key that has worked is the one that the next call to this phone asks for.
    """
    if keyed.digits not in _confirming(attempt, keyed.keypad):
        return wrong(verification, attempt, "call.wrong_key", _WRONG_KEY, now, limits)
    if attempt.mode is Mode.CODE:
        return _code_told(verification, attempt, now)
    worked = "" if keyed.digits == keyed.keypad.confirm else keyed.digits
    attempt = msgspec.structs.replace(attempt, confirm_key=worked)
    return approved(verification, attempt, "call.key_pressed", Assurance.PRESENCE, now)


def _confirming(attempt: Attempt, keypad: Keypad) -> frozenset[str]:
    """Return the keys that confirm on this call: the usual one, and the one that it asks for."""
    return frozenset({keypad.confirm, keypad.asking(attempt.confirm_key).confirm})


def _said_anew(
    verification: Verification, attempt: Attempt, fact: str, now: int, limits: Limits, **fields: bool
) -> Change:
    """Say the first prompt once more, which is no try; too often, and it is one."""
    repeats = attempt.repeats + 1
    if repeats > MOST_REPEATS:
        scene = asked_for(attempt)
        return wrong(verification, attempt, "call.wrong_key", _WRONG_KEY, now, limits, scene=scene)
    entry = JournalEntry(fact, {"attempt_id": attempt.id, "turn": attempt.turn})
    change = attempt_changed(
        verification,
        attempt,
        now,
        (entry,),
        turn=attempt.turn + 1,
        repeats=repeats,
        scene=asked_for(attempt),
        **fields,
    )
    return replied(change, attempt.id)


def _digits_judged(
    verification: Verification, attempt: Attempt, digits: str, tally: Tally, now: int, limits: Limits
) -> Change:
    """Hold what was keyed in against what is shown. Wrong digits count for the number as a wrong code does."""
    try:
        tally.reject_check_over_limit(now, limits)
    except Rejected as refusal:
        return not_judged(verification, attempt, "call.digits_not_judged", refusal.detail, now)
    if digits == verification.match_digits:
        return approved(verification, attempt, "call.digits_matched", Assurance.POSSESSION, now)
    change = wrong(verification, attempt, "call.wrong_digits", _WRONG_DIGITS, now, limits)
    return msgspec.structs.replace(change, tally=tally.with_failed_check(now))


def _code_told(verification: Verification, attempt: Attempt, now: int) -> Change:
    """Let the call speak the code, because a person pressed a key; one that is over tells nobody anything."""
    if attempt.status in CALL_ENDED:
        return unchanged(verification, attempt)
    entry = JournalEntry("call.code_told", {"attempt_id": attempt.id, "turn": attempt.turn})
    change = attempt_changed(verification, attempt, now, (entry,), turn=attempt.turn + 1, scene=Scene.CODE_TOLD)
    return replied(change, attempt.id)
