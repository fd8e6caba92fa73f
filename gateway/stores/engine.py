"""What an engine gives the stores: a writer of groups of operations, committed reads, and waiters for changes."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, Protocol, TypeVar

from gateway.domain.verification import Verification
from gateway.stores.statement import Statement

Row = tuple[Any, ...]
T = TypeVar("T")


class Transaction(Protocol):
    """What an operation sees: statements of `gateway.stores.sql`, and the verifications it has changed so far.

    It reads what was written before it, by itself too. Who reads a row with a statement that owns it has it alone until
    the transaction ends.
    """

    verifications: dict[str, Verification]

    async def read(self, statement: Statement, values: Row = ()) -> Row | None:
        """Return the first row."""
        ...

    async def read_all(self, statement: Statement, values: Row = ()) -> list[Row]:
        """Return all rows."""
        ...

    async def execute(self, statement: Statement, values: Row) -> None:
        """Change rows."""
        ...

    async def write(self, statement: Statement, values: Row) -> int:
        """Change or remove rows, and return how many."""
        ...


Operation = Callable[[Transaction], Coroutine[Any, Any, T]]
"""What is done in one transaction. It waits for nothing but the transaction."""


class Writer(Protocol):
    """Runs operations, many in one durable transaction."""

    @property
    def alive(self) -> bool:
        """Tell whether operations are still being committed."""
        ...

    async def run(self, operation: Operation[T]) -> T:
        """Run an operation, perhaps twice, and return its answer when it is durable.

        Raises what the operation raises, with nothing of it stored, or StoreUnavailable.
        """
        ...

    async def close(self) -> None:
        """Commit what is waiting, then stop."""
        ...


class Reads(Protocol):
    """What is committed. Each method raises StoreUnavailable when the database fails."""

    async def row(self, statement: Statement, values: Row) -> Row | None:
        """Return the first row."""
        ...

    async def all(self, statement: Statement, values: Row) -> list[Row]:
        """Return the rows of a short look-up."""
        ...

    async def many(self, statement: Statement, values: Row) -> list[Row]:
        """Return rows that may take long to find."""
        ...


class VerificationCache:
    """The verifications in use as last committed, for an engine that alone writes its database.

    It is bounded; the longest unused go first. The next step of one that is here needs no read and no decryption.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._verifications: OrderedDict[str, Verification] = OrderedDict()

    def get(self, verification_id: str) -> Verification | None:
        """Return the committed state, or None if it is not here."""
        return self._verifications.get(verification_id)

    def discard(self, verification_ids: Iterable[str]) -> None:
        """Let these be read anew."""
        for verification_id in verification_ids:
            self._verifications.pop(verification_id, None)

    def clear(self) -> None:
        """Let all be read anew: another process has written."""
        self._verifications.clear()

    def update(self, verifications: Mapping[str, Verification]) -> None:
        """Take in what a batch has committed."""
        cached = self._verifications
        for verification_id, verification in verifications.items():
            cached[verification_id] = verification
            cached.move_to_end(verification_id)
        while len(cached) > self._limit:
            cached.popitem(last=False)


class ChangeWaiters:
    """Futures in this process that the next change of a verification completes, without polling or threads."""

    def __init__(self) -> None:
        self._futures: dict[str, set[asyncio.Future[None]]] = {}

    def future(self, verification_id: str) -> asyncio.Future[None]:
        """Return a future that the next change of this verification completes; cancel it to stop waiting."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._futures.setdefault(verification_id, set()).add(future)
        future.add_done_callback(lambda done: self._discard(verification_id, done))
        return future

    def wake(self, verification_ids: Iterable[str]) -> None:
        """Complete the futures of these verifications."""
        if not self._futures:
            return
        for verification_id in verification_ids:
            for future in tuple(self._futures.get(verification_id, ())):
                if not future.done():
                    future.set_result(None)

    def wake_all(self) -> None:
        """Complete every future, so that each waiting request can answer with the present state."""
        self.wake(tuple(self._futures))

    def _discard(self, verification_id: str, future: asyncio.Future[None]) -> None:
        futures = self._futures.get(verification_id)
        if futures is None:
            return
        futures.discard(future)
        if not futures:
            del self._futures[verification_id]


class Engine(Protocol):
    """A database, opened for a store."""

    cache: VerificationCache
    waiters: ChangeWaiters
    shared: bool
    """Whether other gateways work on this database, so that due work must be claimed."""

    @property
    def writer(self) -> Writer:
        """Return what commits."""
        ...

    @property
    def reads(self) -> Reads:
        """Return what reads."""
        ...

    async def close(self) -> None:
        """Finish what was begun and close the connections."""
        ...
