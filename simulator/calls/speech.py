"""What the caller says on a call: `<Say>`, `<Play>` and `<Pause>`, and how long each takes."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from simulator.calls.line import Line
from simulator.calls.twiml_document import SPOKEN, words
from simulator.personas import Callee
from simulator.whole_numbers import read_whole_number

_CHARACTERS_PER_SECOND = 14
_SLOW = 0.75  # of the usual pace
_PLAY_SECONDS = 3.0
_FOREVER = 1000


class Speaker:
    """Speaks on one line."""

    def __init__(self, line: Line, callee: Callee) -> None:
        self._line = line
        self._callee = callee

    @staticmethod
    def can(tag: str) -> bool:
        """Tell whether the verb is one of speech."""
        return tag in SPOKEN

    async def perform(self, verb: ET.Element, *, until_key: bool = False) -> bool:
        """Speak one verb. The length of speech is estimated from its text; recordings are not fetched.

        Args:
            verb: `<Say>`, `<Play>` or `<Pause>`.
            until_key: A key ends it early.

        Returns:
            Whether it was spoken to its end.

        Raises:
            HungUp: The call is over.
            Redirected: The script must go on elsewhere.
        """
        if verb.tag == "Pause":
            seconds = float(_attribute(verb, "length", 1))
            self._line.add_to_transcript("Pause", f"{seconds:g}")
            return await self._line.pass_time(seconds, until_key=until_key)
        if verb.tag == "Play":
            seconds = _PLAY_SECONDS
            self._line.add_to_transcript("Play", verb.get("digits") or words(verb))
        else:
            text = words(verb)
            pace = 1.0 if verb.find("prosody[@rate='slow']") is None else _SLOW
            seconds = len(text) / _CHARACTERS_PER_SECOND / pace
            self._line.add_to_transcript("Say", text, verb.get("language"))
        self._callee.spoken_to()
        loops = _attribute(verb, "loop", 1) or _FOREVER  # Twilio: Say, loop: 0 is for ever
        return await self._line.pass_time(seconds * loops, until_key=until_key)

    async def say(self, text: str, language: str) -> None:
        """Say a sentence of the provider's own.

        Raises:
            HungUp: The call is over.
            Redirected: The script must go on elsewhere.
        """
        verb = ET.Element("Say", language=language)
        verb.text = text
        await self.perform(verb)


def _attribute(verb: ET.Element, name: str, default: int) -> int:
    number = read_whole_number(verb.get(name))
    return default if number is None else number
