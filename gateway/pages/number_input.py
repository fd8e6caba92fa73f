"""Reads a number as a person typed it, and says what is wrong with it as exactly as can be said."""

import unicodedata

import msgspec
import phonenumbers
from phonenumbers import PhoneNumberFormat, ValidationResult

from gateway.domain.enrollment import PhoneKind
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.phone_number import PhoneNumber, parse_extension, parse_written
from gateway.domain.policy import Policy
from gateway.domain.verification import Channel, Purpose
from gateway.pages.components import Field, FormError, FormErrorCode, MethodChoice, MethodDenied
from gateway.pages.views import method_choices

_IGNORED = dict.fromkeys(map(ord, "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"))
"""Marks of direction, which come along when a number is copied from an Arabic or Hebrew text."""
_LENGTHS = {
    ValidationResult.TOO_SHORT: FormErrorCode.NUMBER_TOO_SHORT,
    ValidationResult.TOO_LONG: FormErrorCode.NUMBER_TOO_LONG,
}
_ALLOWED = frozenset("0123456789+()./- ")


class TypedNumber(msgspec.Struct, frozen=True, gc=False):
    """What a person gave as their phone, as typed."""

    kind: PhoneKind
    country: str
    number: str
    extension: str = ""


class ParsedNumber(msgspec.Struct, frozen=True, gc=False):
    """What became of it: the number if it is one and how it is written, what is wrong, and how it can be reached."""

    number: PhoneNumber | None
    extension: str | None
    formatted: str | None
    errors: tuple[FormError, ...]
    methods: tuple[MethodChoice, ...]


def judge(typed: TypedNumber, policy: Policy, no_calls: MethodDenied | None) -> ParsedNumber:
    """Read a phone, and say under this policy how it can be reached; `no_calls` is what `calls_denied` says."""
    errors = []
    number, fault = _number(typed.country, typed.number)
    if fault is not None:
        field = Field.COUNTRY if fault is FormErrorCode.COUNTRY_MISSING else Field.NUMBER
        errors.append(FormError(fault, field))
    extension = None
    written = plain(typed.extension).strip() if typed.kind is PhoneKind.OFFICE else ""
    if written:
        try:
            extension = parse_extension(written)
        except Rejected:
            errors.append(FormError(FormErrorCode.EXTENSION_MALFORMED, Field.EXTENSION))
    return ParsedNumber(
        number,
        extension,
        None if number is None else _formatted(number),
        tuple(errors),
        method_choices(policy, Purpose.ENROLL, number, typed.kind, extended=bool(written), no_calls=no_calls),
    )


def channel_error(judged: ParsedNumber, channel: Channel | None) -> FormError | None:
    """Say what is wrong with the chosen method, if anything is."""
    chosen = next((choice for choice in judged.methods if choice.channel is channel), None)
    if chosen is None:
        return FormError(FormErrorCode.CHANNEL_MISSING, Field.CHANNEL)
    return None if chosen.denied is None else FormError(FormErrorCode.DENIED, Field.CHANNEL, chosen.denied)


def plain(typed: str) -> str:
    """Return what was typed with any script's digits as ASCII, and without marks that nobody sees."""
    text = unicodedata.normalize("NFKC", typed).translate(_IGNORED)
    return "".join(str(unicodedata.digit(letter, letter)) for letter in text)


def _number(country: str, typed: str) -> tuple[PhoneNumber | None, FormErrorCode | None]:
    text = " ".join(plain(typed).split())
    if not text:
        return None, FormErrorCode.NUMBER_MISSING
    if not country:
        return None, FormErrorCode.COUNTRY_MISSING
    if not _ALLOWED.issuperset(text):
        return None, FormErrorCode.NUMBER_CHARACTERS
    try:
        return parse_written(country, text), None
    except Rejected as refusal:
        if refusal.code is ErrorCode.NUMBER_BLOCKED:
            return None, FormErrorCode.NUMBER_BLOCKED
        return None, FormErrorCode.COUNTRY_MISSING if refusal.field == "to.country" else _length_fault(country, text)


def _length_fault(country: str, text: str) -> FormErrorCode:
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException as error:
        short = error.error_type == phonenumbers.NumberParseException.TOO_SHORT_NSN
        return FormErrorCode.NUMBER_TOO_SHORT if short else FormErrorCode.NUMBER_INVALID
    return _LENGTHS.get(phonenumbers.is_possible_number_with_reason(number), FormErrorCode.NUMBER_INVALID)


def _formatted(number: PhoneNumber) -> str:
    return phonenumbers.format_number(phonenumbers.parse(number.e164), PhoneNumberFormat.INTERNATIONAL)
