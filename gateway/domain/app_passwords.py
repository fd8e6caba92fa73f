"""App passwords: what they look like, how many a person keeps, and which of them is good now."""

import hmac

import msgspec

from gateway.domain.enrollment import (
    AppPassword,
    Enrollment,
    EnrollmentChange,
    NotificationKind,
    notifications_to,
    reject_if_blocked,
    update_enrollment,
)
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.journal import JournalEntry
from gateway.domain.limits import SECOND

ALPHABET = "abcdefghjkmnprstwxyz34678"
"""What a password is drawn from: nothing that reads like something else in it (0 o, 1 l i, 2 z, 5 s, 9 g q, u v)."""
LENGTH = 24
"""Characters of a password: of this alphabet, 111 bits."""
APP_PASSWORD_LIMIT = 40
"""App passwords of one person that have not expired."""
NAME_LIMIT = 40
"""Characters of a name."""
_GROUP = 4
_USE_NOTED_EVERY = 60 * SECOND


class SelectorTaken(Exception):
    """Another password of the person has this selector: draw a new one."""


def format_password(password: str) -> str:
    """Write a password in groups, as it is read: `abcd-efgh-…`."""
    return "-".join(password[start : start + _GROUP] for start in range(0, len(password), _GROUP))


def normalize_password(typed: str) -> str | None:
    """Return the password in what was typed, or None if it cannot be one.

    Hyphens, spaces and upper case are forgiven.
    """
    password = "".join(typed.split()).replace("-", "")
    if len(password) != LENGTH or not password.isascii():
        return None
    password = password.lower()
    return password if set(password) <= set(ALPHABET) else None


def create_app_password(enrollment: Enrollment, app_password: AppPassword, now: int) -> EnrollmentChange:
    """Give a person another password; expired ones are removed, and the phones are notified.

    Raises SelectorTaken, and Rejected: `enrollment_blocked`, `app_password_name_invalid`, `app_passwords_full`.
    """
    reject_if_blocked(enrollment, now)
    _reject_name(app_password.name)
    others = tuple(other for other in enrollment.app_passwords if not _expired(other, now))
    if len(others) >= APP_PASSWORD_LIMIT:
        raise Rejected(
            ErrorCode.APP_PASSWORDS_FULL,
            f"A person has at most {APP_PASSWORD_LIMIT} app passwords: delete one first.",
        )
    if any(other.selector == app_password.selector for other in others):
        raise SelectorTaken
    return update_enrollment(
        enrollment,
        now,
        JournalEntry(
            "app_password.created", {"app_password_id": app_password.id, "expires_at": app_password.expires_at}
        ),
        notices=notifications_to(enrollment.phones, NotificationKind.APP_PASSWORD_CREATED),
        app_passwords=(*others, app_password),
    )


def delete_app_password(enrollment: Enrollment, app_password_id: str, now: int) -> EnrollmentChange:
    """Delete a password. Raises Rejected (`not_found`)."""
    find_app_password(enrollment, app_password_id)
    return update_enrollment(
        enrollment,
        now,
        JournalEntry("app_password.deleted", {"app_password_id": app_password_id}),
        app_passwords=tuple(other for other in enrollment.app_passwords if other.id != app_password_id),
    )


def find_usable(enrollment: Enrollment, selector: bytes, scope: str | None, now: int) -> AppPassword | None:
    """Return the password of this selector if it works now and for this scope; its hash is still to be verified.

    A password without a scope works for any. One with a scope works only where that scope is named.
    """
    if enrollment.blocked(now):
        return None
    for app_password in enrollment.app_passwords:
        if hmac.compare_digest(app_password.selector, selector) and not _expired(app_password, now):
            return app_password if app_password.scope in {None, scope} else None
    return None


def find_app_password(enrollment: Enrollment, app_password_id: str) -> AppPassword:
    """Return the password of this id, whether it works or not; raises Rejected (`not_found`)."""
    for app_password in enrollment.app_passwords:
        if app_password.id == app_password_id:
            return app_password
    raise Rejected(ErrorCode.NOT_FOUND, "There is no such app password.")


def record_use(
    enrollment: Enrollment, app_password_id: str, now: int, selector: bytes | None = None
) -> EnrollmentChange:
    """Note that a password was used, at most once a minute, and by which selector it is found from now on.

    Raises Rejected: `not_found` if it is gone by now, `enrollment_blocked`.
    """
    reject_if_blocked(enrollment, now)
    app_password = find_app_password(enrollment, app_password_id)
    selector = selector or app_password.selector
    noted = app_password.selector == selector and app_password.last_used_at is not None
    if noted and 0 <= now - (app_password.last_used_at or 0) < _USE_NOTED_EVERY:
        return EnrollmentChange(enrollment)
    after = msgspec.structs.replace(app_password, last_used_at=now, selector=selector)
    return update_enrollment(
        enrollment,
        now,
        app_passwords=tuple(after if other is app_password else other for other in enrollment.app_passwords),
    )


def _expired(app_password: AppPassword, now: int) -> bool:
    return app_password.expires_at is not None and now >= app_password.expires_at


def _reject_name(name: str) -> None:
    if not (0 < len(name) <= NAME_LIMIT and name.isprintable() and name.strip()):
        raise Rejected(
            ErrorCode.APP_PASSWORD_NAME_INVALID,
            f"A name has 1 to {NAME_LIMIT} characters that can be read.",
            field="name",
        )
