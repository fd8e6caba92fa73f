"""Phone numbers: parsed strictly or as people write them, never printed in full by accident."""

import functools
import re

import msgspec
import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberType
from phonenumbers.phonemetadata import PhoneNumberDesc

from gateway.domain.errors import ErrorCode, Rejected

_E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_WRITTEN = re.compile(r"[0-9+()./\- \u00a0]{3,40}", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
_EXTENSION = re.compile(r"(?:x|ext)?([0-9]{1,12})", re.ASCII | re.IGNORECASE)
_SECOND = "ww"  # twice half a second: `W`, a whole one, is younger, and not every carrier of the dialect knows it
_COSTLY = {PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST}
_NON_GEOGRAPHIC = "001"  # satellite and international premium numbers (+881, +882, +979, …)

_INVALID = "This is not a phone number that can be called. Write it with its country code, as in +14255550123."


class PhoneNumber(msgspec.Struct, frozen=True, gc=False):
    """A number in E.164. Its `str()` is masked, so a log or an error that prints it gives nothing away.

    One that was wiped is empty: it is of no country, and nobody can be reached by it.
    """

    e164: str

    def __str__(self) -> str:
        return f"{self.e164[:3]}***{self.e164[-2:]}"

    __repr__ = __str__

    @property
    def is_wiped(self) -> bool:
        """Tell whether this only stands where a number was."""
        return not self.e164

    @property
    def is_landline(self) -> bool:
        """Tell whether its numbering plan says that texts cannot reach it (40 µs)."""
        return (
            not self.is_wiped and phonenumbers.number_type(phonenumbers.parse(self.e164)) == PhoneNumberType.FIXED_LINE
        )

    @property
    def region(self) -> str:
        """Return the country (ISO 3166) whose numbering plan it belongs to; empty if it is no country's (40 µs)."""
        if self.is_wiped:
            return ""
        return phonenumbers.region_code_for_number(phonenumbers.parse(self.e164)) or ""


def parse_e164(text: str) -> PhoneNumber:
    """Parse a strict E.164 number; raises Refused (`number_invalid`, `number_blocked`).

    Numbers in their final form are judged by patterns compiled from `phonenumbers`' own metadata (1 µs); whatever those
    do not know goes to the library itself (40 µs), which also forgives a trunk zero, as in +44 020….
    """
    if not _E164.fullmatch(text):
        raise Rejected(
            ErrorCode.NUMBER_INVALID, "Write the number in E.164: a plus sign and 7 to 15 digits.", field="to"
        )
    costly = _judge(text[1:])
    if costly is None:
        return _parse_with_library(text, None)
    if costly:
        raise _blocked()
    return PhoneNumber(text)


def parse_written(country: str, number: str) -> PhoneNumber:
    """Parse a number as a person of `country` (ISO 3166 alpha-2) writes it; raises Refused (`number_invalid`, …)."""
    if not _COUNTRY.fullmatch(country) or country not in phonenumbers.SUPPORTED_REGIONS:
        raise Rejected(
            ErrorCode.NUMBER_INVALID, "The country must be two capital letters, as in US.", field="to.country"
        )
    if not _WRITTEN.fullmatch(number):
        raise Rejected(
            ErrorCode.NUMBER_INVALID,
            "The number may hold the digits 0 to 9, spaces and + - . / ( ); nothing else.",
            field="to.number",
        )
    return _parse_with_library(number, country)


def parse_extension(text: str) -> str:
    """Parse an extension as a person writes it, as in "x 12" or "Ext 0034"; raises Refused (`number_invalid`).

    Returns 1 to 12 ASCII digits; zeros at the front are part of it.
    """
    written = _EXTENSION.fullmatch(text.replace(" ", ""))
    if written is None:
        raise Rejected(
            ErrorCode.NUMBER_INVALID, "The extension is 1 to 12 digits, as in 1234 or x1234.", field="to.extension"
        )
    return written[1]


def dial_string(extension: str) -> str:
    """Write the keys that reach an extension: a second's pause, in which the phone system gets ready, then the digits.

    The pause is that of the provider's own example of dialling an extension (Twilio: Call, SendDigits).
    """
    return _SECOND + extension


def _parse_with_library(text: str, country: str | None) -> PhoneNumber:
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        raise Rejected(ErrorCode.NUMBER_INVALID, _INVALID, field="to") from None
    if not phonenumbers.is_valid_number(number):
        raise Rejected(ErrorCode.NUMBER_INVALID, _INVALID, field="to")
    nowhere = phonenumbers.region_code_for_number(number) == _NON_GEOGRAPHIC
    if nowhere or phonenumbers.number_type(number) in _COSTLY:
        raise _blocked()
    return PhoneNumber(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _blocked() -> Rejected:
    return Rejected(
        ErrorCode.NUMBER_BLOCKED,
        "Premium-rate, shared-cost and satellite numbers are never texted or called.",
        field="to",
    )


class _Pattern(msgspec.Struct, frozen=True, gc=False):
    costly: bool
    lengths: frozenset[int]
    regex: re.Pattern[str]

    def matches(self, national: str) -> bool:
        return (not self.lengths or len(national) in self.lengths) and self.regex.fullmatch(national) is not None


class _Region(msgspec.Struct, frozen=True, gc=False):
    """One region's patterns; `leading` claims a number for the region.

    The first type that matches decides. Those that may be costly stand in the library's order, the busiest of the rest
    next.
    """

    leading: re.Pattern[str] | None
    general: _Pattern | None
    types: tuple[_Pattern, ...]


def _judge(digits: str) -> bool | None:
    """Return whether a number (E.164 without the plus) is costly, or None if no pattern knows it as valid."""
    for length in (1, 2, 3):
        regions = _regions(int(digits[:length]))
        if regions:
            return _judge_national(digits[length:], regions)
    return None


def _judge_national(national: str, regions: tuple[_Region, ...]) -> bool | None:
    for region in regions:
        if region.leading is not None and not region.leading.match(national):
            continue
        costly = _judge_in_region(national, region)
        if costly is not None or region.leading is not None:
            return costly
    return None


def _judge_in_region(national: str, region: _Region) -> bool | None:
    if region.general is None or not region.general.matches(national):
        return None
    return next((pattern.costly for pattern in region.types if pattern.matches(national)), None)


@functools.lru_cache(maxsize=1_000)
def _regions(calling_code: int) -> tuple[_Region, ...]:
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(calling_code, ())
    in_regions = (PhoneMetadata.metadata_for_region_or_calling_code(calling_code, region) for region in regions)
    return tuple(_region(metadata) for metadata in in_regions if metadata is not None)


def _region(metadata: PhoneMetadata) -> _Region:
    nowhere = metadata.id == _NON_GEOGRAPHIC
    types = (
        _pattern(metadata.premium_rate, costly=True),
        _pattern(metadata.toll_free, costly=nowhere),
        _pattern(metadata.shared_cost, costly=True),
        *(
            _pattern(description, costly=nowhere)
            for description in (
                metadata.mobile,
                metadata.fixed_line,
                metadata.voip,
                metadata.personal_number,
                metadata.pager,
                metadata.uan,
                metadata.voicemail,
            )
        ),
    )
    return _Region(
        leading=re.compile(metadata.leading_digits) if metadata.leading_digits else None,
        general=_pattern(metadata.general_desc, costly=False),
        types=tuple(pattern for pattern in types if pattern is not None),
    )


def _pattern(description: PhoneNumberDesc | None, *, costly: bool) -> _Pattern | None:
    if description is None or not description.national_number_pattern:
        return None
    return _Pattern(costly, frozenset(description.possible_length), re.compile(description.national_number_pattern))
