"""Many requests in one durable PostgreSQL transaction, and exactly one effect of each whatever fails.

A batch that fails is run again one by one, so that a bad operation harms no other. What the database itself says can be
tried again is tried again. When the connection is lost before COMMIT, nothing has happened, and the batch is run over a
new one. When it is lost in COMMIT, the database is asked what became of the transaction. A server that crashes may give
the id of a transaction that it lost to another one, so each batch also moves a cursor of its writer: `committed` is
only believed with that.
"""

import asyncio
import contextlib
import logging
import secrets
import types
from collections import deque
from collections.abc import Callable, Coroutine, Generator, Iterable, Mapping
from typing import Any, Generic, NamedTuple, TypeVar

import asyncpg

from gateway.domain.errors import StoreUnavailable
from gateway.domain.verification import Verification
from gateway.stores.engine import Operation, Row
from gateway.stores.postgres_connection import LOST, ReconnectingConnection, StatementBatcher
from gateway.stores.statement import Statement

_MAX_BATCH = 256
_TRIES = 5
_PAUSE = 0.02
_LAST_WAIT = 1.0
"""For how long (s) what was begun may go on when the store closes."""
_ASK_FOR = 5.0
"""For how long (s) the database is asked, at growing pauses, whether a transaction is still under way."""
_TRY_AGAIN = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.UniqueViolationError,  # another process inserted first: the next run finds its row
    asyncpg.InvalidCachedStatementError,
)
_ITS_OWN = (asyncpg.IntegrityConstraintViolationError, asyncpg.DataError, asyncpg.RaiseError)
"""What is the operation's fault, not the database's."""
_NUMBER_BATCH = """
INSERT INTO marks (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value
RETURNING pg_current_xact_id()::text
"""
_STATUS = "SELECT pg_xact_status($1::text::xid8)"
_LAST_BATCH = "SELECT value FROM marks WHERE name = $1"
_REMOVE_CURSOR = "DELETE FROM marks WHERE name = $1"

T = TypeVar("T")

logger = logging.getLogger(__name__)


Key = tuple[str, Row]


class BatchConflict(Exception):
    """The batch cannot go on as one: its operations have to be run one by one."""


class _Question(NamedTuple):
    """What an operation awaits: the rows of a statement."""

    statement: Statement
    values: Row


@types.coroutine
def _ask(statement: Statement, values: Row) -> Generator[_Question, list[Row], list[Row]]:
    """Suspend the operation until its executor sends the rows."""
    return (yield _Question(statement, values))


class BatchedOperation(Generic[T]):
    """An operation under way. Implements `gateway.stores.engine.Transaction`.

    It is a coroutine that its executor drives: it stands still while its statement is under way.
    """

    def __init__(self, operation: Operation[T]) -> None:
        self._operation = operation
        self._coroutine: Coroutine[Any, Any, T] | None = None
        self.restart()

    def restart(self) -> None:
        """Drop what was done, to be run (again) from the start."""
        self.give_up()
        self.verifications: dict[str, Verification] = {}
        self.question: _Question | None = None
        self.unwritten: list[_Question] = []
        self.wrote = self.ended = False
        self.result: T | None = None
        self.refusal: Exception | None = None

    def proceed(self, answer: list[Row] | None) -> None:
        """Run until it asks for something, or ends; the first time there is no answer yet."""
        self.question = None
        if self._coroutine is None:
            self._coroutine = self._operation(self)
        try:
            self.question = self._coroutine.send(answer)
        except StopIteration as stop:
            self.result, self.ended = stop.value, True
        except Exception as refusal:  # noqa: BLE001 - whatever it is, it belongs to the caller
            self.refusal, self.ended = refusal, True

    def give_up(self) -> None:
        """Leave it where it stands."""
        if self._coroutine is not None:
            self._coroutine.close()
            self._coroutine = None

    async def read(self, statement: Statement, values: Row = ()) -> Row | None:
        """Return the first row."""
        first_rows = await _ask(statement, values)
        return first_rows[0] if first_rows else None

    async def read_all(self, statement: Statement, values: Row = ()) -> list[Row]:
        """Return all rows."""
        return await _ask(statement, values)

    async def execute(self, statement: Statement, values: Row) -> None:
        """Change rows, together with those of the whole batch, before this operation reads on or ends."""
        self.unwritten.append(_Question(statement, values))

    async def write(self, statement: Statement, values: Row) -> int:
        """Change or remove rows, and return how many."""
        self.wrote = True
        return len(await _ask(statement, values))


class BatchExecutor:
    """Runs the operations of one batch, round by round, inside a transaction that its caller begins and ends.

    Statements that operations ask for at the same time go out together. The operations of a batch share a transaction,
    so row locks do not separate them: an operation that reads a row to change it owns the row until the operation ends,
    and the next one waits for that.
    """

    def __init__(
        self,
        connection: "asyncpg.Connection[Any]",
        batcher: StatementBatcher,
        operations: Iterable[BatchedOperation[Any]],
    ) -> None:
        self._connection = connection
        self._batcher = batcher
        self._operations = list(operations)
        self._owners: dict[Key, BatchedOperation[Any]] = {}
        self.wrote = False

    async def run(self) -> None:
        """Run every operation to its end; raises BatchConflict, or what asyncpg raises."""
        for operation in self._operations:
            operation.proceed(None)
        running = self._operations
        while running:
            ended = [operation for operation in running if operation.ended]
            done = set(ended)
            ready = [operation for operation in running if not operation.ended and self._may_proceed(operation)]
            if not ended and not ready:
                raise BatchConflict  # each waits for another
            for operation in ended:
                if operation.refusal is not None and operation.wrote:
                    raise BatchConflict from operation.refusal
                if operation.refusal is not None:
                    operation.unwritten.clear()
            await self._write([*ended, *ready])
            self._owners = {key: owner for key, owner in self._owners.items() if not owner.ended}
            await self._answer(ready)
            running = [operation for operation in running if operation not in done]

    def _may_proceed(self, operation: BatchedOperation[Any]) -> bool:
        """Give an operation the rows that it asks for; False while another operation owns one."""
        if operation.question is None or not operation.question.statement.owns:
            return True
        statement, values = operation.question
        return self._owners.setdefault((statement.owns, values), operation) is operation

    async def _write(self, operations: list[BatchedOperation[Any]]) -> None:
        """Write what the operations have put, in the order of each, the same statement of all in one."""
        writing = [operation for operation in operations if operation.unwritten]
        while writing:
            statement = writing[0].unwritten[0].statement
            each: list[Row] = []
            for operation in writing:
                operation.wrote = True
                while operation.unwritten and operation.unwritten[0].statement is statement:
                    each.append(operation.unwritten.pop(0).values)
            await self._batcher.execute(self._connection, statement, each)
            self.wrote = True
            writing = [operation for operation in writing if operation.unwritten]

    async def _answer(self, operations: list[BatchedOperation[Any]]) -> None:
        """Answer what the operations ask for, the same question of all in one."""
        asking: dict[Statement, list[tuple[BatchedOperation[Any], Row]]] = {}
        for operation in operations:
            if operation.question is not None:
                statement, values = operation.question
                asking.setdefault(statement, []).append((operation, values))
        for statement, askers in asking.items():
            each = [values for _, values in askers]
            answers = await self._batcher.rows(self._connection, statement, each, lock=True)
            self.wrote = self.wrote or statement.writes
            for (operation, _), answer in zip(askers, answers, strict=True):
                operation.proceed(answer)


class _Lost(Exception):
    """The connection went before the transaction was committed: nothing of it happened."""


class _PostgresOperation(Generic[T]):
    """An operation, and the future of its result."""

    def __init__(self, operation: Operation[T], future: "asyncio.Future[T]") -> None:
        self.operation = BatchedOperation(operation)
        self.future = future


class PostgresWriter:
    """Implements `gateway.stores.engine.Writer`.

    `committed` is given the verifications that a batch changed, before anyone is answered.
    """

    def __init__(
        self,
        connection: ReconnectingConnection,
        batcher: StatementBatcher,
        committed: Callable[[Mapping[str, Verification]], None],
    ) -> None:
        self._connection = connection
        self._batcher = batcher
        self._committed = committed
        self._waiting: deque[_PostgresOperation[Any]] = deque()
        self._arrived = asyncio.Event()
        self._closing = False
        self._name = f"writer {secrets.token_hex(8)}"
        self._batches = 0
        self._task = asyncio.create_task(self._work(), name="writer")

    @property
    def alive(self) -> bool:
        """Tell whether operations are still being committed."""
        return not self._task.done()

    async def run(self, operation: Operation[T]) -> T:
        """Run an operation in the next batch; raises what it raises, or StoreUnavailable."""
        if self._closing or self._task.done():
            raise StoreUnavailable("the store is closed")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(_PostgresOperation(operation, future))
        self._arrived.set()
        return await future

    async def close(self) -> None:
        """Commit what is waiting, then stop."""
        self._closing = True
        self._arrived.set()
        await asyncio.wait({self._task}, timeout=_LAST_WAIT)
        if not self._task.done():  # the database stands still
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            _fail([*self._waiting], StoreUnavailable("the store is closed"))
        elif self._batches:
            with contextlib.suppress(StoreUnavailable, *LOST, asyncpg.PostgresError):
                await (await self._connection.connection()).execute(_REMOVE_CURSOR, self._name, timeout=_LAST_WAIT)
        await self._connection.close()

    async def _work(self) -> None:
        while not (self._closing and not self._waiting):
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), _MAX_BATCH))]
                await self._commit([waiting for waiting in batch if not waiting.future.done()])

    async def _commit(self, batch: list[_PostgresOperation[Any]]) -> None:
        try:
            await self._transact([waiting.operation for waiting in batch])
        except asyncio.CancelledError:
            _fail(batch, StoreUnavailable("the store is closed"))
            raise
        except StoreUnavailable as error:
            _fail(batch, error)
        except (BatchConflict, asyncpg.PostgresError, _Lost):
            await self._commit_each(batch)
        except Exception as error:
            logger.exception("unexpected error in a batch")
            _fail(batch, StoreUnavailable(f"PostgreSQL: {error}"))
        else:
            self._answer(batch)

    async def _commit_each(self, batch: list[_PostgresOperation[Any]]) -> None:
        """Run operations one by one. Where no database is there, the rest do not wait to find that out one by one."""
        for place, waiting in enumerate(batch):
            try:
                await self._commit_alone(waiting)
            except StoreUnavailable as error:
                _fail(batch[place:], error)
                return
            except Exception as error:
                logger.exception("unexpected error in an operation")
                _fail([waiting], StoreUnavailable(f"PostgreSQL: {error}"))

    async def _commit_alone(self, waiting: _PostgresOperation[Any]) -> None:
        """Run one operation in a transaction of its own, again where that can help.

        Raises StoreUnavailable where the database is not there at all.
        """
        error: Exception = StoreUnavailable("PostgreSQL: the connection is lost again and again")
        for again in range(_TRIES):
            await asyncio.sleep(_PAUSE * again)
            waiting.operation.restart()
            try:
                await self._transact([waiting.operation])
            except BatchConflict:  # its own refusal, after it had written
                error = waiting.operation.refusal or error
                break
            except _Lost:
                continue
            except _TRY_AGAIN as refusal:
                error = refusal
            except asyncpg.PostgresError as refusal:
                error = refusal if isinstance(refusal, _ITS_OWN) else StoreUnavailable(f"PostgreSQL: {refusal}")
                break
            else:
                self._answer([waiting])
                return
        if not waiting.future.done():
            waiting.future.set_exception(error)

    async def _transact(self, operations: list[BatchedOperation[Any]]) -> None:
        """Run operations in one transaction; raises BatchConflict, _Lost, StoreUnavailable, or what asyncpg raises."""
        connection = await self._connection.connection()
        transaction = connection.transaction()
        try:
            await transaction.start()
            executor = BatchExecutor(connection, self._batcher, operations)
            await executor.run()
            if not executor.wrote:
                await transaction.rollback()
                return
            self._batches += 1
            transaction_id = await connection.fetchval(_NUMBER_BATCH, self._name, str(self._batches))
        except BaseException as error:
            for operation in operations:
                operation.give_up()
            if isinstance(error, asyncio.CancelledError):
                await self._connection.drop()
                raise
            if isinstance(error, LOST) or connection.is_closed():
                await self._connection.drop()
                raise _Lost from error
            with contextlib.suppress(*LOST, asyncpg.PostgresError):
                await transaction.rollback()
            raise
        try:
            await transaction.commit()
        except (*LOST, asyncpg.PostgresError) as error:
            await self._connection.drop()
            await self._must_be_committed(transaction_id, error)

    async def _must_be_committed(self, transaction_id: str, error: Exception) -> None:
        """Ask what status of a transaction whose COMMIT was not answered; raises _Lost if nothing of it happened."""
        loop = asyncio.get_running_loop()
        until, pause = loop.time() + _ASK_FOR, 0.0
        while loop.time() < until:
            try:
                connection = await self._connection.connection()
                status = await connection.fetchval(_STATUS, transaction_id)
                if status == "committed" and await connection.fetchval(_LAST_BATCH, self._name) != str(self._batches):
                    status = "aborted"  # what was committed is another's: the server has lost ours, and its id with it
            except (StoreUnavailable, *LOST, asyncpg.PostgresError):
                status = "in progress"  # the database is not there to say
                await self._connection.drop()
            if status == "committed":
                return
            if status == "aborted":
                raise _Lost from error
            await asyncio.sleep(pause)
            pause = min(pause + _PAUSE, 0.1)
        raise StoreUnavailable(f"PostgreSQL: unknown whether transaction {transaction_id} was committed") from error

    def _answer(self, batch: list[_PostgresOperation[Any]]) -> None:
        changed: dict[str, Verification] = {}
        for waiting in batch:
            if waiting.operation.refusal is None:
                changed.update(waiting.operation.verifications)
        self._committed(changed)
        for waiting in batch:
            if waiting.future.done():
                continue
            if waiting.operation.refusal is None:
                waiting.future.set_result(waiting.operation.result)
            else:
                waiting.future.set_exception(waiting.operation.refusal)


def _fail(batch: list[_PostgresOperation[Any]], error: StoreUnavailable) -> None:
    for waiting in batch:
        if not waiting.future.done():
            waiting.future.set_exception(error)
