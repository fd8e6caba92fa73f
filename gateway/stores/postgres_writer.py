"""Many requests in one durable PostgreSQL transaction, and exactly one effect of each whatever fails.

A batch that fails is run again one by one, so that a bad operation harms no other. What the database itself says can be
tried again is tried again. When the connection is lost before COMMIT, nothing has happened, and the batch is run over a
new one. When it is lost in COMMIT, the database is asked what became of the transaction. A server that crashes may give
the id of a transaction that it lost to another one, so each batch also leaves a mark of its own: `committed` is only
believed with that.
"""

import asyncio
import contextlib
import logging
import secrets
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import asyncpg

from gateway.domain.verification import Verification
from gateway.ports import StoreUnavailable
from gateway.stores.engine import Transaction
from gateway.stores.grouped import Grouped
from gateway.stores.postgres_link import LOST, Link
from gateway.stores.waves import Spoiled, Wave, Work

_MAX_BATCH = 256
_TRIES = 5
_PAUSE = 0.02
_LAST_WAIT = 1.0
"""For how long (s) what was begun may go on when the store closes."""
_ASK_FOR = 5.0
"""For how long (s) the database is asked, at growing pauses, whether a transaction is still under way."""
_TRY_AGAIN = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.UniqueViolationError,  # another process inserted first: the next run finds its row
    asyncpg.InvalidCachedStatementError,
)
_ITS_OWN = (asyncpg.IntegrityConstraintViolationError, asyncpg.DataError, asyncpg.RaiseError)
"""What is the operation's fault, not the database's."""
_SEAL = """
INSERT INTO marks (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value
RETURNING pg_current_xact_id()::text
"""
_BECAME = "SELECT pg_xact_status($1::text::xid8)"
_SEALED = "SELECT value FROM marks WHERE name = $1"
_FORGET = "DELETE FROM marks WHERE name = $1"

T = TypeVar("T")

logger = logging.getLogger(__name__)


class _Lost(Exception):
    """The connection went before the transaction was committed: nothing of it happened."""


class _Waiting(Generic[T]):
    """An operation, and whoever waits for it."""

    def __init__(self, operation: Callable[[Transaction], T], future: "asyncio.Future[T]") -> None:
        self.work = Work(operation)
        self.future = future


class PostgresWriter:
    """Fills `gateway.stores.engine.Writer`.

    `committed` is told the verifications that a batch changed, before anyone is answered.
    """

    def __init__(self, link: Link, grouped: Grouped, committed: Callable[[Mapping[str, Verification]], None]) -> None:
        self._link = link
        self._grouped = grouped
        self._committed = committed
        self._waiting: deque[_Waiting[Any]] = deque()
        self._arrived = asyncio.Event()
        self._closing = False
        self._name = f"writer {secrets.token_hex(8)}"
        self._batches = 0
        self._task = asyncio.create_task(self._work(), name="writer")

    @property
    def alive(self) -> bool:
        """See the protocol."""
        return not self._task.done()

    async def run(self, operation: Callable[[Transaction], T]) -> T:
        """See the protocol."""
        if self._closing or self._task.done():
            raise StoreUnavailable("the store is closed")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(operation, future))
        self._arrived.set()
        return await future

    async def close(self) -> None:
        """See the protocol."""
        self._closing = True
        self._arrived.set()
        await asyncio.wait({self._task}, timeout=_LAST_WAIT)
        if not self._task.done():  # the database stands still
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            _fail([*self._waiting], StoreUnavailable("the store is closed"))
        elif self._batches:
            with contextlib.suppress(StoreUnavailable, *LOST, asyncpg.PostgresError):
                await (await self._link.connection()).execute(_FORGET, self._name, timeout=_LAST_WAIT)
        await self._link.close()

    async def _work(self) -> None:
        while not (self._closing and not self._waiting):
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), _MAX_BATCH))]
                await self._commit([waiting for waiting in batch if not waiting.future.done()])

    async def _commit(self, batch: list[_Waiting[Any]]) -> None:
        try:
            await self._transact([waiting.work for waiting in batch])
        except asyncio.CancelledError:
            _fail(batch, StoreUnavailable("the store is closed"))
            raise
        except StoreUnavailable as error:
            _fail(batch, error)
        except (Spoiled, asyncpg.PostgresError, _Lost):
            await self._commit_each(batch)
        except Exception as error:
            logger.exception("a batch failed in a way that was not foreseen")
            _fail(batch, StoreUnavailable(f"PostgreSQL: {error}"))
        else:
            self._answer(batch)

    async def _commit_each(self, batch: list[_Waiting[Any]]) -> None:
        """Run operations one by one. Where no database is there, the rest do not wait to find that out one by one."""
        for place, waiting in enumerate(batch):
            try:
                await self._commit_alone(waiting)
            except StoreUnavailable as error:
                _fail(batch[place:], error)
                return
            except Exception as error:
                logger.exception("an operation failed in a way that was not foreseen")
                _fail([waiting], StoreUnavailable(f"PostgreSQL: {error}"))

    async def _commit_alone(self, waiting: _Waiting[Any]) -> None:
        """Run one operation in a transaction of its own, again where that can help.

        Raises StoreUnavailable where the database is not there at all.
        """
        error: Exception = StoreUnavailable("PostgreSQL: the connection is lost again and again")
        for again in range(_TRIES):
            await asyncio.sleep(_PAUSE * again)
            waiting.work.begin_anew()
            try:
                await self._transact([waiting.work])
            except Spoiled:  # its own refusal, after it had written
                error = waiting.work.refusal or error
                break
            except _Lost:
                continue
            except _TRY_AGAIN as refusal:
                error = refusal
            except asyncpg.PostgresError as refusal:
                error = refusal if isinstance(refusal, _ITS_OWN) else StoreUnavailable(f"PostgreSQL: {refusal}")
                break
            else:
                self._answer([waiting])
                return
        if not waiting.future.done():
            waiting.future.set_exception(error)

    async def _transact(self, works: list[Work[Any]]) -> None:
        """Run works in one transaction; raises Spoiled, _Lost, StoreUnavailable, or what asyncpg raises."""
        connection = await self._link.connection()
        transaction = connection.transaction()
        try:
            await transaction.start()
            wave = Wave(connection, self._grouped, works)
            await wave.run()
            if not wave.wrote:
                await transaction.rollback()
                return
            self._batches += 1
            seal = await connection.fetchval(_SEAL, self._name, str(self._batches))
        except BaseException as error:
            for work in works:
                work.give_up()
            if isinstance(error, asyncio.CancelledError):
                await self._link.drop()
                raise
            if isinstance(error, LOST) or connection.is_closed():
                await self._link.drop()
                raise _Lost from error
            with contextlib.suppress(*LOST, asyncpg.PostgresError):
                await transaction.rollback()
            raise
        try:
            await transaction.commit()
        except (*LOST, asyncpg.PostgresError) as error:
            await self._link.drop()
            await self._must_be_committed(seal, error)

    async def _must_be_committed(self, seal: str, error: Exception) -> None:
        """Ask what became of a transaction whose COMMIT was not answered; raises _Lost if nothing of it happened."""
        loop = asyncio.get_running_loop()
        until, pause = loop.time() + _ASK_FOR, 0.0
        while loop.time() < until:
            try:
                connection = await self._link.connection()
                became = await connection.fetchval(_BECAME, seal)
                if became == "committed" and await connection.fetchval(_SEALED, self._name) != str(self._batches):
                    became = "aborted"  # what was committed is another's: the server has lost ours, and its id with it
            except (StoreUnavailable, *LOST, asyncpg.PostgresError):
                became = "in progress"  # the database is not there to say
                await self._link.drop()
            if became == "committed":
                return
            if became == "aborted":
                raise _Lost from error
            await asyncio.sleep(pause)
            pause = min(pause + _PAUSE, 0.1)
        raise StoreUnavailable(f"PostgreSQL: nobody can say whether transaction {seal} was committed") from error

    def _answer(self, batch: list[_Waiting[Any]]) -> None:
        changed: dict[str, Verification] = {}
        for waiting in batch:
            if waiting.work.refusal is None:
                changed.update(waiting.work.verifications)
        self._committed(changed)
        for waiting in batch:
            if waiting.future.done():
                continue
            if waiting.work.refusal is None:
                waiting.future.set_result(waiting.work.result)
            else:
                waiting.future.set_exception(waiting.work.refusal)


def _fail(batch: list[_Waiting[Any]], error: StoreUnavailable) -> None:
    for waiting in batch:
        if not waiting.future.done():
            waiting.future.set_exception(error)
