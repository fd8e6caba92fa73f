"""A clock that goes on whatever happens to the time of day: it follows a jump forwards, and none backwards."""

from collections.abc import Callable

Clock = Callable[[], int]
"""The time in ms since the epoch, UTC."""


class SteadyClock:
    """The time in ms since the epoch, as learnt from a clock on the wall and told on by one that never jumps.

    A code must not live longer, and no queue stand still, because somebody sets the time of day back.

    Args:
        steady: ms since any moment, never set.
    """

    def __init__(self, steady: Callable[[], int]) -> None:
        self._steady = steady
        self._offset: int | None = None

    def learn(self, wall: int) -> None:
        """Take in what the clock on the wall shows (ms since the epoch), or showed a moment ago."""
        offset = wall - self._steady()
        if self._offset is None or offset > self._offset:
            self._offset = offset

    def __call__(self) -> int:
        """Return the time; `learn` comes first."""
        return self._steady() + (self._offset or 0)
