"""People's texts on SQLite: what they answer, and who wants no more of them."""

from collections.abc import Sequence

from gateway.domain.phone import PhoneNumber
from gateway.domain.verification import Change
from gateway.ports import Clock, CountedStep
from gateway.reply_ports import Choice, OptOutReason
from gateway.stores import rows
from gateway.stores import statements as sql
from gateway.stores.group_commit import GroupCommit, Transaction
from gateway.stores.reads import Reads
from gateway.stores.sqlite_operations import Operations
from gateway.vault import Vault

_LATEST = 20
"""Verifications of a number that a text can answer; the sends per number allow far fewer while a code lives."""


class SqliteReplies:
    """Fills `gateway.reply_ports.ReplyStore`."""

    def __init__(self, writer: GroupCommit, reads: Reads, operations: Operations, vault: Vault, clock: Clock) -> None:
        self._writer = writer
        self._reads = reads
        self._operations = operations
        self._vault = vault
        self._clock = clock

    async def reply(self, number: PhoneNumber, choose: Choice, step: CountedStep) -> Change | None:
        """See the port."""

        def operation(transaction: Transaction) -> Change | None:
            found = transaction.read_all(sql.RECENT_OF_NUMBER, (self._vault.fingerprint(number), _LATEST))
            chosen = choose([self._operations.load(transaction, row[0]) for row in found])
            if chosen is None:
                return None
            return self._operations.apply_counted(transaction, self._clock(), chosen.id, step)

        return await self._writer.run(operation)

    def locale_of(self, number: PhoneNumber) -> str | None:
        """See the port."""
        row = self._reads.one(sql.RECENT_OF_NUMBER, (self._vault.fingerprint(number), 1))
        kept = self._reads.one(sql.SELECT_VERIFICATION, (row[0],)) if row else None
        return rows.verification_of(row[0], kept[0], kept[1], self._vault).locale if row and kept else None

    def opted_out(self, number: PhoneNumber, sender: str) -> bool:
        """See the port."""
        return self._reads.one(sql.SELECT_OPT_OUT, (self._vault.fingerprint(number), sender)) is not None

    async def opt_out(self, number: PhoneNumber, senders: Sequence[str], reason: OptOutReason) -> None:
        """See the port."""
        fingerprint = self._vault.fingerprint(number)

        def operation(transaction: Transaction) -> None:
            for sender in senders:
                transaction.write(sql.INSERT_OPT_OUT, (fingerprint, sender, reason.value, self._clock()))

        await self._writer.run(operation)

    async def opt_in(self, number: PhoneNumber, senders: Sequence[str]) -> None:
        """See the port."""
        fingerprint = self._vault.fingerprint(number)

        def operation(transaction: Transaction) -> None:
            for sender in senders:
                transaction.write(sql.DELETE_OPT_OUT, (fingerprint, sender))

        await self._writer.run(operation)
