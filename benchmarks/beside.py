"""What is measured beside the hot paths, as facts: start-up, memory, from # to approved, the storm."""

import sys
from pathlib import Path
from statistics import median

import msgspec

from benchmarks import footprint, usage
from benchmarks.databases import Engine
from benchmarks.load import percentile
from benchmarks.pound import pound_to_approved
from benchmarks.servers import Scale, serving
from benchmarks.storm import storm
from benchmarks.table import Fact

NAMES = ("startup", "memory", "pound", "storm")

_STARTS = 5


class Amount(msgspec.Struct, frozen=True):
    """How often # is pressed, and how many calls are a storm."""

    pounds: int
    calls: int


async def beside(folder: Path, engine: Engine, wanted: set[str], amount: Amount) -> list[Fact]:
    """Measure what is wanted of NAMES; raises Wrong when an answer is not what it must be."""
    facts = []
    if "startup" in wanted:
        facts += await _start_up(made(folder / "startup"), engine)
    if "memory" in wanted and usage.IS_TOLD:
        facts += await _memory(made(folder / "memory"), engine)
    for processes in range(1, engine.most_processes + 1):
        scale = Scale(processes)
        if "pound" in wanted:
            facts.append(await _pound(made(folder / f"pound-{processes}"), engine, scale, amount.pounds))
        if "storm" in wanted:
            facts += await _storm(made(folder / f"storm-{processes}"), engine, scale, amount.calls)
    return facts


def made(folder: Path) -> Path:
    """Make a folder and return it."""
    folder.mkdir()
    return folder


def tell(doing: str) -> None:
    """Tell who waits for the run what it does."""
    print(f"… {doing}", file=sys.stderr)


async def _start_up(folder: Path, engine: Engine) -> list[Fact]:
    tell("start-up")
    seconds = median(await footprint.start_ups(folder, engine, _STARTS))
    return [Fact("start-up: exec to /readyz 200, median of 5", f"{seconds:.2f} s", "≤ 0.8 s")]


async def _memory(folder: Path, engine: Engine) -> list[Fact]:
    tell("memory")
    async with serving(folder, engine, Scale()) as gateway:
        rest = await footprint.at_rest(gateway)
        waiting = await footprint.with_waiters(gateway)
    waiters = f"{footprint.WAITERS:,} long-polls"
    return [
        Fact("memory at rest", _used(rest), "≤ 70 MiB"),
        Fact(f"memory with {waiters}", _used(waiting.usage), "no more threads"),
        Fact("memory of one long-poll", f"{waiting.each:.1f} KiB"),
        Fact(f"{waiters}: all canceled and told", f"{waiting.woken:.2f} s"),
    ]


async def _pound(folder: Path, engine: Engine, scale: Scale, count: int) -> Fact:
    tell(f"from # to approved, {scale}")
    async with serving(folder, engine, scale) as gateway:
        seconds = await pound_to_approved(gateway, count)
    aim = "≤ 100 ms" if scale.processes == 1 else "≤ 200 ms"
    return Fact(f"# pressed to long-poll answered, one at a time, {scale}", _times(seconds), aim)


async def _storm(folder: Path, engine: Engine, scale: Scale, count: int) -> list[Fact]:
    tell(f"storm, {scale}")
    found = await storm(folder, engine, scale.processes, count)
    return [
        Fact(f"{count:,} calls at once, {scale}: all approved", f"{found.seconds:.1f} s"),
        Fact(f"{count:,} calls at once, {scale}: our webhook answers", _times(found.answers), "p99 < 100 ms"),
    ]


def _used(used: usage.Usage) -> str:
    return f"{used.resident:.0f} MiB, {used.threads} threads"


def _times(ordered: list[float]) -> str:
    return ", ".join(f"p{percent} {percentile(ordered, percent) * 1e3:.1f} ms" for percent in (50, 99))
