"""What a verification is after its database was restored: nothing of it goes out again."""

import msgspec

from gateway.domain import send_results
from gateway.domain.attempts import finish_or_wait
from gateway.domain.journal import JournalEntry
from gateway.domain.verification import Change, Status, Verification

RESTORED = "verification.restored"


def recover_verification(verification: Verification, now: int) -> Change:
    """Take for unknown what was queued, for it may have gone out since; what was to follow is left out."""
    if verification.status is not Status.PENDING:
        return Change(verification)
    entries: tuple[JournalEntry, ...] = (JournalEntry(RESTORED, {"left_out": len(verification.steps)}),)
    after = verification
    for attempt in verification.attempts:
        change = send_results.record_unknown(after, attempt.id, now)
        after, entries = change.verification, (*entries, *change.entries)
    change = finish_or_wait(after, after.attempts, now, entries[:1], steps=(), next_at=None, call_backup=False)
    return msgspec.structs.replace(change, entries=(*entries, *change.entries[1:]))
