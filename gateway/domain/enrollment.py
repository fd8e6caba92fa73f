"""An enrollment: the lasting record of a person, and what the outcome of a verification does to it."""

from enum import StrEnum

import msgspec

from gateway.domain.phone import PhoneNumber
from gateway.domain.verification import Channel, Outcome, Status


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
    """A person's phone. It counts as theirs only once `verified_at` (ms since the epoch) is set."""

    id: str
    kind: PhoneKind
    number: PhoneNumber
    verified_at: int | None = None


class DefaultMethod(msgspec.Struct, frozen=True, gc=False):
    """How the person is reached unless another way is asked for."""

    phone_id: str
    channel: Channel


class Enrollment(msgspec.Struct, frozen=True, gc=False):
    """A person of an application. Times are in ms since the epoch; `user` is the application's name for them."""

    id: str
    application_id: str
    user: str
    created_at: int
    updated_at: int
    display_name: str | None = None
    locale: str | None = None
    status: EnrollmentStatus = EnrollmentStatus.PENDING
    phones: tuple[Phone, ...] = ()
    default_method: DefaultMethod | None = None
    last_outcome: Outcome | None = None


def phone_added(enrollment: Enrollment, phone: Phone, now: int) -> Enrollment:
    """Add a phone that is about to be proven; a number that is there already stays as it is."""
    if any(kept.number == phone.number for kept in enrollment.phones):
        return enrollment
    return msgspec.structs.replace(enrollment, phones=(*enrollment.phones, phone), updated_at=now)


def outcome_recorded(enrollment: Enrollment, number: PhoneNumber, channel: Channel, outcome: Outcome) -> Enrollment:
    """Write the outcome of one of the person's verifications; an approval proves the phone it went to.

    The first proven phone becomes the default method and makes the person enrolled. A block stays a block.
    """
    after = msgspec.structs.replace(enrollment, last_outcome=outcome, updated_at=outcome.at)
    phone = next((kept for kept in enrollment.phones if kept.number == number), None)
    if outcome.status is not Status.APPROVED or phone is None:
        return after
    proven = msgspec.structs.replace(phone, verified_at=phone.verified_at or outcome.at)
    status = EnrollmentStatus.ENROLLED if after.status is EnrollmentStatus.PENDING else after.status
    return msgspec.structs.replace(
        after,
        phones=tuple(proven if kept.id == proven.id else kept for kept in after.phones),
        status=status,
        default_method=after.default_method or DefaultMethod(proven.id, channel),
    )
