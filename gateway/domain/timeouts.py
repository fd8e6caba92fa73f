"""The clock's input: what happens to a verification when a deadline has passed."""

from gateway.domain.verification import Change, Ending, Status, Verification, end_verification


def pass_deadline(verification: Verification, now: int) -> Change:
    """End a verification whose lifetime is over, or whose attempts have all failed and whose grace has run out."""
    if verification.status is not Status.PENDING:
        return Change(verification)
    if now >= verification.expires_at:
        return end_verification(verification, Ending.LIFETIME_OVER, now, failure=verification.ending)
    if verification.ends_at is not None and now >= verification.ends_at:
        return end_verification(verification, Ending.ATTEMPTS_FAILED, now, failure=verification.ending)
    return Change(verification)
