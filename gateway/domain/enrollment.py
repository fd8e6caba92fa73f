"""An enrollment: the lasting record of a person, and what the outcome of a verification does to it.

Its inputs are pure functions, one each: `phones` (which phones count), `blocks` (who is locked out), `recognition`
(what spares a person a new proof), `app_passwords`. Each returns a `EnrollmentChange`.
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from gateway.domain.assurance import Assurance
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.journal import JournalEntry
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.verification import Channel, Outcome


class EnrollmentStatus(StrEnum):
    """A person is enrolled once a phone of theirs was proven."""

    PENDING = "pending"
    ENROLLED = "enrolled"
    BLOCKED = "blocked"


class PhoneKind(StrEnum):
    """What a phone is for."""

    AUTHENTICATION = "authentication"
    ALTERNATE = "alternate"
    OFFICE = "office"


class Phone(msgspec.Struct, frozen=True, gc=False):
    """A person's phone. It counts as theirs only once `verified_at` (ms since the epoch) is set.

    `replaces` is the id of the phone that goes when this one is proven.
    """

    id: str
    kind: PhoneKind
    number: PhoneNumber
    verified_at: int | None = None
    extension: str | None = None
    replaces: str | None = None


class DefaultMethod(msgspec.Struct, frozen=True, gc=False):
    """How the person is reached unless another way is asked for."""

    phone_id: str
    channel: Channel


class EnrollmentBlock(msgspec.Struct, frozen=True, gc=False):
    """Why the person is locked out, and until when (ms since the epoch; None: until somebody ends it)."""

    reason: str
    at: int
    until: int | None = None


class PhoneProof(msgspec.Struct, frozen=True, gc=False):
    """The latest proof by a phone."""

    assurance: Assurance
    at: int


class TrustedDevice(msgspec.Struct, frozen=True, gc=False):
    """A browser that need not prove anything until `expires_at`; its secret is stored as a digest."""

    digest: bytes
    added_at: int
    expires_at: int


class Bypass(msgspec.Struct, frozen=True, gc=False):
    """A code that an operator granted, good for one sign-in until `expires_at`; `guesses_left` wrong ones end it."""

    digest: bytes
    reason: str
    expires_at: int
    guesses_left: int


class AppPassword(msgspec.Struct, frozen=True, gc=False):
    """A password for an application that knows nothing of two-factor verification.

    `selector` (keyed, a few bytes) finds the one that was typed among the person's; `hash` is argon2id. Times are in ms
    since the epoch; None: never.
    """

    id: str
    name: str
    selector: bytes
    hash: str
    created_at: int
    scope: str | None = None
    expires_at: int | None = None
    last_used_at: int | None = None


class Pin(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What a person keys in on calls that ask for it; `hash` is argon2id. Times are in ms since the epoch.

    Somebody else set it if it `must_change`. `failures` are the times of recent wrong ones, too many of which lock it
    until `locked_until`. While the person changes it on a call, `proven_on` is the id of that attempt, and `chosen` the
    hash of the new one that they still have to repeat.
    """

    hash: str
    must_change: bool = False
    failures: tuple[int, ...] = ()
    locked_until: int = 0
    proven_on: str | None = None
    chosen: str | None = None

    def locked(self, now: int) -> bool:
        """Tell whether too many wrong ones were tried, so that none is judged now."""
        return now < self.locked_until


class Enrollment(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A person of an application. Times are in ms since the epoch; `user` is the application's name for them.

    `sends` are the times of recent texts and calls to whatever numbers the person gave. Visits to the hosted pages that
    began before `visits_void_before` are over. `confirm_keys` are the digits, by id of phone, that calls ask for where
    # does not reach us. `entries` counts the journal's.
    """

    id: str
    application_id: str
    user: str
    created_at: int
    updated_at: int
    display_name: str | None = None
    locale: str | None = None
    groups: tuple[str, ...] = ()
    phones: tuple[Phone, ...] = ()
    default_method: DefaultMethod | None = None
    last_outcome: Outcome | None = None
    last_proof: PhoneProof | None = None
    block: EnrollmentBlock | None = None
    app_passwords: tuple[AppPassword, ...] = ()
    pin: Pin | None = None
    devices: tuple[TrustedDevice, ...] = ()
    bypass: Bypass | None = None
    sends: tuple[int, ...] = ()
    visits_void_before: int = 0
    confirm_keys: Mapping[str, str] = {}
    entries: int = 0

    def blocked(self, now: int) -> bool:
        """Tell whether the person is locked out now; a block ends by itself at its time."""
        return self.block is not None and (self.block.until is None or now < self.block.until)

    def status(self, now: int) -> EnrollmentStatus:
        """Return where the person stands now."""
        if self.blocked(now):
            return EnrollmentStatus.BLOCKED
        return EnrollmentStatus.ENROLLED if self.proven_phones else EnrollmentStatus.PENDING

    @property
    def proven_phones(self) -> tuple[Phone, ...]:
        """Return the phones that count."""
        return tuple(phone for phone in self.phones if phone.verified_at is not None)

    def phone(self, phone_id: str) -> Phone | None:
        """Return the phone with this id, if the person has it."""
        return next((phone for phone in self.phones if phone.id == phone_id), None)

    def confirm_key(self, phone: Phone | None) -> str:
        """Return the digit that calls to a phone ask for in place of the usual key; empty for that."""
        return "" if phone is None else self.confirm_keys.get(phone.id, "")

    def phone_at(self, number: PhoneNumber, extension: str | None) -> Phone | None:
        """Return the person's phone at this number and extension, if there is one."""
        return next((phone for phone in self.phones if phone.number == number and phone.extension == extension), None)


class NotificationKind(StrEnum):
    """Texts to a person about changes of their own record, so that a thief cannot change it unseen."""

    PHONE_ADDED = "phone_added"
    PHONE_REPLACED = "phone_replaced"
    PHONE_REMOVED = "phone_removed"
    APP_PASSWORD_CREATED = "app_password_created"  # noqa: S105 - a kind of notice
    PIN_SET = "pin_set"
    PIN_REMOVED = "pin_removed"
    BLOCKED = "blocked"


class Notification(msgspec.Struct, frozen=True, gc=False):
    """A text about the record, to one of the person's phones."""

    kind: NotificationKind
    number: PhoneNumber


class EnrollmentChange(msgspec.Struct, frozen=True, gc=False):
    """What an input does to a person's record, and what the store keeps beside it in the same transaction.

    `refusal` is raised to the caller after the change is committed.
    """

    enrollment: Enrollment
    entries: tuple[JournalEntry, ...] = ()
    notices: tuple[Notification, ...] = ()
    refusal: Rejected | None = None


def update_enrollment(
    enrollment: Enrollment,
    now: int,
    *entries: JournalEntry,
    notices: tuple[Notification, ...] = (),
    **fields: object,
) -> EnrollmentChange:
    """Return the record with new field values, its journal length moved on."""
    after = msgspec.structs.replace(enrollment, updated_at=now, entries=enrollment.entries + len(entries), **fields)
    return EnrollmentChange(after, entries, notices)


def notifications_to(phones: tuple[Phone, ...], kind: NotificationKind) -> tuple[Notification, ...]:
    """Return a notice to each proven phone that takes texts; an office phone rings on a desk."""
    recipients = {
        phone.number for phone in phones if phone.verified_at is not None and phone.kind is not PhoneKind.OFFICE
    }
    return tuple(Notification(kind, number) for number in sorted(recipients, key=lambda number: number.e164))


def reject_if_blocked(enrollment: Enrollment, now: int) -> None:
    """Raise Rejected (`enrollment_blocked`) while the person is locked out."""
    if enrollment.blocked(now):
        raise Rejected(
            ErrorCode.ENROLLMENT_BLOCKED,
            "This person is blocked from verification. Who runs the service can end the block.",
        )
