"""Which phones are a person's: each is proven before it counts, and the others are notified."""

import msgspec

from gateway.domain.enrollment import (
    DefaultMethod,
    Enrollment,
    EnrollmentChange,
    NotificationKind,
    Phone,
    PhoneKind,
    notifications_to,
    reject_if_blocked,
    update_enrollment,
)
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.journal import JournalEntry
from gateway.domain.limits import SECOND, Limits, rate_limited
from gateway.domain.verification import Channel

PHONE_LIMIT = 10
"""Phones of one person, those still to be proven included."""

_TEXT_TO_EXTENSION = "A text cannot reach an extension: ask for a call."


def offer_phone(enrollment: Enrollment, phone: Phone, now: int, limits: Limits) -> EnrollmentChange:
    """Take in a phone that is about to be proven, and count the send; a proven one that is there stays what it is.

    A person proves one new phone of a kind at a time: an earlier one that is still to be proven gives way. What the
    phone replaces is what was asked for last, so that a replacement given up takes no phone away later.

    Raises Rejected: `enrollment_blocked`, `rate_limited` when the person had the share of sends, `not_found` for a
    phone to be replaced that is not theirs, `phones_full`.
    """
    reject_if_blocked(enrollment, now)
    sends = _with_send(enrollment, now, limits)
    if phone.replaces is not None and enrollment.phone(phone.replaces) is None:
        raise Rejected(ErrorCode.NOT_FOUND, "There is no such phone to be replaced.", field="replaces")
    known = enrollment.phone_at(phone.number, phone.extension)
    offered = phone if known is None else _offered_again(known, phone)
    remaining = tuple(old for old in enrollment.phones if not _gives_way(old, offered))
    if known is not None:
        return update_enrollment(enrollment, now, phones=_settled(_with(remaining, offered)), sends=sends)
    if len(remaining) >= PHONE_LIMIT:
        raise Rejected(ErrorCode.PHONES_FULL, f"A person has at most {PHONE_LIMIT} phones: remove one first.")
    entry = JournalEntry("phone.offered", {"phone_id": phone.id, "kind": phone.kind.value})
    return update_enrollment(enrollment, now, entry, phones=_settled((*remaining, offered)), sends=sends)


def count_send(enrollment: Enrollment, now: int, limits: Limits) -> EnrollmentChange:
    """Count one more send of a verification that has begun; raises Rejected: `enrollment_blocked`, `rate_limited`."""
    reject_if_blocked(enrollment, now)
    return update_enrollment(enrollment, now, sends=_with_send(enrollment, now, limits))


def reject_text_to_extension(channel: Channel, extension: str | None) -> None:
    """Raise Rejected (`number_invalid`) for a text to an extension: it would reach the main number."""
    if channel is Channel.SMS and extension is not None:
        raise Rejected(ErrorCode.NUMBER_INVALID, _TEXT_TO_EXTENSION, field="channel")


def remove_phone(enrollment: Enrollment, phone_id: str, now: int, *, lost: bool = False) -> EnrollmentChange:
    """Take a phone away; the default method passes on.

    A lost one takes with it whatever spares a proof: app passwords, trusted devices, a granted bypass, a recent proof.
    The PIN stays: it replaces no proof, and it is not stored on the phone.
    Raises Rejected (`not_found`).
    """
    phone = enrollment.phone(phone_id)
    if phone is None:
        raise Rejected(ErrorCode.NOT_FOUND, "There is no such phone.")
    after = _without(enrollment, phone_id)
    notified = (phone, *after.phones) if not lost else after.phones
    entry = JournalEntry("phone.removed", {"phone_id": phone_id, "kind": phone.kind.value, "lost": lost})
    change = update_enrollment(after, now, entry, notices=notifications_to(notified, NotificationKind.PHONE_REMOVED))
    if not lost:
        return change
    return msgspec.structs.replace(
        change,
        enrollment=msgspec.structs.replace(
            change.enrollment, app_passwords=(), devices=(), bypass=None, last_proof=None
        ),
    )


def erase_phone(enrollment: Enrollment, phone_id: str, reason: str, now: int) -> EnrollmentChange:
    """Remove a phone because its number is erased: the default method passes on, and only the others are notified."""
    phone = enrollment.phone(phone_id)
    if phone is None:
        return EnrollmentChange(enrollment)
    after = _without(enrollment, phone_id)
    facts = {"phone_id": phone_id, "kind": phone.kind.value, "lost": False, "erased": True, "reason": reason}
    notified = tuple(other for other in after.phones if other.number != phone.number)
    return update_enrollment(
        after,
        now,
        JournalEntry("phone.removed", facts),
        notices=notifications_to(notified, NotificationKind.PHONE_REMOVED),
    )


def choose_default(enrollment: Enrollment, method: DefaultMethod, now: int) -> EnrollmentChange:
    """Choose how the person is reached.

    Raises Rejected: `not_found`, `phone_not_proven`, `number_invalid` for a text to an extension.
    """
    phone = enrollment.phone(method.phone_id)
    if phone is None:
        raise Rejected(ErrorCode.NOT_FOUND, "There is no such phone.", field="default_method.phone_id")
    if phone.verified_at is None:
        raise Rejected(
            ErrorCode.PHONE_NOT_PROVEN,
            "This phone is not proven yet: verify it before it becomes the default.",
            field="default_method.phone_id",
        )
    if phone.extension is not None and method.channel is Channel.SMS:
        raise Rejected(ErrorCode.NUMBER_INVALID, _TEXT_TO_EXTENSION, field="default_method.channel")
    facts = {"phone_id": method.phone_id, "channel": method.channel.value}
    return update_enrollment(enrollment, now, JournalEntry("default_method.chosen", facts), default_method=method)


def verify_phone(enrollment: Enrollment, phone: Phone, channel: Channel, now: int) -> EnrollmentChange:
    """A phone was proven and counts from now on. It takes the place of the one it replaces; the others are notified.

    The first proven phone becomes the default method.
    """
    if phone.verified_at is not None and phone.replaces is None:
        return update_enrollment(enrollment, now, default_method=_default(enrollment, phone, channel))
    old = enrollment.phone(phone.replaces) if phone.replaces else None
    others = tuple(other for other in enrollment.phones if other.id != phone.id)
    proven = msgspec.structs.replace(phone, verified_at=phone.verified_at or now, replaces=None)
    after = msgspec.structs.replace(enrollment, phones=_with(enrollment.phones, proven))
    kind = NotificationKind.PHONE_ADDED
    entries = [JournalEntry("phone.verified", {"phone_id": phone.id, "kind": phone.kind.value})]
    if old is not None:
        kind = NotificationKind.PHONE_REPLACED
        by = after.default_method.channel if after.default_method else channel
        was_default = after.default_method is not None and after.default_method.phone_id == old.id
        after = _without(after, old.id)
        if was_default:
            after = msgspec.structs.replace(after, default_method=DefaultMethod(phone.id, _channel_for(proven, by)))
        entries.append(JournalEntry("phone.replaced", {"phone_id": old.id, "by": phone.id}))
    return update_enrollment(
        after,
        now,
        *entries,
        notices=notifications_to(others, kind),
        default_method=_default(after, proven, channel),
    )


def _default(enrollment: Enrollment, phone: Phone, channel: Channel) -> DefaultMethod:
    return enrollment.default_method or DefaultMethod(phone.id, channel)


def _offered_again(known: Phone, phone: Phone) -> Phone:
    """Return a phone that is there, as it is offered once more; it cannot take its own place."""
    kind = phone.kind if known.verified_at is None else known.kind
    replaces = None if phone.replaces == known.id else phone.replaces
    return msgspec.structs.replace(known, kind=kind, replaces=replaces)


def _gives_way(old: Phone, offered: Phone) -> bool:
    unproven = old.verified_at is None and offered.verified_at is None
    return unproven and old.id != offered.id and old.kind is offered.kind


def _settled(phones: tuple[Phone, ...]) -> tuple[Phone, ...]:
    """Let no phone wait to replace one that is gone."""
    there = {phone.id for phone in phones}
    return tuple(
        phone if phone.replaces is None or phone.replaces in there else msgspec.structs.replace(phone, replaces=None)
        for phone in phones
    )


def _with(phones: tuple[Phone, ...], phone: Phone) -> tuple[Phone, ...]:
    return tuple(phone if other.id == phone.id else other for other in phones)


def _without(enrollment: Enrollment, phone_id: str) -> Enrollment:
    """Take a phone out; if it was the default, the next proven phone is, by the same channel where it can be."""
    phones = _settled(tuple(other for other in enrollment.phones if other.id != phone_id))
    default = enrollment.default_method
    if default is not None and default.phone_id == phone_id:
        successor = next((other for other in phones if other.verified_at is not None), None)
        default = None if successor is None else DefaultMethod(successor.id, _channel_for(successor, default.channel))
    keys = {other: key for other, key in enrollment.confirm_keys.items() if other != phone_id}
    return msgspec.structs.replace(enrollment, phones=phones, default_method=default, confirm_keys=keys)


def _channel_for(phone: Phone, wished: Channel) -> Channel:
    return Channel.CALL if phone.extension or phone.kind is PhoneKind.OFFICE else wished


def _with_send(enrollment: Enrollment, now: int, limits: Limits) -> tuple[int, ...]:
    """Count a send for the person, whatever the number: trying number after number is limited (toll fraud)."""
    start = now - limits.send_window * SECOND
    recent = tuple(time for time in enrollment.sends if time > start)
    if len(recent) >= limits.sends_per_person:
        wait = recent[-limits.sends_per_person] + limits.send_window * SECOND - now
        raise rate_limited("Too many texts and calls for this person.", wait)
    return (*recent, now)
