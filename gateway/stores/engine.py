"""What an engine gives the stores: a writer that commits operations in groups, and reads of what is committed."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from gateway.domain.verification import Verification

Row = tuple[Any, ...]
T = TypeVar("T")


class Transaction(Protocol):
    """What an operation sees: statements of `gateway.stores.statements`, and the verifications it has changed so far.

    It reads what was written before it, by itself too. Who reads a row with one of the statements that lock has it
    alone until the transaction ends.
    """

    verifications: dict[str, Verification]

    def read(self, statement: str, values: Row = ()) -> Row | None:
        """Return the first row."""
        ...

    def read_all(self, statement: str, values: Row = ()) -> list[Row]:
        """Return all rows."""
        ...

    def put(self, statement: str, values: Row) -> None:
        """Change rows."""
        ...

    def write(self, statement: str, values: Row) -> int:
        """Change or remove rows, and return how many."""
        ...


class Writer(Protocol):
    """Runs operations, many in one durable transaction."""

    @property
    def alive(self) -> bool:
        """Tell whether operations are still being committed."""
        ...

    async def run(self, operation: Callable[[Transaction], T]) -> T:
        """Run an operation, perhaps twice, and return its answer when it is durable.

        Raises what the operation raises, with nothing of it kept, or StoreUnavailable.
        """
        ...

    async def close(self) -> None:
        """Commit what is waiting, then stop."""
        ...


class Reads(Protocol):
    """What is committed. Each method raises StoreUnavailable when the database fails."""

    async def one(self, statement: str, values: Row) -> Row | None:
        """Return the first row."""
        ...

    async def all(self, statement: str, values: Row) -> list[Row]:
        """Return the rows of a short look-up."""
        ...

    async def many(self, statement: str, values: Row) -> list[Row]:
        """Return rows that may take long to find."""
        ...
