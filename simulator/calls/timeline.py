"""Time on one call: waits that something may cut short, and things due later.

Each call keeps its own time in simulated seconds, so at speed 0 whatever is due still happens in its order.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Awaitable, Callable

from simulator.clock import Clock


async def _let_others_run() -> None:
    """Let a call whose time costs nothing not hold up the others."""
    await asyncio.sleep(0)


class Timeline:
    """Simulated seconds since a call began, advanced by nothing but `wait`."""

    def __init__(
        self, clock: Clock, *, patient: bool, caught_up: Callable[[], Awaitable[None]] = _let_others_run
    ) -> None:
        """Start at 0.

        Args:
            clock: Gives the speed.
            patient: At speed 0, waits for a person take real time; otherwise they are over at once.
            caught_up: Awaited at speed 0 before a second or more passes, for what would have arrived in that time.
        """
        self.now = 0.0
        self._clock = clock
        self._patient = patient
        self._caught_up = caught_up
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._nudged = False
        self._sleeper: asyncio.Future[bool] | None = None
        clock.add_listener(self._wake)

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Run the action once `seconds` have passed, inside the wait that passes them."""
        heapq.heappush(self._due, (self.now + seconds, next(self._order), action))

    def nudge(self) -> None:
        """Cut the current wait short; without one, nothing happens."""
        self._nudged = True
        self._wake()

    def close(self) -> None:
        """Forget what is due and leave the clock."""
        self._due.clear()
        self._clock.remove_listener(self._wake)

    async def wait(self, seconds: float, *, for_person: bool = False) -> bool:
        """Let time pass.

        Args:
            seconds: How long at most, in simulated seconds.
            for_person: The wait is for somebody to act, so that at speed 0 a patient timeline takes real time.

        Returns:
            Whether all of it passed; False after a nudge.
        """
        self._nudged = False
        deadline = self.now + seconds
        while not self._nudged:
            if self._due and self._due[0][0] <= deadline:
                if await self._reach(self._due[0][0], for_person=False):
                    heapq.heappop(self._due)[2]()
            elif await self._reach(deadline, for_person=for_person):
                return True
        return False

    async def _reach(self, moment: float, *, for_person: bool) -> bool:
        """Move towards the moment; return whether it was reached before something woke the sleeper."""
        rate = self._clock.speed or (1.0 if for_person and self._patient else 0.0)
        if rate:
            loop = asyncio.get_running_loop()
            started = loop.time()
            if not await self._sleep((moment - self.now) / rate):
                self.now = min(moment, self.now + (loop.time() - started) * rate)
                return False
        else:
            await (self._caught_up if moment - self.now >= 1 else _let_others_run)()
            if self._nudged:
                return False
        self.now = max(self.now, moment)
        return True

    async def _sleep(self, seconds: float) -> bool:
        """Sleep for real seconds; return whether they passed, not cut short by `_wake`."""
        loop = asyncio.get_running_loop()
        self._sleeper = loop.create_future()
        alarm = loop.call_later(seconds, self._rouse, True)  # noqa: FBT003  call_later takes positional arguments only
        try:
            return await self._sleeper
        finally:
            alarm.cancel()
            self._sleeper = None

    def _wake(self) -> None:
        self._rouse(slept_out=False)

    def _rouse(self, slept_out: bool) -> None:  # noqa: FBT001  called by the event loop with positional arguments
        if self._sleeper and not self._sleeper.done():
            self._sleeper.set_result(slept_out)
