"""Lists of the 2010-04-01 API: filters by date, and pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, time, timedelta
from itertools import dropwhile, islice, takewhile
from typing import TypeVar
from urllib.parse import urlencode

from multidict import MultiMapping

from simulator.records import Record
from simulator.rest.errors import ApiError
from simulator.whole_numbers import read_whole_number

_DEFAULT_SIZE = 50
_LARGEST_SIZE = 1000
_LAST_PAGE = 1_000_000
_PAGING = frozenset({"PageSize", "Page", "PageToken"})

R = TypeVar("R", bound=Record)


class DateRange:
    """The moments that the filters of one date parameter let through, such as DateSent, `DateSent<` and `DateSent>`."""

    def __init__(self, query: MultiMapping[str], name: str, *, before_includes_day: bool) -> None:
        """Read the three filters; each is a date (`2026-11-24`) or a moment (`2026-11-24T03:04:05Z`), in UTC.

        Args:
            query: The request's query.
            name: The parameter.
            before_includes_day: Whether a date in `name<` lets that day through (Message list) or not (Call list).

        Raises:
            ApiError: 20001, a filter is neither a date nor a moment.
        """
        self._first: datetime | None = None
        self._end: datetime | None = None
        if text := query.get(f"{name}>"):
            self._first = _moment(name, text)
        if text := query.get(f"{name}<"):
            length = timedelta(days=before_includes_day) if _is_day(text) else timedelta(seconds=1)
            self._end = _moment(name, text) + length
        if text := query.get(name):
            self._first = datetime.combine(_moment(name, text), time.min, UTC)
            self._end = self._first + timedelta(days=1)

    def holds(self, moment: datetime | None) -> bool:
        """Tell whether the filters let the moment through; no moment passes only if there are no filters."""
        if moment is None:
            return self._first is None and self._end is None
        return (self._first is None or self._first <= moment) and (self._end is None or moment < self._end)


def write_page(
    path: str, key: str, query: MultiMapping[str], matching: Iterable[R], resource: Callable[[R], dict[str, object]]
) -> dict[str, object]:
    """Return one page of a list in the provider's envelope, whose addresses are relative.

    Args:
        path: Path of the list.
        key: Name of the items, such as `messages`.
        query: The request's query: PageSize (50 by default, at most 1,000), Page, PageToken, and filters to repeat.
        matching: The records that the filters let through, newest first.
        resource: Writes one record.

    Raises:
        ApiError: 20001, a paging parameter is impossible.
    """
    size = _number(query, "PageSize", _DEFAULT_SIZE, lowest=1, highest=_LARGEST_SIZE)
    page = _number(query, "Page", 0, lowest=0, highest=_LAST_PAGE)
    rows = _slice(matching, query.get("PageToken", ""), page * size, size)
    items, has_more = rows[:size], len(rows) > size
    filters = [(name, value) for name, value in query.items() if name not in _PAGING]

    def address(number: int, token: str = "") -> str:
        paging = [("PageSize", size), ("Page", number)] + ([("PageToken", token)] if token else [])
        return f"{path}?{urlencode([*filters, *paging])}"

    return {
        key: [resource(record) for record in items],
        "first_page_uri": address(0),
        "next_page_uri": address(page + 1, f"PA{items[-1].sid}") if has_more else None,
        "previous_page_uri": address(page - 1, f"PB{items[0].sid}") if page and items else None,
        "page": page,
        "page_size": size,
        "start": page * size,
        "end": page * size + max(0, len(items) - 1),
        "uri": f"{path}?{urlencode([*query.items()])}" if query else path,
    }


def _slice(matching: Iterable[R], token: str, offset: int, size: int) -> list[R]:
    """Return up to `size` records and one more if there is one, from where the token says, else from the offset."""
    records = iter(matching)
    if token.startswith("PB"):
        before = list(takewhile(lambda record: record.sid != token[2:], records))
        return before[-size:]
    if token:
        return list(islice(dropwhile(lambda record: record.sid != token[2:], records), 1, size + 2))
    return list(islice(records, offset, offset + size + 1))


def _number(query: MultiMapping[str], name: str, default: int, *, lowest: int, highest: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    number = read_whole_number(text, lowest=lowest, highest=highest)
    if number is None:
        raise ApiError(20001, detail=name)
    return number


def _is_day(text: str) -> bool:
    return len(text) == len("2026-11-24")


def _moment(name: str, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ApiError(20001, detail=name) from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
