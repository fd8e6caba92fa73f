"""Tables of cases in one test: it goes through every row, and fails with the name of each one that is wrong."""

import contextlib
import inspect
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping

import pytest

Case = tuple[str, dict[str, object]]
"""What a row is called, and the arguments that it gives to the test."""
LONGEST_NAME = 100


def for_each(names: str | tuple[str, ...], rows: Iterable) -> Callable[[Callable], Callable]:
    """Let a test go through the rows of a table, as `pytest.mark.parametrize` does with a test for each row.

    Several tables are gone through in every combination. All rows share the test's fixtures.

    Args:
        names: the arguments that a row gives: one, or several in a tuple.
        rows: the values of one argument, or tuples of the values of several. A mapping gives its rows names.
    """
    table = [
        _case(names, row) for row in (rows.items() if isinstance(rows, Mapping) else ((None, row) for row in rows))
    ]
    assert table, "a table without rows proves nothing"

    def decorate(test: Callable) -> Callable:
        check, tables = getattr(test, "tables", (test, []))
        return _test_of(check, [table, *tables])

    return decorate


def _case(names: str | tuple[str, ...], named_row: tuple[object, object]) -> Case:
    name, row = named_row
    given = {names: row} if isinstance(names, str) else dict(zip(names, row, strict=True))
    return str(name) if name is not None else ", ".join(map(_named, given.values())), given


def _named(value: object) -> str:
    name = getattr(value, "__name__", None) or repr(value)
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"


def _test_of(check: Callable, tables: list[list[Case]]) -> Callable:
    """Return a test that asks pytest for what the tables do not give."""
    given = {name for table in tables for name in table[0][1]}
    signature = inspect.signature(check)
    assert given <= signature.parameters.keys(), f"no arguments of the test: {given - signature.parameters.keys()}"

    def cases() -> Iterator[Case]:
        for combined in itertools.product(*tables):
            yield (
                "; ".join(name for name, _ in combined),
                {key: value for _, row in combined for key, value in row.items()},
            )

    if inspect.iscoroutinefunction(check):

        async def test(**fixtures: object) -> None:
            culprits = Culprits()
            for name, row in cases():
                with culprits.named(name):
                    await check(**fixtures, **row)
            culprits.report()
    else:

        def test(**fixtures: object) -> None:
            culprits = Culprits()
            for name, row in cases():
                with culprits.named(name):
                    check(**fixtures, **row)
            culprits.report()

    test.__name__, test.__doc__, test.__module__ = check.__name__, check.__doc__, check.__module__
    test.__signature__ = signature.replace(parameters=[p for p in signature.parameters.values() if p.name not in given])
    test.pytestmark = getattr(check, "pytestmark", [])
    test.tables = (check, tables)
    return test


class Culprits:
    """The rows that were wrong, each with what was wrong about it."""

    def __init__(self) -> None:
        self._errors: list[BaseException] = []
        self._names: list[str] = []
        self._rows = 0

    @contextlib.contextmanager
    def named(self, name: str) -> Iterator[None]:
        """Go through one row, and note what is wrong about it."""
        self._rows += 1
        try:
            yield
        except (Exception, pytest.fail.Exception) as error:
            error.add_note(f"in the case {name}")
            if str(error).startswith("Timeout"):  # of pytest-timeout: the rows that follow would run without one
                raise
            self._names.append(name)
            self._errors.append(error)

    def report(self) -> None:
        """Fail if a row was wrong."""
        if self._errors:
            wrong = "".join(f"\n  {name}" for name in self._names)
            raise BaseExceptionGroup(f"{len(self._errors)} of {self._rows} cases are wrong:{wrong}\n", self._errors)
