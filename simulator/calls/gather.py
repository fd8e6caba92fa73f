"""The rules of `<Gather>`: when key presses end it, and what it has then gathered."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable

import msgspec

from simulator.whole_numbers import read_whole_number

_KEYS = frozenset("0123456789*#")


class GatherRules(msgspec.Struct, frozen=True, kw_only=True):
    """Attributes of a Gather that decide about keys (Twilio: TwiML Gather).

    Attributes:
        finish_on_key: The key that ends it and is not part of the digits; empty for none.
        num_digits: Number of digits that ends it; None for no limit.
        timeout: Seconds without a key that end it.
        action_on_empty_result: Whether the action is requested though no digit was pressed.
        takes_keys: Whether keys count at all; `input="speech"` does not take them.
    """

    finish_on_key: str = "#"
    num_digits: int | None = None
    timeout: int = 5
    action_on_empty_result: bool = False
    takes_keys: bool = True


class Gathered(msgspec.Struct, frozen=True):
    """What a Gather ended with: its digits, and the finish key if that ended it, else nothing."""

    digits: str
    finished_on_key: str


class KeyCollector:
    """Takes the keys of one Gather, one at a time."""

    def __init__(self, rules: GatherRules, *, lone_finish_key_waits: bool = False) -> None:
        """Start without digits.

        Args:
            rules: The Gather's attributes.
            lone_finish_key_waits: See `simulator.config.Quirks`.
        """
        self._rules = rules
        self._lone_finish_key_waits = lone_finish_key_waits
        self._digits = ""

    def press(self, key: str) -> Gathered | None:
        """Take a key; return the result when it ends the Gather."""
        if key == self._rules.finish_on_key:
            waits = self._lone_finish_key_waits and not self._digits
            return None if waits else Gathered(self._digits, key)
        self._digits += key
        return self.time_out() if len(self._digits) == self._rules.num_digits else None

    def time_out(self) -> Gathered:
        """Return the result for when no further key comes."""
        return Gathered(self._digits, "")


def read_rules(gather: ET.Element, warn: Callable[[str], None]) -> GatherRules:
    """Read the attributes of a `<Gather>`; a bad value is warned of and replaced by its default, as the provider does.

    Args:
        gather: The element.
        warn: Told the provider's warning code and what is wrong, in one text.
    """
    finish_on_key = gather.get("finishOnKey", "#")
    if finish_on_key and finish_on_key not in _KEYS:
        warn(f"13310 finishOnKey {finish_on_key!r} is not one key")
        finish_on_key = "#"
    return GatherRules(
        finish_on_key=finish_on_key,
        num_digits=_number(gather, "numDigits", None, lambda text: warn(f"12200 {text}")),
        timeout=_number(gather, "timeout", 5, lambda text: warn(f"13313 {text}")) or 0,
        action_on_empty_result=gather.get("actionOnEmptyResult") == "true",
        takes_keys="dtmf" in gather.get("input", "dtmf").split(),
    )


def _number(gather: ET.Element, name: str, default: int | None, warn: Callable[[str], None]) -> int | None:
    text = gather.get(name)
    if text is None:
        return default
    number = read_whole_number(text)
    if number is None:
        warn(f"{name} {text!r} is not a number")
        return default
    return number
