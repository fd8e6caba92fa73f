"""Prints the tables of results."""

from collections.abc import Sequence

import msgspec

from benchmarks.rounds import Measured

_TWO_PROCESSES_AIM = 1.5
_LARGE_DATABASE_AIM = 1 / 1.3
_HEAD = (
    "path, 64 connections",
    "gateway",
    "requests/s",
    "p50 ms",
    "p99 ms",
    "of bare",
    "(range)",
    "by CPU",
    "CPU µs",
    "database µs",
    "of first",
    "aim",
)


class Fact(msgspec.Struct, frozen=True):
    """A measurement other than a rate; `aim` is its target in words, `-` if there is none."""

    title: str
    measured: str
    aim: str = "-"


def print_paths(measured: Sequence[Measured], engine: str) -> None:
    """Print one line for each path and gateway; `engine` selects the aims.

    `of bare` is requests/s over bare aiohttp's in the same round, the median of the rounds; `by CPU` compares the
    servers' CPU time per request instead, which other work on the machine disturbs less; `of first` is requests/s
    over those of the path's first gateway in the same round.
    """
    _print([_HEAD, *(_row(path, engine) for path in measured)])


def print_facts(title: str, facts: Sequence[Fact]) -> None:
    """Print one line for each fact."""
    _print([(title, "measured", "aim"), *((fact.title, fact.measured, fact.aim) for fact in facts)])


def _row(measured: Measured, engine: str) -> tuple[str, ...]:
    run = measured.run
    return (
        measured.path.title,
        str(measured.gateway.scale),
        f"{run.rate:,.0f}",
        f"{run.p50 * 1e3:.1f}",
        f"{run.p99 * 1e3:.1f}",
        f"{measured.ratio:.2f}",
        f"{min(measured.ratios):.2f}-{max(measured.ratios):.2f}",
        f"{measured.cpu_ratio:.2f}",
        f"{run.cpu * 1e6:.0f}",
        f"{run.database_cpu * 1e6:.0f}" if run.database_cpu else "-",
        "-" if measured.of_first is None else f"{measured.of_first:.2f}",
        _aim(measured, engine),
    )


def _aim(measured: Measured, engine: str) -> str:
    if measured.of_first is None:
        aim = measured.path.aims.get(engine)
        return "-" if aim is None else f"{aim:.2f} of bare"
    return f"{_TWO_PROCESSES_AIM if measured.gateway.scale.processes > 1 else _LARGE_DATABASE_AIM:.2f} of first"


def _print(rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    rule = tuple("-" * width for width in widths)
    for row in (rows[0], rule, *rows[1:]):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |")
    print()
