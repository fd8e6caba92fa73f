"""The store on SQLite, for one gateway process: durable, with many requests in one transaction.

Writes go through one `GroupCommit`; the console's processes write beside it, and wait for each other's transactions. A
gateway sees what they have committed before its next batch, and within a second.
"""

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import IO

import aiosqlite

from gateway.domain.verification import Verification
from gateway.ports import Clock, StoreUnavailable
from gateway.security.vault import Vault
from gateway.stores.checkpoints import Checkpoints
from gateway.stores.group_commit import GroupCommit
from gateway.stores.recent import Recent
from gateway.stores.sqlite_reads import SqliteReads
from gateway.stores.store import SqlStore
from gateway.stores.watch import Watch

_RECENT_LIMIT = 10_000
_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "wal_autocheckpoint = 0",
    "temp_store = MEMORY",
    "cache_size = -16000",  # kB: room for the inner pages of millions of rows
    "secure_delete = ON",  # what is wiped and removed is overwritten
)


class SqliteStore(SqlStore):
    """The store of a gateway. The file is locked for it alone."""

    @classmethod
    async def open(cls, path: Path, vault: Vault, clock: Clock) -> "SqliteStore":
        """Open a database that is at head; raises StoreUnavailable, in words for the operator."""
        lock = _lock(path)
        try:
            engine = await _SqliteEngine.open(path, _RECENT_LIMIT)
        except (sqlite3.Error, OSError) as error:
            lock.close()
            raise StoreUnavailable(f"cannot open {path}: {error}") from error
        engine.hold(lock, Checkpoints(path, engine.writer))
        return cls(engine, vault, clock)


@contextlib.asynccontextmanager
async def sqlite_beside(path: Path, vault: Vault, clock: Clock) -> AsyncIterator[SqlStore]:
    """Open a database that is there and at head beside its gateway, for as long as the block runs.

    Raises StoreUnavailable, in words for the operator.
    """
    if not os.access(path, os.R_OK):  # a mistyped path is not to become a new database
        raise StoreUnavailable(f"there is no database that can be read at {path}: run poundkey migrate")
    try:
        engine = await _SqliteEngine.open(path, recent_limit=0)
    except sqlite3.Error as error:
        raise StoreUnavailable(f"{path}: {error}") from error
    store = SqlStore(engine, vault, clock)
    try:
        await store.ready()
        yield store
    except sqlite3.Error as error:
        raise StoreUnavailable(f"{path}: {error}") from error
    finally:
        await store.close()


class _SqliteEngine:
    """Fills `gateway.stores.store.Engine`."""

    def __init__(self, connection: sqlite3.Connection, reads: SqliteReads, recent_limit: int) -> None:
        self._connection = connection
        self._checkpoints: Checkpoints | None = None
        self._lock: IO[str] | None = None
        self._version = 0
        self.reads = reads
        self.recent = Recent(recent_limit)
        self.watch = Watch()
        self.writer = GroupCommit(connection, self._committed, self._look_for_others)

    @classmethod
    async def open(cls, path: Path, recent_limit: int) -> "_SqliteEngine":
        """Open the connections."""
        reads = SqliteReads(_connect(path), await aiosqlite.connect(path, isolation_level=None))
        return cls(_connect(path), reads, recent_limit)

    def hold(self, lock: IO[str], checkpoints: Checkpoints) -> None:
        """Keep what the gateway of a database has beside its connections."""
        self._lock = lock
        self._checkpoints = checkpoints

    async def close(self) -> None:
        """See the protocol."""
        await self.writer.close()
        if self._checkpoints is not None:
            await self._checkpoints.close()
        await self.reads.close()
        self._connection.close()
        if self._lock is not None:
            self._lock.close()

    def _look_for_others(self) -> None:
        """Forget what is at hand if another process has written since the last look."""
        [version] = self._connection.execute("PRAGMA data_version").fetchone()
        if version != self._version:
            self._version = version
            self.recent.clear()

    def _committed(self, verifications: Mapping[str, Verification]) -> None:
        self.recent.keep(verifications)
        self.watch.wake(verifications)


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
