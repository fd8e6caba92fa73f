"""The benchmarks, in one run: hot paths beside bare aiohttp, from # to approved, growth, memory, start-up.

    python benchmarks/run.py [--quick] [--only NAME ...]

Ends with 1 when a single answer was wrong, and never because something was slow.
"""

import argparse
import os
import platform
import resource
import signal
import sqlite3
import sys
import tempfile
from contextlib import AsyncExitStack
from importlib.metadata import version
from pathlib import Path
from statistics import median

import uvloop

from benchmarks import footprint, usage
from benchmarks.load import Wrong, percentile
from benchmarks.paths import PATHS, HotPath
from benchmarks.pound import pound_to_approved
from benchmarks.rounds import Measured, Size, measure
from benchmarks.servers import serving, spawned
from benchmarks.table import print_facts, print_paths

_SMALL, _LARGE = 10_000, 2_000_000
_FULL = Size(rounds=9, requests=2_000, hellos=6_000)
_QUICK = Size(rounds=5, requests=1_000, hellos=4_000)
_POUNDS = {True: 200, False: 1_000}
_STARTS = 5
_FILES = 8_192

Fact = tuple[str, str, str]


def main() -> int:
    """Run what is asked for, and print it."""
    arguments = _arguments()
    wanted = set(arguments.only or _names())
    _allow_many_connections()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that processes and gigabytes of files are not left
    print(_environment() + "\n")
    with tempfile.TemporaryDirectory(prefix="poundkey-bench-") as folder:
        try:
            measured, facts = uvloop.run(_run(Path(folder), wanted, quick=arguments.quick))
        except Wrong as wrong:
            print(f"A wrong answer, so nothing here counts: {wrong}", file=sys.stderr)
            return 1
    if measured:
        print_paths(measured)
    if facts:
        print_facts(facts)
    return 0


async def _run(folder: Path, wanted: set[str], *, quick: bool) -> tuple[list[Measured], list[Fact]]:
    facts = []
    if "startup" in wanted:
        facts += _start_up(_made(folder / "startup"))
    if "memory" in wanted and usage.IS_TOLD:
        facts += await _memory(_made(folder / "memory"))
    if "pound" in wanted:
        facts += await _pound(_made(folder / "pound"), _POUNDS[quick])
    paths = [path for path in PATHS if path.name in wanted]
    measured = await _paths(folder, paths, quick=quick) if paths else []
    return measured, facts


async def _paths(folder: Path, paths: list[HotPath], *, quick: bool) -> list[Measured]:
    sizes = [_SMALL] if quick else [_SMALL, _LARGE]
    async with AsyncExitStack() as stack:
        bare = stack.enter_context(spawned("bare.py"))
        gateways = []
        for stored in sizes:
            _tell(f"a gateway with {stored:,} stored verifications")
            gateways.append(await stack.enter_async_context(serving(_made(folder / str(stored)), stored)))
        measured = []
        for path in paths:
            _tell(path.what)
            measured.append(await measure(path, bare, gateways, _QUICK if quick else _FULL))
            _tell(f"  {measured[-1].ratio:.2f} of bare, {measured[-1].cpu_ratio:.2f} by CPU")
    return measured


def _start_up(folder: Path) -> list[Fact]:
    _tell("start-up")
    seconds = median(footprint.start_ups(folder, _STARTS))
    return [("start-up: exec to /readyz 200, median of 5", f"{seconds:.2f} s", "≤ 0.8 s")]


async def _memory(folder: Path) -> list[Fact]:
    _tell("memory")
    async with serving(folder) as gateway:
        rest = await footprint.at_rest(gateway)
        waiting = await footprint.with_waiters(gateway)
    return [
        ("memory at rest", f"{rest.resident:.0f} MiB, {rest.threads} threads", "≤ 70 MiB"),
        (
            f"memory with {footprint.WAITERS:,} long-polls",
            f"{waiting.usage.resident:.0f} MiB, {waiting.usage.threads} threads",
            "no more threads",
        ),
        (f"{footprint.WAITERS:,} long-polls: all canceled and told", f"{waiting.woken:.2f} s", "-"),
    ]


async def _pound(folder: Path, count: int) -> list[Fact]:
    _tell("from # to approved")
    async with serving(folder) as gateway:
        seconds = await pound_to_approved(gateway, count)
    times = ", ".join(f"p{percent} {percentile(seconds, percent) * 1e3:.1f} ms" for percent in (50, 99))
    return [("# pressed to long-poll answered, one at a time", times, "≤ 100 ms")]


def _environment() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in ("aiohttp", "uvloop", "msgspec"))
    return (
        f"Python {platform.python_version()}, {packages}, SQLite {sqlite3.sqlite_version} (synchronous=FULL); "
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )


def _names() -> list[str]:
    return [*(path.name for path in PATHS), "pound", "memory", "startup"]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure the gateway beside bare aiohttp.")
    parser.add_argument("--quick", action="store_true", help="a minute: fewer and shorter rounds, no growth")
    parser.add_argument("--only", metavar="NAME", action="append", choices=_names(), help=", ".join(_names()))
    return parser.parse_args()


def _allow_many_connections() -> None:
    """Raise the limit of open files for this process and those it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < _FILES:
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (_FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES), hard)
        )


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _tell(doing: str) -> None:
    print(f"… {doing}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
