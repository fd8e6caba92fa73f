"""The store's writes, as operations inside a transaction."""

from typing import NamedTuple

from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.limits import Tally
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.send_results import loosened
from gateway.domain.verification import Change, Verification
from gateway.outbox_ports import SendMove
from gateway.ports import Begin, CountedStep, Created, Joining, SendStep, Step
from gateway.security.vault import Vault
from gateway.stores import rows
from gateway.stores import statements as sql
from gateway.stores.engine import Transaction
from gateway.stores.numbers import brought_together
from gateway.stores.people_operations import PeopleOperations
from gateway.stores.recent import Recent
from gateway.stores.stop_list import stop

SEND_HANDOVER = 5_000
"""How long (ms) a committed send is left to the process that made it before any other may take it up."""


class _Counted(NamedTuple):
    """What is counted for a number, and whether it has a row of its own yet."""

    fingerprint: bytes
    tally: Tally
    kept: bool


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
        # The tally before the person, as every other operation reads them, so that no two wait for each other.
        counted = self._counted(transaction, number)
        enrollment = self._people.join(transaction, joining, number, now) if joining else None
        change = begin(counted.tally, now)
        verification = change.verification
        transaction.put(
            sql.INSERT_VERIFICATION,
            (
                verification_id,
                verification.application_id,
                counted.fingerprint,
                self._vault.seal(rows.dialled(number, verification.extension), verification_id),
                verification.status.value,
                verification.due_at,
                rows.verification_state(verification),
            ),
        )
        self._keep_beside(transaction, change, now, counted)
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
            self._let_go(transaction, now, before, change.verification)
            self._keep_beside(transaction, change, now, None)
        return change

    def apply_counted(
        self,
        transaction: Transaction,
        now: int,
        verification_id: str,
        step: CountedStep,
        person: SendStep | None = None,
    ) -> Change:
        """Change a verification, with its number's tally, and with its person's record if it sends for one."""
        before = self.load(transaction, verification_id)
        counted = self._counted(transaction, before.number)
        change = step(before, counted.tally, now)
        if change.verification is not before:
            if person and change.send and before.enrollment_id:
                self._people.change(transaction, before.enrollment_id, person, now)
            self._save(transaction, change)
            self._let_go(transaction, now, before, change.verification)
            self._keep_beside(transaction, change, now, counted)
        return change

    def load(self, transaction: Transaction, verification_id: str) -> Verification:
        """Return a verification as this batch has it so far; raises Refused (`not_found`)."""
        verification = transaction.verifications.get(verification_id) or self._recent.get(verification_id)
        if verification is not None:
            return verification
        row = transaction.read(sql.SELECT_VERIFICATION, (verification_id,))
        if row is None:
            raise Rejected(ErrorCode.NOT_FOUND, "There is no such verification.")
        return rows.verification_of(verification_id, row[0], row[1], self._vault)

    def move_send(self, transaction: Transaction, now: int, move: SendMove) -> None:
        """Move a send on in the outbox, or out of it."""
        if move.stage is None:
            transaction.put(sql.DELETE_SEND, (move.attempt_id, move.moves_only))
        else:
            values = (move.stage.value, now + move.delay, move.tries, move.attempt_id, move.moves_only)
            transaction.put(sql.MOVE_SEND, values)

    def claim(self, transaction: Transaction, now: int, attempt_id: str, lease: int) -> bool:
        """Take a queued send."""
        return transaction.write(sql.CLAIM_SEND, (now + lease, attempt_id)) == 1

    def _let_go(self, transaction: Transaction, now: int, before: Verification, after: Verification) -> None:
        """Ask no more about attempts that are settled, and have calls hung up that are no longer needed."""
        loose = loosened(before, after)
        for attempt_id in loose.settled:
            transaction.put(sql.SETTLE_SEND, (attempt_id,))
        for attempt_id in loose.needless:
            transaction.put(sql.HANG_UP_SEND, (now, attempt_id))

    def _counted(self, transaction: Transaction, number: PhoneNumber) -> "_Counted":
        fingerprint = brought_together(transaction, self._vault, number)
        row = transaction.read(sql.SELECT_TALLY_OF_NUMBER, (fingerprint, fingerprint))
        return _Counted(fingerprint, rows.tally_of_number(row), kept=row is not None and row[0] is not None)

    def _save(self, transaction: Transaction, change: Change) -> None:
        verification = change.verification
        transaction.put(
            sql.UPDATE_VERIFICATION,
            (
                verification.status.value,
                verification.due_at,
                rows.verification_state(verification),
                verification.id,
            ),
        )

    def _keep_beside(self, transaction: Transaction, change: Change, now: int, counted: "_Counted | None") -> None:
        """Keep what a change brings along: journal, tally, send, the enrollment's outcome."""
        verification = change.verification
        if change.entries:
            first = verification.entries - len(change.entries) + 1
            values = (verification.id, first, now, rows.entries_state(change.entries))
            transaction.put(sql.INSERT_ENTRIES, values)
        if change.tally is not None and counted is not None:
            statement = sql.UPDATE_TALLY if counted.kept else sql.INSERT_TALLY
            transaction.put(statement, (rows.tally_state(change.tally), now, counted.fingerprint))
        if change.send is not None:
            transaction.put(sql.INSERT_SEND, (change.send.id, verification.id, now + SEND_HANDOVER))
        if change.stop is not None:
            stop(transaction, brought_together(transaction, self._vault, verification.number), change.stop, now)
        if change.outcome is not None:
            self._people.record_outcome(transaction, verification, change.outcome, now)
        transaction.verifications[verification.id] = verification
