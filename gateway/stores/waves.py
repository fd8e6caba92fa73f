"""A batch of operations on PostgreSQL: what they ask for at the same time goes out together, wave by wave.

An operation is a plain function; it runs in a greenlet, which stands still while its statement is under way. Writes
that it need not hear of are kept until it reads on or ends, so that those of a whole batch make one statement.

Two operations of a batch share one transaction, in which row locks do not part them. So who reads a row to change it
owns it until it has ended, and the next one waits for that.
"""

from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

import asyncpg
from greenlet import GreenletExit, getcurrent, greenlet

from gateway.domain.verification import Verification
from gateway.stores import statements as sql
from gateway.stores.engine import Row, Transaction
from gateway.stores.grouped import Grouped

T = TypeVar("T")

_OWNED = {
    sql.SELECT_VERIFICATION: "verification",
    sql.SELECT_TALLY: "tally",
    sql.SELECT_TALLY_OF_NUMBER: "tally",
    sql.SELECT_ENROLLMENT: "enrollment",
    sql.SELECT_ENROLLMENT_OF: "user",
    sql.SELECT_RECEIPT: "receipt",
    sql.SELECT_APPLICATION: "application",
    sql.IS_STOPPED: "stopped",
    sql.LAST_ENTRY: "journal",
    sql.SELECT_MARK: "mark",
}
"""The reads that are followed by a change of the row, or by its insertion where there is none."""

Key = tuple[str, Row]


class Spoiled(Exception):
    """The batch cannot go on as one: its operations have to be run one by one."""


class Work(Generic[T]):
    """An operation under way. Fills `gateway.stores.engine.Transaction`."""

    def __init__(self, operation: Callable[[Transaction], T]) -> None:
        self._operation = operation
        self.begin_anew()

    def begin_anew(self) -> None:
        """Forget what was done, to be run (again) from the start."""
        self.verifications: dict[str, Verification] = {}
        self.asked: tuple[str, Row] | None = None
        self.kept: list[tuple[str, Row]] = []
        self.wrote = self.ended = False
        self.result: T | None = None
        self.refusal: Exception | None = None
        self._answer: list[Row] = []
        self._greenlet = greenlet(self._run)

    def go_on(self, answer: list[Row]) -> None:
        """Run until it asks for something, or ends."""
        self.asked = None
        self._greenlet.parent = getcurrent()
        self._greenlet.switch(answer)

    def give_up(self) -> None:
        """Leave it where it stands."""
        if self._greenlet and not self._greenlet.dead:
            self._greenlet.throw(GreenletExit)

    def read(self, statement: str, values: Row = ()) -> Row | None:
        """See the protocol."""
        found = self._ask(statement, values)
        return found[0] if found else None

    def read_all(self, statement: str, values: Row = ()) -> list[Row]:
        """See the protocol."""
        return self._ask(statement, values)

    def put(self, statement: str, values: Row) -> None:
        """See the protocol."""
        self.kept.append((statement, values))

    def write(self, statement: str, values: Row) -> int:
        """See the protocol."""
        self.wrote = True
        return len(self._ask(statement, values))

    def _ask(self, statement: str, values: Row) -> list[Row]:
        self.asked = statement, values
        answer: list[Row] = self._greenlet.parent.switch()
        return answer

    def _run(self, _first: list[Row]) -> None:
        try:
            self.result = self._operation(self)
        except Exception as refusal:  # noqa: BLE001 - whatever it is, it belongs to the one who asked
            self.refusal = refusal
        self.ended = True


class Wave:
    """Runs the works of one batch inside a transaction that its caller begins and ends."""

    def __init__(self, connection: "asyncpg.Connection[Any]", grouped: Grouped, works: Iterable[Work[Any]]) -> None:
        self._connection = connection
        self._grouped = grouped
        self._works = list(works)
        self._owners: dict[Key, Work[Any]] = {}
        self.wrote = False

    async def run(self) -> None:
        """Run every work to its end; raises Spoiled, or what asyncpg raises."""
        for work in self._works:
            work.go_on([])
        running = self._works
        while running:
            ended = [work for work in running if work.ended]
            done = set(ended)
            going = [work for work in running if not work.ended and self._may_go(work)]
            if not ended and not going:
                raise Spoiled  # each waits for another
            for work in ended:
                if work.refusal is not None and work.wrote:
                    raise Spoiled from work.refusal
                if work.refusal is not None:
                    work.kept.clear()
            await self._write([*ended, *going])
            self._owners = {key: owner for key, owner in self._owners.items() if not owner.ended}
            await self._answer(going)
            running = [work for work in running if work not in done]

    def _may_go(self, work: Work[Any]) -> bool:
        """Tell whether nobody else owns what a work asks for; it then owns it."""
        statement, values = work.asked or ("", ())
        subject = _OWNED.get(statement)
        if subject is None:
            return True
        return self._owners.setdefault((subject, values), work) is work

    async def _write(self, works: list[Work[Any]]) -> None:
        """Write what the works have kept, in the order of each, the same statement of all in one."""
        left = [work for work in works if work.kept]
        while left:
            statement = left[0].kept[0][0]
            each: list[Row] = []
            for work in left:
                work.wrote = True
                while work.kept and work.kept[0][0] == statement:
                    each.append(work.kept.pop(0)[1])
            await self._grouped.put(self._connection, statement, each)
            self.wrote = True
            left = [work for work in left if work.kept]

    async def _answer(self, works: list[Work[Any]]) -> None:
        """Answer what the works ask for, the same question of all in one."""
        asked: dict[str, list[Work[Any]]] = {}
        for work in works:
            if work.asked is not None:
                asked.setdefault(work.asked[0], []).append(work)
        for statement, askers in asked.items():
            each = [asker.asked[1] for asker in askers if asker.asked is not None]
            answers = await self._grouped.rows(self._connection, statement, each, lock=True)
            self.wrote = self.wrote or not statement.lstrip().startswith("SELECT")
            for asker, answer in zip(askers, answers, strict=True):
                asker.go_on(answer)
