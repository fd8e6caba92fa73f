"""Rate counters: how often something happened to a number, or was tried by a user, of late."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from gateway.clock import Clock
from gateway.domain.limits import RateCounters
from gateway.domain.phone_number import PhoneNumber
from gateway.security.vault import Vault
from gateway.stores import rows, sql
from gateway.stores.engine import Transaction, Writer
from gateway.stores.numbers import newest_fingerprint, newest_key

RateCountersStep = Callable[[RateCounters, int], RateCounters]
"""Takes the counters and the time (ms since the epoch)."""


class NumberCounters(NamedTuple):
    """What is counted for a number, under its fingerprint, and whether it has a row of its own yet."""

    fingerprint: bytes
    rate_counters: RateCounters
    has_row: bool


class RateCounterStore:
    """Durable counters. Steps are pure, and may be computed twice."""

    def __init__(self, writer: Writer, vault: Vault, clock: Clock) -> None:
        self._writer = writer
        self._vault = vault
        self._clock = clock

    async def count(self, keys: Sequence[bytes], step: RateCountersStep) -> None:
        """Change the counters that are stored under the first of these keys, or still under older ones.

        A Rejected that the step raises reaches the caller and changes nothing.
        """

        async def operation(transaction: Transaction) -> None:
            now = self._clock()
            key = await newest_key(transaction, keys)
            row = await transaction.read(sql.SELECT_COUNTERS, (key,))
            before = rows.rate_counters_of(row)
            after = step(before, now)
            if after is not before:
                await self.save_in(transaction, NumberCounters(key, after, has_row=row is not None), after, now)

        await self._writer.run(operation)

    async def of_number_in(self, transaction: Transaction, number: PhoneNumber) -> NumberCounters:
        """Return what is counted for a number, for a change of it."""
        fingerprint = await newest_fingerprint(transaction, self._vault, number)
        row = await transaction.read(sql.SELECT_COUNTERS_OF_NUMBER, (fingerprint, fingerprint))
        return NumberCounters(fingerprint, rows.rate_counters_of_number(row), row is not None and row[0] is not None)

    async def save_in(
        self, transaction: Transaction, counters: NumberCounters, rate_counters: RateCounters, now: int
    ) -> None:
        """Store new counters in the row of those that were read."""
        statement = sql.UPDATE_COUNTERS if counters.has_row else sql.INSERT_COUNTERS
        await transaction.execute(statement, (rows.rate_counters_state(rate_counters), now, counters.fingerprint))
