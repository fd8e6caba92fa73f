"""The store on SQLite, for one gateway process: durable, with many requests in one transaction.

Writes go through one `GroupCommit`. Single rows are read in the event loop on a connection of its own, which takes some
microseconds; lists, the journal and keys are read through aiosqlite, off the loop.
"""

import asyncio
import fcntl
import sqlite3
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import IO, Any

import aiosqlite

from gateway.domain.journal import KeptEntry
from gateway.domain.phone import PhoneNumber
from gateway.domain.verification import Change, Verification
from gateway.outbox_ports import DueSend, SendMove, Stage
from gateway.ports import (
    ApiKey,
    Application,
    Begin,
    Clock,
    CountedStep,
    Created,
    Joining,
    ListFilter,
    Page,
    Receipt,
    Replay,
    SendStep,
    Step,
    StoreUnavailable,
)
from gateway.stores import rows
from gateway.stores import statements as sql
from gateway.stores.checkpoints import Checkpoints
from gateway.stores.group_commit import GroupCommit, Transaction
from gateway.stores.head import HEAD
from gateway.stores.people_operations import PeopleOperations
from gateway.stores.reads import Reads
from gateway.stores.receipts import Receipts
from gateway.stores.recent import Recent
from gateway.stores.sqlite_operations import Operations
from gateway.stores.sqlite_people import SqlitePeople
from gateway.stores.sqlite_replies import SqliteReplies
from gateway.stores.watch import Watch
from gateway.vault import Vault

_RECENT_LIMIT = 10_000


class SqliteStore:
    """Fills `gateway.ports.Store`; `people` holds the records of people, `replies` what their texts do.

    The file is locked for this gateway alone.
    """

    def __init__(self, path: Path, vault: Vault, clock: Clock) -> None:
        self._vault = vault
        self._clock = clock
        self._lock = _lock(path)
        self._reader = _connect(path)
        self._reads = Reads(self._reader)
        self._writer_connection = _connect(path)
        self._recent = Recent(_RECENT_LIMIT)
        self._receipts = Receipts(vault)
        people = PeopleOperations(vault)
        self._operations = Operations(vault, self._recent, people)
        self._watch = Watch()
        self._writer = GroupCommit(self._writer_connection, self._committed)
        self.people = SqlitePeople(self._writer, self._reads, people, self._receipts, vault, clock)
        self.replies = SqliteReplies(self._writer, self._reads, self._operations, vault, clock)
        self._checkpoints = Checkpoints(path, self._writer.turn)
        self._path = path
        self._lists: aiosqlite.Connection | None = None

    @classmethod
    async def open(cls, path: Path, vault: Vault, clock: Clock) -> "SqliteStore":
        """Open a database that is at head; raises StoreUnavailable, in words for the operator."""
        try:
            store = cls(path, vault, clock)
            store._lists = await aiosqlite.connect(path, isolation_level=None)
        except (sqlite3.Error, OSError) as error:
            raise StoreUnavailable(f"cannot open {path}: {error}") from error
        return store

    async def create(
        self,
        verification_id: str,
        number: PhoneNumber,
        begin: Begin,
        *,
        receipt: Receipt | None,
        joining: Joining | None,
    ) -> Created | Replay:
        """See the port."""

        def operation(transaction: Transaction) -> Created | Replay:
            now = self._clock()
            return self._receipts.once(
                transaction,
                now,
                receipt,
                lambda: self._operations.create(transaction, now, verification_id, number, begin, joining),
            )

        return await self._writer.run(operation)

    async def apply(self, verification_id: str, step: Step, *, send: SendMove | None = None) -> Change:
        """See the port."""
        return await self._writer.run(
            lambda transaction: self._operations.apply(transaction, self._clock(), verification_id, step, send)
        )

    async def apply_counted(self, verification_id: str, step: CountedStep) -> Change:
        """See the port."""
        return await self._writer.run(
            lambda transaction: self._operations.apply_counted(transaction, self._clock(), verification_id, step)
        )

    async def resend(
        self, verification_id: str, step: CountedStep, receipt: Receipt | None, *, person: SendStep
    ) -> Change | Replay:
        """See the port."""

        def operation(transaction: Transaction) -> Change | Replay:
            now = self._clock()
            return self._receipts.once(
                transaction,
                now,
                receipt,
                lambda: self._operations.apply_counted(transaction, now, verification_id, step, person),
            )

        return await self._writer.run(operation)

    def get(self, verification_id: str) -> Verification | None:
        """See the port."""
        verification = self._recent.get(verification_id)
        if verification is not None:
            return verification
        row = self._reads.one(sql.SELECT_VERIFICATION, (verification_id,))
        if row is None:
            return None
        verification = rows.verification_of(verification_id, row[0], row[1], self._vault)
        # Kept although a commit may be under way: its own state is kept over this one when it is done.
        self._recent.keep({verification_id: verification})
        return verification

    async def list_verifications(self, application_id: str, narrow: ListFilter) -> Page:
        """See the port."""
        where: list[str] = ["application_id = ?"]
        values: list[str | bytes] = [application_id]
        if narrow.number:
            where.append("number_fingerprint = ?")
            values.append(self._vault.fingerprint(narrow.number))
        if narrow.status:
            where.append("status = ?")
            values.append(narrow.status.value)
        if narrow.starting_after:
            where.append("id < ?")
            values.append(narrow.starting_after)
        statement = sql.LIST_VERIFICATIONS.format(where=" AND ".join(where))
        found = await self._list(statement, (*values, narrow.limit + 1))
        page = [
            rows.verification_of(verification_id, state, sealed_number, self._vault)
            for verification_id, state, sealed_number in found[: narrow.limit]
        ]
        return Page(page, has_more=len(found) > narrow.limit)

    async def journal(self, verification_id: str, after: int) -> list[KeptEntry]:
        """See the port."""
        found = await self._list(sql.SELECT_ENTRIES, (verification_id,))
        return [entry for row in found for entry in rows.entries_of(row) if entry.sequence > after]

    def changed(self, verification_id: str) -> asyncio.Future[None]:
        """See the port."""
        return self._watch.future(verification_id)

    def wake_all(self) -> None:
        """See the port."""
        self._watch.wake_all()

    async def claim(self, attempt_id: str, lease: int) -> bool:
        """See the port."""
        return await self._writer.run(
            lambda transaction: self._operations.claim(transaction, self._clock(), attempt_id, lease)
        )

    async def move_send(self, move: SendMove) -> None:
        """See the port."""
        await self._writer.run(lambda transaction: self._operations.move_send(transaction, self._clock(), move))

    async def due_sends(self, limit: int, stages: Collection[Stage] = tuple(Stage)) -> list[DueSend]:
        """See the port."""
        statement = sql.DUE_SENDS.format(marks=", ".join("?" * len(stages)))
        found = self._reads.all(statement, (*(stage.value for stage in stages), self._clock(), limit))
        return [
            DueSend(attempt_id, verification_id, Stage(stage), tries)
            for attempt_id, verification_id, stage, tries in found
        ]

    async def due_verifications(self, limit: int) -> list[str]:
        """See the port."""
        return [row[0] for row in self._reads.all(sql.DUE_VERIFICATIONS, (self._clock(), limit))]

    async def add_key(self, key: ApiKey) -> ApiKey:
        """See the port."""

        def operation(transaction: Transaction) -> ApiKey:
            application = key.application
            transaction.write(sql.INSERT_APPLICATION, (application.id, application.name, key.created_at))
            row = transaction.read(sql.SELECT_APPLICATION, (application.name,))
            kept = Application(*row) if row else application
            transaction.write(sql.INSERT_KEY, (key.id, kept.id, key.name, key.digest, key.created_at))
            return ApiKey(key.id, kept, key.name, key.digest, key.created_at, None)

        return await self._writer.run(operation)

    def keys(self) -> list[ApiKey]:
        """See the port."""
        return [rows.api_key_of(row) for row in self._reads.all(sql.SELECT_KEYS, ())]

    async def revoke_key(self, key_id: str) -> bool:
        """See the port."""
        return await self._writer.run(
            lambda transaction: transaction.write(sql.REVOKE_KEY, (self._clock(), key_id)) == 1
        )

    async def purge(self, before: int) -> None:
        """See the port."""

        def operation(transaction: Transaction) -> None:
            transaction.write(sql.PURGE_RECEIPTS, (before,))
            transaction.write(sql.PURGE_TALLIES, (before,))
            transaction.write(sql.PURGE_LINKS, (before,))
            transaction.write(sql.PURGE_SESSIONS, (before,))

        await self._writer.run(operation)

    async def ready(self) -> None:
        """See the port."""
        if not self._writer.alive:
            raise StoreUnavailable("the writer has stopped")
        row = self._reads.one(sql.SELECT_REVISION, ())
        if row != (HEAD,):
            raise StoreUnavailable(
                f"the database is at {row and row[0]}, this program needs {HEAD}: run poundkey migrate"
            )

    async def close(self) -> None:
        """See the port."""
        self._watch.wake_all()
        await self._writer.close()
        await self._checkpoints.close()
        if self._lists is not None:
            await self._lists.close()
        self._reader.close()
        self._writer_connection.close()
        self._lock.close()

    def _committed(self, verifications: Mapping[str, Verification]) -> None:
        self._recent.keep(verifications)
        self._watch.wake(verifications)

    async def _list(self, statement: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        if self._lists is None:
            raise StoreUnavailable("the store is not open")
        try:
            return [tuple(row) for row in await self._lists.execute_fetchall(statement, values)]
        except sqlite3.Error as error:
            raise StoreUnavailable(f"SQLite: {error}") from error


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256, timeout=0)
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "wal_autocheckpoint = 0", "temp_store = MEMORY"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _lock(path: Path) -> IO[str]:
    """Hold the database's lock file for as long as the store is open; raises StoreUnavailable if another does."""
    lock = path.with_name(f"{path.name}.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise StoreUnavailable(f"another gateway is running on {path}; several need PostgreSQL") from None
    return lock
