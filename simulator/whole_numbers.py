"""Whole numbers as they come in forms, queries and attributes."""

from __future__ import annotations

_MOST_CHARACTERS = 10


def read_whole_number(text: str | None, *, lowest: int = 0, highest: int = 1_000_000_000) -> int | None:
    """Read a number written in ASCII digits; None when it is missing, something else, or out of the range."""
    if text and text.isascii() and text.isdigit() and len(text) <= _MOST_CHARACTERS and lowest <= int(text) <= highest:
        return int(text)
    return None
