"""Requests that wait for changes: server-sent events (HTML living standard, §9.2), and the limit on waiting ones."""

import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator

import msgspec
from aiohttp import web

from gateway.api.responses import REQUEST_ID
from gateway.api.views import event_view
from gateway.domain.api_keys import Application
from gateway.domain.errors import Rejected, StoreUnavailable
from gateway.domain.journal import StoredEntry
from gateway.domain.limits import SECOND, rate_limited

EVENT_STREAM = "text/event-stream"
LAST_EVENT_ID = "Last-Event-ID"
STREAM = (
    "Server-sent events: the journal behind Last-Event-ID, oldest entry first, then each entry as it is made. "
    "Of an event, `id` is the entry's sequence, `event` its type and `data` the entry itself, an EventView in JSON. "
    "Comments come while nothing happens. The stream ends with the verification."
)
"""The description in the OpenAPI document."""

_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "Server": "poundkey"}


async def stream_events(
    request: web.Request, verification_id: str, updates: AsyncIterator[list[StoredEntry]]
) -> web.StreamResponse:
    """Send each entry as an event whose id is its sequence, so that Last-Event-ID resumes after it.

    The stream ends after the last entry. It also ends, because its status is sent already, when the client has gone or
    the store cannot be read.
    """
    response = web.StreamResponse(headers=_HEADERS)
    response.content_type = EVENT_STREAM
    response.headers["Request-Id"] = request[REQUEST_ID]
    await response.prepare(request)
    with contextlib.suppress(ConnectionError, StoreUnavailable, Rejected):
        async for entries in updates:
            await response.write(b"".join(_event(verification_id, entry) for entry in entries) or b": waiting\n\n")
        await response.write_eof()
    return response


def _event(verification_id: str, entry: StoredEntry) -> bytes:
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (
        entry.sequence,
        entry.type.encode(),
        msgspec.json.encode(event_view(verification_id, entry)),
    )


class LongPollLimit:
    """Limits how many requests of one application wait at the same time in this process.

    A client that disconnects is counted until the server notices.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: Counter[str] = Counter()

    @contextlib.contextmanager
    def count_waiting(self, application: Application) -> Iterator[None]:
        """Count a request as waiting inside the block; raises Rejected (`rate_limited`)."""
        if self._waiting[application.id] >= self._limit:
            raise rate_limited("This application waits for too many changes at once.", SECOND)
        self._waiting[application.id] += 1
        try:
            yield
        finally:
            self._waiting[application.id] -= 1
