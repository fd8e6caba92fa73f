"""How many segments a text takes on the air."""

from __future__ import annotations

# 3GPP TS 23.038: the GSM 7-bit default alphabet, and the characters of its extension table, which take two septets.
_GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_EXTENDED = frozenset("\f^{}\\[~]|€")


def count_segments(body: str) -> int:
    """Return the number of segments: 160 septets or 70 UTF-16 units in one, 153 or 67 each when there are more."""
    if (_GSM_BASIC | _GSM_EXTENDED).issuperset(body):
        return _segments([2 if character in _GSM_EXTENDED else 1 for character in body], single=160, multiple=153)
    return _segments([2 if character > "\uffff" else 1 for character in body], single=70, multiple=67)


def _segments(sizes: list[int], *, single: int, multiple: int) -> int:
    """Fill segments with whole characters: neither an escaped one nor a surrogate pair is cut in two."""
    if sum(sizes) <= single:
        return 1
    segments, used = 1, 0
    for size in sizes:
        if used + size > multiple:
            segments, used = segments + 1, 0
        used += size
    return segments
