"""The JSON of verifications and their journal entries."""

from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal

import msgspec

from gateway.domain.assurance import Assurance, Basis
from gateway.domain.commands import resend_times
from gateway.domain.delivery import DeliveryStatus
from gateway.domain.ivr.call_phase import CallPhase, call_phase
from gateway.domain.journal import Fact, StoredEntry
from gateway.domain.limits import Limits
from gateway.domain.verification import Attempt, Channel, Failure, Mode, Purpose, Status, Verification

_CACHED_VERIFICATIONS = 5_000


class AttemptView(msgspec.Struct, frozen=True, gc=False):
    """One send."""

    id: str
    channel: Channel
    mode: Mode | None
    status: DeliveryStatus
    provider: str
    provider_sid: str | None
    answered_by: str | None
    failure: Failure | None
    created_at: str
    updated_at: str


class Next(msgspec.Struct, frozen=True, gc=False):
    """What may be done next, and when; null means not at all, or not while a call is under way."""

    check: bool
    resend_sms_at: str | None
    resend_call_at: str | None


class NextStep(msgspec.Struct, frozen=True, gc=False):
    """How the person is reached next, and when if nothing comes first; null: what is under way is waited for."""

    channel: Channel
    mode: Mode | None
    at: str | None


class FallbackView(msgspec.Struct, frozen=True, gc=False):
    """What follows by itself."""

    next: NextStep


class VerificationView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A verification."""

    id: str
    object: Literal["verification"] = "verification"
    revision: int
    status: Status
    to: str | None
    channel: Channel
    mode: Mode | None
    locale: str
    enrollment_id: str | None
    continued_by: str | None
    match_digits: str | None
    assurance: Assurance | None
    failure: Failure | None
    attempts: list[AttemptView]
    call_state: CallPhase | None
    checks_left: int
    next: Next
    fallback: FallbackView | None
    metadata: Mapping[str, str]
    created_at: str
    updated_at: str
    expires_at: str
    purpose: Purpose | None
    basis: Basis | None
    valid: bool | msgspec.UnsetType = msgspec.UNSET


class EventView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One journal entry."""

    id: str
    object: Literal["event"] = "event"
    verification_id: str
    sequence: int
    type: str
    at: str
    facts: Mapping[str, Fact]


@lru_cache(maxsize=8_192)
def rfc3339(at: int) -> str:
    """Return a time (ms since the epoch) as RFC 3339 in UTC, with milliseconds."""
    seconds, milliseconds = divmod(at, 1_000)
    return f"{_whole_seconds(seconds)}.{milliseconds:03}Z"


@lru_cache(maxsize=1_024)
def _whole_seconds(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def verification_view(
    verification: Verification, limits: Limits, *, valid: bool | msgspec.UnsetType = msgspec.UNSET
) -> VerificationView:
    """Return the view of a verification; `valid` is the result of the check of a code."""
    pending = verification.status is Status.PENDING
    sms_at, call_at = resend_times(verification, limits)
    return VerificationView(
        id=verification.id,
        revision=verification.revision,
        status=verification.status,
        to=verification.number.e164 or None,
        channel=verification.channel,
        mode=verification.mode,
        locale=verification.locale,
        enrollment_id=verification.enrollment_id,
        continued_by=verification.continued_by,
        match_digits=verification.match_digits if pending and verification.mode is Mode.MATCH else None,
        assurance=verification.assurance,
        failure=verification.failure,
        attempts=[_attempt_view(attempt) for attempt in verification.attempts],
        call_state=call_phase(verification),
        checks_left=verification.checks_left,
        next=Next(
            check=pending and any(attempt.carries_code for attempt in verification.attempts),
            resend_sms_at=optional_rfc3339(sms_at),
            resend_call_at=optional_rfc3339(call_at),
        ),
        fallback=_fallback_view(verification) if pending and verification.steps else None,
        metadata=verification.metadata,
        created_at=rfc3339(verification.created_at),
        updated_at=rfc3339(verification.updated_at),
        expires_at=rfc3339(verification.expires_at),
        purpose=verification.purpose,
        basis=verification.basis,
        valid=valid,
    )


def event_view(verification_id: str, entry: StoredEntry) -> EventView:
    """Return the view of a journal entry."""
    return EventView(
        id=f"evt_{verification_id.removeprefix('ver_')}_{entry.sequence}",
        verification_id=verification_id,
        sequence=entry.sequence,
        type=entry.type,
        at=rfc3339(entry.at),
        facts=entry.facts,
    )


def _attempt_view(attempt: Attempt) -> AttemptView:
    return AttemptView(
        attempt.id,
        attempt.channel,
        attempt.mode,
        attempt.status,
        attempt.provider,
        attempt.provider_sid,
        attempt.answered_by,
        attempt.failure,
        rfc3339(attempt.created_at),
        rfc3339(attempt.updated_at),
    )


def _fallback_view(verification: Verification) -> FallbackView:
    step = verification.steps[0]
    return FallbackView(NextStep(step.channel, step.mode, optional_rfc3339(verification.next_at)))


def optional_rfc3339(at: int | None) -> str | None:
    """Return a time as `rfc3339` does; None stays None."""
    return None if at is None else rfc3339(at)


class VerificationJsonCache:
    """Encoded views of the last verifications that were polled.

    The store returns the same object while a verification is unchanged, so an entry is valid for that object only.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._entries: OrderedDict[str, tuple[Verification, bytes]] = OrderedDict()

    def encoded_view(self, verification: Verification) -> bytes:
        """Return the view of the verification as JSON."""
        entry = self._entries.get(verification.id)
        if entry is not None and entry[0] is verification:
            return entry[1]
        body = msgspec.json.encode(verification_view(verification, self._limits))
        self._entries[verification.id] = verification, body
        self._entries.move_to_end(verification.id)
        if len(self._entries) > _CACHED_VERIFICATIONS:
            self._entries.popitem(last=False)
        return body
