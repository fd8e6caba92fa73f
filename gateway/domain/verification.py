"""A verification and its attempts: their states, and the one table that says which input ends what.

Rules. Only `pending` has ways out, and an ended verification never changes its status. A pair without a row in
TRANSITIONS stays as it is, so late, repeated and reordered inputs are harmless. The inputs are pure functions, one
each: `commands` (the integrator's), `send_results`, `ivr` and `status_reports` (the provider's), `timeouts` (the
clock's).
"""

from collections.abc import Mapping
from enum import Enum, StrEnum, auto
from typing import Annotated, Any

import msgspec

from gateway.domain.assurance import Assurance, Basis
from gateway.domain.delivery import DeliveryStatus
from gateway.domain.errors import Rejected
from gateway.domain.ivr.states import CallState, PinFlaw, Script
from gateway.domain.journal import JournalEntry
from gateway.domain.limits import RateCounters
from gateway.domain.phone_number import PhoneNumber


class Status(StrEnum):
    """Where a verification stands (Twilio Verify's words, plus `denied`: the person said no)."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    CANCELED = "canceled"
    EXPIRED = "expired"
    FAILED = "failed"
    MAX_ATTEMPTS_REACHED = "max_attempts_reached"


class Ending(Enum):
    """The inputs that can end a verification."""

    CODE_MATCHED = auto()
    KEY_PRESSED = auto()
    PERSON_REFUSED = auto()
    CHECKS_EXHAUSTED = auto()
    CANCEL_REQUESTED = auto()
    LIFETIME_OVER = auto()
    ATTEMPTS_FAILED = auto()


TRANSITIONS: Mapping[tuple[Status, Ending], Status] = {
    (Status.PENDING, Ending.CODE_MATCHED): Status.APPROVED,
    (Status.PENDING, Ending.KEY_PRESSED): Status.APPROVED,
    (Status.PENDING, Ending.PERSON_REFUSED): Status.DENIED,
    (Status.PENDING, Ending.CHECKS_EXHAUSTED): Status.MAX_ATTEMPTS_REACHED,
    (Status.PENDING, Ending.CANCEL_REQUESTED): Status.CANCELED,
    (Status.PENDING, Ending.LIFETIME_OVER): Status.EXPIRED,
    (Status.PENDING, Ending.ATTEMPTS_FAILED): Status.FAILED,
}


class Channel(StrEnum):
    """How the person is reached."""

    SMS = "sms"
    CALL = "call"


class Mode(StrEnum):
    """What a call asks for: a bare #, the digits that the page shows, a PIN; or it speaks the code."""

    CONFIRM = "confirm"
    MATCH = "match"
    PIN = "pin"
    CODE = "code"


class Purpose(StrEnum):
    """What a person's verification is for: proving a phone, signing in, or changing the record."""

    ENROLL = "enroll"
    SIGN_IN = "sign_in"
    MANAGE = "manage"


class FailureCode(StrEnum):
    """Why a verification or an attempt failed; stable words of the public contract."""

    NUMBER_INVALID = "number_invalid"
    NUMBER_UNREACHABLE = "number_unreachable"
    LINE_BUSY = "line_busy"
    NO_ANSWER = "no_answer"
    CALL_REJECTED = "call_rejected"
    ANSWERED_BY_MACHINE = "answered_by_machine"
    HUNG_UP = "hung_up"
    NO_KEY_PRESSED = "no_key_pressed"
    WRONG_KEY = "wrong_key"
    DELIVERY_FAILED = "delivery_failed"
    CARRIER_FILTERED = "carrier_filtered"
    OPTED_OUT = "opted_out"
    COUNTRY_BLOCKED = "country_blocked"
    NUMBER_BLOCKED = "number_blocked"
    RATE_LIMITED = "rate_limited"
    PROVIDER_REFUSED = "provider_refused"
    PROVIDER_UNAVAILABLE = "provider_unavailable"
    OUTCOME_UNKNOWN = "outcome_unknown"
    REPORTED_FRAUD = "reported_fraud"


class Failure(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Why something failed: our code, a sentence for people, and the provider's own code if there is one."""

    code: FailureCode
    detail: str
    provider_code: str | None = None


class Attempt(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One send: a text or a call. Times are in ms since the epoch.

    `token` is the secret in its callback path. `seen_reports` names the status reports already processed, so that a
    repeated one does nothing. `gather_number` counts the gathers of a call from 1; 0 means that the call was not
    answered. `reprompt_count` counts the prompts that were repeated at the callee's request, `second_language` tells
    that they chose the other language, `slow` that they chose slower speech. Where a stored name differs from the
    field's, the database has the older one. `refused_by` names the providers that said no for good before `provider`
    was asked. A `confirm_key` is asked for in place of the usual one. Until `grace_ends_at`, what the end of one that
    failed has overtaken may still arrive.
    """

    id: str
    token: str
    channel: Channel
    provider: str
    created_at: int
    updated_at: int
    mode: Mode | None = None
    status: DeliveryStatus = DeliveryStatus.QUEUED
    provider_sid: str | None = None
    answered_by: str | None = None
    failure: Failure | None = None
    seen_reports: tuple[str, ...] = msgspec.field(name="heard", default=())
    gather_number: int = msgspec.field(name="turn", default=0)
    no_match_count: int = msgspec.field(name="wrong_keys", default=0)
    no_input_count: int = msgspec.field(name="silent_prompts", default=0)
    reprompt_count: int = msgspec.field(name="repeats", default=0)
    call_state: CallState = msgspec.field(name="scene", default=CallState.PROOF)
    second_language: bool = False
    slow: bool = False
    confirm_key: str = ""
    refused_by: tuple[str, ...] = ()
    grace_ends_at: int = 0

    @property
    def carries_code(self) -> bool:
        """Tell whether this attempt gave the person the code."""
        return self.channel is Channel.SMS or self.mode is Mode.CODE


class FallbackStep(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, forbid_unknown_fields=True):
    """One way in a row of them; if nothing comes of it within `wait` seconds, the next one follows."""

    channel: Channel
    mode: Mode | None = None
    wait: Annotated[int, msgspec.Meta(ge=5, le=3_600)] = 60

    def __str__(self) -> str:
        way = self.channel if self.mode is None else f"{self.channel} ({self.mode})"
        return f"{way} for {self.wait} s"


class VerificationTerms(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """What a verification is asked for with: a request has it, and the verification that comes of it.

    `channel` and `mode` are those of the last send. `extension` is dialled behind the number. `code_length`,
    `fraud_block_days`, `reply_with_code` and `call_backup` are the policy's, as they were when it began; `call_backup`
    holds until no other phone could be called. One that `continues` another (an id) is the call to the person's next
    phone, after those that were `tried` (ids). With `first_phone` the person had proven nothing then, so all it can
    prove is their first phone. With `learns_key` a call that hears no # asks for a digit instead.
    """

    number: PhoneNumber
    channel: Channel
    locale: str
    mode: Mode | None = None
    extension: str | None = None
    enrollment_id: str | None = None
    purpose: Purpose | None = None
    code_length: int = 6
    fraud_block_days: int = 90
    first_phone: bool = False
    learns_key: bool = False
    reply_with_code: bool = False
    call_backup: bool = False
    continues: str | None = None
    tried: tuple[str, ...] = ()
    metadata: Mapping[str, str] = {}


class Verification(VerificationTerms, frozen=True, gc=False, omit_defaults=True):
    """One attempt to prove one number. Times are in ms since the epoch.

    `ends_at` and `ending` are set while every attempt has failed: unless something comes first, the clock then fails
    the verification for that reason. `steps` are the ways that are still to follow by themselves, the first at
    `next_at`; while that is None, it waits for the end of what is under way. `proved_by` is the attempt whose key or
    code approved it. `match_digits` are those that a page shows for calls in mode match; they die with the code. It is
    `continued_by` another (an id), which calls the person's next phone.
    """

    id: str
    application_id: str
    application_name: str
    checks_left: int
    created_at: int
    updated_at: int
    expires_at: int
    basis: Basis | None = None
    continued_by: str | None = None
    status: Status = Status.PENDING
    assurance: Assurance | None = None
    failure: Failure | None = None
    attempts: tuple[Attempt, ...] = ()
    proved_by: str | None = None
    code_digest: bytes | None = None
    sealed_code: bytes | None = None
    match_digits: str | None = None
    ends_at: int | None = None
    ending: Failure | None = None
    steps: tuple[FallbackStep, ...] = ()
    next_at: int | None = None
    revision: int = 1
    entries: int = 0

    @property
    def due_at(self) -> int | None:
        """Return when the clock has something to say, or None once the verification has ended."""
        if self.status is not Status.PENDING:
            return None
        return min(at for at in (self.expires_at, self.ends_at, self.next_at) if at is not None)


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """How a verification ended, as it is written to the enrollment it belongs to."""

    verification_id: str
    status: Status
    assurance: Assurance | None
    failure: Failure | None
    at: int


class Reply(msgspec.Struct, frozen=True, gc=False):
    """What to answer a call with. `reprompt_reason` says why it asks again, `flaw` what is wrong with a new PIN.

    `second_language` asks for the other language that the call offers, `slow` for slower speech.
    """

    script: Script
    gather_number: int = 0
    reprompt_reason: FailureCode | None = None
    second_language: bool = False
    slow: bool = False
    flaw: PinFlaw | None = None


class Change(msgspec.Struct, frozen=True, gc=False):
    """What an input does: the new state, and what the store keeps beside it in the same transaction.

    `refusal` is raised to the caller after the change is committed. `send` is the attempt to hand to the dispatcher.
    `suppress` says why the number goes on the suppression list.
    """

    verification: Verification
    entries: tuple[JournalEntry, ...] = ()
    rate_counters: RateCounters | None = None
    outcome: Outcome | None = None
    send: Attempt | None = None
    reply: Reply | None = None
    refusal: Rejected | None = None
    suppress: str | None = None


def update_verification(
    verification: Verification,
    now: int,
    entries: tuple[JournalEntry, ...],
    **fields: Any,  # noqa: ANN401 - any field of the struct
) -> Verification:
    """Return the verification with new field values, its revision and journal length moved on."""
    return msgspec.structs.replace(
        verification,
        revision=verification.revision + 1,
        entries=verification.entries + len(entries),
        updated_at=now,
        **fields,
    )


def end_verification(
    verification: Verification,
    ending: Ending,
    now: int,
    *,
    entries: tuple[JournalEntry, ...] = (),
    failure: Failure | None = None,
    assurance: Assurance | None = None,
    **fields: Any,  # noqa: ANN401 - any other field of the struct
) -> Change:
    """End a pending verification as the table says; code and digits die with it. Without a row, nothing changes."""
    status = TRANSITIONS.get((verification.status, ending))
    if status is None:
        return Change(verification)
    facts = {"failure": failure.code.value} if failure else {}
    entries = (*entries, JournalEntry(f"verification.{status.value}", facts))
    after = update_verification(
        verification,
        now,
        entries,
        status=status,
        assurance=assurance,
        failure=failure,
        code_digest=None,
        sealed_code=None,
        match_digits=None,
        ends_at=None,
        ending=None,
        **fields,
    )
    outcome = Outcome(verification.id, status, assurance, failure, now) if verification.enrollment_id else None
    return Change(after, entries, outcome=outcome)
