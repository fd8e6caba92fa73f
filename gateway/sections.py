"""Reads the tables of an operator's TOML file; each mistake is noted with its place, and reading goes on."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, Literal, get_args, get_origin

import msgspec

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)

Check = Callable[[Any], Any]
"""Takes a value of the right type and returns what to keep; raises ValueError."""


class Section:
    """A table of the file; each mistake in it is noted with its place, and reading goes on."""

    def __init__(self, place: str, table: Mapping[str, Any], problems: list[str]) -> None:
        self._place = place
        self._table = table
        self._problems = problems

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys in this table."""
        return tuple(self._table)

    def child(self, key: str) -> "Section":
        """Return the table under a key; one that is missing, or no table, counts as empty."""
        table = self._table.get(key, {})
        if not isinstance(table, Mapping):
            self._note(key, "must be a table")
            table = {}
        return Section(self._place_of(key), table, self._problems)

    def children(self) -> "dict[str, Section]":
        """Return all tables in this one, by their keys."""
        return {key: self.child(key) for key in self._table}

    def refuse_others(self, *known: str) -> None:
        """Note every key that is not known."""
        for key in self._table:
            if key not in known:
                self._note(key, "there is no such setting")

    def values(self, types: Mapping[str, Any], checks: Mapping[str, Check], tables: Sequence[str]) -> dict[str, Any]:
        """Return what may be kept, each value judged alone so that each mistake is told; `tables` are another's."""
        kept = {}
        self.refuse_others(*types, *tables)
        for key, written in self._table.items():
            if key not in types:
                continue
            try:
                value = msgspec.convert(written, types[key])
                kept[key] = checks[key](value) if key in checks else value
            except msgspec.ValidationError as error:
                self._note(key, f"{error}{choices(types[key])}")
            except ValueError as error:
                self._note(key, str(error))
        return kept

    def _note(self, key: str, problem: str) -> None:
        self._problems.append(f"{self._place_of(key)}: {problem}")

    def _place_of(self, key: str) -> str:
        written = key if _BARE_KEY.fullmatch(key) else json.dumps(key, ensure_ascii=False)
        return f"{self._place}.{written}" if self._place else written


def choices(kind: Any) -> str:  # noqa: ANN401 - any type
    """Return what a value can be, where it is one of a few words."""
    if get_origin(kind) is tuple:
        return choices(get_args(kind)[0])
    if get_origin(kind) is Literal:
        words = get_args(kind)
    elif isinstance(kind, type) and issubclass(kind, Enum):
        words = tuple(kind)
    else:
        return ""
    return f"; it can be {', '.join(words)}"
