"""Paging: whatever the size, following the addresses shows each record once, forwards and backwards."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict

from simulator.records import Records
from simulator.rest.errors import ApiError
from simulator.rest.pagination import DateRange, write_page


class Entry(msgspec.Struct):
    sid: str
    finished: bool = True


def page_at(uri: str, records: list[Entry]) -> dict:
    query = MultiDict(parse_qsl(urlsplit(uri).query, keep_blank_values=True))
    return write_page("/list.json", "entries", query, records, lambda entry: {"sid": entry.sid})


@given(st.integers(0, 60), st.integers(1, 20))
def test_following_the_addresses(count, size):
    records = [Entry(f"SM{number:032x}") for number in range(count)]
    pages = [page_at(f"/list.json?To=%2B1425&PageSize={size}", records)]
    while uri := pages[-1]["next_page_uri"]:
        assert "To=%2B1425" in uri
        pages.append(page_at(uri, records))
    assert [entry["sid"] for page in pages for entry in page["entries"]] == [record.sid for record in records]
    assert all(len(page["entries"]) == size for page in pages[:-1])
    assert [page["page"] for page in pages] == list(range(len(pages)))
    for earlier, later in pairwise(pages):
        assert page_at(later["previous_page_uri"], records)["entries"] == earlier["entries"]
    assert page_at(pages[-1]["first_page_uri"], records)["entries"] == pages[0]["entries"]


def test_new_records_do_not_shift_the_next_page():
    records = [Entry(f"SM{number:032x}") for number in range(4)]
    first = page_at("/list.json?PageSize=2", records)
    newer = [Entry("SM" + "f" * 32), *records]
    assert [entry["sid"] for entry in page_at(first["next_page_uri"], newer)["entries"]] == [
        record.sid for record in records[2:]
    ]


def test_page_without_token_is_counted():
    records = [Entry(f"SM{number:032x}") for number in range(5)]
    page = page_at("/list.json?PageSize=2&Page=2", records)
    assert [entry["sid"] for entry in page["entries"]] == [records[4].sid]
    assert page["start"] == page["end"] == 4


NAMES = st.sampled_from(["", "<", ">"])
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 1, 10)).map(  # noqa: DTZ001  the next line gives the zone
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)


@given(MOMENTS, MOMENTS, NAMES, st.booleans())
def test_dates_and_moments(filter_moment, moment, operator, before_includes_day):
    day: date = filter_moment.date()
    by_day = DateRange(MultiDict({f"T{operator}": day.isoformat()}), "T", before_includes_day=before_includes_day)
    last_day = day if before_includes_day else day - timedelta(days=1)
    assert (
        by_day.holds(moment)
        == {
            "": moment.date() == day,
            ">": moment.date() >= day,
            "<": moment.date() <= last_day,
        }[operator]
    )
    text = filter_moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    by_moment = DateRange(MultiDict({f"T{operator}": text}), "T", before_includes_day=before_includes_day)
    assert (
        by_moment.holds(moment)
        == {
            "": moment.date() == day,
            ">": moment >= filter_moment,
            "<": moment <= filter_moment,
        }[operator]
    )
    assert not by_moment.holds(None)


def test_no_filter_lets_everything_through():
    everything = DateRange(MultiDict(), "T", before_includes_day=True)
    assert everything.holds(None)
    assert everything.holds(datetime.now(UTC))


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "2026-01-01T25:00:00Z", "20260101junk"])
def test_neither_date_nor_moment(text):
    with pytest.raises(ApiError):
        DateRange(MultiDict({"T": text}), "T", before_includes_day=True)


def test_oldest_finished_records_make_room():
    records: Records[Entry] = Records(limit=3)
    for name, finished in [("a", False), ("b", True), ("c", True), ("d", True)]:
        records.add(Entry(name, finished))
    assert [entry.sid for entry in records.newest_first()] == ["d", "c", "a"]
    for name in "efg":
        records.add(Entry(name, finished=False))
    assert [entry.sid for entry in records.newest_first()] == ["g", "f", "e", "a"]
    assert records.find("d") is None
