"""The store's writes as operations inside a transaction, for SQLite."""

from gateway.domain.phone import PhoneNumber
from gateway.domain.refusals import RefusalCode, Refused
from gateway.domain.verification import Change, Verification
from gateway.ports import Begin, CountedStep, Created, Joining, SendMove, Step
from gateway.stores import rows
from gateway.stores import statements as sql
from gateway.stores.group_commit import Transaction
from gateway.stores.people_operations import PeopleOperations
from gateway.stores.recent import Recent
from gateway.vault import Vault

SEND_HANDOVER = 5_000
"""How long (ms) a committed send is left to the process that made it before any other may take it up."""


class Operations:
    """Each method runs inside one transaction, at the store's time `now` (ms since the epoch)."""

    def __init__(self, vault: Vault, recent: Recent, people: PeopleOperations) -> None:
        self._vault = vault
        self._recent = recent
        self._people = people

    def create(
        self,
        transaction: Transaction,
        now: int,
        verification_id: str,
        number: PhoneNumber,
        begin: Begin,
        joining: Joining | None,
    ) -> Created:
        """Keep a new verification."""
        enrollment = self._people.join(transaction, joining, number, now) if joining else None
        fingerprint = self._vault.fingerprint(number)
        change = begin(rows.tally_of(transaction.read(sql.SELECT_TALLY, (fingerprint,))), now)
        verification = change.verification
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
        return Created(change, enrollment)

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
            self._people.record_outcome(transaction, verification, change.outcome, now)
        transaction.verifications[verification.id] = verification
