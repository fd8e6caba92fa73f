"""The backup of a sign-in: when another phone of the person's is called, which one, and what the first one notes."""

import msgspec

from gateway.domain.enrollment import Enrollment, Phone, PhoneKind
from gateway.domain.errors import ErrorCode
from gateway.domain.journal import JournalEntry
from gateway.domain.verification import (
    Attempt,
    Change,
    Channel,
    FailureCode,
    Mode,
    Status,
    Verification,
    update_verification,
)

UNANSWERED = frozenset({FailureCode.NO_ANSWER, FailureCode.LINE_BUSY, FailureCode.NUMBER_UNREACHABLE})
"""Why the last call did not reach anybody. Voicemail is not among them: a declined call often ends there."""

_ORDER = (PhoneKind.ALTERNATE, PhoneKind.OFFICE, PhoneKind.AUTHENTICATION)


class Backup(msgspec.Struct, frozen=True, gc=False):
    """The phones (ids) that were called in vain, those that may be called next, the best first, and what to ask for."""

    mode: Mode | None
    tried: tuple[str, ...]
    phones: tuple[Phone, ...]


def is_due(verification: Verification) -> bool:
    """Tell whether another phone is to be called now.

    Every way of the verification has failed, and its last call reached nobody. Who declined a call has said no to it,
    and is called nowhere else.
    """
    if verification.status is not Status.PENDING or not verification.call_backup:
        return False
    if verification.continued_by is not None or verification.ends_at is None:
        return False
    codes = [call.failure and call.failure.code for call in _calls(verification)]
    return bool(codes) and codes[-1] in UNANSWERED and FailureCode.CALL_REJECTED not in codes


def is_overdue(verification: Verification, now: int) -> bool:
    """Tell whether a verification is to end now, and another phone should have been called by this time."""
    if verification.ends_at is None or not is_due(verification):
        return False
    return verification.ends_at <= now < verification.expires_at


def next_backup(enrollment: Enrollment, verification: Verification) -> Backup:
    """Return who can be called in place of the phone of a verification: proven phones of numbers not tried yet."""
    phone = enrollment.phone_at(verification.number, verification.extension)
    tried = verification.tried if phone is None else (*verification.tried, phone.id)
    spent = {verification.number, *(known.number for known in enrollment.phones if known.id in tried)}
    untried = [other for other in enrollment.proven_phones if other.number not in spent]
    mode = _calls(verification)[-1].mode
    return Backup(mode, tried, tuple(sorted(untried, key=lambda other: _ORDER.index(other.kind))))


def continue_with_backup(verification: Verification, backup_id: str, now: int) -> Change:
    """Another phone is called by this verification; once this one is over, or goes on otherwise, nothing changes."""
    if not is_due(verification) or now >= verification.expires_at:
        return Change(verification)
    entries = (JournalEntry("verification.continued", {"verification_id": backup_id}),)
    return Change(update_verification(verification, now, entries, continued_by=backup_id), entries)


def give_up_backup(verification: Verification, reason: ErrorCode, now: int) -> Change:
    """No other phone may be called, or there is none (`no_method`): it is not tried again."""
    if not is_due(verification):
        return Change(verification)
    entries = (JournalEntry("verification.not_continued", {"reason": reason.value}),)
    return Change(update_verification(verification, now, entries, call_backup=False), entries)


def _calls(verification: Verification) -> list[Attempt]:
    return [attempt for attempt in verification.attempts if attempt.channel is Channel.CALL]
