"""Who waits for which verification: futures in this process, woken by commits, no polling and no threads."""

import asyncio
from collections.abc import Iterable


class Watch:
    """Futures by verification id."""

    def __init__(self) -> None:
        self._futures: dict[str, set[asyncio.Future[None]]] = {}

    def future(self, verification_id: str) -> asyncio.Future[None]:
        """Return a future that the next change of this verification completes; drop it and it is forgotten."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._futures.setdefault(verification_id, set()).add(future)
        future.add_done_callback(lambda done: self._forget(verification_id, done))
        return future

    def wake(self, verification_ids: Iterable[str]) -> None:
        """Complete the futures of these verifications."""
        if not self._futures:
            return
        for verification_id in verification_ids:
            for future in tuple(self._futures.get(verification_id, ())):
                if not future.done():
                    future.set_result(None)

    def wake_all(self) -> None:
        """Complete every future, so that whoever waits can answer with what there is."""
        self.wake(tuple(self._futures))

    def _forget(self, verification_id: str, future: asyncio.Future[None]) -> None:
        futures = self._futures.get(verification_id)
        if futures is None:
            return
        futures.discard(future)
        if not futures:
            del self._futures[verification_id]
