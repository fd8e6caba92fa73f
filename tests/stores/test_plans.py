"""Every statement finds its rows by a key or an index, also where the database knows nothing about its tables yet."""

import re
import sqlite3
from contextlib import closing

from gateway.stores import sql
from gateway.stores.postgres_connection import ReconnectingConnection, StatementBatcher
from gateway.stores.statement import Statement

_SHARED = {name: value for name, value in vars(sql).items() if isinstance(value, Statement)} | {
    "count_attempts": sql.count_attempts(2),
    "due_outbox": sql.due_outbox(2),
    "list_verifications": sql.list_verifications(application=True, numbers=1, status=False, after=True),
}
_CLAIMS = {name: statement for name, statement in _SHARED.items() if "SKIP LOCKED" in statement.text} | {
    "claim_due_outbox": sql.claim_due_outbox(2)
}
"""PostgreSQL's alone."""
_READS_ALL = {
    "SELECT_SUPPRESSIONS",  # what is asked for is all of it
}
_SCAN_OF_SQLITE = re.compile(r"SCAN (?!CONSTANT)\w+(?! USING)")


async def test_postgresql_looks_its_rows_up_whatever_it_knows_of_the_tables(postgres):
    link = ReconnectingConnection(postgres.database())
    connection = await link.connection()
    await connection.execute("SET plan_cache_mode = force_generic_plan")
    batcher = StatementBatcher()
    found = set()
    for name, statement in (_SHARED | _CLAIMS).items():
        for form in filter(None, (statement, statement.locking)):
            prepared = await batcher.prepared(connection, form)
            plans = [await _plan_of(connection, text) for text in (prepared.one, prepared.many) if text]
            if any("Seq Scan" in plan for plan in plans):
                found.add(name)
    await link.close()
    assert found == _READS_ALL


def test_sqlite_looks_its_rows_up(database):
    found = set()
    with closing(sqlite3.connect(database)) as connection:
        for name, statement in _SHARED.items():
            if name in _CLAIMS:
                continue
            values = [None] * statement.text.count("?")
            plan = connection.execute(f"EXPLAIN QUERY PLAN {statement.text}", values).fetchall()
            if any(_SCAN_OF_SQLITE.match(step) for *_, step in plan):
                found.add(name)
    assert found == _READS_ALL | {"SELECT_APPLICATION_NAMES", "SELECT_REVISION"}  # small tables


def test_no_change_asks_a_question_of_its_own():
    """Given arrays, it would ask it once for each row of the table (`gateway.stores.statement`)."""
    changes = [each.text for each in _SHARED.values() if each.batch and each.text.startswith(("UPDATE", "DELETE"))]
    assert changes
    assert not [text for text in changes if "SELECT" in text]


async def _plan_of(connection, text):
    """Return the plan that PostgreSQL keeps for a prepared statement, whatever values it is given later."""
    await connection.execute(f"PREPARE asked AS {text}")
    values = ", ".join(["NULL"] * len(set(re.findall(r"\$\d+", text))))
    lines = await connection.fetch("EXPLAIN EXECUTE asked" + (f"({values})" if values else ""))
    await connection.execute("DEALLOCATE asked")
    return "\n".join(line for (line,) in lines)
