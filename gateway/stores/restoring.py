"""After a restore: lets nothing go out that may have gone out between the backup and now."""

from functools import partial

import msgspec

from gateway.domain.recovery import restored
from gateway.ports import Clock
from gateway.stores import statements as sql
from gateway.stores.engine import Reads, Transaction, Writer
from gateway.stores.operations import Operations

_BATCH = 100


class Settled(msgspec.Struct, frozen=True):
    """What was found under way: verifications, sends that nobody had taken, notices to people."""

    verifications: int
    sends: int
    notices: int


class Restoring:
    """For the console, before any gateway serves the restored database; safe to run twice."""

    def __init__(self, writer: Writer, reads: Reads, operations: Operations, clock: Clock) -> None:
        self._writer = writer
        self._reads = reads
        self._operations = operations
        self._clock = clock

    async def settle(self) -> Settled:
        """Leave each open send to the reconciler, which asks the provider; forget the notices."""
        verifications, last = 0, ""
        while found := await self._reads.many(sql.PAGE_PENDING, (last, _BATCH)):
            ids = [row[0] for row in found]
            await self._writer.run(partial(self._restore, ids=ids))
            verifications, last = verifications + len(ids), ids[-1]
        sends = await self._writer.run(lambda work: work.write(sql.DOUBT_SENDS, (self._clock(),)))
        notices = await self._writer.run(lambda work: work.write(sql.DELETE_NOTICES_BEFORE, (self._clock() + 1,)))
        return Settled(verifications, sends, notices)

    def _restore(self, transaction: Transaction, ids: list[str]) -> None:
        for verification_id in ids:
            self._operations.apply(transaction, self._clock(), verification_id, restored, None)
