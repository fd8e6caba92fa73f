"""What a verification begins with, in the order in which tests name it."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.domain import commands
from gateway.domain.assurance import Assurance, Basis
from gateway.domain.limits import Limits, RateCounters
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.verification import Change, Channel, Mode


class Start(msgspec.Struct, frozen=True):
    """A request, what was drawn for it, and what follows by itself."""

    request: commands.VerificationRequest
    new: commands.NewVerification
    plan: commands.Plan

    @property
    def id(self) -> str:
        return self.new.id

    @property
    def number(self) -> PhoneNumber:
        return self.request.number


def start(
    verification_id: str,
    application_id: str,
    application_name: str,
    number: PhoneNumber,
    channel: Channel,
    mode: Mode | None,
    locale: str,
    enrollment_id: str | None,
    metadata: Mapping[str, str],
    code_digest: bytes,
    sealed_code: bytes,
    extension: str | None = None,
    *,
    plan: commands.Plan = commands.NO_PLAN,
    **terms: Any,  # noqa: ANN401 - any field of the request
) -> Start:
    request = commands.VerificationRequest(
        number=number,
        channel=channel,
        mode=mode,
        locale=locale,
        enrollment_id=enrollment_id,
        metadata=metadata,
        extension=extension,
        **terms,
    )
    new = commands.NewVerification(verification_id, application_id, application_name, code_digest, sealed_code)
    return Start(request, new, plan)


def created(
    begun: Start, attempt: commands.NewAttempt, rate_counters: RateCounters, now: int, limits: Limits
) -> Change:
    return commands.create(begun.request, begun.new, attempt, rate_counters, now, limits, begun.plan)


def recognized(begun: Start, basis: Basis, assurance: Assurance | None, now: int) -> Change:
    return commands.create_recognized(begun.request, begun.new, basis, assurance, now)
