"""What became of handing an attempt to the provider."""

from gateway.domain.attempts import attempt_changed, by_id
from gateway.domain.delivery import DeliveryStatus, merge
from gateway.domain.journal import Entry
from gateway.domain.verification import Change, Failure, FailureCode, Verification


def sent(verification: Verification, attempt_id: str, sid: str, now: int) -> Change:
    """The provider took it under this sid. A callback may have said so, and more, before its answer reached us."""
    attempt = by_id(verification, attempt_id)
    if attempt is None or attempt.failure is not None or (attempt.provider_sid and _settled(attempt.status)):
        return Change(verification)
    entry = Entry("attempt.sent", {"attempt_id": attempt_id, "provider_sid": sid})
    status = merge(attempt.status, DeliveryStatus.SENT)
    return attempt_changed(
        verification, attempt, now, (entry,), status=status, provider_sid=attempt.provider_sid or sid
    )


def refused(verification: Verification, attempt_id: str, failure: Failure, now: int) -> Change:
    """The provider said no for good."""
    attempt = by_id(verification, attempt_id)
    if attempt is None or _settled(attempt.status):
        return Change(verification)
    facts = {"attempt_id": attempt_id, "failure": failure.code.value, "provider_code": failure.provider_code}
    entries = (Entry("attempt.refused", facts),)
    return attempt_changed(verification, attempt, now, entries, status=DeliveryStatus.FAILED, failure=failure)


def withdrawn(verification: Verification, attempt_id: str, now: int) -> Change:
    """It was still with us when its verification ended, so it is not sent."""
    attempt = by_id(verification, attempt_id)
    if attempt is None or attempt.status is not DeliveryStatus.QUEUED:
        return Change(verification)
    entry = Entry("attempt.withdrawn", {"attempt_id": attempt_id})
    return attempt_changed(verification, attempt, now, (entry,), status=DeliveryStatus.CANCELED)


def uncertain(verification: Verification, attempt_id: str, now: int) -> Change:
    """Nobody can say whether the provider took it: never sent again, it waits for a callback or the reconciler."""
    attempt = by_id(verification, attempt_id)
    if attempt is None or attempt.status not in {DeliveryStatus.QUEUED, DeliveryStatus.SENDING}:
        return Change(verification)
    entry = Entry("attempt.unknown", {"attempt_id": attempt_id})
    return attempt_changed(verification, attempt, now, (entry,), status=DeliveryStatus.UNKNOWN)


def never_arrived(verification: Verification, attempt_id: str, now: int) -> Change:
    """The provider, asked, does not know the attempt: it was never sent."""
    attempt = by_id(verification, attempt_id)
    if attempt is None or attempt.status is not DeliveryStatus.UNKNOWN:
        return Change(verification)
    failure = Failure(FailureCode.OUTCOME_UNKNOWN, "The provider gave no answer and does not know of this send.")
    entry = Entry("attempt.never_arrived", {"attempt_id": attempt_id})
    return attempt_changed(verification, attempt, now, (entry,), status=DeliveryStatus.FAILED, failure=failure)


def _settled(status: DeliveryStatus) -> bool:
    return status not in {DeliveryStatus.QUEUED, DeliveryStatus.SENDING, DeliveryStatus.UNKNOWN}
