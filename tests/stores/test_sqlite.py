"""What is SQLite's own: the file on disk, its lock, its log, and its failures."""

import asyncio
import sqlite3

import pytest
from support.verifications import a_new_attempt, a_request, an_enrollment, create_in

from gateway.domain import blocks
from gateway.domain.errors import StoreUnavailable
from gateway.domain.limits import Limits
from gateway.stores.sqlite import open_sqlite

NUMBER = "+14255550123"


@pytest.fixture
def engine() -> str:
    return "sqlite"


async def create(store, vault, name="ver_1"):
    request = a_request(name, vault=vault, code="918273")
    new = a_new_attempt(name, token="token")
    return await create_in(store, request, new, limits=Limits(sends_per_number=1_000_000))


async def test_neither_number_nor_code_is_on_disk(store, vault, database):
    await create(store, vault)
    await store.close()
    disk = b"".join(path.read_bytes() for path in database.parent.iterdir())
    assert b"ver_1" in disk
    for secret in (NUMBER, NUMBER[1:], NUMBER[2:], "918273"):
        assert secret.encode() not in disk


@pytest.mark.usefixtures("store")
async def test_a_second_gateway_on_the_same_file_does_not_start(vault, clock, database):
    with pytest.raises(StoreUnavailable, match="another gateway"):
        await open_sqlite(database, vault, clock)


async def test_many_requests_share_a_transaction(store, vault):
    statements: list[str] = []
    store._engine._connection.set_trace_callback(statements.append)
    await asyncio.gather(*(create(store, vault, f"ver_{number}") for number in range(100)))
    begun = [statement for statement in statements if statement.startswith("BEGIN")]
    assert len(begun) <= 2


async def test_another_process_that_writes_is_waited_for(store, vault, database):
    other = sqlite3.connect(database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.create_task(create(store, vault))
    # The loop stays free while the lock is held.
    assert await asyncio.wait([waiting], timeout=0.05) == (set(), {waiting})
    other.execute("COMMIT")
    await waiting
    other.close()
    assert await store.verifications.get("ver_1")


async def test_a_full_disk_refuses_the_batch_and_heals(store, vault):
    await create(store, vault)
    store._engine._connection.execute("PRAGMA max_page_count = 1")
    results = await asyncio.gather(
        *(create(store, vault, f"ver_full_{number}") for number in range(500)), return_exceptions=True
    )
    assert {type(result) for result in results} == {StoreUnavailable}
    assert await store.verifications.get("ver_full_0") is None
    store._engine._connection.execute("PRAGMA max_page_count = 1000000")
    await create(store, vault, "ver_healed")
    assert await store.verifications.get("ver_healed")
    assert store._engine.reads._connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_the_log_is_moved_into_the_database(store, vault, database):
    await create(store, vault)
    await store._engine._checkpoints._checkpoint("TRUNCATE")
    assert database.with_name("poundkey.db-wal").stat().st_size == 0
    rows = sqlite3.connect(database)
    assert rows.execute("SELECT count(*) FROM verifications").fetchone() == (1,)
    rows.close()


async def test_a_closed_store_takes_nothing(database, vault, clock):
    store = await open_sqlite(database, vault, clock)
    await store.close()
    with pytest.raises(StoreUnavailable):
        await create(store, vault)


async def test_what_changes_nothing_writes_nothing(store, clock):
    await store.enrollments.enroll(an_enrollment(at=clock.now), None)
    before = store._engine._connection.total_changes
    await store.enrollments.change("enr_1", lambda kept, now: blocks.unblock_person(kept, "not blocked", now))
    assert store._engine._connection.total_changes == before
