"""The integrator's inputs: create a verification, check a code, resend, cancel."""

from operator import attrgetter
from typing import Any

import msgspec

from gateway.domain import code
from gateway.domain.assurance import Assurance, Basis
from gateway.domain.delivery import CALL_ENDED
from gateway.domain.enrollment import Enrollment, PhoneKind
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.journal import JournalEntry
from gateway.domain.limits import SECOND, Limits, RateCounters, rate_limited, resend_wait
from gateway.domain.timeouts import pass_deadline
from gateway.domain.verification import (
    Attempt,
    Change,
    Channel,
    Ending,
    FallbackStep,
    Mode,
    Outcome,
    Purpose,
    Status,
    Verification,
    VerificationTerms,
    end_verification,
    update_verification,
)

MATCH_LENGTH = 2
"""How many digits are shown for a call in mode match."""


class Plan(msgspec.Struct, frozen=True, gc=False):
    """The ways that follow the first one by themselves, for which `wait` (seconds) is waited; and those left out."""

    wait: int = 0
    steps: tuple[FallbackStep, ...] = ()
    left_out: tuple[JournalEntry, ...] = ()


NO_PLAN = Plan()
_TERMS = VerificationTerms.__struct_fields__
_terms_of = attrgetter(*_TERMS)


class VerificationRequest(VerificationTerms, frozen=True, gc=False, kw_only=True):
    """What is asked for. With `enrollment_id`, the phone joins the person's record as a phone of this kind.

    `fallback` begins with the way of the verification itself; None leaves it to the policy. `replaces` is the id of the
    phone that goes once this one is proven. `confirm_key` is the phone's own, or empty.
    """

    fallback: tuple[FallbackStep, ...] | None = None
    kind: PhoneKind = PhoneKind.AUTHENTICATION
    replaces: str | None = None
    confirm_key: str = ""


class NewVerification(msgspec.Struct, frozen=True, gc=False):
    """Whose a verification is, and what was drawn for it: its id, and its code as a keyed digest and sealed."""

    id: str
    application_id: str
    application_name: str
    code_digest: bytes
    sealed_code: bytes


class NewAttempt(msgspec.Struct, frozen=True, gc=False):
    """Where the next send goes: its id, the secret token of its callback path, and the provider that carries it.

    `match_digits` were drawn for a call in mode match; a verification that has some keeps its own.
    """

    id: str
    token: str
    channel: Channel
    mode: Mode | None
    provider: str
    match_digits: str | None = None

    def at(self, now: int, confirm_key: str = "") -> Attempt:
        """Return the attempt, made now; `confirm_key` is the phone's own, or empty."""
        return Attempt(self.id, self.token, self.channel, self.provider, now, now, self.mode, confirm_key=confirm_key)


class Created(msgspec.Struct, frozen=True):
    """A verification that has begun, and the record of its person as it is now, if it is a person's."""

    change: Change
    enrollment: Enrollment | None


def create(
    request: VerificationRequest,
    new: NewVerification,
    attempt: NewAttempt,
    rate_counters: RateCounters,
    now: int,
    limits: Limits,
    plan: Plan = NO_PLAN,
) -> Change:
    """Create a verification with its first attempt; raises Rejected (`rate_limited`) after too many sends."""
    first = attempt.at(now, request.confirm_key)
    facts = {"channel": request.channel.value, "mode": attempt.mode and attempt.mode.value}
    continues = {"continues": request.continues} if request.continues else {}
    entries = (JournalEntry("verification.created", {**facts, **continues}), *plan.left_out, _queued(first))
    verification = _new_verification(
        request,
        new,
        now,
        entries,
        mode=attempt.mode,
        checks_left=limits.checks_per_verification,
        expires_at=now + limits.lifetime * SECOND,
        code_length=limits.code_length,
        attempts=(first,),
        code_digest=new.code_digest,
        sealed_code=new.sealed_code,
        match_digits=attempt.match_digits,
        steps=plan.steps,
        next_at=now + plan.wait * SECOND if plan.steps else None,
    )
    return Change(verification, entries, rate_counters=rate_counters.with_send(now, limits), send=first)


def create_recognized(
    request: VerificationRequest, new: NewVerification, basis: Basis, assurance: Assurance | None, now: int
) -> Change:
    """Begin and approve a sign-in in one: what stands in for a proof is named, and nothing is sent."""
    entries = (
        JournalEntry("verification.created", {"channel": request.channel.value, "mode": None}),
        JournalEntry("verification.approved", {"basis": basis.value}),
    )
    verification = _new_verification(
        request,
        new,
        now,
        entries,
        mode=None,
        checks_left=0,
        expires_at=now,
        purpose=Purpose.SIGN_IN,
        basis=basis,
        status=Status.APPROVED,
        assurance=assurance,
    )
    return Change(verification, entries, outcome=Outcome(new.id, Status.APPROVED, assurance, None, now))


def _new_verification(
    request: VerificationRequest,
    new: NewVerification,
    now: int,
    entries: tuple[JournalEntry, ...],
    **fields: Any,  # noqa: ANN401 - any field of the verification
) -> Verification:
    """Return the verification on the request's terms, with these other fields."""
    terms = dict(zip(_TERMS, _terms_of(request), strict=True))
    terms.update(fields)
    return Verification(
        id=new.id,
        application_id=new.application_id,
        application_name=new.application_name,
        created_at=now,
        updated_at=now,
        entries=len(entries),
        **terms,
    )


def check_code(
    verification: Verification, guess: bytes, rate_counters: RateCounters, now: int, limits: Limits
) -> Change:
    """Judge a code by its digest: the right one approves, a wrong one counts, the last wrong one ends it.

    Raises Rejected: `verification_finished`, `no_code_sent`, or `rate_limited` when the number has used its failed
    checks.
    """
    if over := _over(verification, now):
        return over
    if verification.code_digest is None or not any(attempt.carries_code for attempt in verification.attempts):
        raise Rejected(ErrorCode.NO_CODE_SENT, "No code was sent in this verification: the call asks for a key.")
    rate_counters.reject_check_over_limit(now, limits)
    if code.matches(verification.code_digest, guess):
        entry = JournalEntry("code.checked", {"valid": True})
        return end_verification(
            verification, Ending.CODE_MATCHED, now, entries=(entry,), assurance=Assurance.POSSESSION
        )
    checks_left = verification.checks_left - 1
    entries = (JournalEntry("code.checked", {"valid": False, "checks_left": checks_left}),)
    if checks_left == 0:
        change = end_verification(verification, Ending.CHECKS_EXHAUSTED, now, entries=entries, checks_left=checks_left)
    else:
        change = Change(update_verification(verification, now, entries, checks_left=checks_left), entries)
    return msgspec.structs.replace(change, rate_counters=rate_counters.with_failed_check(now))


def resend(
    verification: Verification, new: NewAttempt, rate_counters: RateCounters, now: int, limits: Limits
) -> Change:
    """Send the same code once more, or call (again), in place of the way that would follow next by itself.

    Raises Rejected: `verification_finished`, `rate_limited`, `number_stopped`.
    """
    if over := _over(verification, now):
        return over
    allowed_at = resend_at(verification, new.channel, limits)
    if allowed_at is None:
        raise rate_limited("A call to this number is under way.", limits.resend_wait * SECOND)
    if now < allowed_at:
        raise rate_limited("It is too early to send again.", allowed_at - now)
    return next_attempt(verification, new, rate_counters, now, limits)


def next_attempt(
    verification: Verification,
    new: NewAttempt,
    rate_counters: RateCounters,
    now: int,
    limits: Limits,
    *before: JournalEntry,
) -> Change:
    """Add an attempt, which takes the place of the next step if there is one; `before` goes ahead in the journal.

    Raises Rejected: `rate_limited`, `number_stopped`.
    """
    attempt = new.at(now, verification.attempts[-1].confirm_key)
    entries = (*before, _queued(attempt))
    step, *later_steps = verification.steps or (None,)
    after = update_verification(
        verification,
        now,
        entries,
        attempts=(*verification.attempts, attempt),
        channel=new.channel,
        mode=new.mode,
        match_digits=verification.match_digits or new.match_digits,
        ends_at=None,
        ending=None,
        steps=tuple(later_steps),
        next_at=now + step.wait * SECOND if step and later_steps else None,
    )
    return Change(after, entries, rate_counters=rate_counters.with_send(now, limits), send=attempt)


def cancel(verification: Verification, now: int) -> Change:
    """End a verification at the integrator's wish; raises Rejected (`verification_finished`) when it has ended."""
    return _over(verification, now) or end_verification(verification, Ending.CANCEL_REQUESTED, now)


def resend_at(verification: Verification, channel: Channel, limits: Limits) -> int | None:
    """Return when (ms) the channel may be used again; None after the end, or for a call while one is under way."""
    sms_at, call_at = resend_times(verification, limits)
    return sms_at if channel is Channel.SMS else call_at


def resend_times(verification: Verification, limits: Limits) -> tuple[int | None, int | None]:
    """Return when (ms) a text and a call may follow; None after the end, or for a call while one is under way.

    What has failed is waited for no longer.
    """
    if verification.status is not Status.PENDING:
        return None, None
    attempts = verification.attempts
    at = attempts[-1].created_at + resend_wait(len(attempts), limits)
    if attempts[-1].failure is not None:
        at = min(at, attempts[-1].updated_at)
    for attempt in attempts:
        if attempt.channel is Channel.CALL and attempt.failure is None and attempt.status not in CALL_ENDED:
            return at, None
    return at, at


def _over(verification: Verification, now: int) -> Change | None:
    """Return the change of a verification that is over, also by a deadline not acted on yet; None for any other."""
    if verification.status is not Status.PENDING:
        raise _finished(verification)
    if now >= verification.expires_at:
        change = pass_deadline(verification, now)
        return msgspec.structs.replace(change, refusal=_finished(change.verification))
    return None


def _finished(verification: Verification) -> Rejected:
    return Rejected(ErrorCode.VERIFICATION_FINISHED, f"This verification has ended: it is {verification.status}.")


def _queued(attempt: Attempt) -> JournalEntry:
    return JournalEntry("attempt.queued", {"attempt_id": attempt.id, "channel": attempt.channel.value})
