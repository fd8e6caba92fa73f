"""A few tasks that work on what is due, each piece once at a time; what fails is logged, and is due again."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from gateway.domain.errors import StoreUnavailable
from gateway.outbox_ports import DueSend

Act = Callable[[DueSend], Awaitable[None]]


class Crew:
    """So many workers on one queue. Whatever is lost from it stands in the store.

    Args:
        name: What they do, for logs.
        size: How many they are.
        act: Works on one piece.
        logger: Whose log it is.
    """

    def __init__(self, name: str, size: int, act: Act, logger: logging.Logger) -> None:
        self._name = name
        self._act = act
        self._logger = logger
        self._queue: asyncio.Queue[DueSend] = asyncio.Queue()
        self._taken: set[str] = set()
        self._workers = [asyncio.create_task(self._work(), name=f"{name} {number}") for number in range(size)]

    @property
    def alive(self) -> bool:
        """Tell whether all are at work."""
        return not any(worker.done() for worker in self._workers)

    @property
    def taken(self) -> int:
        """Return how much waits or is being worked on."""
        return len(self._taken)

    def take_up(self, due: DueSend) -> None:
        """Work on this soon, unless it is waiting already."""
        if due.attempt_id not in self._taken:
            self._taken.add(due.attempt_id)
            self._queue.put_nowait(due)

    async def close(self, grace: float) -> None:
        """Begin nothing more, and let what is under way finish for `grace` seconds."""
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
            due = await self._queue.get()
            try:
                await self._act(due)
            except StoreUnavailable as error:
                self._logger.warning("%s waits for the store: %s", self._name, error)
            except Exception:
                self._logger.exception("%s failed in a way that was not foreseen", self._name)
            finally:
                self._taken.discard(due.attempt_id)
                self._queue.task_done()
