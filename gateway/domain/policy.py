"""What an application's people may do: a policy that knows who set each of its values, and decisions over it.

Every no is a `Denial`: a stable code, who decided it, and what to do next. Narrowing a policy never allows more.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated

import msgspec
import phonenumbers
from phonenumbers import PhoneNumberType

from gateway.domain.enrollment import Phone, PhoneKind
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.ivr.modes import is_enough
from gateway.domain.limits import Count, Limits
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.verification import Channel, FallbackStep, Mode, Purpose


class LineType(StrEnum):
    """What kind of line a number is, as far as its numbering plan tells (the words of `phonenumbers`).

    In some plans, North America's above all, mobile phones and landlines share their numbers: `fixed_line_or_mobile`.
    Premium-rate and shared-cost numbers have no word here, because they are never texted or called.
    """

    MOBILE = "mobile"
    FIXED_LINE = "fixed_line"
    FIXED_LINE_OR_MOBILE = "fixed_line_or_mobile"
    VOIP = "voip"
    TOLL_FREE = "toll_free"
    PERSONAL_NUMBER = "personal_number"
    PAGER = "pager"
    UAN = "uan"
    VOICEMAIL = "voicemail"


class Level(StrEnum):
    """Where a value of a policy comes from, the strongest last."""

    GATEWAY = "gateway"
    DEFAULT = "default"
    APPLICATION = "application"
    GROUP = "group"


class PolicyOrigin(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Who set a value; `name` is the application's or the group's. Its `str()` is for people."""

    level: Level
    name: str | None = None

    def __str__(self) -> str:
        match self.level:
            case Level.GATEWAY:
                return "the gateway itself"
            case Level.DEFAULT:
                return "the default policy"
            case Level.APPLICATION:
                return f"the policy of {self.name}"
            case Level.GROUP:
                return f"the policy of the group {self.name}"


GATEWAY = PolicyOrigin(Level.GATEWAY)


class Policy(msgspec.Struct, frozen=True, gc=False):
    """What one person of one application may do. Empty lists of countries and line types mean: any.

    `enroll` and `sign_in` are the ways a phone may be proven, and then used. Countries are ISO 3166 alpha-2.
    `people_per_number` (0: any) are people of the application. `code_length` (digits), `code_lifetime` (seconds) and
    `checks` (wrong codes) are the gateway's limits where None. `call_proof` is what a call asks for: `confirm`, `match`
    or `pin`. Within `proof_cache` seconds of a proof the next sign-in needs none. With `reply_with_code`, a code that
    is texted back approves. A verification that begins as `fallback` does goes on as it says. With `call_backup`, a
    sign-in's unanswered call goes on to the person's next phone. `return_urls` are exact. `origins` names who
    set each field, if not the gateway.
    """

    enroll: tuple[Channel, ...] = tuple(Channel)
    sign_in: tuple[Channel, ...] = tuple(Channel)
    phone_kinds: tuple[PhoneKind, ...] = tuple(PhoneKind)
    text_countries: tuple[str, ...] = ()
    call_countries: tuple[str, ...] = ()
    line_types: tuple[LineType, ...] = ()
    people_per_number: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0
    code_length: Annotated[int, msgspec.Meta(ge=4, le=10)] | None = None
    code_lifetime: Annotated[int, msgspec.Meta(ge=1, le=86_400)] | None = None
    checks: Count | None = None
    call_proof: Mode = Mode.CONFIRM
    proof_cache: Annotated[int, msgspec.Meta(ge=0, le=86_400)] = 0
    remember_device_days: Annotated[int, msgspec.Meta(ge=0, le=365)] = 0
    app_passwords: bool = True
    fraud_block_days: Annotated[int, msgspec.Meta(ge=1, le=3_650)] = 90
    reply_with_code: bool = False
    fallback: tuple[FallbackStep, ...] = ()
    call_backup: bool = False
    return_urls: tuple[str, ...] = ()
    origins: Mapping[str, PolicyOrigin] = {}

    def origin(self, field: str) -> PolicyOrigin:
        """Return who set a field."""
        return self.origins.get(field, GATEWAY)

    def channels(self, purpose: Purpose | None) -> tuple[Channel, ...]:
        """Return how a person may be reached for a purpose; a number without an enrollment, for any."""
        if purpose is None:
            return (*self.enroll, *self.sign_in)
        return self.enroll if purpose is Purpose.ENROLL else self.sign_in

    def countries(self, channel: Channel) -> tuple[str, ...]:
        """Return where a channel may reach; empty: everywhere."""
        return self.text_countries if channel is Channel.SMS else self.call_countries

    def limits(self, limits: Limits) -> Limits:
        """Return the gateway's limits as this policy changes them."""
        return msgspec.structs.replace(
            limits,
            code_length=self.code_length or limits.code_length,
            lifetime=self.code_lifetime or limits.lifetime,
            checks_per_verification=self.checks or limits.checks_per_verification,
        )


DEFAULTS = Policy()
FIELDS: tuple[str, ...] = tuple(name for name in Policy.__struct_fields__ if name != "origins")
"""The fields that can be set."""


class Denial(msgspec.Struct, frozen=True, gc=False):
    """Why something may not be done: a stable code, sentences for people, and who decided."""

    code: ErrorCode
    detail: str
    decided_by: PolicyOrigin
    next_step: str

    def __str__(self) -> str:
        return f"{self.detail} Decided by {self.decided_by}. {self.next_step}"

    def refused(self, field: str | None = None) -> Rejected:
        """Return the refusal to raise; `field` names the request's field at fault, if one is."""
        return Rejected(self.code, str(self), field=field)


class Feature(StrEnum):
    """What a policy can switch off, by the field that does."""

    APP_PASSWORDS = "app_passwords"
    TRUSTED_DEVICES = "remember_device_days"


class Permission(msgspec.Struct, frozen=True, gc=False):
    """Whether a person may be reached in one way for one purpose: on one phone, or (no `phone_id`) any of its kind."""

    purpose: Purpose
    channel: Channel
    kind: PhoneKind
    phone_id: str | None
    denial: Denial | None


class Rule(msgspec.Struct, frozen=True, gc=False):
    """One field of a policy: its value, and who set it."""

    name: str
    value: object
    decided_by: PolicyOrigin


def apply_override(policy: Policy, values: Mapping[str, object], origin: PolicyOrigin) -> Policy:
    """Return the policy with these fields set by `origin`; the others stay whose they are."""
    origins = {**policy.origins, **dict.fromkeys(values, origin)}
    return msgspec.structs.replace(policy, **values, origins=origins)


def method_denial(
    policy: Policy, purpose: Purpose | None, channel: Channel, number: PhoneNumber | None, kind: PhoneKind | None
) -> Denial | None:
    """Say why a person may not be reached in this way, or None if they may.

    Without a purpose, a channel must be allowed for any; without a number or a kind, what concerns them is left open.
    Only a policy that restricts countries or line types costs a look at the numbering plan (40 µs).
    """
    field = _forbidding_field(policy, purpose, channel, number, kind)
    if field is None:
        return None
    detail, next_step = _explanation(policy, field, purpose, channel, kind)
    other = Channel.CALL if channel is Channel.SMS else Channel.SMS
    if _forbidding_field(policy, purpose, other, number, kind) is None:
        next_step = f"Ask for {_A[other]} instead."
    return Denial(_CODES[field], detail, policy.origin(field), next_step)


def mode_denial(policy: Policy, mode: Mode) -> Denial | None:
    """Say why a call may not ask for what this mode asks for, or None if it may."""
    if is_enough(mode, policy.call_proof):
        return None
    return Denial(
        ErrorCode.METHOD_FORBIDDEN,
        "Calls have to ask for the PIN." if policy.call_proof is Mode.PIN else "A bare # is not enough.",
        policy.origin("call_proof"),
        f"Ask for the mode {policy.call_proof}, or leave the mode out.",
    )


def sharing_denial(policy: Policy, others: int) -> Denial | None:
    """Say why one more person may not have a number that so many others of the application have, or None."""
    if not policy.people_per_number or others < policy.people_per_number:
        return None
    return Denial(
        ErrorCode.NUMBER_SHARED_TOO_OFTEN,
        f"This number already belongs to {others} {'person' if others == 1 else 'people'}.",
        policy.origin("people_per_number"),
        "Use another phone.",
    )


def feature_denial(policy: Policy, feature: Feature) -> Denial | None:
    """Say why a feature may not be used, or None if it may."""
    if getattr(policy, feature):
        return None
    detail, next_step = _OFF[feature]
    return Denial(ErrorCode.FEATURE_OFF, detail, policy.origin(feature), next_step)


def explain(policy: Policy, phones: Iterable[Phone]) -> tuple[Permission, ...]:
    """Tell what a person may do: for each purpose and channel, with a phone of each kind and with each of theirs."""
    subjects: list[tuple[PhoneKind, str | None, PhoneNumber | None]] = [(kind, None, None) for kind in PhoneKind]
    subjects += [(phone.kind, phone.id, phone.number) for phone in phones]
    return tuple(
        Permission(purpose, channel, kind, phone_id, method_denial(policy, purpose, channel, number, kind))
        for purpose in _EXPLAINED
        for kind, phone_id, number in subjects
        for channel in Channel
    )


def rules(policy: Policy) -> tuple[Rule, ...]:
    """List a policy's fields with their values and who set them."""
    return tuple(Rule(name, getattr(policy, name), policy.origin(name)) for name in FIELDS)


def _forbidding_field(
    policy: Policy, purpose: Purpose | None, channel: Channel, number: PhoneNumber | None, kind: PhoneKind | None
) -> str | None:
    """Return the field of the policy that forbids this; what concerns the number comes last, because it costs."""
    if kind is not None and kind not in policy.phone_kinds:
        return "phone_kinds"
    purposes = (purpose,) if purpose else _EXPLAINED
    if not any(channel in policy.channels(each) for each in purposes):
        return _CHANNELS[purposes[-1]]
    countries = policy.countries(channel)
    if number is None or not (countries or policy.line_types):
        return None
    plan = phonenumbers.parse(number.e164)
    if countries and phonenumbers.region_code_for_number(plan) not in countries:
        return _COUNTRIES[channel]
    if policy.line_types and _LINE_TYPES.get(phonenumbers.number_type(plan)) not in policy.line_types:
        return "line_types"
    return None


def _explanation(
    policy: Policy, field: str, purpose: Purpose | None, channel: Channel, kind: PhoneKind | None
) -> tuple[str, str]:
    """Return what is forbidden, and what to do if the other channel is no way out."""
    if field == "phone_kinds":
        return f"Phones of the kind {kind} may not be used.", _use("a phone of the kind", policy.phone_kinds)
    if field == "line_types":
        return "Lines of this type may not be used.", _use("a line of the type", policy.line_types)
    if field in _COUNTRIES.values():
        detail = f"{_A[channel].capitalize()} may not go to this country."
        return detail, _use("a number of the country", policy.countries(channel))
    return f"{_A[channel].capitalize()} may not be used{_TO[purpose]}.", _ASK


def _use(what: str, choices: tuple[str, ...]) -> str:
    return f"Use {what} {' or '.join(choices)}." if 0 < len(choices) <= _TOLD_CHOICES else _ASK


_TOLD_CHOICES = 5
_ASK = "Ask your help desk for another way."
_A = {Channel.SMS: "a text", Channel.CALL: "a call"}
_TO = {
    None: "",
    Purpose.ENROLL: " to prove a phone",
    Purpose.SIGN_IN: " to sign in",
    Purpose.MANAGE: " to prove who you are",
}
_EXPLAINED = (Purpose.ENROLL, Purpose.SIGN_IN)
"""Who changes the record proves it as at sign-in, so there is nothing more to tell."""
_OFF = {
    Feature.APP_PASSWORDS: ("App passwords are switched off.", "Use an application that can ask for a phone."),
    Feature.TRUSTED_DEVICES: ("Devices are not remembered.", "Prove your phone at each sign-in."),
}
_CHANNELS = {Purpose.ENROLL: "enroll", Purpose.SIGN_IN: "sign_in", Purpose.MANAGE: "sign_in"}
_COUNTRIES = {Channel.SMS: "text_countries", Channel.CALL: "call_countries"}
_CODES = {
    "enroll": ErrorCode.METHOD_FORBIDDEN,
    "sign_in": ErrorCode.METHOD_FORBIDDEN,
    "phone_kinds": ErrorCode.PHONE_KIND_FORBIDDEN,
    "text_countries": ErrorCode.COUNTRY_FORBIDDEN,
    "call_countries": ErrorCode.COUNTRY_FORBIDDEN,
    "line_types": ErrorCode.LINE_TYPE_FORBIDDEN,
}
_LINE_TYPES = {
    PhoneNumberType.MOBILE: LineType.MOBILE,
    PhoneNumberType.FIXED_LINE: LineType.FIXED_LINE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE: LineType.FIXED_LINE_OR_MOBILE,
    PhoneNumberType.VOIP: LineType.VOIP,
    PhoneNumberType.TOLL_FREE: LineType.TOLL_FREE,
    PhoneNumberType.PERSONAL_NUMBER: LineType.PERSONAL_NUMBER,
    PhoneNumberType.PAGER: LineType.PAGER,
    PhoneNumberType.UAN: LineType.UAN,
    PhoneNumberType.VOICEMAIL: LineType.VOICEMAIL,
}
