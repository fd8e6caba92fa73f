"""The store's writes to the records of people, as operations inside a transaction."""

from collections.abc import Sequence

from gateway.domain.enrollment import Enrollment, EnrollmentChange
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.outcomes import outcome_recorded, reject_stale_approval
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.verification import Outcome, Verification
from gateway.person_ports import PersonStep, TallyStep
from gateway.ports import Joining
from gateway.security.vault import Vault
from gateway.stores import rows
from gateway.stores import statements as sql
from gateway.stores.engine import Transaction
from gateway.stores.numbers import newest_tally


class PeopleOperations:
    """Each method runs inside one transaction, at the store's time `now` (ms since the epoch)."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def enroll(self, transaction: Transaction, enrollment: Enrollment) -> tuple[Enrollment, bool]:
        """Keep a new enrollment, or find the user's."""
        row = transaction.read(sql.SELECT_ENROLLMENT_OF, (enrollment.application_id, enrollment.user))
        if row:
            return self._enrollment(transaction, row[0], row[1]), False
        values = (enrollment.id, enrollment.application_id, enrollment.user, rows.enrollment_state(enrollment))
        transaction.put(sql.INSERT_ENROLLMENT, values)
        return enrollment, True

    def join(self, transaction: Transaction, joining: Joining, number: PhoneNumber, now: int) -> Enrollment:
        """Let a new verification begin for a person."""
        enrollment = self.load(transaction, joining.enrollment_id, field="enrollment_id")
        change = joining.step(enrollment, self.sharers(transaction, enrollment, number), now)
        if change.enrollment is not enrollment:
            self._save(transaction, enrollment, change, now)
        return change.enrollment

    def sharers(self, transaction: Transaction, enrollment: Enrollment, number: PhoneNumber) -> int:
        """Count the application's other people who have a number."""
        found = 0
        for fingerprint in self._vault.fingerprints(number):
            values = (fingerprint, enrollment.id, enrollment.application_id)
            [count] = transaction.read(sql.COUNT_SHARERS, values) or (0,)
            found += count
        return found

    def change(self, transaction: Transaction, enrollment_id: str, step: PersonStep, now: int) -> EnrollmentChange:
        """Change an enrollment."""
        enrollment = self.load(transaction, enrollment_id)
        change = step(enrollment, now)
        if change.enrollment is not enrollment:
            self._save(transaction, enrollment, change, now)
        return change

    def remove(self, transaction: Transaction, enrollment_id: str, check: PersonStep, now: int) -> None:
        """Remove an enrollment with all that hangs on it."""
        check(self.load(transaction, enrollment_id), now)
        for statement in (
            sql.DELETE_PHONES,
            sql.DELETE_NOTICES_OF,
            sql.DELETE_LINKS_OF,
            sql.DELETE_SESSIONS_OF,
            sql.DELETE_ENTRIES,
            sql.DELETE_ENROLLMENT,
        ):
            transaction.put(statement, (enrollment_id,))

    def record_outcome(self, transaction: Transaction, verification: Verification, outcome: Outcome, now: int) -> None:
        """Write the outcome of a verification to its person's record; raises Refused for a stale approval."""
        row = transaction.read(sql.SELECT_ENROLLMENT, (verification.enrollment_id,))
        enrollment = self._enrollment(transaction, str(verification.enrollment_id), row[0]) if row else None
        reject_stale_approval(enrollment, verification, outcome)
        if enrollment is not None:
            self._save(transaction, enrollment, outcome_recorded(enrollment, verification, outcome), now)

    def count(self, transaction: Transaction, keys: Sequence[bytes], step: TallyStep, now: int) -> None:
        """Move a tally on."""
        key = newest_tally(transaction, keys)
        row = transaction.read(sql.SELECT_TALLY, (key,))
        before = rows.tally_of(row)
        after = step(before, now)
        if after is not before:
            statement = sql.UPDATE_TALLY if row else sql.INSERT_TALLY
            transaction.put(statement, (rows.tally_state(after), now, key))

    def load(self, transaction: Transaction, enrollment_id: str, field: str | None = None) -> Enrollment:
        """Return an enrollment as this batch has it so far; raises Refused (`not_found`; `field` is what named it)."""
        row = transaction.read(sql.SELECT_ENROLLMENT, (enrollment_id,))
        if row is None:
            raise Rejected(ErrorCode.NOT_FOUND, "There is no such enrollment.", field=field)
        return self._enrollment(transaction, enrollment_id, row[0])

    def _enrollment(self, transaction: Transaction, enrollment_id: str, state: bytes) -> Enrollment:
        return rows.enrollment_of(state, transaction.read_all(sql.SELECT_PHONES, (enrollment_id,)), self._vault)

    def _save(self, transaction: Transaction, before: Enrollment, change: EnrollmentChange, now: int) -> None:
        after = change.enrollment
        transaction.put(sql.UPDATE_ENROLLMENT, (rows.enrollment_state(after), after.id))
        for phone in set(before.phones) - set(after.phones):
            if after.phone(phone.id) is None:
                transaction.put(sql.DELETE_PHONE, (phone.id,))
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
            transaction.put(sql.UPSERT_PHONE, values)
        if change.entries:
            first = after.entries - len(change.entries) + 1
            transaction.put(sql.INSERT_ENTRIES, (after.id, first, now, rows.entries_state(change.entries)))
        for place, notice in enumerate(change.notices):
            fingerprints = self._vault.fingerprints(notice.number)
            if any(transaction.read(sql.IS_STOPPED, (fingerprint,)) for fingerprint in fingerprints):
                continue  # whoever has this number asked for no more texts
            notice_id = f"ntc_{after.id.removeprefix('enr_')}_{after.entries}_{place}"
            sealed = self._vault.seal(notice.number.e164, notice_id)
            transaction.put(sql.INSERT_NOTICE, (notice_id, after.id, notice.kind.value, sealed, now, now))
