"""Deletes and erases what is old, a bounded batch in each transaction, by any number of processes at once."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

from gateway.clock import Clock
from gateway.domain.limits import DAY, SECOND
from gateway.domain.retention import Retention
from gateway.domain.verification import Status
from gateway.stores import rows, sql
from gateway.stores.engine import Row, Transaction, VerificationCache, Writer
from gateway.stores.statement import Statement

_BATCH = 200
_PAGE = 1_000  # rate counters: to look at one takes less than to remove one
_LEAD = 4  # bytes of a fingerprint: they name no number, and numbers that share them are far fewer than a page
_EXPIRING = (
    (sql.OLD_RESPONSES, sql.DELETE_RESPONSE),
    (sql.OLD_LINKS, sql.DELETE_LINK),
    (sql.OLD_SESSIONS, sql.DELETE_SESSION),
)

Act = Callable[[Transaction, Sequence[Row]], Awaitable[None]]
"""Does something to rows of SELECT_OLD_VERIFICATIONS."""


class RetentionJob:
    """Walks over verifications from the oldest on; a cursor in the database tells how far each walk has come.

    Rate counters, whose time every send changes, have no index by it: they are walked over by their numbers, again and
    again. Who moves a cursor has it alone until the commit, so that no row is counted twice, and a walk that was broken
    off goes on where it was.
    """

    def __init__(self, writer: Writer, cache: VerificationCache, clock: Clock) -> None:
        self._writer = writer
        self._cache = cache
        self._clock = clock

    async def delete_expired(self, before: int) -> bool:
        """Delete stored responses, rate counters, links and sessions last used before a time (ms), a batch of each.

        Returns whether there may be more.
        """

        async def operation(transaction: Transaction) -> bool:
            more = await _delete_counters(transaction, before)  # first: only the holder of its cursor may delete
            deleted = [await _delete(transaction, before, *each) for each in _EXPIRING]
            return more or any(deleted)

        return await self._writer.run(operation)

    async def apply(self, retention: Retention) -> bool:
        """Erase and delete a batch of what was retained for its time; returns whether there may be more."""
        walks: list[tuple[str, int, Act]] = [
            ("numbers", retention.numbers, _erase_numbers),
            ("journal", retention.journal, _delete_journals),
            ("verifications", retention.verifications, _delete_verifications),
        ]
        return any([await self._walk(name, days, act) for name, days, act in walks if days])

    async def _walk(self, name: str, days: int, act: Act) -> bool:
        """Go on with a walk; returns whether there may be more."""
        first_retained = _first_id_at(self._clock() - days * DAY)

        async def operation(transaction: Transaction) -> list[str]:
            cursor = await _cursor(transaction, name)
            old = await transaction.read_all(sql.SELECT_OLD_VERIFICATIONS, (cursor, first_retained, _BATCH))
            ended = _ended(old)
            if ended:
                await act(transaction, ended)
                await transaction.execute(sql.MOVE_CURSOR, (ended[-1][0], name))
            return [row[0] for row in ended]

        walked = await self._writer.run(operation)
        self._cache.discard(walked)
        return len(walked) == _BATCH


async def _cursor(transaction: Transaction, name: str) -> str:
    """Return how far a walk has come, and have its cursor alone."""
    await transaction.execute(sql.INSERT_CURSOR, (name, ""))
    [cursor] = await transaction.read(sql.SELECT_CURSOR, (name,)) or ("",)
    return str(cursor)


async def _delete(transaction: Transaction, before: int, old: Statement, delete: Statement) -> bool:
    """Delete the oldest rows, found by their time; returns whether there may be more."""
    old_keys = await transaction.read_all(old, (before, _BATCH))
    for key in old_keys:
        await transaction.execute(delete, key)
    return len(old_keys) == _BATCH


async def _delete_counters(transaction: Transaction, before: int) -> bool:
    """Go on with the walk over rate counters; at its end the next one begins. Returns whether it goes on."""
    cursor = bytes.fromhex(await _cursor(transaction, "tallies"))
    page = await transaction.read_all(sql.PAGE_COUNTERS, (cursor, _PAGE))
    if page:
        await transaction.execute(sql.DELETE_OLD_COUNTERS, (cursor, page[-1][0], before))
    more = len(page) == _PAGE
    await transaction.execute(sql.MOVE_CURSOR, (page[-1][0][:_LEAD].hex() if more else "", "tallies"))
    return more


def _ended(page: Sequence[Row]) -> Sequence[Row]:
    """Return the rows before the first that the clock has still to end: it is not to be passed by."""
    for place, (_, _, status, _) in enumerate(page):
        if status == Status.PENDING.value:
            return page[:place]
    return page


async def _erase_numbers(transaction: Transaction, page: Sequence[Row]) -> None:
    for verification_id, *_ in page:
        await transaction.execute(sql.ERASE_NUMBER, (b"", b"", verification_id))


async def _delete_journals(transaction: Transaction, page: Sequence[Row]) -> None:
    for verification_id, _, _, state in page:
        await transaction.execute(sql.DELETE_ENTRIES, (verification_id,))
        # A callback that changed the state meanwhile stays: it is the last of its kind, and goes with the verification.
        await transaction.execute(sql.REPLACE_STATE, (rows.without_callbacks(state), verification_id, state))


async def _delete_verifications(transaction: Transaction, page: Sequence[Row]) -> None:
    counts: Counter[tuple[str, str, str, str]] = Counter()
    for verification_id, application_id, status, state in page:
        created_at, channel = rows.beginning_of(state)
        counts[_day(created_at), application_id, channel, status] += 1
        await transaction.execute(sql.DELETE_ENTRIES, (verification_id,))
        await transaction.execute(sql.DELETE_VERIFICATION, (verification_id,))
    for subject, count in counts.items():
        await transaction.execute(sql.ADD_TO_COUNT, (*subject, count))


def _first_id_at(at: int) -> str:
    """Return what no verification that began before `at` (ms since the epoch) reaches: ids begin with their time."""
    return f"ver_{max(at, 0):012x}"


def _day(at: int) -> str:
    return datetime.fromtimestamp(at / SECOND, UTC).date().isoformat()
