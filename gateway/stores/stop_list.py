"""The stop list: numbers that get no more calls and texts, whichever application asks. Each change is journalled."""

import msgspec

from gateway.domain.journal import JournalEntry
from gateway.domain.phone_number import PhoneNumber
from gateway.ports import Clock
from gateway.security.vault import Vault
from gateway.stores import rows
from gateway.stores import statements as sql
from gateway.stores.engine import Reads, Transaction, Writer
from gateway.stores.numbers import brought_together, stop_subject


class StoppedNumber(msgspec.Struct, frozen=True, gc=False):
    """A number on the list, by the subject of its journal. `added_at` is in ms since the epoch."""

    id: str
    reason: str
    added_at: int


def stop(transaction: Transaction, fingerprint: bytes, reason: str, now: int) -> bool:
    """Put a number on the list at `now` (ms since the epoch); False if it is there."""
    if transaction.read(sql.IS_STOPPED, (fingerprint,)) is not None:
        return False
    transaction.put(sql.INSERT_STOPPED, (fingerprint, reason, now))
    _note(transaction, fingerprint, JournalEntry("stop_list.added", {"reason": reason}), now)
    return True


def lift(transaction: Transaction, fingerprint: bytes, reason: str, now: int) -> bool:
    """Take a number off the list at `now` (ms since the epoch); False if it is not there."""
    if transaction.write(sql.DELETE_STOPPED, (fingerprint,)) == 0:
        return False
    _note(transaction, fingerprint, JournalEntry("stop_list.removed", {"reason": reason}), now)
    return True


class StopList:
    """The list, for the console."""

    def __init__(self, writer: Writer, reads: Reads, vault: Vault, clock: Clock) -> None:
        self._writer = writer
        self._reads = reads
        self._vault = vault
        self._clock = clock

    async def add(self, number: PhoneNumber, reason: str) -> bool:
        """Put a number on the list; False if it is there."""

        def operation(transaction: Transaction) -> bool:
            return stop(transaction, brought_together(transaction, self._vault, number), reason, self._clock())

        return await self._writer.run(operation)

    async def remove(self, number: PhoneNumber, reason: str) -> bool:
        """Take a number off the list; False if it is not there."""

        def operation(transaction: Transaction) -> bool:
            return lift(transaction, brought_together(transaction, self._vault, number), reason, self._clock())

        return await self._writer.run(operation)

    async def all(self) -> list[StoppedNumber]:
        """List the numbers, the first one that was stopped first."""
        found = await self._reads.many(sql.SELECT_STOPPED, ())
        return [StoppedNumber(stop_subject(fingerprint), reason, added_at) for fingerprint, reason, added_at in found]

    def subject(self, number: PhoneNumber) -> str:
        """Return the subject of a number's journal, by which it is told in the list."""
        return stop_subject(self._vault.fingerprint(number))


def _note(transaction: Transaction, fingerprint: bytes, entry: JournalEntry, now: int) -> None:
    subject = stop_subject(fingerprint)
    [last] = transaction.read(sql.LAST_ENTRY, (subject,)) or (0,)
    transaction.put(sql.INSERT_ENTRIES, (subject, last + 1, now, rows.entries_state((entry,))))
