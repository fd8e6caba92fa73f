"""How an attempt changes inside its verification, and what its failure leads to: the next step, or the end."""

import hmac
from typing import Any

import msgspec

from gateway.domain import backup_phone
from gateway.domain.delivery import CALL_ENDED, DeliveryStatus
from gateway.domain.journal import JournalEntry
from gateway.domain.limits import SECOND
from gateway.domain.verification import (
    Attempt,
    Change,
    Channel,
    Ending,
    Status,
    Verification,
    end_verification,
    update_verification,
)

REPORT_LIMIT = 64
"""Reports taken in for one attempt; a provider that sends more is not listened to any further."""


def find_attempt(verification: Verification, attempt_id: str) -> Attempt | None:
    """Return the attempt with this id, if the verification has it."""
    return next((attempt for attempt in verification.attempts if attempt.id == attempt_id), None)


def find_attempt_by_token(verification: Verification, token: str, sid: str) -> Attempt | None:
    """Return the attempt that a callback speaks of, or None if its token or the provider's sid is another's.

    Of a verification that has ended long ago the tokens are gone.
    """
    token_bytes = token.encode()
    for attempt in verification.attempts:
        if attempt.token and hmac.compare_digest(attempt.token.encode(), token_bytes):
            return attempt if attempt.provider_sid in {None, sid} else None
    return None


def is_sent_by(verification: Verification, token: str, provider: str) -> bool:
    """Tell whether the attempt with this token was handed to this provider: another's callback is foreign to it."""
    token_bytes = token.encode()
    return any(
        attempt.provider == provider
        for attempt in verification.attempts
        if hmac.compare_digest(attempt.token.encode(), token_bytes)
    )


def update_attempt(
    verification: Verification,
    attempt: Attempt,
    now: int,
    entries: tuple[JournalEntry, ...],
    *,
    grace: float = 0.0,
    **fields: Any,  # noqa: ANN401 - any field of the attempt
) -> Change:
    """Change one attempt. When none is left that can succeed, the verification fails.

    While other ways are still to follow, it does not fail: the next one comes instead. An attempt that fails now has a
    `grace` (seconds), which nothing shortens: it lets what the end of a call has overtaken still arrive, so that a
    person who pressed # does not see a failure.
    """
    if attempt.failure is None and fields.get("failure") is not None:
        fields["grace_ends_at"] = now + int(grace * SECOND)
    new = msgspec.structs.replace(attempt, updated_at=now, **fields)
    attempts = tuple(new if other.id == new.id else other for other in verification.attempts)
    if verification.status is not Status.PENDING:
        return Change(update_verification(verification, now, entries, attempts=attempts), entries)
    if verification.steps:
        next_at = _next_at(verification, attempts, now)
        return Change(update_verification(verification, now, entries, attempts=attempts, next_at=next_at), entries)
    return finish_or_wait(verification, attempts, now, entries)


def finish_or_wait(
    verification: Verification,
    attempts: tuple[Attempt, ...],
    now: int,
    entries: tuple[JournalEntry, ...],
    **fields: Any,  # noqa: ANN401 - any other field of the verification
) -> Change:
    """Go on with these attempts alone: once all have failed and no grace of theirs is left, the verification fails.

    Where another phone is to be called first, the clock sees to that, and then fails it.
    """
    failure = attempts[-1].failure if all(attempt.failure for attempt in attempts) else None
    ends_at = None if failure is None else max(attempt.grace_ends_at for attempt in attempts)
    fields["attempts"] = attempts
    after = update_verification(verification, now, entries, ends_at=ends_at, ending=failure, **fields)
    if ends_at is None or now < ends_at or backup_phone.is_due(after):
        return Change(after, entries)
    return end_verification(verification, Ending.ATTEMPTS_FAILED, now, entries=entries, failure=failure, **fields)


def add_report(attempt: Attempt, fact: str) -> tuple[str, ...] | None:
    """Return the seen reports with this one; None if it was seen before, or the attempt has REPORT_LIMIT of them."""
    if fact in attempt.seen_reports or len(attempt.seen_reports) >= REPORT_LIMIT:
        return None
    return (*attempt.seen_reports, fact)


def is_call_in_progress(attempt: Attempt) -> bool:
    """Tell whether this is a call that is not over, as far as we know."""
    return attempt.channel is Channel.CALL and attempt.failure is None and attempt.status not in CALL_ENDED


def must_wait(verification: Verification, attempts: tuple[Attempt, ...]) -> bool:
    """Tell whether the next way has to wait.

    The person has what was sent last, is on the phone with us, or would be called while a call is under way.
    """
    calls = [attempt for attempt in attempts if is_call_in_progress(attempt)]
    on_the_phone = any(call.gather_number or call.status is DeliveryStatus.IN_PROGRESS for call in calls)
    return _arrived(attempts[-1]) or on_the_phone or (bool(calls) and verification.steps[0].channel is Channel.CALL)


def _next_at(verification: Verification, attempts: tuple[Attempt, ...], now: int) -> int | None:
    """Return when (ms) the next way follows: sooner than planned if the last one has failed and no call has a grace."""
    planned = verification.next_at
    at = max([now, *(attempt.grace_ends_at for attempt in attempts if attempt.channel is Channel.CALL)])
    if must_wait(verification, attempts):
        return None if _arrived(attempts[-1]) else planned
    if planned is None:
        return at
    return min(planned, at) if attempts[-1].failure is not None else planned


def _arrived(attempt: Attempt) -> bool:
    """Tell whether this is a text that was delivered, or a call that spoke the code: any other finished one failed."""
    return attempt.failure is None and attempt.status in {DeliveryStatus.DELIVERED, DeliveryStatus.COMPLETED}
