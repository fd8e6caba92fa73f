"""The JSON of enrollments, phones, app passwords, policies and their journal entries."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from gateway.api.views import VerificationView, optional_rfc3339, rfc3339
from gateway.domain.assurance import Assurance
from gateway.domain.enrollment import AppPassword, DefaultMethod, Enrollment, EnrollmentStatus, Phone, PhoneKind, Pin
from gateway.domain.journal import Fact, StoredEntry
from gateway.domain.policy import Permission
from gateway.domain.verification import Channel, Failure, Outcome, Purpose, Status


class OutcomeView(msgspec.Struct, frozen=True, gc=False):
    """How the person's latest verification ended."""

    verification_id: str
    status: Status
    assurance: Assurance | None
    failure: Failure | None
    at: str


class PhoneView(msgspec.Struct, frozen=True, gc=False):
    """A person's phone. `confirm_key` is the digit that its calls ask for, because # does not reach us from it."""

    id: str
    kind: PhoneKind
    number: str
    extension: str | None
    status: Literal["unverified", "verified"]
    verified_at: str | None
    confirm_key: str | None


class BlockView(msgspec.Struct, frozen=True, gc=False):
    """Why the person is locked out, since when and until when; null: until somebody ends it."""

    reason: str
    at: str
    until: str | None


class PinView(msgspec.Struct, frozen=True, gc=False):
    """Whether the person has a PIN, whether somebody else set it, and whether too many wrong ones were keyed in."""

    set: bool
    must_change: bool
    locked: bool


class EnrollmentView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A person's record."""

    id: str
    object: Literal["enrollment"] = "enrollment"
    user: str
    display_name: str | None
    locale: str | None
    groups: tuple[str, ...]
    status: EnrollmentStatus
    block: BlockView | None
    phones: list[PhoneView]
    default_method: DefaultMethod | None
    last_outcome: OutcomeView | None
    app_password_count: int
    pin: PinView
    trusted_device_count: int
    created_at: str
    updated_at: str


class PhoneAdded(msgspec.Struct, frozen=True, gc=False):
    """A phone that is being proven, and the verification that proves it."""

    phone: PhoneView
    verification: VerificationView


class PortalLinkView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A link that opens once."""

    object: Literal["portal_link"] = "portal_link"
    url: str
    expires_at: str


class BypassView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A code for one sign-in; it is shown this once."""

    object: Literal["bypass"] = "bypass"
    code: str
    expires_at: str


class AppPasswordView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """An app password, without the password; null: good for any scope, for ever, never used."""

    id: str
    object: Literal["app_password"] = "app_password"
    name: str
    scope: str | None
    created_at: str
    expires_at: str | None
    last_used_at: str | None


class AppPasswordMade(AppPasswordView, frozen=True, gc=False, kw_only=True):
    """A new app password; the password is shown this once."""

    password: str


class AppPasswordList(msgspec.Struct, frozen=True, kw_only=True):
    """A person's app passwords, oldest first."""

    object: Literal["list"] = "list"
    data: list[AppPasswordView]


class AppPasswordChecked(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Whether the password works for the user, and which it is; why not is never told."""

    object: Literal["app_password_check"] = "app_password_check"
    valid: bool
    app_password_id: str | None


class DenialView(msgspec.Struct, frozen=True, gc=False):
    """Why not, who decided so, and what to do."""

    code: str
    detail: str
    decided_by: str
    next_step: str


class MethodView(msgspec.Struct, frozen=True, gc=False):
    """Whether the person may be reached in one way for one purpose; without a phone, on any of the kind."""

    purpose: Purpose
    channel: Channel
    kind: PhoneKind
    phone_id: str | None
    allowed: bool
    denial: DenialView | None


class PolicyView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What a person may do, and if not, why not."""

    object: Literal["policy"] = "policy"
    enrollment_id: str
    methods: list[MethodView]


class EnrollmentEventView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One entry of a record's journal."""

    id: str
    object: Literal["event"] = "event"
    enrollment_id: str
    sequence: int
    type: str
    at: str
    facts: Mapping[str, Fact]


class EnrollmentEventList(msgspec.Struct, frozen=True, kw_only=True):
    """The record's journal, oldest first."""

    object: Literal["list"] = "list"
    data: list[EnrollmentEventView]


def enrollment_view(enrollment: Enrollment, now: int) -> EnrollmentView:
    """Return the view of an enrollment at a time (ms since the epoch): a block may have expired by then."""
    block = enrollment.block if enrollment.blocked(now) else None
    return EnrollmentView(
        id=enrollment.id,
        user=enrollment.user,
        display_name=enrollment.display_name,
        locale=enrollment.language,
        groups=enrollment.groups,
        status=enrollment.status(now),
        block=None if block is None else BlockView(block.reason, rfc3339(block.at), optional_rfc3339(block.until)),
        phones=[phone_view(enrollment, phone) for phone in enrollment.phones],
        default_method=enrollment.default_method,
        last_outcome=_outcome_view(enrollment.last_outcome) if enrollment.last_outcome else None,
        app_password_count=len(enrollment.app_passwords),
        pin=_pin_view(enrollment.pin, now),
        trusted_device_count=sum(now < device.expires_at for device in enrollment.devices),
        created_at=rfc3339(enrollment.created_at),
        updated_at=rfc3339(enrollment.updated_at),
    )


def _pin_view(pin: Pin | None, now: int) -> PinView:
    if pin is None:
        return PinView(set=False, must_change=False, locked=False)
    return PinView(set=True, must_change=pin.must_change, locked=pin.locked(now))


def enrollment_event_view(enrollment_id: str, entry: StoredEntry) -> EnrollmentEventView:
    """Return the view of a journal entry of an enrollment."""
    return EnrollmentEventView(
        id=f"evt_{enrollment_id.removeprefix('enr_')}_{entry.sequence}",
        enrollment_id=enrollment_id,
        sequence=entry.sequence,
        type=entry.type,
        at=rfc3339(entry.at),
        facts=entry.facts,
    )


def policy_view(enrollment_id: str, permissions: tuple[Permission, ...]) -> PolicyView:
    """Return the view of what a person may do."""
    return PolicyView(enrollment_id=enrollment_id, methods=[_method_view(permission) for permission in permissions])


def _method_view(permission: Permission) -> MethodView:
    denial = permission.denial
    return MethodView(
        permission.purpose,
        permission.channel,
        permission.kind,
        permission.phone_id,
        denial is None,
        None if denial is None else DenialView(denial.code, denial.detail, str(denial.decided_by), denial.next_step),
    )


def app_password_view(app_password: AppPassword) -> AppPasswordView:
    """Return the view of an app password."""
    return AppPasswordView(**_app_password_fields(app_password))


def app_password_made(app_password: AppPassword, password: str) -> AppPasswordMade:
    """Return the view of a new app password, with the password itself."""
    return AppPasswordMade(**_app_password_fields(app_password), password=password)


def _app_password_fields(app_password: AppPassword) -> dict[str, Any]:
    return {
        "id": app_password.id,
        "name": app_password.name,
        "scope": app_password.scope,
        "created_at": rfc3339(app_password.created_at),
        "expires_at": optional_rfc3339(app_password.expires_at),
        "last_used_at": optional_rfc3339(app_password.last_used_at),
    }


def phone_view(enrollment: Enrollment, phone: Phone) -> PhoneView:
    """Return the view of a phone of an enrollment."""
    return PhoneView(
        id=phone.id,
        kind=phone.kind,
        number=phone.number.e164,
        extension=phone.extension,
        status="verified" if phone.verified_at else "unverified",
        verified_at=optional_rfc3339(phone.verified_at),
        confirm_key=enrollment.confirm_key(phone) or None,
    )


def _outcome_view(outcome: Outcome) -> OutcomeView:
    return OutcomeView(outcome.verification_id, outcome.status, outcome.assurance, outcome.failure, rfc3339(outcome.at))
