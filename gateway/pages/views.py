"""What a page shows of our state: the domain's records in the page's own words."""

from collections.abc import Iterable

from gateway.domain.commands import resend_times
from gateway.domain.delivery import DeliveryStatus
from gateway.domain.enrollment import Enrollment, Phone, PhoneKind
from gateway.domain.ivr.keypad import POUND, Keypad
from gateway.domain.limits import SECOND, Limits
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.pins import pin_denial
from gateway.domain.policy import Denial, Feature, Level, Policy, feature_denial, method_denial
from gateway.domain.verification import Attempt, Channel, Mode, Purpose, Status, Verification
from gateway.pages.components import (
    DecidedBy,
    DeliveryState,
    DenialReason,
    MethodChoice,
    MethodDenied,
    ResendOption,
    SignInMethod,
)
from gateway.services.portal import PortalVisit

_SHOWN_DIGITS = 4
_DECIDERS = {Level.GROUP: DecidedBy.GROUP, Level.GATEWAY: DecidedBy.GATEWAY}
_TEXTS = {
    DeliveryStatus.QUEUED: DeliveryState.QUEUED,
    DeliveryStatus.SENDING: DeliveryState.QUEUED,
    DeliveryStatus.UNKNOWN: DeliveryState.UNKNOWN,
    DeliveryStatus.SENT: DeliveryState.SENT,
    DeliveryStatus.DELIVERED: DeliveryState.DELIVERED,
    DeliveryStatus.UNDELIVERED: DeliveryState.UNDELIVERED,
    DeliveryStatus.FAILED: DeliveryState.UNDELIVERED,
}
_CALLS = {
    DeliveryStatus.QUEUED: DeliveryState.DIALLING,
    DeliveryStatus.SENDING: DeliveryState.DIALLING,
    DeliveryStatus.UNKNOWN: DeliveryState.UNKNOWN,
    DeliveryStatus.INITIATED: DeliveryState.DIALLING,
    DeliveryStatus.RINGING: DeliveryState.RINGING,
    DeliveryStatus.IN_PROGRESS: DeliveryState.ANSWERED,
}


def masked(number: PhoneNumber) -> str:
    """Return as much of a number as its owner needs to know it by."""
    return f"•••• {number.e164[-_SHOWN_DIGITS:]}"


def key_of(attempt: Attempt, keypad: Keypad) -> str:
    """Return the key that a call asks for: that of the phone or the gateway, or # where it ends what is keyed in."""
    return POUND if attempt.mode in {Mode.MATCH, Mode.PIN} else keypad.asking(attempt.confirm_key).confirm


def delivery_of(attempt: Attempt) -> DeliveryState:
    """Return how far a text or a call got."""
    if attempt.channel is Channel.SMS:
        return _TEXTS.get(attempt.status, DeliveryState.UNKNOWN)
    if attempt.failure is not None:
        return DeliveryState.ENDED
    if attempt.gather_number and attempt.status is DeliveryStatus.IN_PROGRESS:
        return DeliveryState.WAITING_FOR_KEY
    return _CALLS.get(attempt.status, DeliveryState.ENDED)


def denied(denial: Denial) -> MethodDenied:
    """Return a policy's no as the pages tell it."""
    origin = denial.decided_by
    return MethodDenied(
        DenialReason(denial.code.value),
        _DECIDERS.get(origin.level, DecidedBy.APPLICATION),
        _group(origin.level, origin.name),
    )


def calls_denied(policy: Policy, enrollment: Enrollment, now: int) -> MethodDenied | None:
    """Say why calls cannot be had, where they ask for a PIN which is not there, or locked; None if they can."""
    denial = pin_denial(policy, enrollment, now)
    return None if denial is None else denied(denial)


def method_denied(
    policy: Policy,
    purpose: Purpose,
    channel: Channel,
    number: PhoneNumber | None,
    phone: tuple[PhoneKind, bool],
    no_calls: MethodDenied | None,
) -> MethodDenied | None:
    """Say why a phone (its kind, and whether it has an extension) cannot be reached in this way; None if it can.

    `no_calls` is what `calls_denied` says of the person.
    """
    kind, extended = phone
    if channel is Channel.SMS and extended:
        return MethodDenied(DenialReason.NO_TEXTS_TO_EXTENSION)
    if channel is Channel.SMS and number is not None and number.is_landline:
        return MethodDenied(DenialReason.NO_TEXTS_TO_LINE)
    denial = method_denial(policy, purpose, channel, number, kind)
    if denial is not None:
        return denied(denial)
    return no_calls if channel is Channel.CALL else None


def method_choices(
    policy: Policy,
    purpose: Purpose,
    number: PhoneNumber | None,
    kind: PhoneKind,
    *,
    extended: bool,
    no_calls: MethodDenied | None,
) -> tuple[MethodChoice, ...]:
    """Return text and call, each with the reason if it cannot be had."""
    return tuple(
        MethodChoice(channel, method_denied(policy, purpose, channel, number, (kind, extended), no_calls))
        for channel in Channel
    )


def methods_of(policy: Policy, enrollment: Enrollment, phones: Iterable[Phone], now: int) -> tuple[SignInMethod, ...]:
    """Return every way in which a person can sign in; the default is the chosen one."""
    default, no_calls = enrollment.default_method, calls_denied(policy, enrollment, now)
    return tuple(
        SignInMethod(
            phone.id,
            channel,
            phone.kind,
            masked(phone.number),
            phone.extension,
            chosen=default is not None and (default.phone_id, default.channel) == (phone.id, channel),
            denied=method_denied(
                policy, Purpose.SIGN_IN, channel, phone.number, (phone.kind, phone.extension is not None), no_calls
            ),
        )
        for phone in phones
        for channel in Channel
    )


def ways_of(
    visit: PortalVisit, verification: Verification, kind: PhoneKind, limits: Limits, now: int
) -> tuple[ResendOption, ...]:
    """Return how a verification can go on, or begin anew once it has ended."""
    policy, no_calls = visit.policy, calls_denied(visit.policy, visit.enrollment, now)
    phone = kind, verification.extension is not None
    purpose = verification.purpose or Purpose.ENROLL
    ways = []
    for channel, at in zip((Channel.SMS, Channel.CALL), resend_times(verification, limits), strict=True):
        no = method_denied(policy, purpose, channel, verification.number, phone, no_calls)
        if at is None and verification.status is Status.PENDING and no is None:
            continue  # a call is under way
        ways.append(ResendOption(channel, wait=max(0, -(-((at or 0) - now) // SECOND)), denied=no))
    return tuple(ways)


def steps_of(visit: PortalVisit) -> int:
    """Return how many steps enrolling takes: the third hands over an app password, where there is one to hand over."""
    return 2 if feature_denial(visit.policy, Feature.APP_PASSWORDS) or visit.enrollment.app_passwords else 3


def _group(level: Level, name: str | None) -> str | None:
    return name if level is Level.GROUP else None
