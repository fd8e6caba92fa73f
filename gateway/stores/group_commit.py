"""Many requests in one durable SQLite transaction.

Operations that arrive while a commit is under way wait together and make up the next batch. Their statements run in
the event loop, inside one open transaction. COMMIT, which waits for the disk, runs in a helper thread. An operation is
answered only after its batch is safe on disk.

An operation that fails before it has written leaves nothing to undo. One that fails later spoils the transaction: the
batch is rolled back and run again with a SAVEPOINT around each operation, which undoes the bad one alone. (Savepoints
around all of them would double the cost of every write: SQLite copies each page that changes inside one.)
"""

import asyncio
import contextlib
import sqlite3
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, TypeVar

from gateway.domain.verification import Verification
from gateway.ports import StoreUnavailable
from gateway.stores.engine import Transaction

_MAX_BATCH = 256
_BUSY_WAIT = 0.005
_BUSY_PATIENCE = 5.0
_DATABASE_AT_FAULT = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_READONLY,
}
_PRIMARY_CODE = 0xFF

T = TypeVar("T")


class SqliteTransaction:
    """What the operations of a batch see: statements, and the verifications that the batch has changed so far."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._cursor = connection.cursor()
        self.writes = 0
        self.verifications: dict[str, Verification] = {}

    def read(self, statement: str, values: tuple[Any, ...] = ()) -> tuple[Any, ...] | None:
        """Return the first row."""
        row: tuple[Any, ...] | None = self._cursor.execute(statement, values).fetchone()
        return row

    def read_all(self, statement: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Return all rows."""
        return self._cursor.execute(statement, values).fetchall()

    def put(self, statement: str, values: tuple[Any, ...]) -> None:
        """Change rows."""
        self.writes += 1
        self._cursor.execute(statement, values)

    def write(self, statement: str, values: tuple[Any, ...]) -> int:
        """Change rows and return how many."""
        self.writes += 1
        return self._cursor.execute(statement, values).rowcount


class _Waiting(Generic[T]):
    """An operation, its answer, and whoever waits for it."""

    def __init__(self, operation: Callable[[Transaction], T], future: "asyncio.Future[T]") -> None:
        self.operation = operation
        self.future = future
        self.result: T | None = None
        self.refusal: BaseException | None = None


class GroupCommit:
    """The one writer of a SQLite database.

    `committed` is told the verifications that a batch changed, before anyone is answered. `look_for_others` is called
    at the beginning of each batch, when no other process can commit any more. Whoever holds `turn` keeps the next batch
    waiting.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        committed: Callable[[Mapping[str, Verification]], None],
        look_for_others: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._committed = committed
        self._look_for_others = look_for_others
        self.turn = asyncio.Lock()
        self._waiting: deque[_Waiting[Any]] = deque()
        self._arrived = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="commit")
        self._task = asyncio.create_task(self._work(), name="group commit")
        self._closing = False

    @property
    def alive(self) -> bool:
        """Tell whether batches are still being committed."""
        return not self._task.done()

    async def run(self, operation: Callable[[Transaction], T]) -> T:
        """Run an operation in the next batch; raises what it raises, or StoreUnavailable."""
        if self._closing or self._task.done():
            raise StoreUnavailable("the store is closed")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(operation, future))
        self._arrived.set()
        return await future

    async def look_for_others(self) -> None:
        """See what other processes have committed, between two batches."""
        async with self.turn:
            self._look_for_others()

    async def close(self) -> None:
        """Commit what is waiting, then stop."""
        self._closing = True
        self._arrived.set()
        await self._task
        self._thread.shutdown()

    async def _work(self) -> None:
        while not (self._closing and not self._waiting):
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), _MAX_BATCH))]
                await self._commit(batch)

    async def _commit(self, batch: list[_Waiting[Any]]) -> None:
        async with self.turn:
            await self._commit_alone(batch)

    async def _commit_alone(self, batch: list[_Waiting[Any]]) -> None:
        try:
            await self._begin()
            try:
                transaction = self._run_all(batch, _attempt)
            except _Spoiled:
                self._connection.rollback()
                await self._begin()
                transaction = self._run_all(batch, _attempt_guarded)
            if transaction.writes:
                await asyncio.get_running_loop().run_in_executor(self._thread, self._connection.commit)
            else:
                self._connection.rollback()
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                self._connection.rollback()
            _answer_failed(batch, error)
        else:
            self._committed(transaction.verifications)
            _answer(batch)

    def _run_all(
        self, batch: list[_Waiting[Any]], attempt: Callable[[_Waiting[Any], SqliteTransaction], None]
    ) -> SqliteTransaction:
        transaction = SqliteTransaction(self._connection)
        for waiting in batch:
            if not waiting.future.done():
                attempt(waiting, transaction)
        return transaction

    async def _begin(self) -> None:
        """Begin, waiting for another process's write lock without holding up the loop."""
        patience = _BUSY_PATIENCE
        while True:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or patience <= 0:
                    raise
                patience -= _BUSY_WAIT
                await asyncio.sleep(_BUSY_WAIT)
            else:
                self._look_for_others()
                return


class _Spoiled(Exception):
    """An operation failed after it had written."""


def _attempt(waiting: _Waiting[Any], transaction: SqliteTransaction) -> None:
    """Run one operation; raises _Spoiled if it leaves something to undo."""
    writes = transaction.writes
    try:
        waiting.result = waiting.operation(transaction)
    except Exception as refusal:  # whatever it is, it belongs to the one who asked
        if _is_the_databases(refusal):
            raise
        if transaction.writes != writes:
            raise _Spoiled from refusal
        waiting.refusal = refusal


def _attempt_guarded(waiting: _Waiting[Any], transaction: SqliteTransaction) -> None:
    """Run one operation inside a SAVEPOINT, so that it can be undone alone."""
    transaction.put("SAVEPOINT operation", ())
    before = dict(transaction.verifications)
    waiting.refusal = None
    try:
        waiting.result = waiting.operation(transaction)
    except Exception as refusal:  # whatever it is, it belongs to the one who asked
        if _is_the_databases(refusal):
            raise
        waiting.refusal = refusal
        transaction.put("ROLLBACK TO operation", ())
        transaction.verifications = before
    transaction.put("RELEASE operation", ())


def _is_the_databases(error: Exception) -> bool:
    code: int = getattr(error, "sqlite_errorcode", 0)  # a statement that is used wrongly has none
    return isinstance(error, sqlite3.Error) and code & _PRIMARY_CODE in _DATABASE_AT_FAULT


def _answer(batch: list[_Waiting[Any]]) -> None:
    for waiting in batch:
        if waiting.future.done():
            continue
        if waiting.refusal is None:
            waiting.future.set_result(waiting.result)
        else:
            waiting.future.set_exception(waiting.refusal)


def _answer_failed(batch: list[_Waiting[Any]], error: sqlite3.Error) -> None:
    for waiting in batch:
        if not waiting.future.done():
            waiting.future.set_exception(StoreUnavailable(f"SQLite: {error}"))
