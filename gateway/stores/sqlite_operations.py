"""The store's writes as operations inside a transaction, for SQLite."""

from collections.abc import Callable
from typing import TypeVar

from gateway.domain.enrollment import Enrollment, EnrollmentStatus, Phone, outcome_recorded, phone_added
from gateway.domain.phone import PhoneNumber
from gateway.domain.refusals import RefusalCode, Refused
from gateway.domain.verification import Change, Outcome, Verification
from gateway.ports import Begin, CountedStep, Receipt, Replay, SendMove, Step
from gateway.stores import rows
from gateway.stores import statements as sql
from gateway.stores.group_commit import Transaction
from gateway.stores.recent import Recent
from gateway.vault import Vault

T = TypeVar("T")

SEND_HANDOVER = 5_000
"""How long (ms) a committed send is left to the process that made it before any other may take it up."""


class Operations:
    """Each method runs inside one transaction, at the store's time `now` (ms since the epoch)."""

    def __init__(self, vault: Vault, recent: Recent) -> None:
        self._vault = vault
        self._recent = recent

    def create(
        self,
        transaction: Transaction,
        now: int,
        verification_id: str,
        number: PhoneNumber,
        begin: Begin,
        phone: Phone | None,
    ) -> Change:
        """Keep a new verification."""
        fingerprint = self._vault.fingerprint(number)
        change = begin(rows.tally_of(transaction.read(sql.SELECT_TALLY, (fingerprint,))), now)
        verification = change.verification
        if verification.enrollment_id and phone:
            self._add_phone(transaction, verification, phone, now)
        transaction.write(
            sql.INSERT_VERIFICATION,
            (
                verification_id,
                verification.application_id,
                fingerprint,
                self._vault.seal(number.e164, verification_id),
                verification.status.value,
                verification.due_at,
                rows.verification_state(verification),
            ),
        )
        self._keep_beside(transaction, change, now, fingerprint)
        return change

    def apply(
        self, transaction: Transaction, now: int, verification_id: str, step: Step, send: SendMove | None
    ) -> Change:
        """Change a verification."""
        before = self.load(transaction, verification_id)
        change = step(before, now)
        if send:
            self.move_send(transaction, now, send)
        if change.verification is not before:
            self._save(transaction, change)
            self._keep_beside(transaction, change, now, None)
        return change

    def apply_counted(self, transaction: Transaction, now: int, verification_id: str, step: CountedStep) -> Change:
        """Change a verification, with its number's tally."""
        before = self.load(transaction, verification_id)
        fingerprint = self._vault.fingerprint(before.number)
        tally = rows.tally_of(transaction.read(sql.SELECT_TALLY, (fingerprint,)))
        change = step(before, tally, now)
        if change.verification is not before:
            self._save(transaction, change)
            self._keep_beside(transaction, change, now, fingerprint)
        return change

    def load(self, transaction: Transaction, verification_id: str) -> Verification:
        """Return a verification as this batch has it so far; raises Refused (`not_found`)."""
        verification = transaction.verifications.get(verification_id) or self._recent.get(verification_id)
        if verification is not None:
            return verification
        row = transaction.read(sql.SELECT_VERIFICATION, (verification_id,))
        if row is None:
            raise Refused(RefusalCode.NOT_FOUND, "There is no such verification.")
        return rows.verification_of(verification_id, row[0], row[1], self._vault)

    def move_send(self, transaction: Transaction, now: int, move: SendMove) -> None:
        """Move a send on in the outbox, or out of it."""
        if move.stage is None:
            transaction.write(sql.DELETE_SEND, (move.attempt_id,))
        else:
            transaction.write(sql.MOVE_SEND, (move.stage.value, now + move.delay, move.attempt_id))

    def claim(self, transaction: Transaction, now: int, attempt_id: str, lease: int) -> bool:
        """Take a queued send."""
        return transaction.write(sql.CLAIM_SEND, (now + lease, attempt_id)) == 1

    def enroll(self, transaction: Transaction, enrollment: Enrollment) -> tuple[Enrollment, bool]:
        """Keep a new enrollment, or find the user's."""
        row = transaction.read(sql.SELECT_ENROLLMENT_OF, (enrollment.application_id, enrollment.user))
        if row:
            return self._enrollment(transaction, row[0], row[1]), False
        values = (enrollment.id, enrollment.application_id, enrollment.user, rows.enrollment_state(enrollment))
        transaction.write(sql.INSERT_ENROLLMENT, values)
        return enrollment, True

    def once(
        self, transaction: Transaction, now: int, receipt: Receipt | None, operation: Callable[[], T]
    ) -> T | Replay:
        """Run an operation unless its Idempotency-Key was used; keep its answer in the transaction of its effect."""
        if receipt is None:
            return operation()
        row = transaction.read(sql.SELECT_RECEIPT, (receipt.key,))
        place = receipt.key.hex()
        if row is None:
            result = operation()
            answer = receipt.answer(result)
            if answer is not None:
                values = (receipt.key, receipt.request_digest, self._vault.seal(answer, place), now)
                transaction.write(sql.INSERT_RECEIPT, values)
            return result
        if row[0] != receipt.request_digest:
            raise Refused(RefusalCode.IDEMPOTENCY_KEY_REUSED, "This Idempotency-Key came with another request before.")
        return Replay(self._vault.unseal(row[1], place))

    def _save(self, transaction: Transaction, change: Change) -> None:
        verification = change.verification
        transaction.write(
            sql.UPDATE_VERIFICATION,
            (
                verification.status.value,
                verification.due_at,
                rows.verification_state(verification),
                verification.id,
            ),
        )

    def _keep_beside(self, transaction: Transaction, change: Change, now: int, fingerprint: bytes | None) -> None:
        """Keep what a change brings along: journal, tally, send, the enrollment's outcome."""
        verification = change.verification
        if change.entries:
            first = verification.entries - len(change.entries) + 1
            values = (verification.id, first, now, rows.entries_state(change.entries))
            transaction.write(sql.INSERT_ENTRIES, values)
        if change.tally is not None:
            transaction.write(sql.UPSERT_TALLY, (fingerprint, rows.tally_state(change.tally), now))
        if change.send is not None:
            transaction.write(sql.INSERT_SEND, (change.send.id, verification.id, now + SEND_HANDOVER))
        if change.outcome is not None:
            self._record_outcome(transaction, verification, change.outcome)
        transaction.verifications[verification.id] = verification

    def _enrollment(self, transaction: Transaction, enrollment_id: str, state: bytes) -> Enrollment:
        return rows.enrollment_of(state, transaction.read_all(sql.SELECT_PHONES, (enrollment_id,)), self._vault)

    def _enrollment_of(self, transaction: Transaction, verification: Verification) -> Enrollment | None:
        row = transaction.read(sql.SELECT_ENROLLMENT, (verification.enrollment_id,))
        enrollment = row and self._enrollment(transaction, str(verification.enrollment_id), row[0])
        return enrollment if enrollment and enrollment.application_id == verification.application_id else None

    def _add_phone(self, transaction: Transaction, verification: Verification, phone: Phone, now: int) -> None:
        enrollment = self._enrollment_of(transaction, verification)
        if enrollment is None:
            raise Refused(RefusalCode.NOT_FOUND, "There is no such enrollment.", field="enrollment_id")
        if enrollment.status is EnrollmentStatus.BLOCKED:
            raise Refused(RefusalCode.ENROLLMENT_BLOCKED, "This person is blocked from verification.")
        self._save_enrollment(transaction, enrollment, phone_added(enrollment, phone, now))

    def _record_outcome(self, transaction: Transaction, verification: Verification, outcome: Outcome) -> None:
        enrollment = self._enrollment_of(transaction, verification)
        if enrollment is not None:
            after = outcome_recorded(enrollment, verification.number, verification.channel, outcome)
            self._save_enrollment(transaction, enrollment, after)

    def _save_enrollment(self, transaction: Transaction, before: Enrollment, after: Enrollment) -> None:
        transaction.write(sql.UPDATE_ENROLLMENT, (rows.enrollment_state(after), after.id))
        for phone in set(after.phones) - set(before.phones):
            values = (
                phone.id,
                after.id,
                phone.kind.value,
                self._vault.fingerprint(phone.number),
                self._vault.seal(phone.number.e164, phone.id),
                phone.verified_at,
            )
            transaction.write(sql.UPSERT_PHONE, values)
