"""Lists of verifications."""

import msgspec

from gateway.domain.phone_number import PhoneNumber
from gateway.domain.verification import Status, Verification


class ListFilter(msgspec.Struct, frozen=True, gc=False):
    """What a list of verifications is narrowed to."""

    number: PhoneNumber | None = None
    status: Status | None = None
    starting_after: str | None = None
    limit: int = 20


class Page(msgspec.Struct, frozen=True, gc=False):
    """One page of a list, newest first."""

    verifications: list[Verification]
    has_more: bool
