"""The settings of texts and of calls: where they come from, and what they say."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec

from gateway.domain.inbound_sms import keyword, word
from gateway.domain.ivr.keypad import LANGUAGE_KEY, Keypad
from gateway.domain.senders import Senders, callers_mistake, senders_mistake

Sender = Annotated[str, msgspec.Meta(max_length=34)]


class Text(msgspec.Struct, frozen=True):
    """How texts go out."""

    sender: Sender = ""
    senders: Mapping[str, str] = {}
    origin: str = ""
    fraud_words: tuple[str, ...] = ("FRAUD",)
    answer_keywords: bool = False

    @property
    def bound_origin(self) -> str | None:
        """Return the one site that codes are bound to, or None."""
        return self.origin or None

    @property
    def all_senders(self) -> Senders:
        """Return which sender a number sees."""
        return Senders(self.sender, self.senders)

    def mistakes(self) -> list[str]:
        """Say what cannot work, as `name: sentence`."""
        words, senders = _words_mistake(self.fraud_words), senders_mistake(self.senders)
        return [*([f"fraud_words: {words}"] if words else ()), *([f"senders: {senders}"] if senders else ())]


class Voice(msgspec.Struct, frozen=True):
    """How calls go out."""

    caller: Sender = ""
    callers: Mapping[str, str] = {}
    ring_timeout: Annotated[int, msgspec.Meta(ge=5, le=600)] = 30
    detect_machines: bool = True
    confirm_key: Annotated[str, msgspec.Meta(pattern=r"^[0-9*#]\Z")] = "#"
    never_call_key: Annotated[str, msgspec.Meta(pattern=r"^[0-9*#]?\Z")] = "9"
    recordings: str = ""
    second_language: Annotated[str, msgspec.Meta(pattern=r"^([A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8}){0,3})?\Z")] = ""

    @property
    def recordings_folder(self) -> Path | None:
        """Return the folder of the operator's recordings, or None where everything is spoken."""
        return Path(self.recordings) if self.recordings else None

    @property
    def keypad(self) -> Keypad:
        """Return the keys of a call on which both languages are offered."""
        return Keypad(self.confirm_key, self.never_call_key, LANGUAGE_KEY if self.second_language else "")

    @property
    def all_callers(self) -> Senders:
        """Return which caller a number sees."""
        return Senders(self.caller, self.callers)

    def mistakes(self) -> list[str]:
        """Say what cannot work, as `name: sentence`."""
        clash, callers = self.keypad.clash(), callers_mistake(self.callers)
        return [*([clash] if clash else ()), *([f"callers: {callers}"] if callers else ())]


def _words_mistake(words: tuple[str, ...]) -> str | None:
    """Name a word that cannot be matched by a reply, or that is a keyword already; None if there is none."""
    for written in words:
        compared = word(written)
        if not any(char.isalpha() for char in compared):
            return f"{written!r} has no letter"
        if keyword(written) is not None:
            return f"{written!r} asks to stop texts, to start them or for help already"
    return None
