"""A call is hung up although its verification ended while the provider was being asked about it, or a moment before."""

import asyncio
import os
from collections.abc import AsyncIterator

import pytest
from support.verifications import a_new_attempt, a_request, create_in

from gateway.app import now
from gateway.domain import commands, send_results
from gateway.domain.limits import Limits
from gateway.domain.outbox import TO_RECONCILE, OutboxEntry, OutboxKind, OutboxState, OutboxUpdate
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.provider_health import CircuitRule
from gateway.domain.routing import Routes
from gateway.domain.senders import Senders
from gateway.domain.verification import Channel, Mode
from gateway.metrics import Metrics
from gateway.outbox.attempts import Attempts
from gateway.outbox.provider_pool import ProviderAccount, ProviderPool
from gateway.outbox.reconciler import Reconciler
from gateway.outbox.settings import SendingSettings
from gateway.security.vault import Vault
from gateway.stores.migrate import migrate
from gateway.stores.sqlite import open_sqlite
from gateway.stores.store import Store
from webhooks.urls import Addresses

QUICKLY = 20.0
"""Seconds: less than the wait for another question, more than any machine needs."""
LIMITS = Limits()
NUMBER = PhoneNumber("+14255550123")
OURS = Senders("+15005550006")


def later() -> int:
    """Tell the reconciler that the call has been silent for long enough to be asked about."""
    return now() + 600_000


class Line:
    """The provider, as far as one call goes: it answers a question when it is let, and notes what is hung up."""

    name = "twilio"

    def __init__(self) -> None:
        self.asked, self.may_answer = asyncio.Event(), asyncio.Event()
        self.hung_up: list[str] = []

    async def fetch_call(self, _sid):
        self.asked.set()
        await self.may_answer.wait()

    async def hang_up(self, sid):
        self.hung_up.append(sid)


class Nobody:
    """Who is told of reports: here they lead to nothing more."""

    async def reported(self, _verification):
        pass


class Behind:
    """A store that once shows a verification as it was: its memory follows the disk by a moment."""

    def __init__(self, store, before) -> None:
        self._store = store
        self._before = [before]

    def __getattr__(self, name) -> object:
        return getattr(self._store, name)

    async def get(self, verification_id):
        return self._before.pop() if self._before else await self._store.get(verification_id)


@pytest.fixture
async def store(tmp_path) -> AsyncIterator[Store]:
    path = tmp_path / "poundkey.db"
    migrate(f"sqlite:///{path}")
    store = await open_sqlite(path, Vault({1: os.urandom(32)}, os.urandom(32), os.urandom(32)), now)
    await create_in(
        store, a_request(channel=Channel.CALL, mode=Mode.CONFIRM), a_new_attempt(1, Channel.CALL, Mode.CONFIRM)
    )
    update = OutboxUpdate("att_1", OutboxState.SETTLING)
    await store.verifications.apply(
        "ver_1", lambda kept, at: send_results.record_sent(kept, "att_1", "CA1", at), update=update
    )
    yield store
    await store.close()


@pytest.fixture
async def line(store):
    """Let a reconciler work on the store, through a memory of before the end; `submit` hands it what is due."""
    line = Line()
    behind = Behind(store.verifications, await store.verifications.get("ver_1"))
    account = ProviderAccount(line, OURS, OURS, Addresses("http://127.0.0.1:8080", "twilio"))
    providers = ProviderPool([account], Routes(("twilio",), ("twilio",)), CircuitRule(), 1_000, later)
    attempts = Attempts(behind, store.outbox, None, None, SendingSettings(), later, Metrics())
    reconciler = Reconciler(behind, attempts, providers, LIMITS, later, Nobody())
    line.submit = reconciler.submit
    yield line
    await reconciler.close()


async def hung_up(store, line) -> None:
    """Hand the reconciler what is due, as the clock does, until the call is hung up."""
    async with asyncio.timeout(QUICKLY):
        while not line.hung_up:
            for due in await store.outbox.claim_due(10, OutboxKind.ATTEMPT, TO_RECONCILE):
                line.submit(due)
            await asyncio.sleep(0)
    assert line.hung_up == ["CA1"]


async def test_an_answer_that_comes_after_the_end_takes_no_hang_up_back(store, line):
    line.submit(OutboxEntry("att_1", OutboxKind.ATTEMPT, "ver_1", OutboxState.SETTLING, 0, 0))
    await line.asked.wait()
    await store.verifications.apply("ver_1", commands.cancel)
    line.may_answer.set()
    await hung_up(store, line)


async def test_a_hang_up_that_is_seen_before_the_end_is_not_forgotten(store, line):
    line.may_answer.set()
    await store.verifications.apply("ver_1", commands.cancel)
    [due] = await store.outbox.claim_due(10, OutboxKind.ATTEMPT, TO_RECONCILE)
    line.submit(due)
    await hung_up(store, line)
