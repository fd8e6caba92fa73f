"""The telephone line of one call: what the callee does on it, and how the caller waits for that."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TypeVar

import msgspec

from simulator.calls.call import Call, DocumentSource
from simulator.calls.timeline import Timeline

T = TypeVar("T")


class Pickup(msgspec.Struct, frozen=True):
    """How dialling ended: the provider's call status, and the SIP response behind it (RFC 3261 §21)."""

    status: str
    sip_code: int


ANSWERED = Pickup("in-progress", 200)
BUSY = Pickup("busy", 486)
REJECTED = Pickup("busy", 603)
NO_ANSWER = Pickup("no-answer", 487)
UNREACHABLE = Pickup("failed", 404)
CANCELED = Pickup("canceled", 487)


class HungUp(Exception):
    """The call is over: the callee or the REST API hung up."""


class Redirected(Exception):
    """The REST API gave the call another document."""

    def __init__(self, source: DocumentSource) -> None:
        super().__init__()
        self.source = source


class Line:
    """One call's line. Callee, control API and REST API act on it; the caller's script waits on it.

    Attributes:
        call: The record that shows what happens.
        timeline: The call's own time.
        pickup: How dialling ended, once that is decided.
        settled: Set when the record shows how dialling ended.
        over: Set when nothing more happens on the line.
        changed: Notifies the handset's watchers of a changed record.
    """

    def __init__(
        self,
        call: Call,
        timeline: Timeline,
        on_change: Callable[[], None],
        *,
        silent_keys: str = "",
        keeps_leftover_keys: bool = False,
    ) -> None:
        """A line on which nothing has happened yet.

        Args:
            call: The record that shows what happens.
            timeline: The call's own time.
            on_change: Called after each change of the record.
            silent_keys: Keys of the callee's phone that send no tone.
            keeps_leftover_keys: See `simulator.config.Quirks.leftover_keys_carry_over`.
        """
        self.call = call
        self.timeline = timeline
        self.pickup: Pickup | None = None
        self.settled = asyncio.Event()
        self.over = asyncio.Event()
        self.changed = on_change
        self._silent_keys = silent_keys
        self._keeps_leftover_keys = keeps_leftover_keys
        self._keys: deque[str] = deque()
        self._interruption: HungUp | Redirected | None = None
        self._interrupted = asyncio.Event()

    def decide(self, pickup: Pickup) -> None:
        """End the dialling; the first decision counts."""
        if self.pickup is None:
            self.pickup = pickup
            self.timeline.nudge()

    def hang_up(self) -> None:
        """End the call, or the dialling if nobody has answered."""
        self.decide(CANCELED)
        self._interrupt(HungUp())

    def redirect(self, source: DocumentSource) -> None:
        """Continue the script with another document."""
        self._interrupt(Redirected(source))

    def press(self, digits: str) -> None:
        """Play keys to the caller, which count only while a Gather is open."""
        audible = [key for key in digits if key not in self._silent_keys]
        if audible and (self.call.gathering or self._keeps_leftover_keys):
            self._keys.extend(audible)
            self.timeline.nudge()

    def add_to_transcript(self, verb: str, text: str = "", language: str | None = None) -> None:
        """Add what the callee hears to the transcript."""
        self.call.add_to_transcript(verb, text, language)
        self.changed()

    def open_gather(self) -> None:
        """Start collecting keys."""
        if not self._keeps_leftover_keys:
            self._keys.clear()
        self._set_gathering(value=True)

    def close_gather(self) -> None:
        """Stop collecting keys; those not yet used are left over."""
        self._set_gathering(value=False)

    def take_key(self) -> str:
        """Remove and return the first key; call it after `pass_time` reported one."""
        return self._keys.popleft()

    async def ring(self, seconds: float) -> Pickup:
        """Wait until the dialling is decided; nobody decides, nobody answers."""
        deadline = self.timeline.now + seconds
        while self.pickup is None:
            if await self.timeline.wait(deadline - self.timeline.now, for_person=True):
                self.decide(NO_ANSWER)
        return self.pickup

    async def pass_time(self, seconds: float, *, for_person: bool = False, until_key: bool = False) -> bool:
        """Wait on the call.

        Args:
            seconds: How long at most, in simulated seconds.
            for_person: See `Timeline.wait`.
            until_key: Whether a key ends it early.

        Returns:
            True if the time has passed, False if a key was pressed.

        Raises:
            HungUp: The call is over. A key that was pressed before counts first.
            Redirected: The script must continue with another document.
        """
        deadline = self.timeline.now + seconds
        while True:
            if until_key and self._keys:
                return False
            self.raise_interruption()
            if await self.timeline.wait(deadline - self.timeline.now, for_person=for_person):
                return True

    async def meanwhile(self, work: asyncio.Task[T]) -> T:
        """Wait for work outside the call, which goes on if the call does not.

        Raises:
            HungUp: The call is over first.
            Redirected: The script must go on elsewhere first.
        """
        interrupted = asyncio.ensure_future(self._interrupted.wait())
        try:
            await asyncio.wait({work, interrupted}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            interrupted.cancel()
        if not work.done():
            self.raise_interruption()
        return await work

    def raise_interruption(self) -> None:
        """Raise what interrupted the script, if something did; a redirection only once.

        Raises:
            HungUp: The call is over.
            Redirected: The script must go on elsewhere.
        """
        interruption = self._interruption
        if isinstance(interruption, Redirected):
            self._interruption = None
            self._interrupted.clear()
        if interruption:
            raise interruption

    def _interrupt(self, interruption: HungUp | Redirected) -> None:
        if not isinstance(self._interruption, HungUp):
            self._interruption = interruption
            self._interrupted.set()
            self.timeline.nudge()

    def _set_gathering(self, *, value: bool) -> None:
        self.call.gathering = value
        self.changed()
