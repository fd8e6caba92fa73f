"""The store on PostgreSQL, for any number of gateway processes on one database.

A commit of any process wakes whoever waits in any other (LISTEN/NOTIFY). Work that is due is shared out row by row. The
database's clock is everyone's.
"""

import asyncio
import logging
import time
from collections.abc import Collection, Mapping

import asyncpg

from gateway.clock import SteadyClock
from gateway.domain.verification import Verification
from gateway.outbox_ports import DueSend, Stage
from gateway.ports import Clock, StoreUnavailable
from gateway.security.vault import Vault
from gateway.stores.engine import Transaction
from gateway.stores.grouped import Grouped
from gateway.stores.postgres_link import LOST, Link
from gateway.stores.postgres_news import News
from gateway.stores.postgres_reads import PostgresReads
from gateway.stores.postgres_writer import PostgresWriter
from gateway.stores.recent import Recent
from gateway.stores.store import SqlStore
from gateway.stores.watch import Watch

_PULSE = 5.0
"""Seconds between two looks at the database's clock, which also tell that the listening connection still lives."""
TURN = 5_000
"""How long (ms) what is due is left to the process that took it up before any other may."""
_NOW = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint"

TAKE_DUE_SENDS = """
UPDATE sends SET act_at = ? WHERE attempt_id IN (
  SELECT attempt_id FROM sends WHERE stage IN ({marks}) AND act_at <= ? ORDER BY act_at LIMIT ? FOR UPDATE SKIP LOCKED
) RETURNING attempt_id, verification_id, stage, tries
"""
TAKE_DUE_VERIFICATIONS = """
UPDATE verifications SET due_at = ? WHERE id IN (
  SELECT id FROM verifications WHERE due_at <= ? ORDER BY due_at LIMIT ? FOR UPDATE SKIP LOCKED
) RETURNING id
"""

logger = logging.getLogger(__name__)


class PostgresStore(SqlStore):
    """The store of a gateway process."""

    @classmethod
    async def open(cls, url: str, vault: Vault, clock: Clock | None = None) -> "PostgresStore":
        """Open a database that is at head; None takes the database's own clock. Raises StoreUnavailable."""
        engine = _PostgresEngine(url)
        try:
            await engine.begin()
        except (StoreUnavailable, *LOST, asyncpg.PostgresError) as error:
            await engine.close()
            raise StoreUnavailable(str(error) or type(error).__name__) from error
        return cls(engine, vault, clock or engine.clock)

    async def due_sends(self, limit: int, stages: Collection[Stage] = tuple(Stage)) -> list[DueSend]:
        """See the port. What is listed is left to this process for some seconds."""
        statement = TAKE_DUE_SENDS.format(marks=", ".join("?" * len(stages)))

        def operation(transaction: Transaction) -> list[DueSend]:
            now = self.clock()
            values = (now + TURN, *(stage.value for stage in stages), now, limit)
            return [DueSend(row[0], row[1], Stage(row[2]), row[3]) for row in transaction.read_all(statement, values)]

        return await self._writer.run(operation) if await super().due_sends(1, stages) else []

    async def due_verifications(self, limit: int) -> list[str]:
        """See the port. What is listed is left to this process for some seconds."""

        def operation(transaction: Transaction) -> list[str]:
            now = self.clock()
            found = transaction.read_all(TAKE_DUE_VERIFICATIONS, (now + TURN, now, limit))
            return [verification_id for (verification_id,) in found]

        return await self._writer.run(operation) if await super().due_verifications(1) else []


class _PostgresEngine:
    """Fills `gateway.stores.store.Engine`: one connection writes, two read, one tells and one listens."""

    def __init__(self, url: str) -> None:
        grouped = Grouped()
        self._pulse: asyncio.Task[None] | None = None
        self.clock = SteadyClock(lambda: int(time.monotonic() * 1_000))
        self.recent = Recent(0)  # what another process commits would not be in it
        self.watch = Watch()
        self._news = News(url, self.watch)
        self.reads = PostgresReads(url, grouped)
        self.writer = PostgresWriter(Link(url), grouped, self._committed)

    async def begin(self) -> None:
        """Begin to listen, and learn the time."""
        await self._learn_the_time()
        self._pulse = asyncio.create_task(self._beat(), name="pulse")

    async def close(self) -> None:
        """See the protocol."""
        if self._pulse is not None:
            self._pulse.cancel()
            await asyncio.gather(self._pulse, return_exceptions=True)
        await self.writer.close()
        await self.reads.close()
        await self._news.close()

    def _committed(self, verifications: Mapping[str, Verification]) -> None:
        self.watch.wake(verifications)
        self._news.tell(verifications)

    async def _learn_the_time(self) -> None:
        connection = await self._news.listener()
        self.clock.learn(await connection.fetchval(_NOW))

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(_PULSE)
            try:
                await self._learn_the_time()
            except (StoreUnavailable, *LOST, asyncpg.PostgresError) as error:
                logger.warning("PostgreSQL does not tell of changes until it is there again: %s", error)
                await self._news.lost()
