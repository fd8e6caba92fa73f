"""The results of handing an attempt to the provider, and what a verification's end leaves to do in the outbox."""

import msgspec

from gateway.domain.attempts import find_attempt, update_attempt
from gateway.domain.delivery import CALL_ENDED, TEXT_ENDED, DeliveryStatus, merge
from gateway.domain.ivr.states import CallState
from gateway.domain.journal import JournalEntry
from gateway.domain.verification import Attempt, Change, Channel, Failure, FailureCode, Status, Verification


class OutboxEffect(msgspec.Struct, frozen=True, gc=False):
    """Attempts (ids) whose outbox entry a change affects: `settled` ones are removed, `needless` calls are hung up."""

    settled: tuple[str, ...] = ()
    needless: tuple[str, ...] = ()


NOTHING_LOOSE = OutboxEffect()


def record_sent(verification: Verification, attempt_id: str, sid: str | None, now: int) -> Change:
    """The provider took it under this sid, if it returned one.

    A callback may have said so, and more, before its answer reached us.
    """
    attempt = find_attempt(verification, attempt_id)
    if attempt is None or attempt.failure is not None or (attempt.provider_sid and _settled(attempt.status)):
        return Change(verification)
    entry = JournalEntry("attempt.sent", {"attempt_id": attempt_id, "provider_sid": sid})
    status = merge(attempt.status, DeliveryStatus.SENT)
    return update_attempt(verification, attempt, now, (entry,), status=status, provider_sid=attempt.provider_sid or sid)


def record_rejected(verification: Verification, attempt_id: str, failure: Failure, now: int) -> Change:
    """The provider refused it for good."""
    attempt = find_attempt(verification, attempt_id)
    if attempt is None or _settled(attempt.status):
        return Change(verification)
    facts = {"attempt_id": attempt_id, "failure": failure.code.value, "provider_code": failure.provider_code}
    entries = (JournalEntry("attempt.refused", facts),)
    return update_attempt(verification, attempt, now, entries, status=DeliveryStatus.FAILED, failure=failure)


def reroute(verification: Verification, attempt_id: str, to: str, failure: Failure | None, now: int) -> Change:
    """Hand an attempt that no provider has taken to another one: the first refused it, or its circuit is open.

    It stays one attempt, for it is sent once: whatever may have been taken is never handed on.
    """
    attempt = find_attempt(verification, attempt_id)
    if attempt is None or attempt.status is not DeliveryStatus.QUEUED or attempt.provider_sid is not None:
        return Change(verification)
    facts = {
        "attempt_id": attempt_id,
        "from": attempt.provider,
        "to": to,
        "failure": failure.code.value if failure else None,
        "provider_code": failure.provider_code if failure else None,
    }
    refused_by = attempt.refused_by if failure is None else (*attempt.refused_by, attempt.provider)
    entries = (JournalEntry("attempt.rerouted", facts),)
    return update_attempt(verification, attempt, now, entries, provider=to, refused_by=refused_by)


def withdraw(verification: Verification, attempt_id: str, now: int) -> Change:
    """It was still with us when its verification ended, so it is not sent."""
    attempt = find_attempt(verification, attempt_id)
    if attempt is None or attempt.status is not DeliveryStatus.QUEUED:
        return Change(verification)
    entry = JournalEntry("attempt.withdrawn", {"attempt_id": attempt_id})
    return update_attempt(verification, attempt, now, (entry,), status=DeliveryStatus.CANCELED)


def record_unknown(verification: Verification, attempt_id: str, now: int) -> Change:
    """The provider may have taken it: it is never sent again, and waits for a callback or the reconciler."""
    attempt = find_attempt(verification, attempt_id)
    if attempt is None or attempt.status not in {DeliveryStatus.QUEUED, DeliveryStatus.SENDING}:
        return Change(verification)
    entry = JournalEntry("attempt.unknown", {"attempt_id": attempt_id})
    return update_attempt(verification, attempt, now, (entry,), status=DeliveryStatus.UNKNOWN)


def record_matched(verification: Verification, attempt_id: str, sid: str, now: int) -> Change:
    """The provider, asked, knows one send that this attempt may be. It is, unless another attempt may be it as well."""
    attempt = find_attempt(verification, attempt_id)
    if attempt is None or may_belong_to_another(verification, attempt, sid):
        return Change(verification)
    return record_sent(verification, attempt_id, sid, now)


def may_belong_to_another(verification: Verification, attempt: Attempt, sid: str) -> bool:
    """Tell whether what the provider calls `sid` is, or may be, another attempt of the verification.

    Texts of one verification are alike, so while two have no sid, it is unknown whose it is, until a callback says so,
    or until the end of the time in which one may still be found.
    """
    return any(
        other.provider_sid == sid or (other.provider_sid is None and not _settled(other.status))
        for other in verification.attempts
        if other.id != attempt.id and other.channel is attempt.channel
    )


def record_not_received(verification: Verification, attempt_id: str, now: int) -> Change:
    """The provider, asked, does not know the attempt: it was never sent. A callback meanwhile knows better."""
    attempt = find_attempt(verification, attempt_id)
    if attempt is None or attempt.status is not DeliveryStatus.UNKNOWN or attempt.provider_sid is not None:
        return Change(verification)
    failure = Failure(FailureCode.OUTCOME_UNKNOWN, "The provider gave no answer and does not know of this send.")
    entry = JournalEntry("attempt.never_arrived", {"attempt_id": attempt_id})
    return update_attempt(verification, attempt, now, (entry,), status=DeliveryStatus.FAILED, failure=failure)


def record_hang_up(verification: Verification, attempt_id: str, now: int) -> Change:
    """The provider was asked to end a call that is no longer needed; its own report says how it ended."""
    attempt = find_attempt(verification, attempt_id)
    if attempt is None:
        return Change(verification)
    entry = JournalEntry("call.hung_up", {"attempt_id": attempt_id})
    return update_attempt(verification, attempt, now, (entry,))


def is_final(attempt: Attempt) -> bool:
    """Tell whether the provider has said its last word on an attempt."""
    return attempt.status in (CALL_ENDED if attempt.channel is Channel.CALL else TEXT_ENDED)


def is_unneeded(verification: Verification, attempt: Attempt) -> bool:
    """Tell whether a call may be hung up because its verification has ended without it.

    A call that ended it itself, that spoke the code, or whose tries are used up says goodbye and ends by itself. Of a
    machine we may have heard on the call beside it, so that call is hung up, too.
    """
    if verification.status is Status.PENDING or attempt.channel is not Channel.CALL or is_final(attempt):
        return False
    if attempt.failure is not None:
        return attempt.failure.code is FailureCode.ANSWERED_BY_MACHINE
    return verification.proved_by != attempt.id and attempt.call_state is not CallState.CODE_SPOKEN


def outbox_effects(before: Verification, after: Verification) -> OutboxEffect:
    """Return the attempts whose outbox entry a change affects."""
    over = before.status is Status.PENDING and after.status is not Status.PENDING
    if not over and after.attempts is before.attempts:
        return NOTHING_LOOSE
    known = {attempt.id for attempt in before.attempts if is_final(attempt)}
    needless = tuple(attempt.id for attempt in after.attempts if over and is_unneeded(after, attempt))
    settled = tuple(
        attempt.id
        for attempt in after.attempts
        if attempt.id not in known and attempt.id not in needless and (over or is_final(attempt))
    )
    return OutboxEffect(settled, needless)


def _settled(status: DeliveryStatus) -> bool:
    return status not in {DeliveryStatus.QUEUED, DeliveryStatus.SENDING, DeliveryStatus.UNKNOWN}
