"""An outbox at work on a store of its own, by a clock that a test moves; each kind of entry is added in its own way."""

import asyncio
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import msgspec

from gateway.app import CONFIG
from gateway.domain.api_keys import ApiKey, Application
from gateway.domain.blocks import block_person
from gateway.domain.enrollment import Enrollment, EnrollmentChange, Phone, PhoneKind
from gateway.domain.limits import SECOND, Limits
from gateway.domain.outbox import OutboxKind
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.provider_health import CircuitRule
from gateway.domain.retention import Retention
from gateway.domain.routing import Routes
from gateway.domain.senders import Senders
from gateway.domain.verification import Channel, Verification
from gateway.metrics import Metrics
from gateway.outbox.attempts import Attempts
from gateway.outbox.dispatcher import Dispatcher
from gateway.outbox.notifications import Notifications
from gateway.outbox.provider_pool import ProviderAccount, ProviderPool
from gateway.outbox.reconciler import Reconciler
from gateway.outbox.scheduler import DueVerifications, Scheduler
from gateway.outbox.settings import SendingSettings
from gateway.providers.base import Provider
from gateway.providers.http_client import ConnectionLimits
from gateway.providers.twilio.api import TwilioProvider
from gateway.security.generators import new_id, new_token
from gateway.security.vault import Vault
from gateway.services.code_texts import CodeTexts
from gateway.services.phrasebooks import load_phrasebooks
from gateway.settings.applications import load_applications
from gateway.stores.outbox import HANDOVER
from gateway.stores.sqlite import open_sqlite
from gateway.stores.store import Store
from support.integrator import PATIENCE
from support.network import ACCOUNT, OURS, TOKEN, PhoneNetwork
from support.verifications import a_new_attempt, a_request, an_enrollment, create_in
from support.world import empty_database
from webhooks.urls import Addresses

NUMBER = "+14255550123"
NOBODY = "http://127.0.0.1:9"
LIMITS = Limits(resend_wait=0)


async def block(store: Store, user: str, *numbers: str) -> None:
    """Lock out a new person with proven phones, which are notified."""
    bank = Application("app_1", "Example Bank")
    key = await store.api_keys.add(ApiKey(f"key_{user}", bank, "", os.urandom(32), 0, None))
    enrollment_id = f"enr_{user}"
    phones = tuple(
        Phone(f"phn_{user}_{number}", PhoneKind.AUTHENTICATION, PhoneNumber(number), verified_at=1)
        for number in numbers
    )

    def enrolled(person: Enrollment, _now: int) -> EnrollmentChange:
        return EnrollmentChange(msgspec.structs.replace(person, phones=phones))

    await store.enrollments.enroll(
        an_enrollment(enrollment_id, at=0, application_id=key.application.id, user=user), None
    )
    await store.enrollments.change(enrollment_id, enrolled)
    await store.enrollments.change(enrollment_id, lambda person, now: block_person(person, "a lost phone", None, now))


class Reports:
    """Nobody goes on from a report."""

    async def reported(self, verification: Verification) -> None:
        """Learn of it."""


class Post:
    """The outbox, its dispatcher, reconciler and scheduler, on a store of their own."""

    def __init__(self, folder: Path, network: PhoneNetwork, kind: OutboxKind) -> None:
        self.now = 1_800_000_000_000
        self.kind = kind
        self.network = network
        self.path = folder / "poundkey.db"
        self.path.write_bytes(empty_database())
        self.vault = Vault({1: os.urandom(32)}, os.urandom(32), os.urandom(32))
        self.provider = TwilioProvider(
            account_sid=ACCOUNT,
            auth_token=TOKEN,
            base_url=network.url,
            connections=ConnectionLimits(total_timeout=30.0),
        )
        self.accounts = [account_at(self.provider, OURS)]
        self.routes = Routes(("twilio",), ("twilio",))
        self.rule = CircuitRule()
        self.settings = SendingSettings()

    async def open(self) -> None:
        self.store = await open_sqlite(self.path, self.vault, self.clock)
        self.database = sqlite3.connect(self.path)

    def clock(self) -> int:
        return self.now

    async def add(self, name: str, *numbers: str) -> None:
        """Commit an entry for each number, and let the time come at which any process may claim it."""
        if self.kind is OutboxKind.NOTIFICATION:
            await block(self.store, name, *numbers)
            return
        for number in numbers:
            await self._begin(PhoneNumber(number))
        self.now += HANDOVER

    async def _begin(self, number: PhoneNumber) -> None:
        request = a_request(
            new_id("ver"), Channel.SMS, number=number, application_name="Example Bank", vault=self.vault
        )
        provider = self.routes.order(Channel.SMS, number)[0]
        new = a_new_attempt(id=new_id("att"), token=new_token(), provider=provider)
        await create_in(self.store, request, new, limits=LIMITS)

    def start(self) -> Dispatcher:
        """Start the outbox."""
        store, outbox, clock, metrics = self.store, self.store.outbox, self.clock, Metrics()
        providers = ProviderPool(self.accounts, self.routes, self.rule, 30 * SECOND, clock)
        books, applications = load_phrasebooks(CONFIG / "locales"), load_applications(None)
        texts = CodeTexts(applications, books, None)
        attempts = Attempts(store.verifications, outbox, texts, self.vault, self.settings, clock, metrics)
        notifications = Notifications(outbox, providers, applications, books, clock)
        self.contents = {OutboxKind.ATTEMPT: attempts, OutboxKind.NOTIFICATION: notifications}
        self.dispatcher = Dispatcher(outbox, store.suppressions, providers, self.contents, self.settings, clock)
        self._reconciler = Reconciler(store.verifications, attempts, providers, LIMITS, clock, Reports())
        due = DueVerifications(store.verifications, self.dispatcher.submit, None, LIMITS, clock, Reports(), metrics)
        self._scheduler = Scheduler(store, self.dispatcher, self._reconciler, due, Retention(), clock)
        return self.dispatcher

    async def stop(self, grace: float = 0) -> None:
        """Stop it; with a grace (seconds), in order."""
        await self._scheduler.close()
        await self._reconciler.close()
        await self.dispatcher.close(grace)

    async def close(self) -> None:
        await self.stop()
        self.database.close()
        for account in self.accounts:
            await account.provider.close()
        await self.store.close()

    def open_entries(self) -> list[tuple[str, int]]:
        """List state and time to act (ms since the epoch) of the entries that no provider is known to have."""
        return self.database.execute(
            "SELECT state, act_at FROM outbox WHERE state IN ('queued', 'sending') ORDER BY act_at"
        ).fetchall()

    def states(self) -> list[str]:
        """List the states of all entries."""
        return [state for (state,) in self.database.execute("SELECT state FROM outbox")]

    async def claimed(self) -> int:
        """Wait until the one entry is claimed; returns how long its lease is (ms)."""
        await until(lambda: [state for state, _ in self.open_entries()] == ["sending"])
        [(_, act_at)] = self.open_entries()
        return act_at - self.now

    async def queued_again(self) -> int:
        """Wait until the one entry is to be tried again later; returns after how long (ms)."""
        await until(lambda: [(state, at > self.now) for state, at in self.open_entries()] == [("queued", True)])
        [(_, act_at)] = self.open_entries()
        return act_at - self.now

    async def none_open(self) -> None:
        """Wait until each entry is sent, in doubt, or over."""
        await until(lambda: not self.open_entries())

    async def received(self, times: int) -> None:
        """Wait until the one phone has so many texts."""
        await self.network.handset_when(lambda kept: len(kept["messages"]) >= times, NUMBER)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.01)


def account_at(provider: Provider, sender: str) -> ProviderAccount:
    """Return an account that texts from one sender."""
    return ProviderAccount(provider, Senders(sender), Senders(sender), Addresses(NOBODY, provider.name))
