"""Blocks of persons, with a reason and an optional end; and the reset of a record."""

from gateway.domain.enrollment import (
    Enrollment,
    EnrollmentBlock,
    EnrollmentChange,
    NotificationKind,
    notifications_to,
    update_enrollment,
)
from gateway.domain.journal import JournalEntry
from gateway.domain.limits import DAY

_FRAUD = "The person reported a call or text that they did not ask for."


def block_person(enrollment: Enrollment, reason: str, until: int | None, now: int) -> EnrollmentChange:
    """Lock a person out; app passwords, the PIN, trusted devices, visits and a granted bypass end with it.

    `until` is in ms since the epoch; None keeps the block until somebody ends it.
    """
    entry = JournalEntry("enrollment.blocked", {"reason": reason, "until": until})
    return update_enrollment(
        enrollment,
        now,
        entry,
        notices=notifications_to(enrollment.phones, NotificationKind.BLOCKED),
        block=EnrollmentBlock(reason, now, until),
        app_passwords=(),
        pin=None,
        devices=(),
        bypass=None,
        last_proof=None,
        visits_void_before=now,
    )


def report_fraud(enrollment: Enrollment, days: int, now: int) -> EnrollmentChange:
    """Lock a person out because they reported fraud; the block ends by itself after so many days.

    A block that is there and lasts longer stays.
    """
    until, block = now + days * DAY, enrollment.block
    if block is not None and enrollment.blocked(now) and (block.until is None or block.until >= until):
        return update_enrollment(enrollment, now)
    return block_person(enrollment, _FRAUD, until, now)


def unblock_person(enrollment: Enrollment, reason: str, now: int) -> EnrollmentChange:
    """End a person's block; without one, nothing changes."""
    if not enrollment.blocked(now):
        return EnrollmentChange(enrollment)
    return update_enrollment(enrollment, now, JournalEntry("enrollment.unblocked", {"reason": reason}), block=None)


def reset(enrollment: Enrollment, reason: str, now: int) -> EnrollmentChange:
    """Let a person start over: phones, app passwords, PIN, trusted devices and visits are gone; a block stays."""
    return update_enrollment(
        enrollment,
        now,
        JournalEntry("enrollment.reset", {"reason": reason}),
        notices=notifications_to(enrollment.phones, NotificationKind.PHONE_REMOVED),
        phones=(),
        default_method=None,
        app_passwords=(),
        pin=None,
        devices=(),
        bypass=None,
        last_proof=None,
        visits_void_before=now,
    )
