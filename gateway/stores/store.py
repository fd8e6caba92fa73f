"""The store, whatever its engine: one class an aggregate, and the jobs that go through all of them."""

from typing import TypeVar

from gateway.clock import Clock
from gateway.domain.errors import StoreUnavailable
from gateway.security.vault import Vault
from gateway.stores import sql
from gateway.stores.api_keys import ApiKeyStore
from gateway.stores.daily_counts import DailyCounts
from gateway.stores.engine import Engine, Operation
from gateway.stores.enrollments import EnrollmentStore
from gateway.stores.erasure import Eraser
from gateway.stores.head import HEAD
from gateway.stores.idempotency import IdempotencyStore
from gateway.stores.inbound_sms import InboundSmsStore
from gateway.stores.key_rotation import KeyRotation
from gateway.stores.outbox import OutboxStore
from gateway.stores.portal import PortalStore
from gateway.stores.rate_counters import RateCounterStore
from gateway.stores.recovery import RestoreRecovery
from gateway.stores.retention import RetentionJob
from gateway.stores.suppressions import SuppressionStore
from gateway.stores.verifications import VerificationStore

T = TypeVar("T")


class Store:
    """Everything durable. The eraser, the key rotation, the recovery and the daily counts are for the command line."""

    def __init__(self, engine: Engine, vault: Vault, clock: Clock) -> None:
        self._engine = engine
        self._reads = reads = engine.reads
        self._writer = writer = engine.writer
        self.clock = clock
        self.idempotency = IdempotencyStore(writer, reads, vault, clock)
        self.rate_counters = RateCounterStore(writer, vault, clock)
        self.suppressions = SuppressionStore(writer, reads, vault, clock)
        self.outbox = OutboxStore(engine, vault, clock)
        self.enrollments = EnrollmentStore(engine, vault, clock, self.outbox, self.idempotency)
        self.verifications = VerificationStore(
            engine, vault, clock, self.enrollments, self.outbox, self.rate_counters, self.idempotency
        )
        self.inbound_sms = InboundSmsStore(engine, vault, clock, self.verifications)
        self.portal = PortalStore(engine, clock, self.idempotency)
        self.api_keys = ApiKeyStore(engine, clock)
        self.retention = RetentionJob(writer, engine.cache, clock)
        self.eraser = Eraser(engine, vault, clock, self.verifications, self.enrollments)
        self.key_rotation = KeyRotation(engine, vault)
        self.recovery = RestoreRecovery(engine, clock, self.verifications)
        self.daily_counts = DailyCounts(reads)

    async def run(self, operation: Operation[T]) -> T:
        """Run an operation of the console in one transaction; raises what it raises, or StoreUnavailable."""
        return await self._writer.run(operation)

    async def ready(self) -> None:
        """Return if the database answers and is at head; raises StoreUnavailable."""
        if not self._writer.alive:
            raise StoreUnavailable("the writer has stopped")
        try:
            row = await self._reads.row(sql.SELECT_REVISION, ())
        except StoreUnavailable as error:  # such as a database without tables
            raise StoreUnavailable(f"{error}: if it is new, run poundkey migrate") from error
        if row != (HEAD,):
            raise StoreUnavailable(
                f"the database is at {row and row[0]}, this program needs {HEAD}: run poundkey migrate"
            )

    async def close(self) -> None:
        """Finish what was begun and close the database."""
        self.verifications.wake_all()
        await self._engine.close()
