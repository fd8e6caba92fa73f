"""The store on PostgreSQL, for any number of gateway processes on one database.

A commit of one process wakes the waiting requests of all others (LISTEN/NOTIFY). Due work is shared out row by row. The
database's clock is everyone's.
"""

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Iterable, Mapping
from typing import Any

import asyncpg

from gateway.clock import Clock, SteadyClock
from gateway.domain.errors import StoreUnavailable
from gateway.domain.verification import Verification
from gateway.security.vault import Vault
from gateway.stores.engine import ChangeWaiters, Row, VerificationCache
from gateway.stores.postgres_connection import LOST, ReconnectingConnection, StatementBatcher
from gateway.stores.postgres_writer import PostgresWriter
from gateway.stores.statement import Statement
from gateway.stores.store import Store

_PULSE = 5.0
"""Seconds between two looks at the database's clock, which also tell that the listening connection still lives."""
_NOW = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint"
_CHANNEL = "poundkey"
_NOTIFY = "SELECT pg_notify('poundkey', payload) FROM unnest($1::text[]) AS payload"
_LONGEST_PAYLOAD = 7_900
"""Bytes (PostgreSQL: NOTIFY, payload)."""
_LAST_WAIT = 1.0
"""For how long (s) the others may still be notified when the store closes."""
_TRIES = 2
_Asking = tuple[Row, "asyncio.Future[list[Row]]"]

logger = logging.getLogger(__name__)


async def open_postgres(url: str, vault: Vault, clock: Clock | None = None) -> Store:
    """Open a database that is at head; None takes the database's own clock. Raises StoreUnavailable."""
    engine = PostgresEngine(url)
    try:
        await engine.begin()
    except (StoreUnavailable, *LOST, asyncpg.PostgresError) as error:
        await engine.close()
        raise StoreUnavailable(str(error) or type(error).__name__) from error
    return Store(engine, vault, clock or engine.clock)


class PostgresEngine:
    """Implements `gateway.stores.engine.Engine`: one connection writes, two read, one notifies and one listens."""

    shared = True

    def __init__(self, url: str) -> None:
        batcher = StatementBatcher()
        self._pulse: asyncio.Task[None] | None = None
        self.clock = SteadyClock(lambda: int(time.monotonic() * 1_000))
        self.cache = VerificationCache(0)  # what another process commits would not be in it
        self.waiters = ChangeWaiters()
        self._notifier = ChangeNotifier(url, self.waiters)
        self.reads = PostgresReads(url, batcher)
        self.writer = PostgresWriter(ReconnectingConnection(url), batcher, self._committed)

    async def begin(self) -> None:
        """Begin to listen, and learn the time."""
        await self._learn_the_time()
        self._pulse = asyncio.create_task(self._beat(), name="pulse")

    async def close(self) -> None:
        """Finish what was begun and close the connections."""
        if self._pulse is not None:
            self._pulse.cancel()
            await asyncio.gather(self._pulse, return_exceptions=True)
        await self.writer.close()
        await self.reads.close()
        await self._notifier.close()

    def _committed(self, verifications: Mapping[str, Verification]) -> None:
        self.waiters.wake(verifications)
        self._notifier.notify(verifications)

    async def _learn_the_time(self) -> None:
        connection = await self._notifier.listener()
        self.clock.learn(await connection.fetchval(_NOW))

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(_PULSE)
            try:
                await self._learn_the_time()
            except (StoreUnavailable, *LOST, asyncpg.PostgresError) as error:
                logger.warning("PostgreSQL notifies of no changes until it is there again: %s", error)
                await self._notifier.reconnect()


class ChangeNotifier:
    """Notifies the other processes of which verifications have changed (NOTIFY), and listens for theirs (LISTEN).

    It notifies beside the commits, not in them: PostgreSQL lets commits that notify pass one at a time, over all
    processes, each with its wait for the disk. So a process that dies right behind a commit may notify nobody of it;
    who waits elsewhere then finds the change when the wait is over.
    """

    def __init__(self, url: str, waiters: ChangeWaiters) -> None:
        self._waiters = waiters
        self._origin = secrets.token_hex(8)
        self._listening = ReconnectingConnection(url, self._listen)
        self._notifying = ReconnectingConnection(url, _without_waiting_for_the_disk)
        self._pending: list[str] = []
        self._task: asyncio.Task[None] | None = None

    def notify(self, verification_ids: Iterable[str]) -> None:
        """Notify the others soon, together with what else has changed by then."""
        self._pending.extend(verification_ids)
        if self._pending and self._task is None:
            self._task = asyncio.create_task(self._notify(), name="change notifier")

    async def listener(self) -> "asyncpg.Connection[Any]":
        """Return the connection that listens; raises StoreUnavailable."""
        return await self._listening.connection()

    async def reconnect(self) -> None:
        """Take the listening connection for lost."""
        await self._listening.drop()

    async def close(self) -> None:
        """Notify the others of what is left, and close the connections."""
        task = self._task
        if task is not None:
            await asyncio.wait({task}, timeout=_LAST_WAIT)
            if not task.done():  # the database stands still
                await self._notifying.drop()
                await task
        await self._notifying.close()
        await self._listening.close()

    async def _notify(self) -> None:
        while self._pending:
            changed, self._pending = self._pending, []
            # Twice: a connection may just have been lost.
            if not await self._notified(changed) and not await self._notified(changed):
                logger.warning("the other processes were not notified of %d changes", len(changed))
        self._task = None

    async def _notified(self, verification_ids: Iterable[str]) -> bool:
        try:
            connection = await self._notifying.connection()
            await connection.fetch(_NOTIFY, self._payloads(verification_ids))
        except (StoreUnavailable, *LOST, asyncpg.PostgresError) as error:
            logger.warning("PostgreSQL could not notify the other processes of changes: %s", error)
            await self._notifying.drop()
            return False
        return True

    def _payloads(self, verification_ids: Iterable[str]) -> list[str]:
        """Write the ids into as few payloads as they fit in."""
        payloads: list[str] = []
        payload = self._origin
        for verification_id in verification_ids:
            if len(payload) + len(verification_id) + 1 > _LONGEST_PAYLOAD:
                payloads.append(payload)
                payload = self._origin
            payload += f",{verification_id}"
        return [*payloads, payload]

    async def _listen(self, connection: "asyncpg.Connection[Any]") -> None:
        """Listen; changes from before that have to be looked for."""
        await connection.add_listener(_CHANNEL, self._received)
        self._waiters.wake_all()

    def _received(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        origin, *verification_ids = str(payload).split(",")
        if origin != self._origin:
            self._waiters.wake(verification_ids)


async def _without_waiting_for_the_disk(connection: "asyncpg.Connection[Any]") -> None:
    """Let the connection's commits not wait for the disk: they store nothing."""
    with contextlib.suppress(asyncpg.PostgresError):  # an engine that only speaks the protocol may not know it
        await connection.execute("SET synchronous_commit = off")


class PostgresReads:
    """Implements `gateway.stores.engine.Reads`. Long reads have a connection of their own."""

    def __init__(self, url: str, batcher: StatementBatcher) -> None:
        self._short = _Reader(ReconnectingConnection(url), batcher)
        self._long = _Reader(ReconnectingConnection(url), batcher)

    async def row(self, statement: Statement, values: Row) -> Row | None:
        """Return the first row."""
        first_rows = await self._short.rows(statement, values)
        return first_rows[0] if first_rows else None

    async def all(self, statement: Statement, values: Row) -> list[Row]:
        """Return the rows of a short look-up."""
        return await self._short.rows(statement, values)

    async def many(self, statement: Statement, values: Row) -> list[Row]:
        """Return rows that may take long to find."""
        return await self._long.rows(statement, values)

    async def close(self) -> None:
        """Close the connections."""
        await self._short.close()
        await self._long.close()


class _Reader:
    """Reads over one connection: what is asked for while a read is under way goes out together in the next one."""

    def __init__(self, connection: ReconnectingConnection, batcher: StatementBatcher) -> None:
        self._connection = connection
        self._batcher = batcher
        self._waiting: dict[Statement, list[_Asking]] = {}
        self._working: asyncio.Task[None] | None = None
        self._closing = False

    async def rows(self, statement: Statement, values: Row) -> list[Row]:
        """Return the rows; raises StoreUnavailable."""
        future: asyncio.Future[list[Row]] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(statement, []).append((values, future))
        if self._working is None:
            self._working = asyncio.create_task(self._work(), name="reads")
        return await future

    async def close(self) -> None:
        self._closing = True
        if self._working is not None:
            await self._connection.drop()  # nobody needs the answer any more, and it may never come
            await self._working
        await self._connection.close()

    async def _work(self) -> None:
        while self._waiting:
            asking, self._waiting = self._waiting, {}
            for statement, askers in asking.items():
                waiting = [asker for asker in askers if not asker[1].done()]
                if waiting:
                    await self._answer(statement, waiting)
        self._working = None

    async def _answer(self, statement: Statement, askers: list[_Asking]) -> None:
        try:
            answers = await self._read(statement, [values for values, _ in askers])
        except Exception as error:  # noqa: BLE001 - it is raised to each asker
            if len(askers) > 1 and isinstance(error.__cause__, asyncpg.DataError):  # one of them is at fault
                for asker in askers:
                    await self._answer(statement, [asker])
                return
            for _, future in askers:
                if not future.done():
                    future.set_exception(error)
        else:
            for (_, future), answer in zip(askers, answers, strict=True):
                if not future.done():
                    future.set_result(answer)

    async def _read(self, statement: Statement, each: list[Row]) -> list[list[Row]]:
        """Read; once more over a new connection if the old one was lost, for nothing can happen twice."""
        last: Exception | None = None
        for _ in range(_TRIES):
            if self._closing:
                raise StoreUnavailable("the store is closed")
            connection: asyncpg.Connection[Any] = await self._connection.connection()
            try:
                return await self._batcher.rows(connection, statement, each, lock=False)
            except (*LOST, asyncpg.InvalidCachedStatementError) as error:
                last = error
                await self._connection.drop()
            except asyncpg.PostgresError as error:
                if connection.is_closed():
                    last = error
                    continue
                raise StoreUnavailable(f"PostgreSQL: {error}") from error
        raise StoreUnavailable(f"PostgreSQL: {last or type(last).__name__}") from last
