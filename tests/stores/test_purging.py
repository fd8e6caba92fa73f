"""What is old is forgotten in rounds that look at a part of a table, however much in it is still needed."""

import os
import sqlite3

import pytest

from gateway.domain.limits import DAY
from gateway.stores import sql
from gateway.stores.statement import select

ROWS = 20_000
FILL = {
    "tallies": "INSERT INTO tallies SELECT sha256(place::text::bytea), '', {since} + place FROM {places}",
    "receipts": "INSERT INTO receipts SELECT sha256(place::text::bytea), '', '', {since} + place FROM {places}",
    "portal_links": """
INSERT INTO portal_links SELECT sha256(place::text::bytea), 'enr_1', 'enroll', NULL, {since} + place FROM {places}
""",
    "portal_sessions": """
INSERT INTO portal_sessions SELECT sha256(place::text::bytea), 'enr_1', '', {since} + place FROM {places}
""",
}
GATEWAYS = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'poundkey'"
READ_THROUGH = "SELECT relname FROM pg_stat_user_tables WHERE seq_tup_read > 0"


async def keep(store, at: int, count: int) -> set[bytes]:
    """Keep tallies of so many numbers, last changed at a time."""
    fingerprints = [os.urandom(16) for _ in range(count)]

    async def insert(work):
        for each in fingerprints:
            await work.execute(sql.INSERT_COUNTERS, (b"{}", at, each))

    await store.run(insert)
    return set(fingerprints)


async def kept(store) -> set[bytes]:
    every = select("SELECT number_fingerprint FROM tallies")
    return {row[0] for row in await store.run(lambda work: work.read_all(every))}


async def test_the_old_are_found_among_the_recent_again_and_again(store, clock):
    recent = await keep(store, clock.now - DAY, 1_500)
    for old in (1_500, 1):
        await keep(store, clock.now - DAY - 1, old)
        while await store.retention.delete_expired(clock.now - DAY):
            pass
        assert await kept(store) == recent


async def test_a_walk_that_was_broken_off_goes_on_where_it_was(store, beside, reopen, clock):
    old = sorted(await keep(store, clock.now - DAY - 1, 3_500))
    assert await store.retention.delete_expired(clock.now - DAY)
    assert await beside.retention.delete_expired(clock.now - DAY)
    assert sorted(await kept(store)) == old[2_000:]
    [mark] = await store.run(lambda work: work.read(sql.SELECT_CURSOR, ("tallies",)))
    assert [each for each in old if each.hex() in mark] == []
    await store.close()
    again = await reopen()
    await again.retention.delete_expired(clock.now - DAY)
    assert sorted(await kept(again)) == old[3_000:]
    await again.close()


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_no_round_reads_through_a_table_of_sqlite(store, database, clock):
    asked: list[str] = []
    store._engine._connection.set_trace_callback(asked.append)
    await keep(store, clock.now - DAY - 1, 1)
    await store.retention.delete_expired(clock.now - DAY)
    with sqlite3.connect(database) as connection:
        plans = [row[3] for each in asked for row in connection.execute(f"EXPLAIN QUERY PLAN {each}")]
    connection.close()
    for table in FILL:
        assert [plan for plan in plans if table in plan]
        assert [plan for plan in plans if plan.startswith(f"SCAN {table}")] == []


@pytest.mark.parametrize("engine", ["postgres"])
async def test_no_round_reads_through_a_table_of_postgresql(store, postgres, url, clock):
    places = f"generate_series(1, {ROWS}) AS place"
    for fill in FILL.values():
        postgres.execute(fill.format(since=clock.now - DAY - 5, places=places), url)
    postgres.execute("ANALYZE", url)
    await store.retention.delete_expired(clock.now - DAY)
    await store.close()
    while postgres.execute(GATEWAYS, url):
        pass  # what a connection has read is counted when it ends
    assert {name for (name,) in postgres.execute(READ_THROUGH, url)} & set(FILL) == set()
