"""Counts the segments of a text, which carriers bill."""

from collections.abc import Iterable

# 3GPP TS 23.038 §6.2.1: the default alphabet without its escape, and the characters of two septets, escaped.
_GSM7_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM7_EXTENSION = frozenset("\f^{}\\[~]|€")
_GSM7 = _GSM7_BASIC | _GSM7_EXTENSION

# 3GPP TS 23.040: 140 octets, 6 of them for the concatenation header when there are several segments.
_GSM7_ALONE, _GSM7_JOINED = 160, 153  # septets
_UCS2_ALONE, _UCS2_JOINED = 70, 67  # UTF-16 code units

_LAST_OF_BASIC_PLANE = 0xFFFF


def is_gsm7(text: str) -> bool:
    """Tell whether every character is in the GSM 7-bit alphabet; one that is not makes the whole text UCS-2."""
    return _GSM7.issuperset(text)


def count_segments(text: str) -> int:
    """Count the segments in which a text is sent and billed. An empty text takes one.

    An escaped character or a surrogate pair is never cut in two, so a segment may stay one unit short.
    """
    if is_gsm7(text):
        return _pack((2 if char in _GSM7_EXTENSION else 1 for char in text), _GSM7_ALONE, _GSM7_JOINED)
    return _pack((2 if ord(char) > _LAST_OF_BASIC_PLANE else 1 for char in text), _UCS2_ALONE, _UCS2_JOINED)


def non_gsm_characters(written: str, text: str) -> str:
    """Return the characters of `written` that alone make the text around it take more segments; "" for none.

    None is returned for words that are mostly outside the GSM 7-bit alphabet, as their language needs it.
    """
    letters = [char for char in written if char.isalpha()]
    outside = dict.fromkeys(char for char in written if char not in _GSM7)
    if 2 * sum(letter not in _GSM7 for letter in letters) > len(letters):
        return ""
    replaced = "".join("?" if char in outside else char for char in text)
    return "".join(outside) if count_segments(replaced) < count_segments(text) else ""


def _pack(widths: Iterable[int], alone: int, joined: int) -> int:
    segments, used, total = 1, 0, 0
    for width in widths:
        total += width
        if used + width > joined:
            segments, used = segments + 1, 0
        used += width
    return 1 if total <= alone else segments
