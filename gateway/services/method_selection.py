"""Which methods of reaching a number may be used: what the policy says of each, and the PIN that a call asks for."""

import msgspec

from gateway.domain import fallback
from gateway.domain.commands import NO_PLAN, Plan, VerificationRequest
from gateway.domain.enrollment import Enrollment, PhoneKind
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.ivr.modes import mode_of
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.pins import reject_pin_call
from gateway.domain.policy import Denial, Policy, method_denial, mode_denial
from gateway.domain.verification import Channel, FallbackStep, Mode, Purpose, Verification


def with_purpose(request: VerificationRequest, enrollment: Enrollment | None) -> VerificationRequest:
    """Let a person's verification without a purpose enroll, if the phone is not proven on the record."""
    if enrollment is None or request.purpose is not None:
        return request
    phone = enrollment.phone_at(request.number, request.extension)
    proven = phone is not None and phone.verified_at is not None
    return request if proven else msgspec.structs.replace(request, purpose=Purpose.ENROLL)


def under(policy: Policy, request: VerificationRequest) -> VerificationRequest:
    """Return the request on the policy's terms."""
    return msgspec.structs.replace(
        request,
        fraud_block_days=policy.fraud_block_days,
        learns_key=request.purpose is Purpose.ENROLL and request.kind is PhoneKind.OFFICE,
        reply_with_code=policy.reply_with_code,
        call_backup=policy.call_backup and request.purpose is Purpose.SIGN_IN,
    )


def reject_forbidden(
    policy: Policy,
    purpose: Purpose | None,
    channel: Channel,
    mode: Mode | None,
    number: PhoneNumber,
    kind: PhoneKind | None,
) -> None:
    """Raise Rejected for a way that the policy forbids."""
    denial = _denial(policy, purpose, channel, mode, number, kind)
    if denial:
        raise denial.refused()


def reject_without_pin(enrollment: Enrollment | None, mode: Mode | None, now: int) -> None:
    """Raise Rejected for a call that asks for a PIN which is not there, or locked.

    `pin_not_set`, `pin_locked`, or `method_forbidden` for a number without an enrollment.
    """
    if mode is not Mode.PIN:
        return
    if enrollment is None:
        raise Rejected(
            ErrorCode.METHOD_FORBIDDEN,
            "A call asks for the PIN of a person's record: name the enrollment, or ask for a text.",
        )
    reject_pin_call(enrollment, now)


def resent_mode(policy: Policy, verification: Verification, channel: Channel, wished: Mode | None) -> Mode | None:
    """Return what the next call of a verification asks for; None for a text."""
    return mode_of(channel, wished, policy.call_proof, [attempt.mode for attempt in verification.attempts])


def plan(policy: Policy, request: VerificationRequest, mode: Mode | None, enrollment: Enrollment | None) -> Plan:
    """Return what follows by itself: as asked for, or as the policy says of verifications that begin in this way."""
    steps = policy.fallback if request.fallback is None else request.fallback
    if not steps or steps[0].channel is not request.channel or steps[0].mode not in {None, mode}:
        return NO_PLAN
    modes = [mode]
    for step in steps[1:]:
        modes.append(mode_of(step.channel, step.mode, policy.call_proof, modes))
    resolved = [
        msgspec.structs.replace(step, mode=resolved_mode) for step, resolved_mode in zip(steps, modes, strict=True)
    ]

    def denial(step: FallbackStep) -> ErrorCode | None:
        if step.channel is Channel.SMS and request.extension is not None:
            return ErrorCode.NUMBER_INVALID  # a text cannot reach an extension
        if step.mode is Mode.PIN and (enrollment is None or enrollment.pin is None):
            return ErrorCode.PIN_NOT_SET
        denied = _denial(policy, request.purpose, step.channel, step.mode, request.number, request.kind)
        return None if denied is None else denied.code

    return fallback.plan_steps(resolved, denial)


def _denial(
    policy: Policy,
    purpose: Purpose | None,
    channel: Channel,
    mode: Mode | None,
    number: PhoneNumber,
    kind: PhoneKind | None,
) -> Denial | None:
    return method_denial(policy, purpose, channel, number, kind) or (mode_denial(policy, mode) if mode else None)
