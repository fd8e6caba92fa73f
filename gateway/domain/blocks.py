"""Who is locked out, with a reason and, where it ends by itself, until when; and starting over."""

from gateway.domain.enrollment import Block, Enrollment, NoticeKind, PersonChange, notices_to, person_changed
from gateway.domain.journal import Entry
from gateway.domain.policy import DAY

_FRAUD = "The person reported a call or text that they did not ask for."


def blocked(enrollment: Enrollment, reason: str, until: int | None, now: int) -> PersonChange:
    """Lock a person out; app passwords, the PIN, trusted devices, visits and a granted bypass end with it.

    `until` is in ms since the epoch; None keeps the block until somebody ends it.
    """
    entry = Entry("enrollment.blocked", {"reason": reason, "until": until})
    return person_changed(
        enrollment,
        now,
        entry,
        notices=notices_to(enrollment.phones, NoticeKind.BLOCKED),
        block=Block(reason, now, until),
        app_passwords=(),
        pin=None,
        devices=(),
        bypass=None,
        last_proof=None,
        visits_void_before=now,
    )


def fraud_reported(enrollment: Enrollment, days: int, now: int) -> PersonChange:
    """Lock a person out because they reported fraud; the block ends by itself after so many days.

    A block that is there and lasts longer stays.
    """
    until, block = now + days * DAY, enrollment.block
    if block is not None and enrollment.blocked(now) and (block.until is None or block.until >= until):
        return person_changed(enrollment, now)
    return blocked(enrollment, _FRAUD, until, now)


def unblocked(enrollment: Enrollment, reason: str, now: int) -> PersonChange:
    """Let a person in again; one who is not locked out stays as they are."""
    if not enrollment.blocked(now):
        return PersonChange(enrollment)
    return person_changed(enrollment, now, Entry("enrollment.unblocked", {"reason": reason}), block=None)


def reset(enrollment: Enrollment, reason: str, now: int) -> PersonChange:
    """Let a person start over: phones, app passwords, PIN, trusted devices and visits are gone; a block stays."""
    return person_changed(
        enrollment,
        now,
        Entry("enrollment.reset", {"reason": reason}),
        notices=notices_to(enrollment.phones, NoticeKind.PHONE_REMOVED),
        phones=(),
        default_method=None,
        app_passwords=(),
        pin=None,
        devices=(),
        bypass=None,
        last_proof=None,
        visits_void_before=now,
    )
