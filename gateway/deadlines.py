"""The clock's journeys: verifications end in time, left sends are taken up, old counts are purged."""

import asyncio
import logging
from typing import Protocol

from gateway.domain.clock import time_passed
from gateway.domain.policy import DAY
from gateway.ports import Clock, DueSend, Store, StoreUnavailable

_TICK = 0.25
_BATCH = 200
_PURGE_EVERY = 3_600_000

logger = logging.getLogger(__name__)


class Outbox(Protocol):
    """Who works on sends."""

    def take_up(self, due: DueSend) -> None:
        """Work on a send soon."""
        ...


class Deadlines:
    """Looks at the store four times a second, through an index of what is due."""

    def __init__(self, store: Store, outbox: Outbox, clock: Clock) -> None:
        self._store = store
        self._outbox = outbox
        self._clock = clock
        self._purge_at = 0
        self._task = asyncio.create_task(self._work(), name="deadlines")

    @property
    def alive(self) -> bool:
        """Tell whether deadlines are being kept."""
        return not self._task.done()

    async def close(self) -> None:
        """Stop looking."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _work(self) -> None:
        while True:
            try:
                more = await self._look()
            except StoreUnavailable as error:
                more = False
                logger.warning("deadlines wait for the store: %s", error)
            except Exception:
                more = False
                logger.exception("a deadline failed in a way that was not foreseen")
            await asyncio.sleep(0 if more else _TICK)

    async def _look(self) -> bool:
        """Act on a batch of what is due; returns whether there may be more."""
        for due in await self._store.due_sends(_BATCH):
            self._outbox.take_up(due)
        verifications = await self._store.due_verifications(_BATCH)
        await asyncio.gather(*(self._store.apply(verification_id, time_passed) for verification_id in verifications))
        if self._clock() >= self._purge_at:
            await self._store.purge(self._clock() - DAY)
            self._purge_at = self._clock() + _PURGE_EVERY
        return len(verifications) == _BATCH
