"""Verifications: begun, changed with all that a change brings along, read, listed, waited for."""

import asyncio
from collections.abc import Callable

import msgspec

from gateway.clock import Clock
from gateway.domain.commands import Created
from gateway.domain.enrollment import Enrollment, EnrollmentChange
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.idempotency import IdempotencyKey
from gateway.domain.ivr.pin import PinDecision
from gateway.domain.journal import StoredEntry
from gateway.domain.limits import RateCounters
from gateway.domain.listing import ListFilter, Page
from gateway.domain.outbox import OutboxUpdate
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.verification import Change, Verification
from gateway.security.vault import Vault
from gateway.stores import outbox, rows, sql
from gateway.stores.engine import Engine, Transaction
from gateway.stores.enrollments import EnrollmentStore, JoinStep, PersonStep
from gateway.stores.idempotency import IdempotencyStore
from gateway.stores.numbers import newest_fingerprint
from gateway.stores.rate_counters import NumberCounters, RateCounterStore
from gateway.stores.suppressions import suppress_in

Begin = Callable[[RateCounters, int], Change]
Step = Callable[[Verification, int], Change]
CountedStep = Callable[[Verification, RateCounters, int], Change]
PinStep = Callable[[Verification, Enrollment, int], PinDecision]
"""Acts on a verdict; takes the verification, the record of its person, and the time."""


class Joining(msgspec.Struct, frozen=True):
    """Which enrollment a new verification belongs to, and what its beginning does to it."""

    enrollment_id: str
    step: JoinStep


class VerificationStore:
    """Durable verifications. Every write is answered only after it is safe from a power cut.

    Steps are pure, and may be computed twice; the last argument is the store's own time (ms since the epoch). A Refused
    that they raise reaches the caller and leaves nothing behind. Writes raise StoreUnavailable when the database fails,
    and Rejected for what is not there (`not_found`) and for the Idempotency-Key of another request
    (`idempotency_key_reused`). With a key that was used, they raise RepeatedRequest.

    Methods whose names end in `_in` run inside a transaction of the caller's.
    """

    def __init__(
        self,
        engine: Engine,
        vault: Vault,
        clock: Clock,
        enrollments: EnrollmentStore,
        outbox_store: outbox.OutboxStore,
        rate_counters: RateCounterStore,
        idempotency: IdempotencyStore,
    ) -> None:
        self._reads = engine.reads
        self._writer = engine.writer
        self._cache = engine.cache
        self._waiters = engine.waiters
        self._shared = engine.shared
        self._vault = vault
        self._clock = clock
        self._enrollments = enrollments
        self._outbox = outbox_store
        self._rate_counters = rate_counters
        self._idempotency = idempotency

    async def create(
        self,
        verification_id: str,
        number: PhoneNumber,
        begin: Begin,
        *,
        idempotency_key: IdempotencyKey | None,
        joining: Joining | None,
    ) -> Created:
        """Store a new verification with its journal, counters and send; `joining` changes its person's record, too."""

        async def operation(transaction: Transaction) -> Created:
            now = self._clock()
            # The counters before the person, as every other operation reads them, so that no two wait for each other.
            counters = await self._rate_counters.of_number_in(transaction, number)
            enrollment = None
            if joining:
                enrollment = await self._enrollments.join_in(
                    transaction, joining.enrollment_id, joining.step, number, now
                )
            change = begin(counters.rate_counters, now)
            verification = change.verification
            await transaction.execute(
                sql.INSERT_VERIFICATION,
                (
                    verification_id,
                    verification.application_id,
                    counters.fingerprint,
                    self._vault.seal(rows.dialled(number, verification.extension), verification_id),
                    verification.status.value,
                    verification.due_at,
                    rows.verification_state(verification),
                ),
            )
            await self._save_beside(transaction, change, now, counters)
            return Created(change, enrollment)

        return await self._idempotency.run(idempotency_key, operation)

    async def apply(self, verification_id: str, step: Step, *, update: OutboxUpdate | None = None) -> Change:
        """Load, change and save one verification with its journal, outbox and enrollment, in one transaction."""
        return await self._writer.run(
            lambda transaction: self.apply_in(transaction, verification_id, step, self._clock(), update)
        )

    async def apply_counted(self, verification_id: str, step: CountedStep) -> Change:
        """Do what `apply` does, with the number's counters beside the verification."""
        return await self._writer.run(
            lambda transaction: self.apply_counted_in(transaction, verification_id, step, self._clock())
        )

    async def resend(
        self, verification_id: str, step: CountedStep, idempotency_key: IdempotencyKey | None, *, person: PersonStep
    ) -> Change:
        """Do what `apply_counted` does, once for an Idempotency-Key; a send runs `person` on its person's record."""
        return await self._idempotency.run(
            idempotency_key,
            lambda transaction: self.apply_counted_in(transaction, verification_id, step, self._clock(), person),
        )

    async def judge_pin(self, verification_id: str, step: PinStep) -> Change:
        """Change a verification and the record of its person by one step, in one transaction.

        Raises what the step raises, with nothing stored; Rejected (`not_found`).
        """

        async def operation(transaction: Transaction) -> Change:
            now = self._clock()
            before = await self.load_in(transaction, verification_id)
            judged: list[PinDecision] = []

            def count(enrollment: Enrollment, now: int) -> EnrollmentChange:
                judged.append(step(before, enrollment, now))
                return judged[-1].person

            await self._enrollments.change_in(transaction, str(before.enrollment_id), count, now)
            return await self.apply_in(transaction, verification_id, lambda _before, _now: judged[-1].change, now)

        return await self._writer.run(operation)

    async def get(self, verification_id: str) -> Verification | None:
        """Return what is committed; never waits for a writer."""
        verification = self._cache.get(verification_id)
        if verification is not None:
            return verification
        row = await self._reads.row(sql.SELECT_VERIFICATION, (verification_id,))
        if row is None:
            return None
        verification = rows.verification_of(verification_id, row[0], row[1], self._vault)
        # Although a commit may be under way: its own state replaces this one when it is done.
        self._cache.update({verification_id: verification})
        return verification

    async def page(self, application_id: str | None, narrow: ListFilter) -> Page:
        """List an application's verifications, newest first; with None, those of all applications."""
        fingerprints = self._vault.fingerprints(narrow.number) if narrow.number else ()
        statement = sql.list_verifications(
            application=application_id is not None,
            numbers=len(fingerprints),
            status=narrow.status is not None,
            after=bool(narrow.starting_after),
        )
        values = (
            *([] if application_id is None else [application_id]),
            *fingerprints,
            *([narrow.status.value] if narrow.status else []),
            *([narrow.starting_after] if narrow.starting_after else []),
            narrow.limit + 1,
        )
        page_rows = await self._reads.many(statement, values)
        page = [
            rows.verification_of(verification_id, state, sealed_number, self._vault)
            for verification_id, state, sealed_number in page_rows[: narrow.limit]
        ]
        return Page(page, has_more=len(page_rows) > narrow.limit)

    async def journal(self, subject_id: str, after: int) -> list[StoredEntry]:
        """List the journal's entries whose sequence is above `after`, oldest first."""
        entry_rows = await self._reads.many(sql.SELECT_ENTRIES, (subject_id,))
        return [entry for row in entry_rows for entry in rows.entries_of(row) if entry.sequence > after]

    def changed(self, verification_id: str) -> asyncio.Future[None]:
        """Return a future that is done when a later change of this verification is committed, or the store closes."""
        return self._waiters.future(verification_id)

    def wake_all(self) -> None:
        """Complete every future that waits for a change, so that the waiting can be answered before a stop."""
        self._waiters.wake_all()

    async def claim_due(self, limit: int) -> list[str]:
        """List verifications whose deadline has passed, oldest first.

        Where other gateways share the database, what is listed is left to this one for `outbox.CLAIM_LEASE`.
        """
        due_rows = await self._reads.all(sql.DUE_VERIFICATIONS, (self._clock(), 1 if self._shared else limit))
        if due_rows and self._shared:
            now = self._clock()
            values = (now + outbox.CLAIM_LEASE, now, limit)
            due_rows = await self._writer.run(
                lambda transaction: transaction.read_all(sql.CLAIM_DUE_VERIFICATIONS, values)
            )
        return [verification_id for (verification_id,) in due_rows]

    async def apply_in(
        self, transaction: Transaction, verification_id: str, step: Step, now: int, update: OutboxUpdate | None = None
    ) -> Change:
        """Change a verification."""
        before = await self.load_in(transaction, verification_id)
        change = step(before, now)
        if update:
            await self._outbox.update_in(transaction, update, now)
        if change.verification is not before:
            await self._save(transaction, before, change, now, None)
        return change

    async def apply_counted_in(
        self,
        transaction: Transaction,
        verification_id: str,
        step: CountedStep,
        now: int,
        person: PersonStep | None = None,
    ) -> Change:
        """Change a verification, with its number's counters, and with its person's record if it sends for one."""
        before = await self.load_in(transaction, verification_id)
        counters = await self._rate_counters.of_number_in(transaction, before.number)
        change = step(before, counters.rate_counters, now)
        if change.verification is not before:
            if person and change.send and before.enrollment_id:
                await self._enrollments.change_in(transaction, before.enrollment_id, person, now)
            await self._save(transaction, before, change, now, counters)
        return change

    async def load_in(self, transaction: Transaction, verification_id: str) -> Verification:
        """Return a verification as this batch has it so far; raises Rejected (`not_found`)."""
        verification = transaction.verifications.get(verification_id) or self._cache.get(verification_id)
        if verification is not None:
            return verification
        row = await transaction.read(sql.SELECT_VERIFICATION, (verification_id,))
        if row is None:
            raise Rejected(ErrorCode.NOT_FOUND, "There is no such verification.")
        return rows.verification_of(verification_id, row[0], row[1], self._vault)

    async def _save(
        self, transaction: Transaction, before: Verification, change: Change, now: int, counters: NumberCounters | None
    ) -> None:
        after = change.verification
        values = (after.status.value, after.due_at, rows.verification_state(after), after.id)
        await transaction.execute(sql.UPDATE_VERIFICATION, values)
        await self._outbox.release_in(transaction, before, after, now)
        await self._save_beside(transaction, change, now, counters)

    async def _save_beside(
        self, transaction: Transaction, change: Change, now: int, counters: NumberCounters | None
    ) -> None:
        """Store what a change brings along: journal, counters, send, suppression, the enrollment's outcome."""
        verification = change.verification
        if change.entries:
            first = verification.entries - len(change.entries) + 1
            values = (verification.id, first, now, rows.entries_state(change.entries))
            await transaction.execute(sql.INSERT_ENTRIES, values)
        if change.rate_counters is not None and counters is not None:
            await self._rate_counters.save_in(transaction, counters, change.rate_counters, now)
        if change.send is not None:
            await self._outbox.add_attempt_in(transaction, verification.id, change.send, now)
        if change.suppress is not None:
            fingerprint = await newest_fingerprint(transaction, self._vault, verification.number)
            await suppress_in(transaction, fingerprint, change.suppress, now)
        if change.outcome is not None:
            await self._enrollments.record_outcome_in(transaction, verification, change.outcome, now)
        transaction.verifications[verification.id] = verification
