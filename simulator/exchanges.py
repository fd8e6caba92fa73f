"""A log of the network's last HTTP exchanges."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Mapping, Sequence

import msgspec

from simulator.records import now, rfc3339

_BODY_LIMIT = 4096


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """One request and its answer, or a warning about a document.

    Attributes:
        id: Grows by one with each exchange of this network.
        at: When it ended (RFC 3339, UTC).
        kind: `api` (a client asked the REST API), `fetch` (a TwiML document), `callback` (a report to the application),
            or `warning` (a document was odd; nothing was sent).
        method: HTTP method; empty for a warning.
        url: Path and query of an API request, full address of the others.
        sid: The message or call that it is about, when known.
        form: Fields of the request in their order, without credentials.
        status: HTTP status of the answer; None when there was none.
        body: The answer's text, cut at 4,096 characters.
        error: Why there was no answer, or what the warning says.
    """

    id: int
    at: str
    kind: str
    method: str
    url: str
    sid: str | None
    form: tuple[tuple[str, str], ...]
    status: int | None
    body: str
    error: str | None


class Exchanges:
    """A bounded log, without headers and so without credentials."""

    def __init__(self, limit: int = 500) -> None:
        """Create an empty log of the last `limit` exchanges."""
        self._exchanges: deque[Exchange] = deque(maxlen=limit)
        self._ids = itertools.count(1)

    def log(
        self,
        kind: str,
        method: str,
        url: str,
        *,
        sid: str | None = None,
        form: Mapping[str, str] | Sequence[tuple[str, str]] = (),
        status: int | None = None,
        body: str | bytes = "",
        error: str | None = None,
    ) -> None:
        """Log one exchange; see `Exchange` for the fields."""
        text = body if isinstance(body, str) else body[: 4 * _BODY_LIMIT].decode(errors="replace")
        pairs = form.items() if isinstance(form, Mapping) else form
        self._exchanges.append(
            Exchange(
                id=next(self._ids),
                at=rfc3339(now()),
                kind=kind,
                method=method,
                url=url,
                sid=sid,
                form=tuple(pairs),
                status=status,
                body=text[:_BODY_LIMIT],
                error=error,
            )
        )

    def warn(self, sid: str, warning: str) -> None:
        """Log a warning, which begins with the provider's code (Twilio: Error and Warning Dictionary)."""
        self.log("warning", "", "", sid=sid, error=warning)

    def since(self, exchange_id: int = 0) -> list[Exchange]:
        """Return the logged exchanges after an id, oldest first."""
        return [exchange for exchange in self._exchanges if exchange.id > exchange_id]
