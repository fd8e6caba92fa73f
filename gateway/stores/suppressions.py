"""Which numbers want no calls and texts at all (the suppression list), and which want no texts of a sender."""

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from gateway.clock import Clock
from gateway.domain.journal import JournalEntry
from gateway.domain.phone_number import PhoneNumber
from gateway.security.vault import Vault
from gateway.stores import rows, sql
from gateway.stores.engine import Reads, Transaction, Writer
from gateway.stores.numbers import newest_fingerprint, suppression_subject


class OptOutReason(StrEnum):
    """How we learned that a number wants no texts of a sender."""

    KEYWORD = "keyword"
    PROVIDER = "provider"


class SuppressedNumber(msgspec.Struct, frozen=True, gc=False):
    """A number on the list, by the subject of its journal. `added_at` is in ms since the epoch."""

    id: str
    reason: str
    added_at: int


async def suppress_in(transaction: Transaction, fingerprint: bytes, reason: str, now: int) -> bool:
    """Put a number on the list at `now` (ms since the epoch); False if it is there."""
    if await transaction.read(sql.IS_SUPPRESSED, (fingerprint,)) is not None:
        return False
    await transaction.execute(sql.INSERT_SUPPRESSION, (fingerprint, reason, now))
    await _journal(transaction, fingerprint, JournalEntry("stop_list.added", {"reason": reason}), now)
    return True


class SuppressionStore:
    """The list and the opt-outs. A sender is an E.164 number, a name, or a messaging service.

    A number on the list gets nothing of any sender, whichever application asks; each change of it is journalled.
    """

    def __init__(self, writer: Writer, reads: Reads, vault: Vault, clock: Clock) -> None:
        self._writer = writer
        self._reads = reads
        self._vault = vault
        self._clock = clock

    async def opted_out(self, number: PhoneNumber, sender: str) -> bool:
        """Tell whether a number gets no texts of a sender, from what is committed.

        One look by primary keys, which waits for no writer. Raises StoreUnavailable.
        """
        for fingerprint in self._vault.fingerprints(number):
            if await self._reads.row(sql.IS_OPTED_OUT, (fingerprint, sender, fingerprint)) is not None:
                return True
        return False

    async def suppressed(self, number: PhoneNumber) -> bool:
        """Tell whether a number is on the list, as `opted_out` does."""
        for fingerprint in self._vault.fingerprints(number):
            if await self._reads.row(sql.IS_SUPPRESSED, (fingerprint,)) is not None:
                return True
        return False

    async def opt_out(self, number: PhoneNumber, senders: Sequence[str], reason: OptOutReason) -> None:
        """Store that a number wants no texts of these senders; the first reason stays."""

        async def operation(transaction: Transaction) -> None:
            fingerprint = await newest_fingerprint(transaction, self._vault, number)
            for sender in senders:
                await transaction.execute(sql.INSERT_OPT_OUT, (fingerprint, sender, reason.value, self._clock()))

        await self._writer.run(operation)

    async def opt_in(self, number: PhoneNumber, senders: Sequence[str]) -> None:
        """Remove the opt-outs of a number from these senders."""

        async def operation(transaction: Transaction) -> None:
            fingerprint = await newest_fingerprint(transaction, self._vault, number)
            for sender in senders:
                await transaction.execute(sql.DELETE_OPT_OUT, (fingerprint, sender))

        await self._writer.run(operation)

    async def add(self, number: PhoneNumber, reason: str) -> bool:
        """Put a number on the list; False if it is there."""

        async def operation(transaction: Transaction) -> bool:
            fingerprint = await newest_fingerprint(transaction, self._vault, number)
            return await suppress_in(transaction, fingerprint, reason, self._clock())

        return await self._writer.run(operation)

    async def remove(self, number: PhoneNumber, reason: str) -> bool:
        """Take a number off the list; False if it is not there."""

        async def operation(transaction: Transaction) -> bool:
            fingerprint = await newest_fingerprint(transaction, self._vault, number)
            if await transaction.write(sql.DELETE_SUPPRESSION, (fingerprint,)) == 0:
                return False
            await _journal(
                transaction, fingerprint, JournalEntry("stop_list.removed", {"reason": reason}), self._clock()
            )
            return True

        return await self._writer.run(operation)

    async def all(self) -> list[SuppressedNumber]:
        """List the numbers, the first one that was added first."""
        suppression_rows = await self._reads.many(sql.SELECT_SUPPRESSIONS, ())
        return [
            SuppressedNumber(suppression_subject(fingerprint), reason, at)
            for fingerprint, reason, at in suppression_rows
        ]

    def subject(self, number: PhoneNumber) -> str:
        """Return the subject of a number's journal, by which it is named in the list."""
        return suppression_subject(self._vault.fingerprint(number))


async def _journal(transaction: Transaction, fingerprint: bytes, entry: JournalEntry, now: int) -> None:
    subject = suppression_subject(fingerprint)
    [last] = await transaction.read(sql.LAST_ENTRY, (subject,)) or (0,)
    await transaction.execute(sql.INSERT_ENTRIES, (subject, last + 1, now, rows.entries_state((entry,))))
