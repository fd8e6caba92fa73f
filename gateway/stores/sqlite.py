"""The store on SQLite, for one gateway process: durable, with many requests in one transaction.

Writes go through one `GroupCommit`; the commands' processes write beside it, and wait for each other's transactions. A
gateway sees what they have committed before its next batch, and within a second.
"""

import asyncio
import contextlib
import fcntl
import os
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, Generic, TypeVar, cast

import aiosqlite

from gateway.clock import Clock
from gateway.domain.errors import StoreUnavailable
from gateway.domain.verification import Verification
from gateway.security.vault import Vault
from gateway.stores.checkpoints import Checkpoints
from gateway.stores.engine import ChangeWaiters, Operation, Row, VerificationCache
from gateway.stores.statement import Statement
from gateway.stores.store import Store

_CACHE_LIMIT = 10_000
_MAX_BATCH = 256
_BUSY_WAIT = 0.005
_BUSY_PATIENCE = 5.0
_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "wal_autocheckpoint = 0",
    "temp_store = MEMORY",
    "cache_size = -16000",  # kB: room for the inner pages of millions of rows
    "secure_delete = ON",  # what is erased and removed is overwritten
)
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


async def open_sqlite(path: Path, vault: Vault, clock: Clock) -> Store:
    """Open a gateway's database, which is at head, and lock its file for it alone.

    Raises StoreUnavailable, in words for the operator.
    """
    lock = _lock(path)
    try:
        engine = await SqliteEngine.open(path, _CACHE_LIMIT)
    except (sqlite3.Error, OSError) as error:
        lock.close()
        raise StoreUnavailable(f"cannot open {path}: {error}") from error
    engine.hold(lock, Checkpoints(path, engine.writer.batch_lock, engine.writer.look_for_others))
    return Store(engine, vault, clock)


@contextlib.asynccontextmanager
async def sqlite_beside(path: Path, vault: Vault, clock: Clock) -> AsyncIterator[Store]:
    """Open a database that is there and at head beside its gateway, for as long as the block runs.

    Raises StoreUnavailable, in words for the operator.
    """
    if not os.access(path, os.R_OK):  # a mistyped path is not to become a new database
        raise StoreUnavailable(f"there is no database that can be read at {path}: run poundkey migrate")
    try:
        engine = await SqliteEngine.open(path, cache_limit=0)
    except sqlite3.Error as error:
        raise StoreUnavailable(f"{path}: {error}") from error
    store = Store(engine, vault, clock)
    try:
        await store.ready()
        yield store
    except sqlite3.Error as error:
        raise StoreUnavailable(f"{path}: {error}") from error
    finally:
        await store.close()


class SqliteEngine:
    """Implements `gateway.stores.engine.Engine`."""

    shared = False

    def __init__(self, connection: sqlite3.Connection, reads: "SqliteReads", cache_limit: int) -> None:
        self._connection = connection
        self._checkpoints: Checkpoints | None = None
        self._lock: IO[str] | None = None
        self._version = 0
        self.reads = reads
        self.cache = VerificationCache(cache_limit)
        self.waiters = ChangeWaiters()
        self.writer = GroupCommit(connection, self._committed, self._look_for_others)

    @classmethod
    async def open(cls, path: Path, cache_limit: int) -> "SqliteEngine":
        """Open the connections."""
        reads = SqliteReads(_connect(path), await aiosqlite.connect(path, isolation_level=None))
        return cls(_connect(path), reads, cache_limit)

    def hold(self, lock: IO[str], checkpoints: Checkpoints) -> None:
        """Take over what the gateway of a database has beside its connections."""
        self._lock = lock
        self._checkpoints = checkpoints

    async def close(self) -> None:
        """Finish what was begun and close the connections."""
        await self.writer.close()
        if self._checkpoints is not None:
            await self._checkpoints.close()
        await self.reads.close()
        self._connection.close()
        if self._lock is not None:
            self._lock.close()

    def _look_for_others(self) -> None:
        """Empty the cache if another process has written since the last look."""
        [version] = self._connection.execute("PRAGMA data_version").fetchone()
        if version != self._version:
            self._version = version
            self.cache.clear()

    def _committed(self, verifications: Mapping[str, Verification]) -> None:
        self.cache.update(verifications)
        self.waiters.wake(verifications)


class SqliteReads:
    """Implements `gateway.stores.engine.Reads`: short reads in the event loop, long ones through aiosqlite.

    Each has a connection of its own. A short read takes some microseconds, and never waits for a writer.
    """

    def __init__(self, connection: sqlite3.Connection, lists: aiosqlite.Connection) -> None:
        self._connection = connection
        self._lists = lists

    async def row(self, statement: Statement, values: Row) -> Row | None:
        """Return the first row."""
        try:
            return cast("Row | None", self._connection.execute(statement.text, values).fetchone())
        except sqlite3.Error as error:
            raise StoreUnavailable(f"SQLite: {error}") from error

    async def all(self, statement: Statement, values: Row) -> list[Row]:
        """Return the rows of a short look-up."""
        try:
            return self._connection.execute(statement.text, values).fetchall()
        except sqlite3.Error as error:
            raise StoreUnavailable(f"SQLite: {error}") from error

    async def many(self, statement: Statement, values: Row) -> list[Row]:
        """Return rows that may take long to find."""
        try:
            return [tuple(row) for row in await self._lists.execute_fetchall(statement.text, values)]
        except sqlite3.Error as error:
            raise StoreUnavailable(f"SQLite: {error}") from error

    async def close(self) -> None:
        """Close the connections."""
        await self._lists.close()
        self._connection.close()


class SqliteTransaction:
    """Implements `gateway.stores.engine.Transaction` for all operations of a batch. Its methods never suspend."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._cursor = connection.cursor()
        self.writes = 0
        self.verifications: dict[str, Verification] = {}

    async def read(self, statement: Statement, values: Row = ()) -> Row | None:
        """Return the first row."""
        row: Row | None = self._cursor.execute(statement.text, values).fetchone()
        return row

    async def read_all(self, statement: Statement, values: Row = ()) -> list[Row]:
        """Return all rows."""
        return self._cursor.execute(statement.text, values).fetchall()

    async def execute(self, statement: Statement, values: Row) -> None:
        """Change rows."""
        self.writes += 1
        self._cursor.execute(statement.text, values)

    async def write(self, statement: Statement, values: Row) -> int:
        """Change or remove rows, and return how many."""
        self.writes += 1
        return self._cursor.execute(statement.text, values).rowcount

    def savepoint(self, words: str) -> None:
        """Begin, undo or end what can be undone alone."""
        self.writes += 1
        self._cursor.execute(f"{words} operation")


class _SqliteOperation(Generic[T]):
    """An operation, its result, and the future of that result."""

    def __init__(self, operation: Operation[T], future: "asyncio.Future[T]") -> None:
        self.operation = operation
        self.future = future
        self.result: T | None = None
        self.refusal: BaseException | None = None

    def run(self, transaction: SqliteTransaction) -> None:
        """Run the operation in one go: its transaction never suspends it."""
        coroutine = self.operation(transaction)
        try:
            coroutine.send(None)
        except StopIteration as stop:
            self.result = stop.value
        else:
            coroutine.close()
            raise TypeError("an operation waited for something else than its transaction")


class GroupCommit:
    """The one writer of a SQLite database: many requests in one durable transaction.

    Operations that arrive while a commit is under way wait together and make up the next batch. Their statements run in
    the event loop, inside one open transaction. COMMIT, which waits for the disk, runs in a helper thread. An operation
    is answered only after its batch is safe on disk.

    An operation that fails before it has written leaves nothing to undo. After one that fails later, the batch is
    rolled back and run again with a SAVEPOINT around each operation, which undoes the bad one alone. (Savepoints around
    all of them would double the cost of every write: SQLite copies each page that changes inside one.)

    `committed` is given the verifications that a batch changed, before anyone is answered. `look_for_others` is called
    at the beginning of each batch, when no other process can commit any more. While `batch_lock` is held, the next
    batch waits.
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
        self.batch_lock = asyncio.Lock()
        self._waiting: deque[_SqliteOperation[Any]] = deque()
        self._arrived = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="commit")
        self._task = asyncio.create_task(self._work(), name="group commit")
        self._closing = False

    @property
    def alive(self) -> bool:
        """Tell whether batches are still being committed."""
        return not self._task.done()

    async def run(self, operation: Operation[T]) -> T:
        """Run an operation in the next batch; raises what it raises, or StoreUnavailable."""
        if self._closing or self._task.done():
            raise StoreUnavailable("the store is closed")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(_SqliteOperation(operation, future))
        self._arrived.set()
        return await future

    async def look_for_others(self) -> None:
        """See what other processes have committed, between two batches."""
        async with self.batch_lock:
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

    async def _commit(self, batch: list[_SqliteOperation[Any]]) -> None:
        async with self.batch_lock:
            await self._commit_alone(batch)

    async def _commit_alone(self, batch: list[_SqliteOperation[Any]]) -> None:
        try:
            await self._begin()
            try:
                transaction = self._run_all(batch, _attempt)
            except _MustUndo:
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
        self, batch: list[_SqliteOperation[Any]], attempt: Callable[[_SqliteOperation[Any], SqliteTransaction], None]
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


class _MustUndo(Exception):
    """An operation failed after it had written."""


def _attempt(waiting: _SqliteOperation[Any], transaction: SqliteTransaction) -> None:
    """Run one operation; raises _MustUndo if it leaves something to undo."""
    writes = transaction.writes
    try:
        waiting.run(transaction)
    except Exception as refusal:  # whatever it is, it belongs to the caller
        if _is_the_databases(refusal):
            raise
        if transaction.writes != writes:
            raise _MustUndo from refusal
        waiting.refusal = refusal


def _attempt_guarded(waiting: _SqliteOperation[Any], transaction: SqliteTransaction) -> None:
    """Run one operation inside a SAVEPOINT, so that it can be undone alone."""
    transaction.savepoint("SAVEPOINT")
    before = dict(transaction.verifications)
    waiting.refusal = None
    try:
        waiting.run(transaction)
    except Exception as refusal:  # whatever it is, it belongs to the caller
        if _is_the_databases(refusal):
            raise
        waiting.refusal = refusal
        transaction.savepoint("ROLLBACK TO")
        transaction.verifications = before
    transaction.savepoint("RELEASE")


def _is_the_databases(error: Exception) -> bool:
    code: int = getattr(error, "sqlite_errorcode", 0)  # a statement that is used wrongly has none
    return isinstance(error, sqlite3.Error) and code & _PRIMARY_CODE in _DATABASE_AT_FAULT


def _answer(batch: list[_SqliteOperation[Any]]) -> None:
    for waiting in batch:
        if waiting.future.done():
            continue
        if waiting.refusal is None:
            waiting.future.set_result(waiting.result)
        else:
            waiting.future.set_exception(waiting.refusal)


def _answer_failed(batch: list[_SqliteOperation[Any]], error: sqlite3.Error) -> None:
    for waiting in batch:
        if not waiting.future.done():
            waiting.future.set_exception(StoreUnavailable(f"SQLite: {error}"))


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256, timeout=0)
    for pragma in _PRAGMAS:
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
