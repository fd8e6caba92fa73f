"""A call's inputs: it was answered, keys were pressed or not, a machine took it; each says what the call hears next."""

from gateway.domain.attempts import attempt_changed, by_token
from gateway.domain.call_keys import Keyed, keys_taken
from gateway.domain.call_replies import MACHINE, MACHINE_FAILURE, listens, nothing, over, replied, unchanged
from gateway.domain.delivery import DeliveryStatus, merge
from gateway.domain.journal import JournalEntry
from gateway.domain.keypad import Keypad
from gateway.domain.limits import Limits, Tally
from gateway.domain.verification import Change, Status, Verification

_USUAL_KEYS = Keypad()


def call_answered(verification: Verification, token: str, sid: str, answered_by: str | None, now: int) -> Change:
    """Someone or something took the call. Asked twice, the same prompt is answered and nothing else happens."""
    attempt = by_token(verification, token, sid)
    if attempt is None:
        return nothing(verification)
    if answered_by == MACHINE:
        return machine_detected(verification, token, sid, now)
    if late := over(verification, attempt, now):
        return late
    if attempt.turn or attempt.failure or verification.status is not Status.PENDING:
        return unchanged(verification, attempt)
    mode = attempt.mode and attempt.mode.value
    entry = JournalEntry("call.answered", {"attempt_id": attempt.id, "answered_by": answered_by, "mode": mode})
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
    return replied(change, attempt.id)


def machine_detected(verification: Verification, token: str, sid: str, now: int) -> Change:
    """A machine took the call: it never approves. After an approval, the late verdict is only noted."""
    attempt = by_token(verification, token, sid)
    if attempt is None:
        return nothing(verification)
    if attempt.answered_by == MACHINE:
        return unchanged(verification, attempt)
    entry = JournalEntry("call.answered_by_machine", {"attempt_id": attempt.id})
    failure = attempt.failure if verification.proved_by == attempt.id else attempt.failure or MACHINE_FAILURE
    change = attempt_changed(
        verification, attempt, now, (entry,), provider_sid=sid, answered_by=MACHINE, failure=failure
    )
    return replied(change, attempt.id)


def person_detected(verification: Verification, token: str, sid: str, answered_by: str, now: int) -> Change:
    """No machine was heard: note the first such verdict. It proves nothing."""
    attempt = by_token(verification, token, sid)
    if attempt is None or attempt.answered_by is not None:
        return nothing(verification)
    entry = JournalEntry("call.answered_by", {"attempt_id": attempt.id, "answered_by": answered_by})
    return attempt_changed(verification, attempt, now, (entry,), provider_sid=sid, answered_by=answered_by)


def digits_gathered(
    verification: Verification,
    token: str,
    sid: str,
    turn: int,
    digits: str,
    tally: Tally,
    now: int,
    limits: Limits,
    *,
    keypad: Keypad = _USUAL_KEYS,
    cut_off: bool = False,
) -> Change:
    """A Gather ended. What the call asked for approves at once; other keys or silence ask again, a few times.

    Only the Gather that is open counts (`turn`): a repeated or late report of an earlier one gets today's answer. A
    call that has been reported as over still counts while its verification is pending. `cut_off` tells that no finish
    key ended what was keyed in, so more may have been meant to follow. What may be a PIN changes nothing here.
    """
    attempt = by_token(verification, token, sid)
    if attempt is None:
        return nothing(verification)
    if late := over(verification, attempt, now):
        return late
    if not listens(verification, attempt, turn):
        return unchanged(verification, attempt)
    return keys_taken(verification, attempt, Keyed(digits, keypad, cut_off), tally, now, limits)
