"""What is to go out: sends of verifications, and notices to people."""

from collections.abc import Collection

import msgspec

from gateway.clock import Clock
from gateway.domain.enrollment import Enrollment, Notification
from gateway.domain.send_results import outbox_effects
from gateway.domain.verification import Verification
from gateway.outbox_ports import DueSend, SendMove, Stage
from gateway.security.vault import Vault
from gateway.stores import rows, sql
from gateway.stores.engine import Engine, Transaction

SEND_HANDOVER = 5_000
"""How long (ms) a committed send is left to the process that made it before any other may take it up."""
CLAIM_LEASE = 5_000
"""How long (ms) what is due is left to the process that claimed it before any other may."""


class DueNotice(msgspec.Struct, frozen=True, gc=False):
    """A notice whose time has come, with the record of its person; `created_at` is in ms since the epoch."""

    id: str
    notice: Notification
    enrollment: Enrollment
    application_name: str
    created_at: int


class OutboxStore:
    """Durable sends and notices, for any number of processes."""

    def __init__(self, engine: Engine, vault: Vault, clock: Clock) -> None:
        self._reads = engine.reads
        self._writer = engine.writer
        self._shared = engine.shared
        self._vault = vault
        self._clock = clock

    async def claim(self, attempt_id: str, lease: int) -> bool:
        """Take a queued send for `lease` ms; False if another has it."""

        async def operation(transaction: Transaction) -> bool:
            return await transaction.write(sql.CLAIM_SEND, (self._clock() + lease, attempt_id)) == 1

        return await self._writer.run(operation)

    async def move(self, move: SendMove) -> None:
        """Store what becomes of a send when its verification does not change."""
        await self._writer.run(lambda transaction: self.move_in(transaction, move, self._clock()))

    async def claim_due(self, limit: int, stages: Collection[Stage] = tuple(Stage)) -> list[DueSend]:
        """List sends in these stages whose time has come, oldest first.

        Where other gateways share the database, what is listed is left to this one for `CLAIM_LEASE`.
        """
        words = tuple(stage.value for stage in stages)
        due = (*words, self._clock(), 1 if self._shared else limit)
        found = await self._reads.all(sql.due_sends(len(words)), due)
        if found and self._shared:
            now = self._clock()
            values = (now + CLAIM_LEASE, *words, now, limit)
            found = await self._writer.run(
                lambda transaction: transaction.read_all(sql.claim_due_sends(len(words)), values)
            )
        return [DueSend(row[0], row[1], Stage(row[2]), row[3]) for row in found]

    async def due_notices(self, limit: int) -> list[DueNotice]:
        """List notices whose time has come, oldest first."""
        found = await self._reads.all(sql.DUE_NOTICES, (self._clock(), limit))
        return [
            DueNotice(
                notice_id,
                rows.notice_of(notice_id, kind, sealed_number, self._vault),
                rows.enrollment_of(state, await self._reads.all(sql.SELECT_PHONES, (enrollment_id,)), self._vault),
                application_name,
                created_at,
            )
            for notice_id, kind, sealed_number, created_at, application_name, enrollment_id, state in found
        ]

    async def claim_notice(self, notice_id: str, lease: int) -> bool:
        """Take a notice for `lease` ms; False if another has it."""

        async def operation(transaction: Transaction) -> bool:
            now = self._clock()
            return await transaction.write(sql.CLAIM_NOTICE, (now + lease, notice_id, now)) == 1

        return await self._writer.run(operation)

    async def drop_notice(self, notice_id: str) -> None:
        """Remove a notice: it is sent, or can never be."""
        await self._writer.run(lambda transaction: transaction.put(sql.DELETE_NOTICE, (notice_id,)))

    async def move_in(self, transaction: Transaction, move: SendMove, now: int) -> None:
        """Move a send on in the outbox, or out of it."""
        if move.stage is None:
            await transaction.put(sql.DELETE_SEND, (move.attempt_id, move.moves_only))
        else:
            values = (move.stage.value, now + move.delay, move.tries, move.attempt_id, move.moves_only)
            await transaction.put(sql.MOVE_SEND, values)

    async def release_in(self, transaction: Transaction, before: Verification, after: Verification, now: int) -> None:
        """Ask no more about attempts that are settled, and have calls hung up that are no longer needed."""
        loose = outbox_effects(before, after)
        for attempt_id in loose.settled:
            await transaction.put(sql.SETTLE_SEND, (attempt_id,))
        for attempt_id in loose.needless:
            await transaction.put(sql.HANG_UP_SEND, (now, attempt_id))

    async def add_notices_in(
        self, transaction: Transaction, after: Enrollment, notices: Collection[Notification], now: int
    ) -> None:
        """Store the notices of a change of a person's record, but for numbers that asked for no more texts."""
        for place, notice in enumerate(notices):
            fingerprints = self._vault.fingerprints(notice.number)
            if any([await transaction.read(sql.IS_SUPPRESSED, (fingerprint,)) for fingerprint in fingerprints]):
                continue
            notice_id = f"ntc_{after.id.removeprefix('enr_')}_{after.entries}_{place}"
            sealed = self._vault.seal(notice.number.e164, notice_id)
            await transaction.put(sql.INSERT_NOTICE, (notice_id, after.id, notice.kind.value, sealed, now, now))
