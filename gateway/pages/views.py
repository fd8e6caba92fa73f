"""Turns verifications, phones and policies of the domain into what the pages show."""

from collections.abc import Iterable

import msgspec

from gateway.domain.commands import resend_times
from gateway.domain.delivery import DeliveryStatus
from gateway.domain.enrollment import Enrollment, Phone, PhoneKind
from gateway.domain.ivr.dtmf import confirming_keys
from gateway.domain.ivr.keypad import FRAUD_KEY, POUND, Keypad
from gateway.domain.ivr.states import CallState
from gateway.domain.limits import SECOND, Limits
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.pins import pin_denial
from gateway.domain.policy import Denial, Feature, Level, Policy, feature_denial, method_denial
from gateway.domain.verification import Attempt, Channel, FailureCode, Mode, Purpose, Status, Verification
from gateway.pages.components import (
    DecidedBy,
    DeliveryState,
    DenialReason,
    MethodChoice,
    MethodDenial,
    ResendOption,
    SignInMethod,
)
from gateway.services.portal import PortalVisit

_SHOWN_DIGITS = 4
_DECIDERS = {Level.GROUP: DecidedBy.GROUP, Level.GATEWAY: DecidedBy.GATEWAY}
_BACK_KEYS = "134"  # at most two keys confirm on a call
_DELIVERY_STATES = {
    DeliveryStatus.QUEUED: DeliveryState.QUEUED,
    DeliveryStatus.SENDING: DeliveryState.QUEUED,
    DeliveryStatus.UNKNOWN: DeliveryState.UNKNOWN,
    DeliveryStatus.SENT: DeliveryState.SENT,
    DeliveryStatus.INITIATED: DeliveryState.SENT,
    DeliveryStatus.RINGING: DeliveryState.SENT,
    DeliveryStatus.IN_PROGRESS: DeliveryState.SENT,
    DeliveryStatus.DELIVERED: DeliveryState.DELIVERED,
    DeliveryStatus.COMPLETED: DeliveryState.DELIVERED,
    DeliveryStatus.UNDELIVERED: DeliveryState.UNDELIVERED,
    DeliveryStatus.BUSY: DeliveryState.UNDELIVERED,
    DeliveryStatus.NO_ANSWER: DeliveryState.UNDELIVERED,
    DeliveryStatus.FAILED: DeliveryState.UNDELIVERED,
    DeliveryStatus.CANCELED: DeliveryState.UNDELIVERED,
}


def mask_number(number: PhoneNumber) -> str:
    """Return a number with all but its last four digits masked, as in `•••• 0123`."""
    return f"•••• {number.e164[-_SHOWN_DIGITS:]}"


def key_to_press(attempt: Attempt, keypad: Keypad) -> str:
    """Return the key that a call asks for: the confirm key, or # where it ends keyed-in digits.

    While the call asks whether a refusal is meant, # would confirm the refusal: then it is a key that goes back.
    """
    if attempt.call_state in {CallState.CONFIRM_REPORT, CallState.CONFIRM_STOP}:
        return next(digit for digit in _BACK_KEYS if digit not in confirming_keys(attempt, keypad))
    return POUND if attempt.mode in {Mode.MATCH, Mode.PIN} else keypad.asking(attempt.confirm_key).confirm


def delivery_state(attempt: Attempt) -> DeliveryState:
    """Return the delivery state of a text or call."""
    return _DELIVERY_STATES[attempt.status]


def refusing_key(verification: Verification, keypad: Keypad) -> str | None:
    """Return the key by which a callee said no; None if nobody did, or if it was by a text."""
    if verification.status is not Status.DENIED or verification.failure is None:
        return None
    code = verification.failure.code
    calls = [attempt for attempt in verification.attempts if attempt.channel is Channel.CALL]
    if all(call.failure is None or call.failure.code is not code for call in calls):
        return None
    keys = {FailureCode.REPORTED_FRAUD: FRAUD_KEY, FailureCode.NUMBER_BLOCKED: keypad.never_call}
    return keys.get(code)


def to_method_denial(denial: Denial) -> MethodDenial:
    """Return a denial of the policy as the pages show it."""
    origin = denial.decided_by
    return MethodDenial(
        DenialReason(denial.code.value),
        _DECIDERS.get(origin.level, DecidedBy.APPLICATION),
        origin.name if origin.level is Level.GROUP else None,
    )


def call_denial_of(policy: Policy, enrollment: Enrollment, now: int) -> MethodDenial | None:
    """Return why calls are denied, when they ask for a PIN that is locked or not set; None if they are allowed."""
    denial = pin_denial(policy, enrollment, now)
    return None if denial is None else to_method_denial(denial)


def method_denial_of(
    policy: Policy,
    purpose: Purpose,
    channel: Channel,
    number: PhoneNumber | None,
    kind: PhoneKind,
    *,
    extended: bool,
    call_denial: MethodDenial | None,
) -> MethodDenial | None:
    """Return why a phone may not be texted or called; None if it may.

    `extended` tells whether it has an extension; `call_denial` is the result of `call_denial_of`.
    """
    if channel is Channel.SMS and extended:
        return MethodDenial(DenialReason.NO_TEXTS_TO_EXTENSION)
    if channel is Channel.SMS and number is not None and number.is_landline:
        return MethodDenial(DenialReason.NO_TEXTS_TO_LINE)
    denial = method_denial(policy, purpose, channel, number, kind)
    if denial is not None:
        return to_method_denial(denial)
    return call_denial if channel is Channel.CALL else None


def method_choices(
    policy: Policy,
    purpose: Purpose,
    number: PhoneNumber | None,
    kind: PhoneKind,
    *,
    extended: bool,
    call_denial: MethodDenial | None,
) -> tuple[MethodChoice, ...]:
    """Return both channels, each with the denial if there is one."""
    denials = {
        channel: method_denial_of(policy, purpose, channel, number, kind, extended=extended, call_denial=call_denial)
        for channel in Channel
    }
    is_last = all(denials.values())
    return tuple(MethodChoice(channel, _advising(denial, is_last=is_last)) for channel, denial in denials.items())


def _advising(denial: MethodDenial | None, *, is_last: bool) -> MethodDenial | None:
    """Return a denial that knows whether every channel is denied."""
    return denial and msgspec.structs.replace(denial, is_last=is_last)


def sign_in_methods(
    policy: Policy, enrollment: Enrollment, phones: Iterable[Phone], now: int
) -> tuple[SignInMethod, ...]:
    """Return a text and a call for each phone; the default method is the chosen one."""
    default, call_denial = enrollment.default_method, call_denial_of(policy, enrollment, now)
    return tuple(
        SignInMethod(
            phone.id,
            choice.channel,
            phone.kind,
            mask_number(phone.number),
            phone.extension,
            chosen=default is not None and (default.phone_id, default.channel) == (phone.id, choice.channel),
            denial=choice.denial,
        )
        for phone in phones
        for choice in method_choices(
            policy,
            Purpose.SIGN_IN,
            phone.number,
            phone.kind,
            extended=phone.extension is not None,
            call_denial=call_denial,
        )
    )


def resend_options(
    visit: PortalVisit, verification: Verification, kind: PhoneKind, limits: Limits, now: int
) -> tuple[ResendOption, ...]:
    """Return the texts and calls that can be sent again, or that start a new verification once this one has ended."""
    policy, call_denial = visit.policy, call_denial_of(visit.policy, visit.enrollment, now)
    extended = verification.extension is not None
    purpose = verification.purpose or Purpose.ENROLL
    options = []
    for channel, at in zip((Channel.SMS, Channel.CALL), resend_times(verification, limits), strict=True):
        denial = method_denial_of(
            policy, purpose, channel, verification.number, kind, extended=extended, call_denial=call_denial
        )
        if at is None and verification.status is Status.PENDING and denial is None:
            continue  # a call is under way
        options.append(ResendOption(channel, wait=max(0, -(-((at or 0) - now) // SECOND)), denial=denial))
    return tuple(options)


def step_count(visit: PortalVisit) -> int:
    """Return how many steps enrolling has: the third one shows an app password, unless they are off or one exists."""
    return 2 if feature_denial(visit.policy, Feature.APP_PASSWORDS) or visit.enrollment.app_passwords else 3
