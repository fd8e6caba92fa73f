"""The table that a run prints."""

from collections.abc import Sequence

from benchmarks.rounds import Measured

_HEAD = (
    "path, 64 connections",
    "requests/s",
    "p50 ms",
    "p99 ms",
    "of bare",
    "(range)",
    "by CPU",
    "aim",
    "CPU µs",
    "growth",
)


def print_paths(measured: Sequence[Measured]) -> None:
    """Print one line for each path.

    `of bare` is requests/s over bare aiohttp's in the same round, the median of the rounds; `by CPU` compares the
    servers' CPU time per request instead, which other work on the machine disturbs less; `growth` is the time per
    request at 2 million stored verifications over that at 10 thousand.
    """
    _print([_HEAD, *(_row(path) for path in measured)])


def print_facts(facts: Sequence[tuple[str, str, str]]) -> None:
    """Print what is not a rate: its name, its value, its aim."""
    _print([("beside", "measured", "aim"), *facts])


def _row(measured: Measured) -> tuple[str, ...]:
    run = measured.run
    return (
        measured.path.what,
        f"{run.rate:,.0f}",
        f"{run.p50 * 1e3:.1f}",
        f"{run.p99 * 1e3:.1f}",
        f"{measured.ratio:.2f}",
        f"{min(measured.ratios):.2f}-{max(measured.ratios):.2f}",
        f"{measured.cpu_ratio:.2f}",
        "-" if measured.path.aim is None else f"{measured.path.aim:.2f}",
        f"{run.cpu * 1e6:.0f}",
        "-" if measured.growth is None else f"{measured.growth:.2f}",
    )


def _print(rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    rule = tuple("-" * width for width in widths)
    for row in (rows[0], rule, *rows[1:]):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |")
    print()
