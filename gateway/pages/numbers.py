"""Reads a number as a person typed it, and says what is wrong with it as exactly as can be said."""

import unicodedata

import msgspec
import phonenumbers
from phonenumbers import PhoneNumberFormat, ValidationResult

from gateway.domain.enrollment import PhoneKind
from gateway.domain.permissions import Policy
from gateway.domain.phone import PhoneNumber, parse_extension, parse_written
from gateway.domain.refusals import RefusalCode, Refused
from gateway.domain.verification import Channel, Purpose
from gateway.pages.parts import Denied, Fault, Field, FieldError, MethodChoice
from gateway.pages.views import method_choices

_IGNORED = dict.fromkeys(map(ord, "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"))
"""Marks of direction, which come along when a number is copied from an Arabic or Hebrew text."""
_LENGTHS = {
    ValidationResult.TOO_SHORT: Fault.NUMBER_TOO_SHORT,
    ValidationResult.TOO_LONG: Fault.NUMBER_TOO_LONG,
}
_ALLOWED = frozenset("0123456789+()./- ")


class Typed(msgspec.Struct, frozen=True, gc=False):
    """What a person gave as their phone, as typed."""

    kind: PhoneKind
    country: str
    number: str
    extension: str = ""


class Judged(msgspec.Struct, frozen=True, gc=False):
    """What became of it: the number if it is one and how it is written, what is wrong, and how it can be reached."""

    number: PhoneNumber | None
    extension: str | None
    formatted: str | None
    errors: tuple[FieldError, ...]
    methods: tuple[MethodChoice, ...]


def judge(typed: Typed, policy: Policy, no_calls: Denied | None) -> Judged:
    """Read a phone, and say under this policy how it can be reached; `no_calls` is what `calls_denied` says."""
    errors = []
    number, fault = _number(typed.country, typed.number)
    if fault is not None:
        field = Field.COUNTRY if fault is Fault.COUNTRY_MISSING else Field.NUMBER
        errors.append(FieldError(fault, field))
    extension = None
    written = plain(typed.extension).strip() if typed.kind is PhoneKind.OFFICE else ""
    if written:
        try:
            extension = parse_extension(written)
        except Refused:
            errors.append(FieldError(Fault.EXTENSION_MALFORMED, Field.EXTENSION))
    return Judged(
        number,
        extension,
        None if number is None else _formatted(number),
        tuple(errors),
        method_choices(policy, Purpose.ENROLL, number, typed.kind, extended=bool(written), no_calls=no_calls),
    )


def channel_error(judged: Judged, channel: Channel | None) -> FieldError | None:
    """Say what is wrong with the chosen method, if anything is."""
    chosen = next((choice for choice in judged.methods if choice.channel is channel), None)
    if chosen is None:
        return FieldError(Fault.CHANNEL_MISSING, Field.CHANNEL)
    return None if chosen.denied is None else FieldError(Fault.DENIED, Field.CHANNEL, chosen.denied)


def plain(typed: str) -> str:
    """Return what was typed with any script's digits as ASCII, and without marks that nobody sees."""
    text = unicodedata.normalize("NFKC", typed).translate(_IGNORED)
    return "".join(str(unicodedata.digit(letter, letter)) for letter in text)


def _number(country: str, typed: str) -> tuple[PhoneNumber | None, Fault | None]:
    text = " ".join(plain(typed).split())
    if not text:
        return None, Fault.NUMBER_MISSING
    if not country:
        return None, Fault.COUNTRY_MISSING
    if not _ALLOWED.issuperset(text):
        return None, Fault.NUMBER_CHARACTERS
    try:
        return parse_written(country, text), None
    except Refused as refusal:
        if refusal.code is RefusalCode.NUMBER_BLOCKED:
            return None, Fault.NUMBER_BLOCKED
        return None, Fault.COUNTRY_MISSING if refusal.field == "to.country" else _length_fault(country, text)


def _length_fault(country: str, text: str) -> Fault:
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException as error:
        short = error.error_type == phonenumbers.NumberParseException.TOO_SHORT_NSN
        return Fault.NUMBER_TOO_SHORT if short else Fault.NUMBER_INVALID
    return _LENGTHS.get(phonenumbers.is_possible_number_with_reason(number), Fault.NUMBER_INVALID)


def _formatted(number: PhoneNumber) -> str:
    return phonenumbers.format_number(phonenumbers.parse(number.e164), PhoneNumberFormat.INTERNATIONAL)
