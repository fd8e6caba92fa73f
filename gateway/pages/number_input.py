"""Parses a phone number as a person typed it, with an exact error for each mistake."""

import unicodedata

import msgspec
import phonenumbers
from phonenumbers import PhoneNumberFormat, ValidationResult

from gateway.domain.enrollment import PhoneKind
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.phone_number import PhoneNumber, normalize_written, parse_extension, parse_written, split_extension
from gateway.domain.policy import Policy
from gateway.domain.verification import Channel, Purpose
from gateway.pages.components import Field, FormError, FormErrorCode, MethodChoice, MethodDenial
from gateway.pages.views import method_choices

_IGNORED = dict.fromkeys(map(ord, "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"))
"""Directional marks (Unicode UAX #9), which are copied along with a number from Arabic or Hebrew text."""
_LENGTHS = {
    ValidationResult.TOO_SHORT: FormErrorCode.NUMBER_TOO_SHORT,
    ValidationResult.TOO_LONG: FormErrorCode.NUMBER_TOO_LONG,
}
_ALLOWED = frozenset("0123456789+()./- ")


class TypedNumber(msgspec.Struct, frozen=True, gc=False):
    """The fields of the phone form, as typed."""

    kind: PhoneKind
    country: str
    number: str
    extension: str = ""


class ParsedNumber(msgspec.Struct, frozen=True, gc=False):
    """The number if it is valid, in international format (`formatted`), the errors, and the methods that reach it."""

    number: PhoneNumber | None
    extension: str | None
    formatted: str | None
    errors: tuple[FormError, ...]
    methods: tuple[MethodChoice, ...]


def parse_typed_number(typed: TypedNumber, policy: Policy, call_denial: MethodDenial | None) -> ParsedNumber:
    """Parse a phone, and list the methods that this policy allows; `call_denial` is the result of `call_denial_of`."""
    errors = []
    written, found_extension = split_extension(typed.number)
    number, code = _parse_number(typed.country, written if typed.kind is PhoneKind.OFFICE else typed.number)
    if code is not None:
        errors.append(FormError(code, Field.COUNTRY if code is FormErrorCode.COUNTRY_MISSING else Field.NUMBER))
    extension = None
    typed_extension = ""
    if typed.kind is PhoneKind.OFFICE:
        typed_extension = to_ascii_digits(typed.extension).strip() or found_extension or ""
    if typed_extension:
        try:
            extension = parse_extension(typed_extension)
        except Rejected:
            errors.append(FormError(FormErrorCode.EXTENSION_MALFORMED, Field.EXTENSION))
    return ParsedNumber(
        number,
        extension,
        None if number is None else _formatted(number),
        tuple(errors),
        method_choices(
            policy, Purpose.ENROLL, number, typed.kind, extended=bool(typed_extension), call_denial=call_denial
        ),
    )


def channel_error(parsed: ParsedNumber, channel: Channel | None) -> FormError | None:
    """Return the error of the chosen method; None if it is allowed."""
    choice = next((method for method in parsed.methods if method.channel is channel), None)
    if choice is None:
        return FormError(FormErrorCode.CHANNEL_MISSING, Field.CHANNEL)
    return None if choice.denial is None else FormError(FormErrorCode.DENIED, Field.CHANNEL, choice.denial)


def to_ascii_digits(typed: str) -> str:
    """Return the text with digits of any script as ASCII, without directional marks."""
    text = unicodedata.normalize("NFKC", typed).translate(_IGNORED)
    return "".join(str(unicodedata.digit(letter, letter)) for letter in text)


def _parse_number(country: str, typed: str) -> tuple[PhoneNumber | None, FormErrorCode | None]:
    text = normalize_written(typed)
    if not text:
        return None, FormErrorCode.NUMBER_MISSING
    if not country:
        return None, FormErrorCode.COUNTRY_MISSING
    if not _ALLOWED.issuperset(text):
        return None, FormErrorCode.NUMBER_CHARACTERS
    try:
        return parse_written(country, text), None
    except Rejected as rejection:
        if rejection.code is ErrorCode.NUMBER_BLOCKED:
            return None, FormErrorCode.NUMBER_BLOCKED
        return None, FormErrorCode.COUNTRY_MISSING if rejection.field == "to.country" else _length_error(country, text)


def _length_error(country: str, text: str) -> FormErrorCode:
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException as error:
        short = error.error_type == phonenumbers.NumberParseException.TOO_SHORT_NSN
        return FormErrorCode.NUMBER_TOO_SHORT if short else FormErrorCode.NUMBER_INVALID
    return _LENGTHS.get(phonenumbers.is_possible_number_with_reason(number), FormErrorCode.NUMBER_INVALID)


def _formatted(number: PhoneNumber) -> str:
    return phonenumbers.format_number(phonenumbers.parse(number.e164), PhoneNumberFormat.INTERNATIONAL)
