"""A few tasks that work on entries of the outbox, each entry once at a time."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from gateway.domain.errors import StoreUnavailable
from gateway.domain.outbox import OutboxEntry

Work = Callable[[OutboxEntry], Awaitable[None]]


class WorkerPool:
    """Workers on one queue. What fails is logged; it stays in the store, and is submitted again when it is due.

    Args:
        name: What is worked on, for logs and tasks.
        size: The number of workers.
        work: Works on one entry.
        logger: Where failures are logged.
    """

    def __init__(self, name: str, size: int, work: Work, logger: logging.Logger) -> None:
        self._name = name
        self._work_on = work
        self._logger = logger
        self._queue: asyncio.Queue[OutboxEntry] = asyncio.Queue()
        self._entry_ids: set[str] = set()
        self._workers = [asyncio.create_task(self._work(), name=f"{name} {number}") for number in range(size)]

    @property
    def alive(self) -> bool:
        """Tell whether every worker still works."""
        return not any(worker.done() for worker in self._workers)

    @property
    def in_hand(self) -> int:
        """Return how many entries wait here or are being worked on."""
        return len(self._entry_ids)

    @property
    def idle(self) -> int:
        """Return how many workers have nothing to do, and nothing waits for."""
        return max(0, len(self._workers) - self.in_hand)

    def submit(self, entry: OutboxEntry) -> None:
        """Have an entry worked on soon, unless it is in hand already."""
        if entry.id not in self._entry_ids:
            self._entry_ids.add(entry.id)
            self._queue.put_nowait(entry)

    async def close(self, grace: float) -> None:
        """Begin nothing more, and let what is being worked on finish for `grace` seconds."""
        while not self._queue.empty():
            self._queue.get_nowait()
            self._queue.task_done()
        if grace:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._queue.join(), grace)
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)

    async def _work(self) -> None:
        while True:
            entry = await self._queue.get()
            try:
                await self._work_on(entry)
            except StoreUnavailable as error:
                self._logger.warning("%s waits for the store: %s", self._name, error)
            except Exception:
                self._logger.exception("%s: unexpected error", self._name)
            finally:
                self._entry_ids.discard(entry.id)
                self._queue.task_done()
