"""Fallback: which ways follow the first one by themselves, and the inputs that take the next one, or leave it out."""

from collections.abc import Callable, Sequence

from gateway.domain.attempts import finish_or_wait, must_wait
from gateway.domain.commands import NO_PLAN, NewAttempt, Plan, next_attempt
from gateway.domain.errors import ErrorCode
from gateway.domain.journal import JournalEntry
from gateway.domain.limits import Limits, RateCounters
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.timeouts import pass_deadline
from gateway.domain.verification import (
    Change,
    Channel,
    FallbackStep,
    Mode,
    Status,
    Verification,
    update_verification,
)

MOST_STEPS = 5
"""Ways of one verification, the first one included."""

DrawAttempt = Callable[[Channel, Mode | None, PhoneNumber], NewAttempt]
"""Draws the id and the secrets of an attempt, and chooses who carries it."""


def find_mistake(steps: Sequence[FallbackStep]) -> str | None:
    """Say, in a sentence, why these cannot be the ways of a verification; None if they can. None at all can be."""
    if not steps:
        return None
    if not 1 < len(steps) <= MOST_STEPS:
        return f"A fallback has 2 to {MOST_STEPS} steps; the first is how the verification begins."
    for place, step in enumerate(steps, 1):
        if step.mode is not None and step.channel is Channel.SMS:
            return f"Step {place}: a text has no mode."
    return None


def plan_steps(steps: Sequence[FallbackStep], denial: Callable[[FallbackStep], ErrorCode | None]) -> Plan:
    """Return what follows the first of these steps; one that may not be taken is left out, and the journal says why."""
    if not steps:
        return NO_PLAN
    denials = [(step, denial(step)) for step in steps[1:]]
    return Plan(
        wait=steps[0].wait,
        steps=tuple(step for step, code in denials if code is None),
        left_out=tuple(_left_out(step, code) for step, code in denials if code is not None),
    )


def is_due(verification: Verification, now: int) -> bool:
    """Tell whether the time for the next step has come."""
    if verification.status is not Status.PENDING or not verification.steps or verification.next_at is None:
        return False
    return verification.next_at <= now < verification.expires_at


def take_next_step(
    verification: Verification, draw: DrawAttempt, rate_counters: RateCounters, now: int, limits: Limits
) -> Change:
    """Nothing came of the last attempt in time: take the next way, or let it wait for the end of what is under way.

    The waits between resends are not for it, the limits on sends are. Raises Rejected: `rate_limited`,
    `number_stopped`.
    """
    if not is_due(verification, now):
        return pass_deadline(verification, now)
    if must_wait(verification, verification.attempts):
        return Change(update_verification(verification, now, (), next_at=None))
    step, last_attempt = verification.steps[0], verification.attempts[-1]
    new = draw(step.channel, step.mode, verification.number)
    facts = {"attempt_id": new.id, "after": last_attempt.failure.code.value if last_attempt.failure else None}
    return next_attempt(
        verification, new, rate_counters, now, limits, JournalEntry("fallback.moved_on", {**_way(step), **facts})
    )


def skip_step(verification: Verification, reason: ErrorCode, now: int) -> Change:
    """The step that is due may not be taken: leave it out, and go on to the one behind it, or without any."""
    if not is_due(verification, now):
        return Change(verification)
    entries = (_left_out(verification.steps[0], reason),)
    steps = verification.steps[1:]
    if steps:
        return Change(update_verification(verification, now, entries, steps=steps, next_at=now), entries)
    return finish_or_wait(verification, verification.attempts, now, entries, steps=(), next_at=None)


def _left_out(step: FallbackStep, reason: ErrorCode) -> JournalEntry:
    return JournalEntry("fallback.left_out", {**_way(step), "reason": reason.value})


def _way(step: FallbackStep) -> dict[str, str | None]:
    return {"channel": step.channel.value, "mode": step.mode and step.mode.value}
