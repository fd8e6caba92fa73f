"""Moves the write-ahead log into the database beside the commits, never inside one."""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_INTERVAL = 1.0
_LOG_LIMIT = 64 * 1024 * 1024

logger = logging.getLogger(__name__)


class Checkpoints:
    """A passive checkpoint each second; one that holds the writer for a moment when the log has grown all the same.

    While `batch_lock` is held, the writer waits. `look_for_others` sees what other processes have committed.
    """

    def __init__(self, path: Path, batch_lock: asyncio.Lock, look_for_others: Callable[[], Awaitable[None]]) -> None:
        self._log = path.with_name(f"{path.name}-wal")
        self._batch_lock = batch_lock
        self._look_for_others = look_for_others
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._task = asyncio.create_task(self._work(), name="checkpoints")

    async def close(self) -> None:
        """Stop, leaving the log to the next start (SQLite reads it back)."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._thread.shutdown()
        self._connection.close()

    async def _work(self) -> None:
        while True:
            await asyncio.sleep(_INTERVAL)
            try:
                await self._look_for_others()
                await self._checkpoint("PASSIVE")
                if self._log.stat().st_size > _LOG_LIMIT:
                    async with self._batch_lock:
                        await self._checkpoint("TRUNCATE")
            except (sqlite3.Error, OSError) as error:
                logger.warning("the write-ahead log could not be moved into the database: %s", error)

    async def _checkpoint(self, kind: str) -> None:
        statement = f"PRAGMA wal_checkpoint({kind})"
        await asyncio.get_running_loop().run_in_executor(self._thread, self._connection.execute, statement)


def empty_log(path: Path) -> bool:
    """Move the whole log into the database and cut it off; False if somebody reads or writes for longer than 5 s."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=5)) as connection:
        [busy, *_] = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy
