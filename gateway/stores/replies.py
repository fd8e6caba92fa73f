"""People's texts: what they answer, and who wants no more of them."""

from collections.abc import Sequence

from gateway.domain.phone_number import PhoneNumber
from gateway.domain.verification import Change
from gateway.ports import Clock, CountedStep
from gateway.reply_ports import Choice, OptOutReason
from gateway.security.vault import Vault
from gateway.stores import rows
from gateway.stores import statements as sql
from gateway.stores.engine import Reads, Transaction, Writer
from gateway.stores.numbers import brought_together
from gateway.stores.operations import Operations

_LATEST = 20
"""Verifications of a number that a text can answer; the sends per number allow far fewer while a code lives."""


class SqlReplies:
    """Fills `gateway.reply_ports.ReplyStore`."""

    def __init__(self, writer: Writer, reads: Reads, operations: Operations, vault: Vault, clock: Clock) -> None:
        self._writer = writer
        self._reads = reads
        self._operations = operations
        self._vault = vault
        self._clock = clock

    async def reply(self, number: PhoneNumber, choose: Choice, step: CountedStep) -> Change | None:
        """See the port."""

        def operation(transaction: Transaction) -> Change | None:
            ids = [
                row[0]
                for fingerprint in self._vault.fingerprints(number)
                for row in transaction.read_all(sql.RECENT_OF_NUMBER, (fingerprint, _LATEST))
            ]
            latest = sorted(ids, reverse=True)[:_LATEST]
            chosen = choose([self._operations.load(transaction, verification_id) for verification_id in latest])
            if chosen is None:
                return None
            return self._operations.apply_counted(transaction, self._clock(), chosen.id, step)

        return await self._writer.run(operation)

    async def locale_of(self, number: PhoneNumber) -> str | None:
        """See the port."""
        asked = [(fingerprint, 1) for fingerprint in self._vault.fingerprints(number)]
        found = [row[0] for values in asked if (row := await self._reads.one(sql.RECENT_OF_NUMBER, values))]
        latest = max(found, default="")
        kept = await self._reads.one(sql.SELECT_VERIFICATION, (latest,))
        return rows.verification_of(latest, kept[0], kept[1], self._vault).locale if kept else None

    async def opted_out(self, number: PhoneNumber, sender: str) -> bool:
        """See the port."""
        for fingerprint in self._vault.fingerprints(number):
            if await self._reads.one(sql.WANTS_NO_TEXTS, (fingerprint, sender, fingerprint)) is not None:
                return True
        return False

    async def stopped(self, number: PhoneNumber) -> bool:
        """See the port."""
        for fingerprint in self._vault.fingerprints(number):
            if await self._reads.one(sql.IS_STOPPED, (fingerprint,)) is not None:
                return True
        return False

    async def opt_out(self, number: PhoneNumber, senders: Sequence[str], reason: OptOutReason) -> None:
        """See the port."""

        def operation(transaction: Transaction) -> None:
            fingerprint = brought_together(transaction, self._vault, number)
            for sender in senders:
                transaction.put(sql.INSERT_OPT_OUT, (fingerprint, sender, reason.value, self._clock()))

        await self._writer.run(operation)

    async def opt_in(self, number: PhoneNumber, senders: Sequence[str]) -> None:
        """See the port."""

        def operation(transaction: Transaction) -> None:
            fingerprint = brought_together(transaction, self._vault, number)
            for sender in senders:
                transaction.put(sql.DELETE_OPT_OUT, (fingerprint, sender))

        await self._writer.run(operation)
