"""The network's clock, whose speed can be changed while it runs."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable


class Clock:
    """Turns simulated seconds into real ones.

    Speed 2 is twice as fast; at speed 0 speech, pauses and delays take no time at all.
    """

    def __init__(self, speed: float = 1.0) -> None:
        self._speed = self._checked(speed)
        self._listeners: set[Callable[[], None]] = set()

    @property
    def speed(self) -> float:
        """Current speed; 0 means that no simulated time costs real time."""
        return self._speed

    def set_speed(self, speed: float) -> None:
        """Change the speed at once, for waits under way too.

        Raises:
            ValueError: The speed is negative, infinite or not a number.
        """
        self._speed = self._checked(speed)
        for listener in tuple(self._listeners):
            listener()

    def real_seconds(self, simulated: float) -> float:
        """Return the real seconds that the simulated ones take at the current speed."""
        return simulated / self._speed if self._speed else 0.0

    async def sleep(self, simulated: float) -> None:
        """Wait for simulated seconds; a change of speed counts from the next wait on."""
        await asyncio.sleep(self.real_seconds(simulated))

    def add_listener(self, listener: Callable[[], None]) -> None:
        """Call the listener after each change of speed until `remove_listener`."""
        self._listeners.add(listener)

    def remove_listener(self, listener: Callable[[], None]) -> None:
        """Remove a listener; one that was never added is ignored."""
        self._listeners.discard(listener)

    @staticmethod
    def _checked(speed: float) -> float:
        if not (math.isfinite(speed) and speed >= 0):
            raise ValueError("speed must be a finite number, 0 or more")
        return speed
