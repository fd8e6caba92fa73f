"""The journal: what happened to a verification, in order, in words that carry no secret and no full number."""

from collections.abc import Mapping

import msgspec

Fact = str | int | bool | None


class JournalEntry(msgspec.Struct, frozen=True, gc=False):
    """One thing that happened. The store numbers it and stamps it with the time of its transaction."""

    type: str
    facts: Mapping[str, Fact] = {}


class StoredEntry(msgspec.Struct, frozen=True, gc=False):
    """A stored entry: `sequence` counts from 1 within its verification, `at` is in ms since the epoch."""

    sequence: int
    at: int
    type: str
    facts: Mapping[str, Fact]
