"""What one process commits and others wait for: told by NOTIFY, heard by LISTEN.

Told beside the commits, not in them: PostgreSQL lets commits that notify pass one at a time, over all processes, each
with its wait for the disk. So a process that dies right behind a commit may leave its news untold; who waits elsewhere
then finds them when the wait is over.
"""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Iterable
from typing import Any

import asyncpg

from gateway.ports import StoreUnavailable
from gateway.stores.postgres_link import LOST, Link
from gateway.stores.watch import Watch

_CHANNEL = "poundkey"
_TELL = "SELECT pg_notify('poundkey', note) FROM unnest($1::text[]) AS note"
_LONGEST_NOTE = 7_900
"""Bytes (PostgreSQL: NOTIFY, payload)."""
_LAST_WAIT = 1.0
"""For how long (s) what is left may be told when the store closes."""

logger = logging.getLogger(__name__)


class News:
    """Tells the other processes which verifications have changed, and wakes who waits here for theirs."""

    def __init__(self, url: str, watch: Watch) -> None:
        self._watch = watch
        self._origin = secrets.token_hex(8)
        self._listening = Link(url, self._listen)
        self._telling = Link(url, _hurry)
        self._untold: list[str] = []
        self._task: asyncio.Task[None] | None = None

    def tell(self, verification_ids: Iterable[str]) -> None:
        """Tell soon, together with what else is told meanwhile."""
        self._untold.extend(verification_ids)
        if self._untold and self._task is None:
            self._task = asyncio.create_task(self._tell(), name="news")

    async def listener(self) -> "asyncpg.Connection[Any]":
        """Return the connection that hears; raises StoreUnavailable."""
        return await self._listening.connection()

    async def lost(self) -> None:
        """Take the listening connection for gone."""
        await self._listening.drop()

    async def close(self) -> None:
        """Tell what is left, and let go of the database."""
        task = self._task
        if task is not None:
            await asyncio.wait({task}, timeout=_LAST_WAIT)
            if not task.done():  # the database stands still
                await self._telling.drop()
                await task
        await self._telling.close()
        await self._listening.close()

    async def _tell(self) -> None:
        while self._untold:
            told, self._untold = self._untold, []
            if not await self._told(told) and not await self._told(told):  # twice: a connection may just have been lost
                logger.warning("the other processes do not hear of %d changes", len(told))
        self._task = None

    async def _told(self, verification_ids: Iterable[str]) -> bool:
        try:
            connection = await self._telling.connection()
            await connection.fetch(_TELL, self._notes(verification_ids))
        except (StoreUnavailable, *LOST, asyncpg.PostgresError) as error:
            logger.warning("PostgreSQL was not told of changes: %s", error)
            await self._telling.drop()
            return False
        return True

    def _notes(self, verification_ids: Iterable[str]) -> list[str]:
        """Write the ids into as few notes as they fit in."""
        notes: list[str] = []
        note = self._origin
        for verification_id in verification_ids:
            if len(note) + len(verification_id) + 1 > _LONGEST_NOTE:
                notes.append(note)
                note = self._origin
            note += f",{verification_id}"
        return [*notes, note]

    async def _listen(self, connection: "asyncpg.Connection[Any]") -> None:
        """Listen; what was told before that has to be looked for."""
        await connection.add_listener(_CHANNEL, self._heard)
        self._watch.wake_all()

    def _heard(self, _connection: object, _pid: int, _channel: str, note: object) -> None:
        origin, *verification_ids = str(note).split(",")
        if origin != self._origin:
            self._watch.wake(verification_ids)


async def _hurry(connection: "asyncpg.Connection[Any]") -> None:
    """Let the connection's commits wait for no disk: they keep nothing."""
    with contextlib.suppress(asyncpg.PostgresError):  # an engine that only speaks the protocol may not know it
        await connection.execute("SET synchronous_commit = off")
