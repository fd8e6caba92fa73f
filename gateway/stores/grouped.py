"""One statement for many: how PostgreSQL runs a statement of ours for a whole group of values in one round trip.

`SELECT state FROM tallies WHERE number_fingerprint = ?` becomes a join with the values, which arrive as one array for
each `?`. The arrays' types are what PostgreSQL itself says of the statement's parameters.
"""

import re
from collections.abc import Sequence
from typing import Any

import asyncpg
import msgspec

from gateway.stores import statements as sql
from gateway.stores.engine import Row

_INSERT = re.compile(r"\s*(INSERT INTO .+?)\s+VALUES\s+\((.+?)\)\s*(ON CONFLICT.+|)\Z", re.DOTALL)
_UPDATE = re.compile(r"\s*(UPDATE .+?)(\sWHERE\s.+)\Z", re.DOTALL)
_DELETE = re.compile(r"\s*(DELETE FROM \w+)(\sWHERE\s.+)\Z", re.DOTALL)

_LOCKING = {
    sql.SELECT_VERIFICATION: f"{sql.SELECT_VERIFICATION} FOR UPDATE",
    sql.SELECT_ENROLLMENT: f"{sql.SELECT_ENROLLMENT} FOR UPDATE",
    sql.SELECT_MARK: f"{sql.SELECT_MARK} FOR UPDATE",
    sql.SELECT_TALLY: f"{sql.SELECT_TALLY} FOR UPDATE",
    sql.SELECT_TALLY_OF_NUMBER: sql.SELECT_TALLY_OF_NUMBER.replace("= ?),", "= ? FOR UPDATE),", 1),
}
"""What lets a transaction have the row that it reads for itself."""


class _Ready(msgspec.Struct, frozen=True):
    """A statement as PostgreSQL is given it; `many` takes arrays and tells of each row whose it is."""

    one: str
    many: str | None


class Grouped:
    """Runs statements on a connection, each for many values at once. What it learns of a statement holds for all."""

    def __init__(self) -> None:
        self._ready: dict[tuple[str, bool], _Ready] = {}

    async def rows(
        self, connection: "asyncpg.Connection[Any]", statement: str, each: Sequence[Row], *, lock: bool
    ) -> list[list[Row]]:
        """Return the rows for each of the values; of an UPDATE or DELETE, one empty row for each that it changed."""
        ready = await self._made_ready(connection, statement, lock=lock)
        counted = statement.lstrip().startswith(("UPDATE", "DELETE"))
        if ready.many is None or (len(each) == 1 and not counted):
            return [[tuple(row) for row in await connection.fetch(ready.one, *values)] for values in each]
        found: list[list[Row]] = [[] for _ in each]
        # In one order everywhere, so that no two transactions wait for each other's rows.
        order = sorted(range(len(each)), key=lambda place: _sortable(each[place]))
        for row in await connection.fetch(ready.many, *zip(*(each[place] for place in order), strict=True)):
            whose, *rest = row
            found[order[whose - 1]].append(tuple(rest))
        return found

    async def put(self, connection: "asyncpg.Connection[Any]", statement: str, each: Sequence[Row]) -> None:
        """Change rows for each of the values."""
        ready = await self._made_ready(connection, statement, lock=False)
        if ready.many is None:
            for values in each:
                await connection.execute(ready.one, *values)
            return
        order = sorted(each, key=_sortable)
        await connection.fetch(ready.many, *zip(*order, strict=True))

    async def _made_ready(self, connection: "asyncpg.Connection[Any]", statement: str, *, lock: bool) -> _Ready:
        ready = self._ready.get((statement, lock))
        if ready is None:
            text = _LOCKING.get(statement, statement) if lock else statement
            one = _marked(text, "${}")
            parameters = (await connection.prepare(one)).get_parameters()
            ready = _Ready(one, _for_many(text, [parameter.name for parameter in parameters]))
            self._ready[statement, lock] = ready
        return ready


def _for_many(text: str, types: Sequence[str]) -> str | None:
    """Return the statement for arrays of these types; None for one that has no values, or is of another form."""
    if not types:
        return None
    arrays = ", ".join(f"${place}::{name}[]" for place, name in enumerate(types, 1))
    names = ", ".join(f"p{place}" for place in range(1, len(types) + 1))
    each = f"unnest({arrays}) WITH ORDINALITY AS q({names}, n)"
    marked = _marked(text, "q.p{}")
    if text.lstrip().startswith("SELECT"):
        return f"SELECT q.n, r.* FROM {each} CROSS JOIN LATERAL ({marked}) AS r"  # noqa: S608 - our own statement
    if insert := _INSERT.match(marked):
        into, values, conflict = insert.groups()
        return f"{into} SELECT {values} FROM {each} {conflict}"  # noqa: S608 - likewise
    change = None if "RETURNING" in marked else _UPDATE.match(marked) or _DELETE.match(marked)
    if change is None:
        return None
    joined = "FROM" if change[1].startswith("UPDATE") else "USING"
    return f"{change[1]} {joined} {each}{change[2]} RETURNING q.n"


def _marked(text: str, mark: str) -> str:
    """Write each `?` as the mark with its place."""
    parts = text.split("?")
    return "".join(part + mark.format(place) for place, part in enumerate(parts[:-1], 1)) + parts[-1]


def _sortable(values: Row) -> tuple[tuple[bool, Any], ...]:
    return tuple((value is None, value if value is not None else 0) for value in values)
