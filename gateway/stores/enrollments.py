"""The records of people, each with its phones and its journal."""

from collections.abc import AsyncIterator, Callable, Sequence
from itertools import groupby

from gateway.clock import Clock
from gateway.domain.enrollment import Enrollment, EnrollmentChange
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.idempotency import IdempotencyKey
from gateway.domain.journal import StoredEntry
from gateway.domain.outcomes import record_outcome, reject_stale_approval
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.verification import Outcome, Verification
from gateway.security.vault import Vault
from gateway.stores import rows, sql
from gateway.stores.engine import Engine, Row, Transaction
from gateway.stores.idempotency import IdempotencyStore
from gateway.stores.outbox import OutboxStore

PersonStep = Callable[[Enrollment, int], EnrollmentChange]

JoinStep = Callable[[Enrollment, int, int], EnrollmentChange]
"""Takes the enrollment, how many other people of the application have the number, and the time."""

_PAGE_SIZE = 500


class EnrollmentStore:
    """Durable records, with the rules of `VerificationStore`: pure steps, answered after the commit.

    Methods whose names end in `_in` run inside a transaction of the caller's: no other transaction changes what they
    have read.
    """

    def __init__(
        self, engine: Engine, vault: Vault, clock: Clock, outbox: OutboxStore, idempotency: IdempotencyStore
    ) -> None:
        self._reads = engine.reads
        self._writer = engine.writer
        self._vault = vault
        self._clock = clock
        self._outbox = outbox
        self._idempotency = idempotency

    async def enroll(self, enrollment: Enrollment, idempotency_key: IdempotencyKey | None) -> tuple[Enrollment, bool]:
        """Store a new enrollment, or return the one that this user has; the flag tells which (True: new)."""
        return await self._idempotency.run(idempotency_key, lambda transaction: self.enroll_in(transaction, enrollment))

    async def get(self, enrollment_id: str) -> Enrollment | None:
        """Return an enrollment with its phones."""
        return self._person(await self._reads.all(sql.PERSON_BY_ID, (enrollment_id,)))

    async def of_user(self, application_id: str, user: str) -> Enrollment | None:
        """Return the enrollment of an application's user."""
        return self._person(await self._reads.all(sql.PERSON_BY_USER, (application_id, user)))

    async def all(self) -> AsyncIterator[tuple[str, Enrollment]]:
        """Yield every record with the name of its application, the oldest first; a page at a time is in memory."""
        last = ""
        while page := await self._reads.many(sql.PAGE_ENROLLMENTS_NAMED, (last, _PAGE_SIZE)):
            for application, enrollment in await self._with_phones(page):
                yield application, enrollment
            last = page[-1][0]

    async def change(
        self, enrollment_id: str, step: PersonStep, idempotency_key: IdempotencyKey | None = None
    ) -> EnrollmentChange:
        """Change an enrollment with its phones, journal and notifications; raises Rejected (`not_found`)."""
        return await self._idempotency.run(
            idempotency_key, lambda transaction: self.change_in(transaction, enrollment_id, step, self._clock())
        )

    async def remove(self, enrollment_id: str, check: PersonStep) -> None:
        """Remove an enrollment with all that hangs on it, unless `check` raises; raises Rejected (`not_found`)."""

        async def operation(transaction: Transaction) -> None:
            check(await self.load_in(transaction, enrollment_id), self._clock())
            for statement in (
                sql.DELETE_PHONES,
                sql.DELETE_NOTIFICATIONS_OF,
                sql.DELETE_LINKS_OF,
                sql.DELETE_SESSIONS_OF,
                sql.DELETE_ENTRIES,
                sql.DELETE_ENROLLMENT,
            ):
                await transaction.execute(statement, (enrollment_id,))

        await self._writer.run(operation)

    async def history(self, enrollment_id: str, after: int) -> list[StoredEntry]:
        """List the journal's entries of an enrollment whose sequence is above `after`, oldest first."""
        entry_rows = await self._reads.all(sql.SELECT_ENTRIES, (enrollment_id,))
        return [entry for row in entry_rows for entry in rows.entries_of(row) if entry.sequence > after]

    async def enroll_in(self, transaction: Transaction, enrollment: Enrollment) -> tuple[Enrollment, bool]:
        """Store a new enrollment, or find the user's; its phones come by a change."""
        existing = await self.of_user_in(transaction, enrollment.application_id, enrollment.user)
        if existing:
            return existing, False
        values = (enrollment.id, enrollment.application_id, enrollment.user, rows.enrollment_state(enrollment))
        await transaction.execute(sql.INSERT_ENROLLMENT, values)
        return enrollment, True

    async def of_user_in(self, transaction: Transaction, application_id: str, user: str) -> Enrollment | None:
        """Return the record of an application's user."""
        row = await transaction.read(sql.SELECT_ENROLLMENT_OF, (application_id, user))
        return await self._enrollment(transaction, row[0], row[1]) if row else None

    async def join_in(
        self, transaction: Transaction, enrollment_id: str, step: JoinStep, number: PhoneNumber, now: int
    ) -> Enrollment:
        """Let a new verification begin for a person."""
        enrollment = await self.load_in(transaction, enrollment_id, field="enrollment_id")
        change = step(enrollment, await self.sharers_in(transaction, enrollment, number), now)
        if change.enrollment is not enrollment:
            await self._save(transaction, enrollment, change, now)
        return change.enrollment

    async def sharers_in(self, transaction: Transaction, enrollment: Enrollment, number: PhoneNumber) -> int:
        """Count the application's other people who have a number."""
        sharers = 0
        for fingerprint in self._vault.fingerprints(number):
            values = (fingerprint, enrollment.id, enrollment.application_id)
            [count] = await transaction.read(sql.COUNT_SHARERS, values) or (0,)
            sharers += count
        return sharers

    async def change_in(
        self, transaction: Transaction, enrollment_id: str, step: PersonStep, now: int
    ) -> EnrollmentChange:
        """Change an enrollment at `now` (ms since the epoch); raises what the step raises."""
        enrollment = await self.load_in(transaction, enrollment_id)
        change = step(enrollment, now)
        if change.enrollment is not enrollment:
            await self._save(transaction, enrollment, change, now)
        return change

    async def record_outcome_in(
        self, transaction: Transaction, verification: Verification, outcome: Outcome, now: int
    ) -> None:
        """Write the outcome of a verification to its person's record; raises Rejected for a stale approval."""
        row = await transaction.read(sql.SELECT_ENROLLMENT, (verification.enrollment_id,))
        enrollment = await self._enrollment(transaction, str(verification.enrollment_id), row[0]) if row else None
        reject_stale_approval(enrollment, verification, outcome)
        if enrollment is not None:
            await self._save(transaction, enrollment, record_outcome(enrollment, verification, outcome), now)

    async def load_in(self, transaction: Transaction, enrollment_id: str, field: str | None = None) -> Enrollment:
        """Return an enrollment as this batch has it so far; raises Rejected (`not_found`; `field` is what named it)."""
        row = await transaction.read(sql.SELECT_ENROLLMENT, (enrollment_id,))
        if row is None:
            raise Rejected(ErrorCode.NOT_FOUND, "There is no such enrollment.", field=field)
        return await self._enrollment(transaction, enrollment_id, row[0])

    async def _enrollment(self, transaction: Transaction, enrollment_id: str, state: bytes) -> Enrollment:
        phones = await transaction.read_all(sql.SELECT_PHONES, (enrollment_id,))
        return rows.enrollment_of(state, phones, self._vault)

    async def _save(self, transaction: Transaction, before: Enrollment, change: EnrollmentChange, now: int) -> None:
        after = change.enrollment
        await transaction.execute(sql.UPDATE_ENROLLMENT, (rows.enrollment_state(after), after.id))
        for phone in set(before.phones) - set(after.phones):
            if after.phone(phone.id) is None:
                await transaction.execute(sql.DELETE_PHONE, (phone.id,))
        for phone in set(after.phones) - set(before.phones):
            values = (
                phone.id,
                after.id,
                phone.kind.value,
                self._vault.fingerprint(phone.number),
                self._vault.seal(rows.dialled(phone.number, phone.extension), phone.id),
                phone.verified_at,
                phone.replaces,
            )
            await transaction.execute(sql.UPSERT_PHONE, values)
        if change.entries:
            first = after.entries - len(change.entries) + 1
            await transaction.execute(sql.INSERT_ENTRIES, (after.id, first, now, rows.entries_state(change.entries)))
        if change.notices:
            await self._outbox.add_notifications_in(transaction, after, change.notices, now)

    def _person(self, joined_rows: list[Row]) -> Enrollment | None:
        """Read rows of PERSON_BY_ID or PERSON_BY_USER."""
        if not joined_rows:
            return None
        phones = [row[2:] for row in joined_rows if row[2] is not None]
        return rows.enrollment_of(joined_rows[0][1], phones, self._vault)

    async def _with_phones(self, enrollment_rows: Sequence[Row]) -> list[tuple[str, Enrollment]]:
        """Read rows of PAGE_ENROLLMENTS_NAMED, with the phones between the ids."""
        phone_rows = await self._reads.many(sql.PHONES_BETWEEN, (enrollment_rows[0][0], enrollment_rows[-1][0]))
        phones = {owner: [row[1:] for row in theirs] for owner, theirs in groupby(phone_rows, key=lambda row: row[0])}
        return [
            (application, rows.enrollment_of(state, phones.get(enrollment_id, []), self._vault))
            for enrollment_id, state, application in enrollment_rows
        ]
