"""Measurements other than hot paths: start-up, memory, the latency from # to approved, a storm of calls."""

import sys
from pathlib import Path
from statistics import median

import msgspec

from benchmarks import footprint, usage
from benchmarks.approval_latency import pound_to_approved
from benchmarks.databases import Engine
from benchmarks.load import percentile
from benchmarks.servers import Scale, serving
from benchmarks.storm import storm
from benchmarks.table import Fact

NAMES = ("startup", "memory", "pound", "storm")

_STARTS = 5


class Amount(msgspec.Struct, frozen=True):
    """How many approvals are timed one by one, and how many calls a storm has."""

    pounds: int
    calls: int


async def measure_facts(folder: Path, engine: Engine, names: set[str], amount: Amount) -> list[Fact]:
    """Measure the facts with these names, out of NAMES; raises WrongAnswer for an unexpected answer."""
    facts = []
    if "startup" in names:
        facts += await _start_up(make_folder(folder / "startup"), engine)
    if "memory" in names and usage.IS_AVAILABLE:
        facts += await _memory(make_folder(folder / "memory"), engine)
    for processes in range(1, engine.most_processes + 1):
        scale = Scale(processes)
        if "pound" in names:
            facts.append(await _pound(make_folder(folder / f"pound-{processes}"), engine, scale, amount.pounds))
        if "storm" in names:
            facts += await _storm(make_folder(folder / f"storm-{processes}"), engine, scale, amount.calls)
    return facts


def make_folder(folder: Path) -> Path:
    """Create a folder and return it."""
    folder.mkdir()
    return folder


def print_progress(step: str) -> None:
    """Print the current step to stderr."""
    print(f"… {step}", file=sys.stderr)


async def _start_up(folder: Path, engine: Engine) -> list[Fact]:
    print_progress("start-up")
    seconds = median(await footprint.start_ups(folder, engine, _STARTS))
    return [Fact("start-up: exec to /readyz 200, median of 5", f"{seconds:.2f} s", "≤ 0.8 s")]


async def _memory(folder: Path, engine: Engine) -> list[Fact]:
    print_progress("memory")
    async with serving(folder, engine, Scale()) as gateway:
        rest = await footprint.at_rest(gateway)
        waiting = await footprint.with_waiters(gateway)
    waiters = f"{footprint.WAITERS:,} long-polls"
    return [
        Fact("memory at rest", _used(rest), "≤ 70 MiB"),
        Fact(f"memory with {waiters}", _used(waiting.usage), "no more threads"),
        Fact("memory of one long-poll", f"{waiting.each:.1f} KiB"),
        Fact(f"{waiters}: all canceled and answered", f"{waiting.woken:.2f} s"),
    ]


async def _pound(folder: Path, engine: Engine, scale: Scale, count: int) -> Fact:
    print_progress(f"from # to approved, {scale}")
    async with serving(folder, engine, scale) as gateway:
        seconds = await pound_to_approved(gateway, count)
    aim = "≤ 100 ms" if scale.processes == 1 else "≤ 200 ms"
    return Fact(f"# pressed to long-poll answered, one at a time, {scale}", _times(seconds), aim)


async def _storm(folder: Path, engine: Engine, scale: Scale, count: int) -> list[Fact]:
    print_progress(f"storm, {scale}")
    result = await storm(folder, engine, scale.processes, count)
    return [
        Fact(f"{count:,} calls at once, {scale}: all approved", f"{result.seconds:.1f} s"),
        Fact(f"{count:,} calls at once, {scale}: our webhook answers", _times(result.answers), "p99 < 100 ms"),
    ]


def _used(used: usage.Usage) -> str:
    return f"{used.resident:.0f} MiB, {used.threads} threads"


def _times(ordered: list[float]) -> str:
    return ", ".join(f"p{percent} {percentile(ordered, percent) * 1e3:.1f} ms" for percent in (50, 99))
