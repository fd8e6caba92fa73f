"""What SQLite's file still holds of what was wiped: nothing; and what a gateway has at hand of what another wrote."""

import sqlite3

import pytest
from support.verifications import a_request, create_in

from gateway.domain import commands
from gateway.domain.limits import DAY, Limits
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.retention import Retention
from gateway.domain.verification import Change
from gateway.stores import sql
from gateway.stores.checkpoints import empty_log

LIMITS = Limits(sends_per_number=1_000)
NUMBER = PhoneNumber("+14255550123")


@pytest.fixture
def engine() -> str:
    return "sqlite"


async def create(store, vault, clock, count):
    names = [f"ver_{clock():012x}{place:04}" for place in range(count)]
    for name in names:
        await create_in(store, a_request(name, vault=vault), limits=LIMITS)
        await store.verifications.apply(name, commands.cancel)
    return names


@pytest.mark.parametrize("how", ["erased", "wiped", "removed"])
async def test_wiped_bytes_are_gone_from_the_file(store, vault, database, clock, how):
    await create(store, vault, clock, 50)
    with sqlite3.connect(database) as connection:
        kept = [
            value
            for row in connection.execute("SELECT sealed_number, number_fingerprint FROM verifications")
            for value in row
        ]
    connection.close()
    assert empty_log(database)
    before = database.read_bytes()
    assert all(value in before for value in kept)
    clock.now += 500 * DAY
    if how == "erased":
        await store.eraser.erase(NUMBER, "asked by letter")
    else:
        retention = Retention(30, 30, 0) if how == "wiped" else Retention()
        await store.retention.delete_expired(clock.now - DAY)
        while await store.retention.apply(retention):
            pass
    assert empty_log(database)
    after = database.read_bytes()
    assert [value for value in kept if value in after] == []
    if how != "erased":
        assert b"token-ver" not in after


async def test_a_gateway_sees_before_its_next_change_what_another_process_wrote(store, beside, vault, clock):
    [name] = await create(store, vault, clock, 1)
    assert (await store.verifications.get(name)).metadata == {}
    await beside.run(lambda work: work.execute(sql.DELETE_VERIFICATION, (name,)))
    assert await store.verifications.get(name) is not None  # still at hand
    await store._engine.writer.look_for_others()
    assert await store.verifications.get(name) is None


async def test_its_own_commits_leave_at_hand_what_it_has(store, vault, clock):
    names = await create(store, vault, clock, 3)
    await store.verifications.apply(names[0], lambda kept, _now: Change(kept))
    assert all(store._engine.cache.get(name) for name in names)
    await store._engine._checkpoints._checkpoint("TRUNCATE")
    await store._engine.writer.look_for_others()
    assert (await store.verifications.get(names[0])).number == NUMBER
