"""After a restore: lets nothing go out that may have gone out between the backup and now."""

from functools import partial

import msgspec

from gateway.clock import Clock
from gateway.domain.recovery import recover_verification
from gateway.stores import sql
from gateway.stores.engine import Engine, Transaction
from gateway.stores.verifications import VerificationStore

_BATCH = 100


class Recovered(msgspec.Struct, frozen=True):
    """What was found under way: verifications, sends that no provider had, notifications."""

    verifications: int
    sends: int
    notifications: int


class RestoreRecovery:
    """For the console, before any gateway serves the restored database; safe to run twice."""

    def __init__(self, engine: Engine, clock: Clock, verifications: VerificationStore) -> None:
        self._writer = engine.writer
        self._reads = engine.reads
        self._clock = clock
        self._verifications = verifications

    async def recover(self) -> Recovered:
        """Leave each open send to the reconciler, which asks the provider; delete the notifications."""
        verifications, last = 0, ""
        while page := await self._reads.many(sql.PAGE_PENDING, (last, _BATCH)):
            ids = [row[0] for row in page]
            await self._writer.run(partial(self._recover_in, ids=ids))
            verifications, last = verifications + len(ids), ids[-1]
        now = self._clock()
        sends = await self._writer.run(lambda transaction: transaction.write(sql.QUESTION_ATTEMPTS, (now,)))
        notifications = await self._writer.run(
            lambda transaction: transaction.write(sql.DELETE_NOTIFICATIONS_BEFORE, (now + 1,))
        )
        return Recovered(verifications, sends, notifications)

    async def _recover_in(self, transaction: Transaction, ids: list[str]) -> None:
        for verification_id in ids:
            await self._verifications.apply_in(transaction, verification_id, recover_verification, self._clock())
