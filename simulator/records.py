"""A bounded store of messages and calls by sid, in the order in which the REST API lists them."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Generic, Protocol, TypeVar

API_VERSION = "2010-04-01"
"""The provider's API version; part of every path and resource."""


class Record(Protocol):
    """What the store needs of a message or a call."""

    sid: str

    @property
    def finished(self) -> bool:
        """Whether the status is final, so that the record may be deleted."""


R = TypeVar("R", bound=Record)


class Records(Generic[R]):
    """Messages or calls in the order of their creation; the oldest finished ones make room for new ones."""

    def __init__(self, limit: int = 10_000) -> None:
        """Create an empty store; unfinished records are stored beyond `limit`."""
        self._limit = limit
        self._by_sid: dict[str, R] = {}

    def add(self, record: R) -> None:
        """Store a new record."""
        if len(self._by_sid) >= self._limit:
            oldest = next((sid for sid, stored in self._by_sid.items() if stored.finished), None)
            if oldest:
                del self._by_sid[oldest]
        self._by_sid[record.sid] = record

    def find(self, sid: str) -> R | None:
        """Return the record; None if it does not exist or was deleted."""
        return self._by_sid.get(sid)

    def remove(self, sid: str) -> None:
        """Delete an existing record."""
        del self._by_sid[sid]

    def newest_first(self) -> Iterator[R]:
        """Iterate from the newest record to the oldest; the records must not change meanwhile."""
        return reversed(self._by_sid.values())


def new_sid(prefix: str) -> str:
    """Return a sid as the provider makes them: two letters and 32 lower-case hexadecimal digits."""
    return prefix + secrets.token_hex(16)


def now() -> datetime:
    """Return the present second in UTC; the provider's dates have no fractions."""
    return datetime.now(UTC).replace(microsecond=0)


def rfc2822(moment: datetime | None) -> str | None:
    """Write a date as the 2010-04-01 API does, such as `Thu, 24 Aug 2023 05:01:45 +0000`; None stays None."""
    return format_datetime(moment) if moment else None


def rfc3339(moment: datetime) -> str:
    """Write a UTC date as the control API does, such as `2023-08-24T05:01:45Z`."""
    return moment.isoformat().replace("+00:00", "Z")
