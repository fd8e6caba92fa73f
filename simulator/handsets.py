"""The handsets of the network: their personas, and what their screens show."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from simulator.calls.call import Call
from simulator.personas import PERSONAS, Persona
from simulator.texts.message import Message

_HISTORY = 50
"""Texts and calls of a handset."""


class Handset:
    """One phone: its number, its persona, its last texts and calls."""

    def __init__(self, number: str, persona_name: str) -> None:
        self.number = number
        self.persona_name = persona_name
        self.messages: deque[Message] = deque(maxlen=_HISTORY)
        self.calls: deque[Call] = deque(maxlen=_HISTORY)

    @property
    def persona(self) -> Persona:
        """Its persona."""
        return PERSONAS[self.persona_name]

    def state(self) -> dict[str, object]:
        """Return all of it as JSON values, texts and calls oldest first."""
        return {
            "number": self.number,
            "persona": self.persona_name,
            "messages": [message.on_handset() for message in self.messages],
            "calls": [call.on_handset() for call in self.calls],
        }


class Handsets:
    """All handsets seen so far; above the limit, the least recently used are removed."""

    def __init__(self, default_persona: str, limit: int = 10_000) -> None:
        """Start without handsets.

        Args:
            default_persona: Persona of new ones.
            limit: Maximum number of handsets.

        Raises:
            ValueError: There is no such persona.
        """
        if default_persona not in PERSONAS:
            raise ValueError(f"unknown persona {default_persona!r}")
        self._default_persona = default_persona
        self._limit = limit
        self._by_number: dict[str, Handset] = {}
        self._watchers: set[Callable[[str], None]] = set()

    def __iter__(self) -> Iterator[Handset]:
        return iter(self._by_number.values())

    def find(self, number: str) -> Handset:
        """Return the handset; an unused one is created, but not stored."""
        return self._by_number.get(number) or Handset(number, self._default_persona)

    def give_persona(self, number: str, persona_name: str) -> Handset:
        """Set the persona of a handset, from the next call on.

        Raises:
            ValueError: There is no such persona.
        """
        if persona_name not in PERSONAS:
            raise ValueError(f"unknown persona {persona_name!r}")
        handset = self._use(number)
        handset.persona_name = persona_name
        self.changed(number)
        return handset

    def add_message(self, number: str, message: Message) -> None:
        """Show a new text on the handset."""
        self._use(number).messages.append(message)
        self.changed(number)

    def add_call(self, number: str, call: Call) -> None:
        """Show a new call on the handset."""
        self._use(number).calls.append(call)
        self.changed(number)

    def changed(self, number: str) -> None:
        """Notify the watchers that the handset has changed."""
        for watcher in self._watchers:
            watcher(number)

    def watch(self, watcher: Callable[[str], None]) -> None:
        """Call the watcher with the number of each handset that changes, until `unwatch`."""
        self._watchers.add(watcher)

    def unwatch(self, watcher: Callable[[str], None]) -> None:
        """Remove a watcher."""
        self._watchers.discard(watcher)

    def _use(self, number: str) -> Handset:
        """Return the stored handset, now the most recently used."""
        handset = self._by_number.pop(number, None) or Handset(number, self._default_persona)
        self._by_number[number] = handset
        if len(self._by_number) > self._limit:
            del self._by_number[next(iter(self._by_number))]
        return handset
