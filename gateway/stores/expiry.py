"""Lets go of what is old, a bounded batch in each transaction, by any number of processes at once."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from gateway.domain.limits import DAY, SECOND
from gateway.domain.retention import Retention
from gateway.domain.verification import Status
from gateway.ports import Clock
from gateway.stores import rows
from gateway.stores import statements as sql
from gateway.stores.engine import Row, Transaction, Writer
from gateway.stores.recent import Recent

_BATCH = 200
_PAGE = 1_000  # tallies: to look at one takes less than to remove one
_LEAD = 4  # bytes of a fingerprint: they name no number, and numbers that share them are far fewer than a page
_PURGED = (
    (sql.AGED_RECEIPTS, sql.DELETE_RECEIPT),
    (sql.AGED_LINKS, sql.DELETE_LINK),
    (sql.AGED_SESSIONS, sql.DELETE_SESSION),
)

Act = Callable[[Transaction, Sequence[Row]], None]
"""Does something to rows of SELECT_AGED."""


class Expiry:
    """Walks over verifications from the oldest on; a mark in the database tells how far each walk has come.

    Tallies, whose time every send changes, have no index by it: they are walked over by their numbers, again and again.
    Who moves a mark has it alone until the commit, so that no row is counted twice, and a walk that was broken off goes
    on where it was.
    """

    def __init__(self, writer: Writer, recent: Recent, clock: Clock) -> None:
        self._writer = writer
        self._recent = recent
        self._clock = clock

    async def purge(self, before: int) -> bool:
        """See the port."""

        def operation(transaction: Transaction) -> bool:
            more = _purge_tallies(transaction, before)  # first: who has its mark is the only one to purge
            purged = [_purge(transaction, before, *each) for each in _PURGED]
            return more or any(purged)

        return await self._writer.run(operation)

    async def let_go(self, retention: Retention) -> bool:
        """See the port."""
        walks: list[tuple[str, int, Act]] = [
            ("numbers", retention.numbers, _wipe_numbers),
            ("journal", retention.journal, _wipe_journals),
            ("verifications", retention.verifications, _remove),
        ]
        return any([await self._walk(name, days, act) for name, days, act in walks if days])

    async def _walk(self, name: str, days: int, act: Act) -> bool:
        """Go on with a walk; returns whether there may be more."""
        first_kept = _first_id_at(self._clock() - days * DAY)

        def operation(transaction: Transaction) -> list[str]:
            mark = _mark(transaction, name)
            found = _ended(transaction.read_all(sql.SELECT_AGED, (mark, first_kept, _BATCH)))
            if found:
                act(transaction, found)
                transaction.put(sql.MOVE_MARK, (found[-1][0], name))
            return [row[0] for row in found]

        walked = await self._writer.run(operation)
        self._recent.forget(walked)
        return len(walked) == _BATCH


def _mark(transaction: Transaction, name: str) -> str:
    """Return how far a walk has come, and have its mark alone."""
    transaction.put(sql.INSERT_MARK, (name, ""))
    [mark] = transaction.read(sql.SELECT_MARK, (name,)) or ("",)
    return str(mark)


def _purge(transaction: Transaction, before: int, aged: str, delete: str) -> bool:
    """Remove the oldest rows, found by their time; returns whether there may be more."""
    found = transaction.read_all(aged, (before, _BATCH))
    for key in found:
        transaction.put(delete, key)
    return len(found) == _BATCH


def _purge_tallies(transaction: Transaction, before: int) -> bool:
    """Go on with the walk over tallies; at its end the next one begins. Returns whether it goes on."""
    mark = bytes.fromhex(_mark(transaction, "tallies"))
    page = transaction.read_all(sql.PAGE_TALLIES, (mark, _PAGE))
    if page:
        transaction.put(sql.PURGE_TALLIES, (mark, page[-1][0], before))
    more = len(page) == _PAGE
    transaction.put(sql.MOVE_MARK, (page[-1][0][:_LEAD].hex() if more else "", "tallies"))
    return more


def _ended(found: Sequence[Row]) -> Sequence[Row]:
    """Return the rows before the first that the clock has still to end: it is not to be passed by."""
    for place, (_, _, status, _) in enumerate(found):
        if status == Status.PENDING.value:
            return found[:place]
    return found


def _wipe_numbers(transaction: Transaction, found: Sequence[Row]) -> None:
    for verification_id, *_ in found:
        transaction.put(sql.WIPE_NUMBER, (b"", b"", verification_id))


def _wipe_journals(transaction: Transaction, found: Sequence[Row]) -> None:
    for verification_id, _, _, state in found:
        transaction.put(sql.DELETE_ENTRIES, (verification_id,))
        # A callback that changed the state meanwhile stays: it is the last of its kind, and goes with the verification.
        transaction.put(sql.REPLACE_STATE, (rows.without_callbacks(state), verification_id, state))


def _remove(transaction: Transaction, found: Sequence[Row]) -> None:
    counts: Counter[tuple[str, str, str, str]] = Counter()
    for verification_id, application_id, status, state in found:
        created_at, channel = rows.beginning_of(state)
        counts[_day(created_at), application_id, channel, status] += 1
        transaction.put(sql.DELETE_ENTRIES, (verification_id,))
        transaction.put(sql.DELETE_VERIFICATION, (verification_id,))
    for subject, count in counts.items():
        transaction.put(sql.ADD_TO_COUNT, (*subject, count))


def _first_id_at(at: int) -> str:
    """Return what no verification that began before `at` (ms since the epoch) reaches: ids begin with their time."""
    return f"ver_{max(at, 0):012x}"


def _day(at: int) -> str:
    return datetime.fromtimestamp(at / SECOND, UTC).date().isoformat()
