"""A database of revision 0005: after the migration its sends and notices are in the one outbox, each as it stood."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import asyncpg
import msgspec
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine
from support.outbox import waiting_notifications

from gateway.domain.api_keys import ApiKey, Application
from gateway.domain.blocks import block_person
from gateway.domain.enrollment import Enrollment, EnrollmentChange, NotificationKind, Phone, PhoneKind
from gateway.domain.outbox import NotificationContent, OutboxKind, OutboxState
from gateway.domain.phone_number import PhoneNumber
from gateway.stores import migrate
from gateway.stores.places import is_postgres, sqlite_path
from gateway.stores.statement import select

BEFORE = "0005"
NUMBERS = [PhoneNumber(f"+1425555012{digit}") for digit in "34"]
MADE_AT = 1_700_000_000_000
ACT_AT = MADE_AT + 7_000
SENDS = [
    (f"att_{MADE_AT + place:012x}7abc", f"ver_{place}", state.value, ACT_AT + place, place)
    for place, state in enumerate(OutboxState)
]
STRANGE = ("att_made_by_hand", "ver_9", "queued", ACT_AT + 9, 0)
TRIED_AFTER = 120_000

INSERT_SEND = text(
    "INSERT INTO sends (attempt_id, verification_id, stage, act_at, tries) VALUES (:id, :subject, :stage, :at, :tries)"
)
ATTEMPTS = """
SELECT id, subject_id, state, act_at, tries, created_at FROM outbox WHERE kind = 'attempt' ORDER BY created_at
"""
NOTIFICATIONS = """
SELECT state, tries, created_at, act_at FROM outbox WHERE kind = 'notification' ORDER BY act_at
"""


def with_alembic(url: str, work: Callable[[Connection, Config], None]) -> None:
    """Let something work on a database with Alembic's connection and configuration."""

    def run(connection: Connection) -> None:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
        work(connection, config)
        connection.commit()

    async def run_on_postgres() -> None:
        engine = create_async_engine("postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(url))
        async with engine.connect() as connection:
            await connection.run_sync(run)
        await engine.dispose()

    if is_postgres(url):
        asyncio.run(run_on_postgres())
        return
    engine = create_engine(f"sqlite:///{sqlite_path(url)}")
    with engine.connect() as connection:
        run(connection)
    engine.dispose()


def as_it_was(connection: Connection, config: Config) -> None:
    """Take the last migration back, add a send in every state, and let one of two notices have been tried."""
    command.downgrade(config, BEFORE)
    for row in (*SENDS, STRANGE):
        connection.execute(INSERT_SEND, dict(zip(("id", "subject", "stage", "at", "tries"), row, strict=True)))
    assert connection.execute(text("SELECT COUNT(*) FROM notices")).scalar() == len(NUMBERS)
    connection.execute(text(f"UPDATE notices SET act_at = act_at + {TRIED_AFTER} WHERE id LIKE '%_1'"))  # noqa: S608 - a number


async def notify(store, clock) -> None:
    """Block a person with two proven phones, which are to be told."""
    await store.api_keys.add(ApiKey("key_1", Application("app_1", "Bank"), "tests", b"d" * 32, clock.now, None))
    phones = tuple(Phone(f"phn_{number.e164}", PhoneKind.ALTERNATE, number, 1) for number in NUMBERS)
    await store.enrollments.enroll(Enrollment("enr_1", "app_1", "alice", clock.now, clock.now, locale="de"), None)
    await store.enrollments.change(
        "enr_1", lambda alice, _now: EnrollmentChange(msgspec.structs.replace(alice, phones=phones))
    )
    await store.enrollments.change("enr_1", lambda alice, now: block_person(alice, "a lost phone", None, now))


async def test_sends_and_notices_are_in_the_outbox_as_they_stood(reopen, url, clock):
    store = await reopen()
    await notify(store, clock)
    await store.close()
    await asyncio.to_thread(with_alembic, url, as_it_was)

    await asyncio.to_thread(migrate.migrate, url)

    store = await reopen()
    made_at = [int(row[0].removeprefix("att_")[:12], 16) for row in SENDS]
    attempts = await store.run(lambda work: work.read_all(select(ATTEMPTS)))
    assert attempts == [*((*row, at) for row, at in zip(SENDS, made_at, strict=True)), (*STRANGE, STRANGE[3])]
    notifications = await store.run(lambda work: work.read_all(select(NOTIFICATIONS)))
    assert notifications == [
        ("queued", 0, clock.now, clock.now),
        ("queued", 1, clock.now, clock.now + TRIED_AFTER),
    ]
    assert {waiting.notification for waiting in await waiting_notifications(store)} == {
        NotificationContent(NotificationKind.BLOCKED, number, "Bank", "de") for number in NUMBERS
    }
    due = await store.outbox.claim_due(10, OutboxKind.ATTEMPT)
    assert {entry.id for entry in due} == {row[0] for row in (*SENDS, STRANGE)}
    assert await store.outbox.claim(STRANGE[0], 60_000)
    assert not await store.outbox.claim(SENDS[1][0], 60_000)
    await store.close()
