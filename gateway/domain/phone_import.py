"""Phones that another service knew: what becomes of each on a person's record, and why."""

import re
from collections.abc import Callable, Collection, Iterator
from enum import StrEnum

import msgspec

from gateway.domain.enrollment import (
    DefaultMethod,
    Enrollment,
    EnrollmentChange,
    Phone,
    PhoneKind,
    reject_if_blocked,
    update_enrollment,
)
from gateway.domain.entra_export import ExportRow, WrittenPhone
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.journal import JournalEntry
from gateway.domain.phone_number import PhoneNumber, parse_e164, parse_extension, parse_written
from gateway.domain.phones import PHONE_LIMIT
from gateway.domain.policy import Policy, method_denial, sharing_denial
from gateway.domain.verification import Channel, Purpose

_EXTENSION_MARK = re.compile(r"ext\.?|x", re.IGNORECASE)
_SEPARATORS = str.maketrans("", "", " ()-./\u00a0")
_STILL_UNPROVEN = "it is there, and still to be proven by the person"
_WAYS = {
    PhoneKind.AUTHENTICATION: (Channel.SMS, Channel.CALL),
    PhoneKind.ALTERNATE: (Channel.CALL, Channel.SMS),
    PhoneKind.OFFICE: (Channel.CALL,),
}
"""How Entra reaches each kind, then how we could."""


class ImportResult(StrEnum):
    """What becomes of a row, or of a phone in it (which is never `new`)."""

    NEW = "new"
    PHONE_ADDED = "phone added"
    UNCHANGED = "unchanged"
    PRESERVED = "kept"
    REFUSED = "refused"


class WantedPhone(msgspec.Struct, frozen=True, gc=False):
    """A phone of a row, read: a number, or what is wrong with it."""

    kind: PhoneKind
    number: PhoneNumber | None = None
    extension: str | None = None
    problem: str = ""


class PhoneImport(msgspec.Struct, frozen=True, gc=False):
    """What becomes of a phone; `reason` says why it is refused, or what the operator should know."""

    phone: WantedPhone
    result: ImportResult
    reason: str = ""


class ImportTerms(msgspec.Struct, frozen=True):
    """On which terms a person's phones are taken in; `proven` tells that the operator vouches for them.

    `ids` are for phones that are added. `sharers` tells how many other people have a number, and is asked only where
    the policy limits them.
    """

    policy: Policy
    proven: bool
    ids: Iterator[str]
    sharers: Callable[[PhoneNumber], int]


class ImportPlan(msgspec.Struct, frozen=True, gc=False):
    """What a row does to a person's record, and what becomes of its phones. Unless one is added, nothing changes."""

    change: EnrollmentChange
    phones: tuple[PhoneImport, ...]

    def result(self, *, new: bool) -> ImportResult:
        """Return what becomes of the row as a whole; `new` tells that the person has no record yet."""
        results = {phone.result for phone in self.phones}
        if ImportResult.PHONE_ADDED in results:
            return ImportResult.NEW if new else ImportResult.PHONE_ADDED
        return next(
            (result for result in (ImportResult.REFUSED, ImportResult.PRESERVED) if result in results),
            ImportResult.UNCHANGED,
        )


def importable_phones(row: ExportRow, country: str | None) -> tuple[WantedPhone, ...]:
    """Read the phones of a row; a number that is there twice counts once, as what it is first.

    `country` (ISO 3166 alpha-2) is whose a number without a plus is.
    """
    wanted: list[WantedPhone] = []
    for written in row.phones:
        phone = _read(written, country)
        known = {(other.number, other.extension) for other in wanted if other.number is not None}
        if (phone.number, phone.extension) not in known:
            wanted.append(phone)
    return tuple(wanted)


def plan_import(enrollment: Enrollment, wanted: Collection[WantedPhone], terms: ImportTerms, now: int) -> ImportPlan:
    """Work out what a row does to a person's record; done twice, it is as good as done once."""
    named = (enrollment.phone_at(phone.number, phone.extension) for phone in wanted if phone.number)
    keeping = {phone.id for phone in named if phone is not None}
    change = EnrollmentChange(enrollment)
    results = []
    for phone in wanted:
        try:
            after, result = _phone_planned(change.enrollment, phone, terms, keeping, now)
        except Rejected as refused:
            results.append(PhoneImport(phone, ImportResult.REFUSED, refused.detail))
        else:
            change = EnrollmentChange(after.enrollment, (*change.entries, *after.entries))
            results.append(result)
    return ImportPlan(change, tuple(results))


def import_phone(
    enrollment: Enrollment,
    phone: Phone,
    now: int,
    *,
    proven: bool,
    by: Channel | None = None,
    keeping: Collection[str] = (),
) -> EnrollmentChange:
    """Take in a phone that another service knew; nobody is notified, for it may be one of a hundred thousand.

    A phone that is there stays as it is. Where one of this kind is proven, it stays alone. Unproven ones of this kind
    give way, unless their ids are in `keeping`. If `proven`, the phone counts from now on, and becomes the default
    method (`by` this channel; None: as Entra has it) of a person who has none. Raises Rejected: `enrollment_blocked`,
    `phones_full`.
    """
    if enrollment.phone_at(phone.number, phone.extension) is not None or _is_proven(enrollment, phone.kind):
        return EnrollmentChange(enrollment)
    reject_if_blocked(enrollment, now)
    remaining = tuple(old for old in enrollment.phones if old.kind is not phone.kind or old.id in keeping)
    if len(remaining) >= PHONE_LIMIT:
        raise Rejected(ErrorCode.PHONES_FULL, f"A person has at most {PHONE_LIMIT} phones: remove one first.")
    imported = msgspec.structs.replace(phone, verified_at=now if proven else None, replaces=None)
    default = enrollment.default_method
    if proven and default is None:
        default = DefaultMethod(imported.id, by or _WAYS[imported.kind][0])
    entry = JournalEntry("phone.imported", {"phone_id": imported.id, "kind": imported.kind.value, "proven": proven})
    return update_enrollment(enrollment, now, entry, phones=(*remaining, imported), default_method=default)


def _phone_planned(
    enrollment: Enrollment, wanted: WantedPhone, terms: ImportTerms, keeping: Collection[str], now: int
) -> tuple[EnrollmentChange, PhoneImport]:
    """Return the change that a phone makes, and its import; raises Rejected."""
    if wanted.number is None:
        raise Rejected(ErrorCode.NUMBER_INVALID, wanted.problem)
    known = enrollment.phone_at(wanted.number, wanted.extension)
    if known is not None:
        vain = terms.proven and known.verified_at is None
        return EnrollmentChange(enrollment), PhoneImport(
            wanted, ImportResult.UNCHANGED, _STILL_UNPROVEN if vain else ""
        )
    if _is_proven(enrollment, wanted.kind):
        return EnrollmentChange(enrollment), PhoneImport(
            wanted, ImportResult.PRESERVED, "another of this kind is proven"
        )
    by = _allowed_way(terms.policy, wanted.number, wanted.kind)
    denial = sharing_denial(terms.policy, terms.sharers(wanted.number)) if terms.policy.people_per_number else None
    if denial is not None:
        raise denial.refused()
    phone = Phone(next(terms.ids), wanted.kind, wanted.number, extension=wanted.extension)
    change = import_phone(enrollment, phone, now, proven=terms.proven, by=by, keeping=keeping)
    return change, PhoneImport(wanted, ImportResult.PHONE_ADDED)


def _is_proven(enrollment: Enrollment, kind: PhoneKind) -> bool:
    return any(phone.kind is kind for phone in enrollment.proven_phones)


def _allowed_way(policy: Policy, number: PhoneNumber, kind: PhoneKind) -> Channel:
    """Return how a person may be reached on a phone at sign-in; raises Rejected if in no way."""
    denials = []
    for channel in _WAYS[kind]:
        denial = method_denial(policy, Purpose.SIGN_IN, channel, number, kind)
        if denial is None:
            return channel
        denials.append(denial)
    raise denials[0].refused()


def _read(written: WrittenPhone, country: str | None) -> WantedPhone:
    """Read a phone as Entra writes it, as in +1 4255550123x12."""
    text, *extensions = _EXTENSION_MARK.split(written.text, maxsplit=1)
    if extensions and written.kind is not PhoneKind.OFFICE:
        return WantedPhone(written.kind, problem="Only an office phone may have an extension.")
    try:
        extension = parse_extension(extensions[0]) if extensions else None
        return WantedPhone(written.kind, _number(text.strip(), country), extension)
    except Rejected as refused:
        return WantedPhone(written.kind, problem=refused.detail)


def _number(text: str, country: str | None) -> PhoneNumber:
    if text.startswith("+"):
        return parse_e164(text.translate(_SEPARATORS))
    if country is None:
        raise Rejected(
            ErrorCode.NUMBER_INVALID,
            "The number has no plus and country code, and no country was given to read it in.",
        )
    return parse_written(country, text)
