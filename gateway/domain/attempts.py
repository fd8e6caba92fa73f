"""How an attempt changes inside its verification, and when the failure of all attempts becomes the verification's."""

import hmac
from typing import Any

import msgspec

from gateway.domain.journal import Entry
from gateway.domain.policy import SECOND
from gateway.domain.verification import Attempt, Change, Ending, Failure, Status, Verification, changed, ended

HEARD_LIMIT = 64
"""Reports taken in for one attempt; a provider that sends more is not listened to any further."""


def by_id(verification: Verification, attempt_id: str) -> Attempt | None:
    """Return the attempt with this id, if the verification has it."""
    return next((attempt for attempt in verification.attempts if attempt.id == attempt_id), None)


def by_token(verification: Verification, token: str, sid: str) -> Attempt | None:
    """Return the attempt that a callback speaks of, or None if its token or the provider's sid is another's."""
    given = token.encode()
    for attempt in verification.attempts:
        if hmac.compare_digest(attempt.token.encode(), given):
            return attempt if attempt.provider_sid in {None, sid} else None
    return None


def attempt_changed(
    verification: Verification,
    attempt: Attempt,
    now: int,
    entries: tuple[Entry, ...],
    *,
    grace: float = 0.0,
    **fields: Any,  # noqa: ANN401 - any field of the attempt
) -> Change:
    """Change one attempt. When none is left that can succeed, the verification fails after `grace` seconds.

    A grace lets what the end of a call has overtaken still arrive: a person who pressed # is not told otherwise.
    """
    new = msgspec.structs.replace(attempt, updated_at=now, **fields)
    attempts = tuple(new if kept.id == new.id else kept for kept in verification.attempts)
    if verification.status is not Status.PENDING:
        return Change(changed(verification, now, entries, attempts=attempts), entries)
    failure = _failure_of_all(attempts)
    if failure is None:
        return Change(changed(verification, now, entries, attempts=attempts, ends_at=None, ending=None), entries)
    if grace == 0.0:
        return ended(verification, Ending.ATTEMPTS_FAILED, now, entries=entries, failure=failure, attempts=attempts)
    ends_at = verification.ends_at or now + int(grace * SECOND)
    after = changed(verification, now, entries, attempts=attempts, ends_at=ends_at, ending=failure)
    return Change(after, entries)


def heard(attempt: Attempt, fact: str) -> tuple[str, ...] | None:
    """Return the reports taken in with this one; None if it was taken in before, or the attempt heard enough."""
    if fact in attempt.heard or len(attempt.heard) >= HEARD_LIMIT:
        return None
    return (*attempt.heard, fact)


def _failure_of_all(attempts: tuple[Attempt, ...]) -> Failure | None:
    """Return the latest attempt's failure if every attempt has failed."""
    failures = [attempt.failure for attempt in attempts]
    return failures[-1] if all(failures) else None
