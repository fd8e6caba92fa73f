"""Bounded keeping of messages and calls under their sids, as the REST API lists them."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Generic, Protocol, TypeVar

API_VERSION = "2010-04-01"
"""The version of the provider's API that is spoken here; part of every path and resource."""


class Record(Protocol):
    """What the keeping needs to know of a message or a call."""

    sid: str

    @property
    def finished(self) -> bool:
        """Whether nothing will change it any more, so that it may be forgotten."""


R = TypeVar("R", bound=Record)


class Records(Generic[R]):
    """Messages or calls in the order of their creation; the oldest finished ones make room for new ones."""

    def __init__(self, limit: int = 10_000) -> None:
        """Start empty; `limit` may be passed by as many records as are unfinished."""
        self._limit = limit
        self._by_sid: dict[str, R] = {}

    def add(self, record: R) -> None:
        """Keep a new record."""
        if len(self._by_sid) >= self._limit:
            oldest = next((sid for sid, kept in self._by_sid.items() if kept.finished), None)
            if oldest:
                del self._by_sid[oldest]
        self._by_sid[record.sid] = record

    def find(self, sid: str) -> R | None:
        """Return the record, or None when it was never there or is forgotten."""
        return self._by_sid.get(sid)

    def remove(self, sid: str) -> None:
        """Forget the record, which must be there."""
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
