"""What PostgreSQL's failures do: nothing acknowledged is lost, nothing is done twice, and work goes on by itself."""

import asyncio
import itertools
import os

import asyncpg
import pytest
from support.integrator import PATIENCE
from support.postgres import Postgres
from support.postgres_wire import Cut, Wire
from support.verifications import a_request, create_in

from gateway.domain import commands
from gateway.domain.errors import Rejected, StoreUnavailable
from gateway.domain.limits import Limits
from gateway.domain.phone_number import PhoneNumber
from gateway.security.vault import Vault
from gateway.stores.postgres import open_postgres
from gateway.stores.postgres_connection import LOST, ReconnectingConnection, StatementBatcher
from gateway.stores.postgres_writer import PostgresWriter
from gateway.stores.statement import select, update

LIMITS = Limits(sends_per_number=1_000_000, checks_per_verification=1_000, failed_checks_per_day=1_000_000)
NUMBER = PhoneNumber("+14255550123")
FEW = 30
VAULT = Vault({1: os.urandom(32)}, os.urandom(32), os.urandom(32))
TERMINATE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'poundkey'"


def create(store, name):
    return create_in(store, a_request(name, vault=VAULT), limits=LIMITS)


def check(store, name="ver_1"):
    digest = VAULT.code_digest(name, "000000")
    return store.verifications.apply_counted(
        name,
        lambda verification, rate_counters, now: commands.check_code(verification, digest, rate_counters, now, LIMITS),
    )


async def until_it_works(store, name):
    """Create again and again until the database is there."""
    while True:
        try:
            return await create(store, name)
        except StoreUnavailable:
            await asyncio.sleep(0.05)


@pytest.fixture
async def url(postgres):
    return await asyncio.to_thread(postgres.database)


@pytest.fixture
async def store(url):
    store = await open_postgres(url, VAULT)
    yield store
    await store.close()


@pytest.fixture
def own_server():
    """A server that a test may kill."""
    server = Postgres(connections=FEW)
    yield server
    server.end()


@pytest.mark.parametrize("lost", list(Cut))
async def test_a_connection_lost_in_commit_changes_nothing_twice_and_loses_nothing(url, lost):
    async with Wire(url) as wire:
        store = await open_postgres(wire.url, VAULT)
        await create(store, "ver_1")
        for turn in range(1, 6):
            wire.cut(lost)
            changes = await asyncio.gather(check(store), create(store, f"ver_of_turn_{turn}"))
            assert changes[0].verification.checks_left == LIMITS.checks_per_verification - turn
        assert wire.cuts == 5
        kept = await store.verifications.get("ver_1")
        assert kept.checks_left == LIMITS.checks_per_verification - 5
        assert [entry.sequence for entry in await store.verifications.journal("ver_1", 0)] == list(
            range(1, kept.entries + 1)
        )
        await store.close()


async def test_sessions_that_are_ended_again_and_again_lose_and_repeat_nothing(postgres, store):
    await create(store, "ver_1")
    checks = [asyncio.create_task(check(store)) for _ in range(20)]
    for turn in range(10):
        await asyncio.to_thread(postgres.execute, TERMINATE)
        checks += [asyncio.create_task(check(store)) for _ in range(20)]
        await asyncio.gather(
            create(store, f"ver_of_turn_{turn}"),
            store.verifications.get("ver_1"),
            store.verifications.journal("ver_1", 0),
        )
    results = await asyncio.gather(*checks, return_exceptions=True)
    judged = [result for result in results if not isinstance(result, BaseException)]
    assert {type(result) for result in results} <= {type(judged[0]), StoreUnavailable}
    kept = await store.verifications.get("ver_1")
    assert LIMITS.checks_per_verification - kept.checks_left == len(judged)
    assert sorted(change.verification.checks_left for change in judged) == list(
        range(kept.checks_left, LIMITS.checks_per_verification)
    )


async def test_a_server_that_is_killed_takes_nothing_with_it_and_is_found_again(own_server):
    url = await asyncio.to_thread(own_server.database)
    store = await open_postgres(url, VAULT)
    await create(store, "ver_1")
    creating = [asyncio.create_task(create(store, f"ver_{place}_of_many")) for place in range(300)]
    await asyncio.wait(creating, return_when=asyncio.FIRST_COMPLETED)
    await asyncio.to_thread(own_server.kill)
    with pytest.raises(StoreUnavailable):
        await create(store, "ver_while_away")
    with pytest.raises(StoreUnavailable):
        await store.ready()
    await asyncio.to_thread(own_server.start)
    await until_it_works(store, "ver_again")
    results = await asyncio.gather(*creating, return_exceptions=True)
    assert {type(result) for result in results if isinstance(result, BaseException)} <= {StoreUnavailable}
    for place, result in enumerate(results):
        kept = await store.verifications.get(f"ver_{place}_of_many")
        if not isinstance(result, BaseException):
            assert kept == result.change.verification
    assert await store.verifications.get("ver_while_away") is None
    await store.close()


async def test_a_commit_that_the_server_lost_is_not_taken_for_another_with_its_id(own_server):
    """A server that crashes gives the ids of transactions that its log has not kept once more."""
    url = await asyncio.to_thread(own_server.database)
    async with Wire(url) as wire:
        store, other = await open_postgres(wire.url, VAULT), await open_postgres(url, VAULT)
        await asyncio.gather(create(store, "ver_1"), create(other, "ver_of_other"))
        wire.cut(Cut.COMMIT)
        creating = asyncio.create_task(create(store, "ver_lost"))
        while not wire.cuts:
            await asyncio.sleep(0)
        own_server.kill()  # before the loop goes on: the store is not to ask a server that still knows
        await asyncio.to_thread(own_server.start)
        for place in itertools.count():
            await until_it_works(other, f"ver_{place}_of_other")
            if creating.done():
                break
        created = await creating
        assert await other.verifications.get("ver_lost") == created.change.verification
        await store.close()
        await other.close()


async def test_a_database_that_is_gone_is_not_looked_for_by_each_operation_of_a_batch(url):
    class Lost(ReconnectingConnection):
        tries = 0

        async def connection(self):
            Lost.tries += 1
            if Lost.tries > 1:
                raise StoreUnavailable("there is none")
            return await super().connection()

    writer = PostgresWriter(Lost(url), StatementBatcher(), lambda _changed: None)
    ending = lambda work: work.read(select("SELECT pg_terminate_backend(pg_backend_pid())"))  # noqa: E731 - shown beside its use
    results = await asyncio.gather(*(writer.run(ending) for _ in range(20)), return_exceptions=True)
    assert {type(result) for result in results} == {StoreUnavailable}
    assert Lost.tries == 2
    await writer.close()


async def test_a_store_whose_database_stands_still_can_be_closed(own_server):
    store = await open_postgres(await asyncio.to_thread(own_server.database), VAULT)
    await create(store, "ver_1")
    with own_server.standing_still():
        asked = [
            asyncio.create_task(one)
            for one in (create(store, "ver_2"), store.verifications.get("ver_2"), store.api_keys.all())
        ]
        await asyncio.sleep(0)  # they are on their way
        async with asyncio.timeout(PATIENCE):
            await store.close()
        results = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(result) for result in results] == [StoreUnavailable] * 3


async def test_what_nobody_can_ask_for_fails_nobody_who_asks_beside_it(store):
    of_nobody, of_none = await asyncio.gather(
        store.verifications.get("ver_\0"), store.verifications.get("ver_none"), return_exceptions=True
    )
    assert (type(of_nobody), of_none) == (StoreUnavailable, None)


async def test_a_row_that_a_process_standing_still_holds_is_free_again_after_seconds(url, store):
    await create(store, "ver_1")
    link = ReconnectingConnection(url)
    still = await link.connection()
    await still.execute("BEGIN; SELECT 1 FROM verifications WHERE id = 'ver_1' FOR UPDATE")
    change = await check(store)
    assert change.verification.checks_left == LIMITS.checks_per_verification - 1
    with pytest.raises((asyncpg.PostgresError, *LOST)):  # its transaction is gone
        await still.execute("UPDATE verifications SET status = 'approved'; COMMIT")
    assert (await store.verifications.get("ver_1")).status == "pending"
    await link.close()


async def test_no_connection_left_is_said_and_over_when_there_is_one(own_server):
    url = await asyncio.to_thread(own_server.database)
    tried = await asyncio.gather(*(asyncpg.connect(url) for _ in range(FEW)), return_exceptions=True)
    try:
        with pytest.raises(StoreUnavailable, match="PostgreSQL"):
            await open_postgres(url, VAULT)
    finally:
        for connection in tried:
            if isinstance(connection, asyncpg.Connection):
                await connection.close()
    while True:  # the server takes a moment to notice
        try:
            store = await open_postgres(url, VAULT)
        except StoreUnavailable:
            await asyncio.sleep(0.05)
        else:
            break
    await create(store, "ver_1")
    await store.close()


async def test_who_waits_hears_of_changes_again_after_the_listener_was_lost(postgres, url, store):
    other = await open_postgres(url, VAULT)
    await create(store, "ver_1")
    await asyncio.to_thread(postgres.execute, TERMINATE)
    await other.verifications.changed("ver_1")  # woken to look for itself, for nobody can tell what it missed
    told = other.verifications.changed("ver_1")
    await check(store)
    await asyncio.wait_for(told, 10)
    await other.close()


async def test_two_operations_that_want_each_others_rows_both_happen(store):
    """The order of locks is one, but an operation of the console may not know it."""
    await asyncio.gather(create(store, "ver_1"), create(store, "ver_2"))

    def both(first, second):
        async def operation(work):
            for name in (first, second):
                await work.read(select("SELECT state FROM verifications WHERE id = ? FOR UPDATE"), (name,))
            await work.execute(update("verifications", "due_at = due_at + ?", "id = ?"), (1, first))
            return first

        return operation

    done = await asyncio.gather(
        *(store.run(both(*pair)) for pair in [("ver_1", "ver_2"), ("ver_2", "ver_1")] * 10), return_exceptions=True
    )
    assert done == ["ver_1", "ver_2"] * 10


async def test_a_refusal_is_the_askers_alone_while_sessions_end(postgres, store):
    await create(store, "ver_1")
    unknown = [asyncio.create_task(check(store, "ver_none")) for _ in range(20)]
    await asyncio.to_thread(postgres.execute, TERMINATE)
    results = await asyncio.gather(*unknown, return_exceptions=True)
    assert {type(result) for result in results} <= {Rejected, StoreUnavailable}
    await check(store)
