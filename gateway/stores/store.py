"""The store, whatever its engine: what the ports ask for, in statements and operations that the engines share."""

import asyncio
from collections.abc import Callable, Collection
from typing import Protocol, TypeVar

from gateway.domain.journal import StoredEntry
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.retention import Retention
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
from gateway.security.vault import Vault
from gateway.stores import rows
from gateway.stores import statements as sql
from gateway.stores.daily_counts import DailyCounts
from gateway.stores.engine import Reads, Transaction, Writer
from gateway.stores.enrollments import Enrollments
from gateway.stores.erasing import Erasing
from gateway.stores.expiry import Expiry
from gateway.stores.head import HEAD
from gateway.stores.operations import Operations
from gateway.stores.people import SqlPeople
from gateway.stores.people_operations import PeopleOperations
from gateway.stores.pins import SqlPins
from gateway.stores.receipts import Receipts
from gateway.stores.recent import Recent
from gateway.stores.replies import SqlReplies
from gateway.stores.restoring import Restoring
from gateway.stores.rotation import Rotation
from gateway.stores.stop_list import StopList
from gateway.stores.watch import Watch

T = TypeVar("T")


class Engine(Protocol):
    """A database, opened for a store."""

    recent: Recent
    watch: Watch

    @property
    def writer(self) -> Writer:
        """Return what commits."""
        ...

    @property
    def reads(self) -> Reads:
        """Return what reads."""
        ...

    async def close(self) -> None:
        """Finish what was begun and let go of the database."""
        ...


class SqlStore:
    """Fills `gateway.ports.Store`.

    `people` holds the records of people, `pins` what they key in on calls, `replies` what their texts do; `stops`,
    `enrollments` and `counts` are the console's.
    """

    def __init__(self, engine: Engine, vault: Vault, clock: Clock) -> None:
        self._engine = engine
        self._vault = vault
        self.clock = clock
        self._reads = engine.reads
        self._writer = engine.writer
        self._recent = engine.recent
        self._watch = engine.watch
        self._receipts = Receipts(vault)
        self._expiry = Expiry(engine.writer, engine.recent, clock)
        people = PeopleOperations(vault)
        self._operations = Operations(vault, engine.recent, people)
        self.people = SqlPeople(engine.writer, engine.reads, people, self._receipts, vault, clock)
        self.pins = SqlPins(engine.writer, self._operations, people, clock)
        self.replies = SqlReplies(engine.writer, engine.reads, self._operations, vault, clock)
        self.erasing = Erasing(engine.writer, engine.reads, self._operations, people, vault, clock)
        self.rotation = Rotation(engine.writer, engine.reads, vault)
        self.restoring = Restoring(engine.writer, engine.reads, self._operations, clock)
        self.stops = StopList(engine.writer, engine.reads, vault, clock)
        self.enrollments = Enrollments(engine.reads, vault)
        self.counts = DailyCounts(engine.reads)

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
            now = self.clock()
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
            lambda transaction: self._operations.apply(transaction, self.clock(), verification_id, step, send)
        )

    async def apply_counted(self, verification_id: str, step: CountedStep) -> Change:
        """See the port."""
        return await self._writer.run(
            lambda transaction: self._operations.apply_counted(transaction, self.clock(), verification_id, step)
        )

    async def resend(
        self, verification_id: str, step: CountedStep, receipt: Receipt | None, *, person: SendStep
    ) -> Change | Replay:
        """See the port."""

        def operation(transaction: Transaction) -> Change | Replay:
            now = self.clock()
            return self._receipts.once(
                transaction,
                now,
                receipt,
                lambda: self._operations.apply_counted(transaction, now, verification_id, step, person),
            )

        return await self._writer.run(operation)

    async def replay(self, key: bytes, request_digest: bytes) -> Replay | None:
        """See the port."""
        row = await self._reads.one(sql.SELECT_RECEIPT, (key,))
        return None if row is None else self._receipts.replay(row, key, request_digest)

    async def get(self, verification_id: str) -> Verification | None:
        """See the port."""
        verification = self._recent.get(verification_id)
        if verification is not None:
            return verification
        row = await self._reads.one(sql.SELECT_VERIFICATION, (verification_id,))
        if row is None:
            return None
        verification = rows.verification_of(verification_id, row[0], row[1], self._vault)
        # Kept although a commit may be under way: its own state is kept over this one when it is done.
        self._recent.keep({verification_id: verification})
        return verification

    async def list_verifications(self, application_id: str | None, narrow: ListFilter) -> Page:
        """See the port."""
        where: list[str] = []
        values: list[str | bytes] = []
        if application_id is not None:
            where.append("application_id = ?")
            values.append(application_id)
        if narrow.number:
            fingerprints = self._vault.fingerprints(narrow.number)
            where.append(f"number_fingerprint IN ({', '.join('?' * len(fingerprints))})")
            values.extend(fingerprints)
        if narrow.status:
            where.append("status = ?")
            values.append(narrow.status.value)
        if narrow.starting_after:
            where.append("id < ?")
            values.append(narrow.starting_after)
        statement = sql.LIST_VERIFICATIONS.format(where=" AND ".join(where) or "TRUE")
        found = await self._reads.many(statement, (*values, narrow.limit + 1))
        page = [
            rows.verification_of(verification_id, state, sealed_number, self._vault)
            for verification_id, state, sealed_number in found[: narrow.limit]
        ]
        return Page(page, has_more=len(found) > narrow.limit)

    async def journal(self, verification_id: str, after: int) -> list[StoredEntry]:
        """See the port."""
        found = await self._reads.many(sql.SELECT_ENTRIES, (verification_id,))
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
            lambda transaction: self._operations.claim(transaction, self.clock(), attempt_id, lease)
        )

    async def move_send(self, move: SendMove) -> None:
        """See the port."""
        await self._writer.run(lambda transaction: self._operations.move_send(transaction, self.clock(), move))

    async def due_sends(self, limit: int, stages: Collection[Stage] = tuple(Stage)) -> list[DueSend]:
        """See the port."""
        statement = sql.DUE_SENDS.format(marks=", ".join("?" * len(stages)))
        found = await self._reads.all(statement, (*(stage.value for stage in stages), self.clock(), limit))
        return [DueSend(row[0], row[1], Stage(row[2]), row[3]) for row in found]

    async def due_verifications(self, limit: int) -> list[str]:
        """See the port."""
        return [row[0] for row in await self._reads.all(sql.DUE_VERIFICATIONS, (self.clock(), limit))]

    async def add_key(self, key: ApiKey) -> ApiKey:
        """See the port."""

        def operation(transaction: Transaction) -> ApiKey:
            application = key.application
            transaction.put(sql.INSERT_APPLICATION, (application.id, application.name, key.created_at))
            row = transaction.read(sql.SELECT_APPLICATION, (application.name,))
            kept = Application(*row) if row else application
            transaction.put(sql.INSERT_KEY, (key.id, kept.id, key.name, key.digest, key.created_at))
            return ApiKey(key.id, kept, key.name, key.digest, key.created_at, None)

        return await self._writer.run(operation)

    async def keys(self) -> list[ApiKey]:
        """See the port."""
        return [rows.api_key_of(row) for row in await self._reads.all(sql.SELECT_KEYS, ())]

    async def revoke_key(self, key_id: str) -> bool:
        """See the port."""
        return await self._writer.run(
            lambda transaction: transaction.write(sql.REVOKE_KEY, (self.clock(), key_id)) == 1
        )

    async def purge(self, before: int) -> bool:
        """See the port."""
        return await self._expiry.purge(before)

    async def let_go(self, retention: Retention) -> bool:
        """See the port."""
        return await self._expiry.let_go(retention)

    async def application(self, name: str) -> Application | None:
        """Return the application of this name."""
        row = await self._reads.one(sql.SELECT_APPLICATION, (name,))
        return Application(*row) if row else None

    async def run(self, operation: Callable[[Transaction], T]) -> T:
        """Run an operation of the console in one transaction; raises what it raises, or StoreUnavailable."""
        return await self._writer.run(operation)

    async def ready(self) -> None:
        """See the port."""
        if not self._writer.alive:
            raise StoreUnavailable("the writer has stopped")
        try:
            row = await self._reads.one(sql.SELECT_REVISION, ())
        except StoreUnavailable as error:  # such as a database without tables
            raise StoreUnavailable(f"{error}: if it is new, run poundkey migrate") from error
        if row != (HEAD,):
            raise StoreUnavailable(
                f"the database is at {row and row[0]}, this program needs {HEAD}: run poundkey migrate"
            )

    async def close(self) -> None:
        """See the port."""
        self._watch.wake_all()
        await self._engine.close()
