"""A backup taken beside a gateway and put back later: nothing that went out meanwhile goes out once more."""

import asyncio
import contextlib
import os
import sqlite3
import subprocess
from pathlib import Path

import msgspec
import pytest
from support.verifications import a_new_attempt, a_request, create_in
from support.world import LIMITS, key_for, serving_at, settings_for

from gateway import app
from gateway.domain import commands
from gateway.domain.verification import Channel, FallbackStep
from gateway.settings.settings import Database, Outbox

PHONE = "+14255550123"


class Backups:
    """One engine's way to back a database up and to put it back."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self._kept = folder / "backup"


class SqliteBackups(Backups):
    """`VACUUM INTO`, and the file put back without its log."""

    def take(self) -> None:
        with contextlib.closing(sqlite3.connect(self.url.removeprefix("sqlite:///"))) as connection:
            connection.execute("VACUUM INTO ?", (str(self._kept),))

    def put_back(self) -> None:
        path = Path(self.url.removeprefix("sqlite:///"))
        for tail in ("-wal", "-shm"):
            path.with_name(path.name + tail).unlink(missing_ok=True)
        path.write_bytes(self._kept.read_bytes())


class PostgresBackups(Backups):
    """`pg_dump`, and `pg_restore` into an empty database."""

    def __init__(self, url: str, folder: Path, programs: Path) -> None:
        super().__init__(url, folder)
        self._programs = programs

    def take(self) -> None:
        self._run("pg_dump", "--format=custom", f"--file={self._kept}", f"--dbname={self.url}")

    def put_back(self) -> None:
        self._run("pg_restore", "--clean", "--if-exists", "--single-transaction", f"--dbname={self.url}", self._kept)

    def _run(self, program: str, *words: str | Path) -> None:
        subprocess.run([self._programs / program, *words], check=True, env={**os.environ, "PGCONNECT_TIMEOUT": "10"})  # noqa: S603 - the tests' own server


@pytest.fixture(params=["sqlite", "postgres"])
def backups(request, tmp_path) -> Backups:
    if request.param == "sqlite":
        return SqliteBackups(f"sqlite:///{tmp_path}/poundkey.db", tmp_path)
    server = request.getfixturevalue("postgres")
    return PostgresBackups(server.database(), tmp_path, server.programs)


@pytest.fixture
def settings(tmp_path, network, backups):
    return settings_for(
        tmp_path,
        network.url,
        database=Database(backups.url),
        limits=LIMITS,
        outbox=Outbox(reconcile_after=0.1, reconcile_for=2.0, settle_after=0.2),
    )


async def queued(settings, backups, lifetime=600, steps=()):
    """Begin a verification whose text is still to be handed over, and back up beside the gateway that has begun it."""
    await key_for(settings)
    store = await app.open_store(settings)
    vault = app.vault_of(settings)
    bank = await store.api_keys.application_named("Example Bank")
    name = app.new_id("ver")
    request = a_request(
        name,
        vault=vault,
        application_id=bank.id,
        application_name=bank.name,
        plan=commands.Plan(wait=5, steps=steps),
    )
    new = a_new_attempt(id=app.new_id("att"), token=app.new_token())
    await create_in(store, request, new, limits=msgspec.structs.replace(LIMITS, lifetime=lifetime))
    await asyncio.to_thread(backups.take)
    await store.close()
    return name


async def restored(settings):
    """Do what `poundkey recover` does."""
    store = await app.open_store(settings)
    try:
        return await store.recovery.recover()
    finally:
        await store.close()


async def test_what_went_out_after_the_backup_is_asked_about_and_not_sent_again(settings, backups, network):
    name = await queued(settings, backups)
    async with serving_at(settings, network) as world:
        await world.integrator.attempt_when(name, "sent", "delivered")
        assert len(await network.texts()) == 1
    await asyncio.to_thread(backups.put_back)
    settled = await restored(settings)
    assert (settled.verifications, settled.sends) == (1, 1)
    async with serving_at(settings, network) as world:
        await world.integrator.attempt_when(name, "sent", "delivered")
        assert (await world.integrator.check(name, "123456")).body["valid"]
        types = [event["type"] for event in await world.integrator.events(name)]
        assert {"verification.restored", "attempt.unknown", "attempt.sent"} <= set(types)
    assert len(await network.texts()) == 1
    assert (await restored(settings)).sends == 0


async def test_what_never_went_out_is_known_to_have_failed(settings, backups, network):
    name = await queued(settings, backups)
    await asyncio.to_thread(backups.put_back)
    await restored(settings)
    async with serving_at(settings, network) as world:
        ended = await world.integrator.finished(name)
    assert (ended["status"], ended["failure"]["code"]) == ("failed", "outcome_unknown")
    assert await network.texts() == []


async def test_without_that_step_a_young_backup_sends_again(settings, backups, network):
    """This is why there is the command; were it not so, the tests above would prove nothing."""
    name = await queued(settings, backups)
    for texts in (1, 2):
        async with serving_at(settings, network) as world:
            await network.handset_when(lambda handset, texts=texts: len(handset["messages"]) == texts)
            await world.integrator.attempt_when(name, "sent", "delivered")
        await asyncio.to_thread(backups.put_back)


async def test_a_backup_older_than_the_lifetime_sends_nothing_by_itself(settings, backups, network):
    name = await queued(settings, backups, lifetime=1)
    async with serving_at(settings, network) as world:
        assert (await world.integrator.finished(name))["status"] == "expired"
        sent = len(await network.texts())
    await asyncio.to_thread(backups.put_back)
    async with serving_at(settings, network) as world:
        assert (await world.integrator.finished(name))["status"] == "expired"
        attempt = await world.integrator.attempt_when(name, "canceled", "sent", "delivered")
    assert attempt["status"] == "canceled"
    assert len(await network.texts()) == sent


async def test_the_ways_that_were_to_follow_are_left_out(settings, backups, network):
    name = await queued(settings, backups, steps=(FallbackStep(Channel.CALL, wait=5),))
    await asyncio.to_thread(backups.put_back)
    await restored(settings)
    async with serving_at(settings, network) as world:
        assert (await world.integrator.show(name))["fallback"] is None
