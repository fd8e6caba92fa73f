"""The tries of a call: what was asked for approves, what was not is asked for again until the tries are used up."""

import msgspec

from gateway.domain.assurance import Assurance
from gateway.domain.attempts import attempt_changed
from gateway.domain.call_replies import replied
from gateway.domain.journal import JournalEntry
from gateway.domain.limits import Limits
from gateway.domain.scenes import PIN_CHOICE, PinFlaw, Scene
from gateway.domain.verification import Attempt, Change, Ending, Failure, FailureCode, Verification, ended


def approved(verification: Verification, attempt: Attempt, fact: str, assurance: Assurance, now: int) -> Change:
    """Approve a verification by what was keyed in on this call."""
    proven = msgspec.structs.replace(attempt, updated_at=now, failure=None)
    attempts = tuple(proven if kept.id == proven.id else kept for kept in verification.attempts)
    change = ended(
        verification,
        Ending.KEY_PRESSED,
        now,
        entries=(_entry(fact, attempt),),
        assurance=assurance,
        attempts=attempts,
        proved_by=attempt.id,
    )
    return replied(change, attempt.id)


def wrong(
    verification: Verification,
    attempt: Attempt,
    fact: str,
    last: Failure,
    now: int,
    limits: Limits,
    *,
    scene: Scene = Scene.PROOF,
    flaw: PinFlaw | None = None,
) -> Change:
    """Ask again in this scene, or fail the attempt for the reason `last` when this was the last try."""
    times = attempt.wrong_keys + 1
    change = attempt_changed(
        verification,
        attempt,
        now,
        (_entry(fact, attempt),),
        turn=attempt.turn + 1,
        wrong_keys=times,
        scene=scene,
        failure=last if times >= limits.wrong_keys_per_call else attempt.failure,
    )
    return replied(change, attempt.id, again=FailureCode.WRONG_KEY, flaw=flaw)


def silent(verification: Verification, attempt: Attempt, last: Failure, now: int, limits: Limits) -> Change:
    """Ask again because nothing came, or fail the attempt for the reason `last` when this was the last try."""
    times = attempt.silent_prompts + 1
    change = attempt_changed(
        verification,
        attempt,
        now,
        (_entry("call.no_key", attempt),),
        turn=attempt.turn + 1,
        silent_prompts=times,
        scene=asked_for(attempt),
        failure=last if times >= limits.silent_prompts_per_call else attempt.failure,
    )
    return replied(change, attempt.id, again=FailureCode.NO_KEY_PRESSED)


def not_judged(verification: Verification, attempt: Attempt, fact: str, detail: str, now: int) -> Change:
    """Fail the attempt because there were too many wrong tries already, on whatever calls."""
    failure = Failure(FailureCode.RATE_LIMITED, detail)
    entries = (_entry(fact, attempt),)
    change = attempt_changed(verification, attempt, now, entries, turn=attempt.turn + 1, failure=failure)
    return replied(change, attempt.id)


def asked_for(attempt: Attempt) -> Scene:
    """Return what is asked for when the same is asked again: the proof, or the new PIN that is being chosen."""
    return attempt.scene if attempt.scene in PIN_CHOICE else Scene.PROOF


def _entry(fact: str, attempt: Attempt) -> JournalEntry:
    return JournalEntry(fact, {"attempt_id": attempt.id, "turn": attempt.turn})
