"""Notices at work on a store of their own, by a clock that a test moves, and people who are told something."""

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
from gateway.domain.limits import SECOND
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.provider_health import HealthRule
from gateway.domain.routing import Routes
from gateway.domain.senders import Senders
from gateway.notices import Notices
from gateway.providers.base import Provider
from gateway.providers.twilio.api import TwilioProvider
from gateway.roster import Account, Roster
from gateway.security.vault import Vault
from gateway.services.phrasebooks import load_phrasebooks
from gateway.settings.applications import load_applications
from gateway.stores.sqlite import open_sqlite
from gateway.stores.store import Store
from support.integrator import PATIENCE
from support.network import ACCOUNT, OURS, TOKEN, PhoneNetwork
from support.verifications import an_enrollment
from support.world import empty_database
from webhooks.urls import Addresses

NUMBER = "+14255550123"


async def block(store: Store, user: str, *numbers: str) -> None:
    """Lock out a new person with proven phones, which are told."""
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


class Post:
    """Notices at work on a store of their own, by a clock that the test moves."""

    def __init__(self, folder: Path, network: PhoneNetwork) -> None:
        self.now = 1_800_000_000_000
        self.network = network
        self.path = folder / "poundkey.db"
        self.path.write_bytes(empty_database())
        self.vault = Vault({1: os.urandom(32)}, os.urandom(32), os.urandom(32))
        self.provider = TwilioProvider(account_sid=ACCOUNT, auth_token=TOKEN, base_url=network.url, total_timeout=30.0)
        self.accounts = [account_at(self.provider, OURS)]
        self.routes = Routes(("twilio",), ("twilio",))
        self.rule = HealthRule()

    async def open(self) -> None:
        self.store = await open_sqlite(self.path, self.vault, lambda: self.now)
        self.database = sqlite3.connect(self.path)

    def start(self) -> Notices:
        books = load_phrasebooks(CONFIG / "locales")
        outbox, suppressions, clock = self.store.outbox, self.store.suppressions, lambda: self.now
        roster = Roster(self.accounts, self.routes, self.rule, 30 * SECOND, clock)
        self.notices = Notices(outbox, suppressions, roster, load_applications(None), books, clock=clock)
        return self.notices

    async def close(self) -> None:
        await self.notices.close(0)
        self.database.close()
        for account in self.accounts:
            await account.provider.close()
        await self.store.close()

    @property
    def act_at(self) -> int | None:
        """When the one notice is due (ms since the epoch); None if there is none."""
        row = self.database.execute("SELECT act_at FROM notices").fetchone()
        return row and row[0]

    async def claimed(self) -> int:
        """Wait until the one notice is taken; returns for how long (ms)."""
        await until(lambda: self.act_at is None or self.act_at > self.now)
        assert self.act_at is not None
        return self.act_at - self.now

    async def none_left(self) -> None:
        await until(lambda: self.act_at is None)

    async def told(self, times: int) -> None:
        """Wait until the one phone has so many texts."""
        await self.network.handset_when(lambda kept: len(kept["messages"]) >= times, NUMBER)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.01)


def account_at(provider: Provider, sender: str) -> Account:
    """Return an account that texts from one sender."""
    return Account(provider, Senders(sender), Senders(sender), Addresses("https://gw.test", provider.name))
