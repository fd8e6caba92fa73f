"""What people's texts do: the verification that a text answers is chosen and changed in one transaction."""

from collections.abc import Callable, Sequence

from gateway.clock import Clock
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.verification import Change, Verification
from gateway.security.vault import Vault
from gateway.stores import rows, sql
from gateway.stores.engine import Engine, Transaction
from gateway.stores.verifications import CountedStep, VerificationStore

_LATEST = 20
"""Verifications of a number that a text can answer; the sends per number allow far fewer while a code lives."""

Choice = Callable[[Sequence[Verification]], Verification | None]
"""Picks one of a number's latest verifications, newest first."""


class InboundSmsStore:
    """Durable state behind people's texts, with the rules of `VerificationStore`."""

    def __init__(self, engine: Engine, vault: Vault, clock: Clock, verifications: VerificationStore) -> None:
        self._reads = engine.reads
        self._writer = engine.writer
        self._vault = vault
        self._clock = clock
        self._verifications = verifications

    async def answer(self, number: PhoneNumber, choose: Choice, step: CountedStep) -> Change | None:
        """Choose among a number's latest verifications and change that one as `apply_counted` does.

        None if none is chosen.
        """

        async def operation(transaction: Transaction) -> Change | None:
            ids = [
                row[0]
                for fingerprint in self._vault.fingerprints(number)
                for row in await transaction.read_all(sql.RECENT_OF_NUMBER, (fingerprint, _LATEST))
            ]
            latest_ids = sorted(ids, reverse=True)[:_LATEST]
            chosen = choose([await self._verifications.load_in(transaction, each) for each in latest_ids])
            if chosen is None:
                return None
            return await self._verifications.apply_counted_in(transaction, chosen.id, step, self._clock())

        return await self._writer.run(operation)

    async def locale_of(self, number: PhoneNumber) -> str | None:
        """Return the language of the number's latest verification."""
        fingerprints = self._vault.fingerprints(number)
        newest_rows = [await self._reads.row(sql.RECENT_OF_NUMBER, (fingerprint, 1)) for fingerprint in fingerprints]
        verification_id = max((row[0] for row in newest_rows if row), default="")
        row = await self._reads.row(sql.SELECT_VERIFICATION, (verification_id,))
        return rows.verification_of(verification_id, row[0], row[1], self._vault).locale if row else None
