"""The outbox in the store: entries of attempts and notifications, in one table with one rule of claims and leases."""

from collections.abc import Collection

import msgspec

from gateway.clock import Clock
from gateway.domain.enrollment import Enrollment, Notification, NotificationKind
from gateway.domain.outbox import TO_SEND, NotificationContent, OutboxEntry, OutboxKind, OutboxState, OutboxUpdate
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.send_results import outbox_effects
from gateway.domain.verification import Attempt, Verification
from gateway.security.vault import Vault
from gateway.stores import rows, sql
from gateway.stores.engine import Engine, Row, Transaction

HANDOVER = 5_000
"""How long (ms) the entry of a new attempt is left to the process that committed it before any other may claim it."""
CLAIM_LEASE = 5_000
"""How long (ms) what is due is left to the process that claimed it before any other may."""


class Backlog(msgspec.Struct, frozen=True, gc=False):
    """Attempts that wait for a provider, or are being handed over; the oldest was made at `oldest_at` (ms)."""

    queued: int
    oldest_at: int | None


class OutboxStore:
    """Durable entries, for any number of processes.

    Methods whose names end in `_in` run inside a transaction of the caller's; `now` is the store's time (ms).
    """

    def __init__(self, engine: Engine, vault: Vault, clock: Clock) -> None:
        self._reads = engine.reads
        self._writer = engine.writer
        self._shared = engine.shared
        self._vault = vault
        self._clock = clock

    async def claim_due(
        self, limit: int, kind: OutboxKind, states: Collection[OutboxState] = tuple(OutboxState)
    ) -> list[OutboxEntry]:
        """List entries of a kind, in these states, whose time has come, oldest first. To send one, `claim` it.

        Where other gateways share the database, what is listed is left to this one for `CLAIM_LEASE`.
        """
        wanted = (kind.value, *(state.value for state in states))
        due = (*wanted, self._clock(), 1 if self._shared else limit)
        due_rows = await self._reads.all(sql.due_outbox(len(states)), due)
        if not due_rows or not self._shared:
            return [_entry_of(row) for row in due_rows]
        now = self._clock()
        values = (now + CLAIM_LEASE, *wanted, now, limit)
        claimed = await self._writer.run(
            lambda transaction: transaction.read_all(sql.claim_due_outbox(len(states)), values)
        )
        return sorted(map(_entry_of, claimed), key=lambda entry: entry.created_at)

    async def claim(self, entry_id: str, lease: int) -> bool:
        """Claim a queued entry for `lease` ms; False if it is not queued any more."""

        async def operation(transaction: Transaction) -> bool:
            return await transaction.write(sql.CLAIM_OUTBOX_ENTRY, (self._clock() + lease, entry_id)) == 1

        return await self._writer.run(operation)

    async def update(self, update: OutboxUpdate) -> None:
        """Update or remove an entry in a transaction of its own."""
        await self._writer.run(lambda transaction: self.update_in(transaction, update, self._clock()))

    async def notification(self, entry_id: str) -> NotificationContent | None:
        """Return what a notification says, and to whom."""
        row = await self._reads.row(sql.SELECT_NOTIFICATION, (entry_id,))
        if row is None:
            return None
        kind, sealed_number, application_name, state = row
        number = PhoneNumber(self._vault.unseal(sealed_number, entry_id).decode())
        return NotificationContent(NotificationKind(kind), number, application_name, rows.locale_of(state))

    async def backlog(self) -> Backlog:
        """Count the attempts that no provider has, without claiming any; raises StoreUnavailable."""
        states = tuple(state.value for state in TO_SEND)

        async def operation(transaction: Transaction) -> Backlog:
            queued, oldest = await transaction.read(sql.count_attempts(len(states)), states) or (0, None)
            row = await transaction.read(sql.SELECT_OUTBOX_CREATION, (oldest,)) if oldest else None
            return Backlog(queued, row[0] if row else None)

        return await self._writer.run(operation)

    async def add_attempt_in(self, transaction: Transaction, verification_id: str, attempt: Attempt, now: int) -> None:
        """Add a new attempt. It is due once its own process has had the time to send it."""
        await transaction.execute(sql.INSERT_ATTEMPT, (attempt.id, verification_id, now + HANDOVER, now))

    async def add_notifications_in(
        self, transaction: Transaction, after: Enrollment, notifications: Collection[Notification], now: int
    ) -> None:
        """Add those of a change of a person's record, due at once; none for numbers that asked for no more texts."""
        for place, notification in enumerate(notifications):
            fingerprints = self._vault.fingerprints(notification.number)
            if any([await transaction.read(sql.IS_SUPPRESSED, (fingerprint,)) for fingerprint in fingerprints]):
                continue
            entry_id = f"ntc_{after.id.removeprefix('enr_')}_{after.entries}_{place}"
            sealed = self._vault.seal(notification.number.e164, entry_id)
            values = (entry_id, after.id, notification.kind.value, sealed, now, now)
            await transaction.execute(sql.INSERT_NOTIFICATION, values)

    async def update_in(self, transaction: Transaction, update: OutboxUpdate, now: int) -> None:
        """Update or remove an entry, if it is still in the state that the update names."""
        if update.state is None:
            await transaction.execute(sql.DELETE_OUTBOX_ENTRY, (update.id, update.only_from))
        else:
            values = (update.state.value, now + update.delay, update.tries, update.id, update.only_from)
            await transaction.execute(sql.UPDATE_OUTBOX_ENTRY, values)

    async def release_in(self, transaction: Transaction, before: Verification, after: Verification, now: int) -> None:
        """Remove settled attempts whose last report came, and have calls hung up that are no longer needed."""
        loose = outbox_effects(before, after)
        for attempt_id in loose.settled:
            await transaction.execute(sql.SETTLE_ATTEMPT, (attempt_id,))
        for attempt_id in loose.needless:
            await transaction.execute(sql.HANG_UP_ATTEMPT, (now, attempt_id))


def _entry_of(row: Row) -> OutboxEntry:
    entry_id, kind, subject_id, state, tries, created_at = row
    return OutboxEntry(entry_id, OutboxKind(kind), subject_id, OutboxState(state), tries, created_at)
