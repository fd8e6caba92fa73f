"""Phone numbers: parsed strictly or as people write them, never printed in full by accident."""

import functools
import re
import unicodedata

import msgspec
import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberType
from phonenumbers.phonemetadata import PhoneNumberDesc

from gateway.domain.errors import ErrorCode, Rejected

_E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_WRITTEN = re.compile(r"[0-9+()./\- ]{3,40}", re.ASCII)
_LONGEST_WRITTEN = 80  # characters, with invisible ones and an extension
_SCHEME = re.compile(r"\s*tel[.:]*\s*", re.ASCII | re.IGNORECASE)
_WITH_EXTENSION = re.compile(
    r"(.*[0-9)])[ ,;.-]*(?:extension|extn|ext|x|#|доб|内線)[ .:=]*([0-9]{1,12})", re.ASCII | re.IGNORECASE
)
_DOTS = "\u00b7\u2022\u2027\u2219\u22c5\u3002\u30fb\u06d4"  # NFKC makes ASCII of the others
_MINUS_SIGNS = "\u2212\u02d7\u2043\u30fc"  # of no dash category in Unicode; the last is the Japanese long-vowel mark
_PUNCTUATION = str.maketrans(dict.fromkeys(_DOTS, ".") | dict.fromkeys(_MINUS_SIGNS, "-") | {"[": "(", "]": ")"})
_MOBILE = {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}
_ARGENTINE_MOBILE = re.compile(r"9?(?:(11)15([0-9]{8})|([0-9]{3})15([0-9]{7})|([0-9]{4})15([0-9]{6}))", re.ASCII)
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
    """Parse a strict E.164 number; raises Rejected (`number_invalid`, `number_blocked`).

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


def normalize_written(text: str) -> str:
    """Return a typed number with ASCII digits, hyphens, dots and single spaces; other letters and signs stay.

    Any script's digits, every dash and dot of Unicode, `tel:` (RFC 3966) and invisible format characters, such as the
    directional marks that are copied along from Arabic text, are how people write numbers.
    """
    return " ".join(_SCHEME.sub("", "".join(map(_plain, unicodedata.normalize("NFKC", text))), count=1).split())


def split_extension(text: str) -> tuple[str, str | None]:
    """Split "425 555 0123 ext. 12" into the number and its extension (1 to 12 digits; None if there is none)."""
    if len(text) > _LONGEST_WRITTEN:
        return text, None
    normalized = normalize_written(text)
    written = _WITH_EXTENSION.fullmatch(normalized)
    return (written[1], written[2]) if written else (normalized, None)


def parse_written(country: str, number: str) -> PhoneNumber:
    """Parse a number as a person of `country` (ISO 3166 alpha-2) writes it; raises Rejected (`number_invalid`, …).

    Digits without a plus are read as a national number. Those that begin with the country's own code are also read as
    an international one; if both are valid, the one that is a mobile number counts. If both or neither are, the
    international one counts where a trunk prefix would have been written before a national one (Germany's 0), and
    the national one elsewhere. The code of another country needs a plus, 00 or 011: a slip must not reach abroad.
    """
    if not _COUNTRY.fullmatch(country) or country not in phonenumbers.SUPPORTED_REGIONS:
        raise Rejected(
            ErrorCode.NUMBER_INVALID, "The country must be two capital letters, as in US.", field="to.country"
        )
    normalized = normalize_written(number[: _LONGEST_WRITTEN + 1])
    if len(number) > _LONGEST_WRITTEN or not _WRITTEN.fullmatch(normalized):
        raise Rejected(
            ErrorCode.NUMBER_INVALID,
            "The number may hold the digits 0 to 9, spaces and + - . / ( ); nothing else.",
            field="to.number",
        )
    return _parse_with_library(_international(country, normalized) or normalized, country)


def parse_extension(text: str) -> str:
    """Parse an extension as a person writes it, as in "x 12" or "Ext 0034"; raises Rejected (`number_invalid`).

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


def _plain(letter: str) -> str:
    category = unicodedata.category(letter)
    if category == "Cf":
        return ""
    if category == "Pd":
        return "-"
    return str(unicodedata.digit(letter, letter)).translate(_PUNCTUATION)


def _international(country: str, text: str) -> str | None:
    """Return the reading that counts, if it is not the library's own: digits after a plus."""
    code = str(phonenumbers.country_code_for_region(country))
    digits = re.sub("[^0-9]", "", text)
    national = _valid(text, country)
    if national is None:
        return next((other for other in _repaired(code, digits, text) if _valid(other, None) is not None), None)
    international = _valid(f"+{digits}", None) if digits.startswith(code) and "+" not in text else None
    if international is None or international == national:
        return None
    mobile = [phonenumbers.number_type(number) in _MOBILE for number in (international, national)]
    trunk = phonenumbers.ndd_prefix_for_region(country, strip_non_digits=True)
    preferred = mobile[0] if mobile[0] != mobile[1] else trunk is not None and not digits.startswith(trunk)
    return f"+{digits}" if preferred else None


def _repaired(code: str, digits: str, text: str) -> list[str]:
    """List, best first, what a number may mean that is invalid as written."""
    prefix = re.match("00|011", digits)
    abroad = digits[prefix.end() :] if prefix else digits
    repaired = [f"+{abroad}"] if prefix else []
    if "+" in text or prefix:
        if not abroad.startswith(code):
            return repaired
        own = abroad.removeprefix(code)
    else:
        own = digits.removeprefix(code) if len(digits) > len(code) + 10 else digits
    own = own.lstrip("0")
    if code == "54":  # mobiles: 9 before the area code from abroad, 15 after it at home
        mobile = _ARGENTINE_MOBILE.fullmatch(own)
        repaired.append("+549" + ("".join(filter(None, mobile.groups())) if mobile else own))
    if code == "52":  # mobiles had a 1 after the country code, and 044 or 045 at home, until 2019
        repaired += [f"+52{own[length:]}" for length in (1, 2) if own[:length] in {"1", "44", "45"}]
    if prefix or "+" in text or digits.startswith("00"):
        repaired.append(f"+{code}{own}")  # a trunk zero too many
    return repaired


def _valid(text: str, country: str | None) -> phonenumbers.PhoneNumber | None:
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    return number if phonenumbers.is_valid_number(number) else None


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
