"""Every statement finds its rows by a key or an index, also where the database knows nothing about its tables yet."""

import re
import sqlite3
from contextlib import closing

from gateway.stores import postgres as postgres_statements
from gateway.stores import statements
from gateway.stores.grouped import Grouped
from gateway.stores.postgres_link import Link

_FILLED = {"marks": "?, ?", "where": "application_id = ? AND number_fingerprint IN (?) AND id < ?", "by": "id = ?"}
_SHARED = {
    name: text.format(**_FILLED)
    for name, text in vars(statements).items()
    if isinstance(text, str) and re.match(r"\s*(SELECT|INSERT|UPDATE|DELETE)\s", text)
}
_TAKES = {
    name: text.format(**_FILLED) for name, text in vars(postgres_statements).items() if name.startswith("TAKE_DUE_")
}
_READS_ALL = {
    "DELETE_NOTICES_BEFORE",  # an outbox that is nearly empty, once after a restore
    "DELETE_NOTICES_OF",  # likewise, when a person's record is removed
    "SELECT_STOPPED",  # what is asked for is all of it
}
_SCAN_OF_SQLITE = re.compile(r"SCAN (?!CONSTANT)\w+(?! USING)")


async def test_postgresql_looks_its_rows_up_whatever_it_knows_of_the_tables(postgres):
    link = Link(postgres.database())
    connection = await link.connection()
    await connection.execute("SET plan_cache_mode = force_generic_plan")
    grouped = Grouped()
    found = set()
    for name, statement in (_SHARED | _TAKES).items():
        for lock in (False, True):
            ready = await grouped._made_ready(connection, statement, lock=lock)
            plans = [await _plan_of(connection, text) for text in (ready.one, ready.many) if text]
            if any("Seq Scan" in plan for plan in plans):
                found.add(name)
    await link.close()
    assert found == _READS_ALL


def test_sqlite_looks_its_rows_up(database):
    found = set()
    with closing(sqlite3.connect(database)) as connection:
        for name, statement in _SHARED.items():
            values = [None] * statement.count("?")
            plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}", values).fetchall()
            if any(_SCAN_OF_SQLITE.match(step) for *_, step in plan):
                found.add(name)
    assert found == _READS_ALL | {"SELECT_REVISION"}  # a table of one row


def test_no_change_asks_a_question_of_its_own():
    """Given arrays, it would ask it once for each row of the table (`gateway.stores.grouped`)."""
    changes = [text for text in _SHARED.values() if text.lstrip().startswith(("UPDATE", "DELETE"))]
    assert changes
    assert not [text for text in changes if "SELECT" in text]


async def _plan_of(connection, text):
    """Return the plan that PostgreSQL keeps for a prepared statement, whatever values it is given later."""
    await connection.execute(f"PREPARE asked AS {text}")
    values = ", ".join(["NULL"] * len(set(re.findall(r"\$\d+", text))))
    lines = await connection.fetch("EXPLAIN EXECUTE asked" + (f"({values})" if values else ""))
    await connection.execute("DEALLOCATE asked")
    return "\n".join(line for (line,) in lines)
