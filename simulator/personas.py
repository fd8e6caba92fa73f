"""Who takes a call: the personas a handset may have, and what each does on the line."""

from __future__ import annotations

import msgspec

from simulator.calls.line import ANSWERED, BUSY, REJECTED, UNREACHABLE, Line, Pickup

_VOICEMAIL_GREETING = "You have reached my voicemail. Please leave a message after the tone."


class Persona(msgspec.Struct, frozen=True, kw_only=True):
    """The habits of a callee. Times are simulated seconds.

    Attributes:
        automatic: Acts by itself, so that at speed 0 nobody waits for it.
        receives_texts: Whether texts arrive on the handset.
        pickup: What it does when called; None lets it ring.
        rings_for: How long before that; 0 means that it never rings.
        verdict: What machine detection reports before the greeting ends.
        verdict_at_end: What machine detection says when it waits for the end of a message.
        greeting: What it says when it answers.
        tones: Keys in its greeting, as seconds after the caller's first words and the key.
        presses: Keys it presses when asked for some, that is when a Gather's prompt is over.
        silent_keys: Keys of its phone that the caller never hears, because the phone sends no tone.
        leaves_after_words: Hangs up so long after the caller's first words.
        leaves_after: Hangs up so long after it has answered.
    """

    automatic: bool = True
    receives_texts: bool = True
    pickup: Pickup | None = None
    rings_for: float = 2.0
    verdict: str = "human"
    verdict_at_end: str = "human"
    greeting: str = ""
    tones: tuple[tuple[float, str], ...] = ()
    presses: str = ""
    silent_keys: str = ""
    leaves_after_words: float | None = None
    leaves_after: float | None = None


_REACTION_SECONDS = 0.8

PERSONAS = {
    "manual": Persona(automatic=False),
    "desk_phone": Persona(automatic=False, silent_keys="#"),
    "presses_pound": Persona(pickup=ANSWERED, presses="#"),
    "hangs_up": Persona(pickup=ANSWERED, leaves_after_words=1.0),
    "busy": Persona(pickup=BUSY, rings_for=0),
    "no_answer": Persona(),
    "unreachable": Persona(pickup=UNREACHABLE, rings_for=0, receives_texts=False),
    "rejects": Persona(pickup=REJECTED),
    "voicemail": Persona(
        pickup=ANSWERED,
        verdict="machine_start",
        verdict_at_end="machine_end_beep",
        greeting=_VOICEMAIL_GREETING,
        leaves_after=60.0,
    ),
    # A greeting with the tone of # in it passes a careless "press #"; the caller's prompt is still being spoken then.
    "voicemail_with_tones": Persona(
        pickup=ANSWERED,
        verdict="machine_start",
        verdict_at_end="machine_end_beep",
        greeting=_VOICEMAIL_GREETING,
        tones=((0.2, "#"), (4.0, "#")),
        leaves_after=60.0,
    ),
    "screening": Persona(
        pickup=ANSWERED,
        verdict="unknown",
        verdict_at_end="unknown",
        greeting="The person you are calling uses a screening service. Please say who you are and why you are calling.",
        leaves_after=20.0,
    ),
}


class Callee:
    """Acts on one line as its persona does."""

    def __init__(self, persona: Persona, line: Line) -> None:
        self.persona = persona
        self._line = line
        self._was_spoken_to = False

    def called(self) -> None:
        """The call reaches the handset."""
        if self.persona.pickup:
            pickup = self.persona.pickup
            self._line.timeline.after(self.persona.rings_for, lambda: self._line.decide(pickup))

    def answered(self) -> None:
        """The call is taken."""
        if self.persona.greeting:
            self._line.add_to_transcript("Callee", self.persona.greeting)
        if self.persona.leaves_after is not None:
            self._line.timeline.after(self.persona.leaves_after, self._line.hang_up)

    def spoken_to(self) -> None:
        """The caller begins to say something."""
        if self._was_spoken_to:
            return
        self._was_spoken_to = True
        for seconds, key in self.persona.tones:
            self._press_after(seconds, key)
        if self.persona.leaves_after_words is not None:
            self._line.timeline.after(self.persona.leaves_after_words, self._line.hang_up)

    def prompt_ended(self) -> None:
        """A Gather's prompt is over and it waits for keys."""
        if self.persona.presses:
            self._press_after(_REACTION_SECONDS, self.persona.presses)

    def _press_after(self, seconds: float, keys: str) -> None:
        self._line.timeline.after(seconds, lambda: self._line.press(keys))
