"""Streams a verification's journal as server-sent events (HTML living standard, §9.2)."""

import contextlib
from collections.abc import AsyncIterator

import msgspec
from aiohttp import web

from gateway.api.responses import REQUEST_ID
from gateway.api.views import event_view
from gateway.domain.errors import Rejected, StoreUnavailable
from gateway.domain.journal import StoredEntry

EVENT_STREAM = "text/event-stream"
LAST_EVENT_ID = "Last-Event-ID"
STREAM = (
    "Server-sent events: the journal behind Last-Event-ID, oldest entry first, then each entry as it is made. "
    "Of an event, `id` is the entry's sequence, `event` its type and `data` the entry itself, an EventView in JSON. "
    "Comments come while nothing happens. The stream ends with the verification."
)
"""What the description says of it."""

_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "Server": "poundkey"}


async def stream_events(
    request: web.Request, verification_id: str, following: AsyncIterator[list[StoredEntry]]
) -> web.StreamResponse:
    """Send each entry, its sequence as the event's id, so that Last-Event-ID resumes behind it; end with the last.

    It also ends, and no error can be told any more, where whoever listens has gone or nothing can be read.
    """
    response = web.StreamResponse(headers=_HEADERS)
    response.content_type = EVENT_STREAM
    response.headers["Request-Id"] = request[REQUEST_ID]
    await response.prepare(request)
    with contextlib.suppress(ConnectionError, StoreUnavailable, Rejected):
        async for entries in following:
            await response.write(b"".join(_event(verification_id, entry) for entry in entries) or b": waiting\n\n")
        await response.write_eof()
    return response


def _event(verification_id: str, entry: StoredEntry) -> bytes:
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (
        entry.sequence,
        entry.type.encode(),
        msgspec.json.encode(event_view(verification_id, entry)),
    )
