"""How many requests of one application may wait for a change at once: each holds a connection that others need too."""

import contextlib
from collections import Counter
from collections.abc import Iterator

from gateway.domain.api_keys import Application
from gateway.domain.limits import SECOND, rate_limited


class LongPollLimit:
    """Counted in this process. Who leaves is counted until that is noticed."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._under_way: Counter[str] = Counter()

    @contextlib.contextmanager
    def one(self, application: Application) -> Iterator[None]:
        """Let one more request wait inside the block; raises Refused (`rate_limited`)."""
        if self._under_way[application.id] >= self._most:
            raise rate_limited("This application waits for too many changes at once.", SECOND)
        self._under_way[application.id] += 1
        try:
            yield
        finally:
            self._under_way[application.id] -= 1
