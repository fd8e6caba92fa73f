"""Reports to the application about calls and texts, in order unless a fault says otherwise."""

from __future__ import annotations

import asyncio
from collections import deque

from simulator.faults import FaultBoard
from simulator.outgoing.signed_requests import NoAnswer, SignedRequest, SignedRequests
from simulator.tasks import Tasks

_REORDER_WINDOW = 0.25
"""Real seconds that a callback waits for a later one to overtake it."""


_DELIVERY_PATIENCE = 1.0
"""Real seconds after which an application that does not answer is overtaken."""


class Callbacks:
    """Sends the callbacks of one call or text in order, those of different ones concurrently.

    The provider guarantees no order; a fixed one makes tests repeatable, and the `reorder` fault breaks it on purpose.
    """

    def __init__(self, requests: SignedRequests, faults: FaultBoard, tasks: Tasks) -> None:
        self._requests = requests
        self._faults = faults
        self._tasks = tasks
        self._queues: dict[str, deque[SignedRequest]] = {}
        self._deliveries: dict[str, asyncio.Task[None]] = {}

    def enqueue(self, callback: SignedRequest) -> None:
        """Send a callback after the earlier ones with the same sid; its answer and its failure are only logged."""
        queue = self._queues.get(callback.sid)
        if queue is None:
            queue = self._queues[callback.sid] = deque()
            self._deliveries[callback.sid] = self._tasks.start(self._deliver(callback.sid, queue))
        queue.append(callback)

    async def delivered(self, sid: str) -> None:
        """Wait until the application has all callbacks so far; those that a fault delays are not waited for."""
        await asyncio.sleep(0)
        fault = self._faults.current.callbacks
        delivery = self._deliveries.get(sid)
        if delivery and not (fault.delay_ms or fault.reorder):
            await asyncio.wait([delivery], timeout=_DELIVERY_PATIENCE)

    async def _deliver(self, sid: str, queue: deque[SignedRequest]) -> None:
        while queue:
            await self._send(await self._next(queue))
        del self._queues[sid], self._deliveries[sid]

    async def _next(self, queue: deque[SignedRequest]) -> SignedRequest:
        if not self._faults.current.callbacks.reorder:
            return queue.popleft()
        if len(queue) == 1:
            await asyncio.sleep(_REORDER_WINDOW)
        first = queue.popleft()
        if not queue:
            return first
        overtaker = queue.popleft()
        queue.appendleft(first)
        return overtaker

    async def _send(self, callback: SignedRequest) -> None:
        fault = self._faults.current.callbacks
        await asyncio.sleep(fault.delay_ms / 1000)
        if fault.drop:
            return
        for _ in range(1 + fault.duplicate):
            try:
                await self._requests.send(callback)
            except NoAnswer:
                continue  # logged; the provider gives up too (Twilio: no retry of a failed status callback)
