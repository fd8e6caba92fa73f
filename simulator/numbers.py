"""Phone numbers as the provider judges and shows them, its magic test numbers included."""

from __future__ import annotations

import re

E164 = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)

_NORTH_AMERICAN = re.compile(r"\+1(\d{3})(\d{3})(\d{4})", re.ASCII)

# Twilio: Test Credentials, "magic" numbers. Error codes by the number given as From or To.
MESSAGE_FROM_ERRORS = {"+15005550001": 21212, "+15005550007": 21606, "+15005550008": 21611}
MESSAGE_TO_ERRORS = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}
CALL_FROM_ERRORS = {"+15005550001": 21212}
CALL_TO_ERRORS = {"+15005550001": 21217, "+15005550002": 21214, "+15005550003": 21215, "+15005550004": 21216}


def is_e164(number: str) -> bool:
    """Tell whether the text is an E.164 number: `+` and 7 to 15 ASCII digits, the first not 0."""
    return E164.fullmatch(number) is not None


def formatted(number: str) -> str:
    """Write a number for people (Twilio: to_formatted): North American ones as `(425) 555-0123`, others in E.164."""
    return _NORTH_AMERICAN.sub(r"(\1) \2-\3", number) if _NORTH_AMERICAN.fullmatch(number) else number


def country(number: str) -> str:
    """Return `US` for a North American number and nothing for others, which the provider leaves blank when unsure."""
    return "US" if _NORTH_AMERICAN.fullmatch(number) else ""
