"""What a verification is after its database was restored: nothing of it goes out again."""

from gateway.domain import sends
from gateway.domain.attempts import failure_of_all
from gateway.domain.journal import Entry
from gateway.domain.verification import Change, Ending, Status, Verification, changed, ended

RESTORED = "verification.restored"


def restored(verification: Verification, now: int) -> Change:
    """Take for unknown what was queued, for it may have gone out since; the ways that were to follow are left out."""
    if verification.status is not Status.PENDING:
        return Change(verification)
    entries: tuple[Entry, ...] = (Entry(RESTORED, {"left_out": len(verification.steps)}),)
    after = verification
    for attempt in verification.attempts:
        change = sends.uncertain(after, attempt.id, now)
        after, entries = change.verification, (*entries, *change.entries)
    after = changed(after, now, entries[:1], steps=(), next_at=None)
    failure = None if after.ends_at is not None else failure_of_all(after.attempts)
    if failure is None:
        return Change(after, entries)
    end = ended(after, Ending.ATTEMPTS_FAILED, now, failure=failure)
    return Change(end.verification, (*entries, *end.entries), outcome=end.outcome)
