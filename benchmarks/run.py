"""Runs all benchmarks: hot paths and growth against bare aiohttp, approval latency, a storm, memory, start-up.

    python benchmarks/run.py [--engine sqlite|postgres|both] [--rows COUNT] [--quick] [--only NAME ...]

Exits with 1 if any answer was wrong, and never because something was slow.
"""

import argparse
import os
import platform
import resource
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path

import uvloop

from benchmarks import postgres
from benchmarks.databases import Engine, Postgres, Sqlite
from benchmarks.facts import NAMES, Amount, make_folder, measure_facts, print_progress
from benchmarks.load import WrongAnswer
from benchmarks.paths import PATHS, HotPath
from benchmarks.rounds import Measured, Size, measure
from benchmarks.servers import Scale, serving, spawned
from benchmarks.table import print_facts, print_paths

_SMALL, _LARGE = 10_000, 2_000_000
_FULL = Size(rounds=9, requests=2_000, hellos=6_000)
_QUICK = Size(rounds=5, requests=1_000, hellos=4_000)
_AMOUNTS = {False: Amount(pounds=1_000, calls=1_000), True: Amount(pounds=200, calls=200)}
_FILES = 16_384


def main() -> int:
    """Run the selected benchmarks and print the results."""
    arguments = _arguments()
    _allow_many_connections()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that processes and gigabytes of files are cleaned up
    print(_environment() + "\n")
    for name in ("sqlite", "postgres") if arguments.engine == "both" else (arguments.engine,):
        with tempfile.TemporaryDirectory(prefix="poundkey-bench-") as folder:
            try:
                uvloop.run(_run(Path(folder), name, arguments))
            except WrongAnswer as wrong:
                print(f"wrong answer, so the results are invalid: {wrong}", file=sys.stderr)
                return 1
    return 0


async def _run(folder: Path, name: str, arguments: argparse.Namespace) -> None:
    names = set(arguments.only or _names())
    with _engine(name, folder) as engine:
        print_progress(engine.title)
        facts = await measure_facts(folder, engine, names, _AMOUNTS[arguments.quick])
        measured = await _paths(folder, engine, [path for path in PATHS if path.name in names], arguments)
        print(f"{engine.title}\n")
        if measured:
            print_paths(measured, engine.name)
        if facts:
            print_facts("other", facts)


@contextmanager
def _engine(name: str, folder: Path) -> Iterator[Engine]:
    if name == Sqlite.name:
        yield Sqlite()
    else:
        with postgres.running(make_folder(folder / "postgres")) as server:
            yield Postgres(server)


async def _paths(folder: Path, engine: Engine, paths: list[HotPath], arguments: argparse.Namespace) -> list[Measured]:
    """Measure paths on several gateways: a small one, one of several processes, one with many rows."""
    if not paths:
        return []
    scales = [Scale(processes, _SMALL) for processes in range(1, engine.most_processes + 1)]
    if not arguments.quick:
        scales.append(Scale(1, arguments.rows))
    async with AsyncExitStack() as stack:
        bare = stack.enter_context(spawned("bare_aiohttp.py"))
        gateways = []
        for number, scale in enumerate(scales):
            print_progress(f"a gateway: {scale}")
            gateways.append(await stack.enter_async_context(serving(make_folder(folder / str(number)), engine, scale)))
        measured = []
        for path in paths:
            print_progress(path.title)
            measured += await measure(path, bare, gateways, _QUICK if arguments.quick else _FULL)
        return measured


def _environment() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in ("aiohttp", "uvloop", "msgspec", "asyncpg"))
    return (
        f"Python {platform.python_version()}, {packages}; "
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )


def _names() -> list[str]:
    return [*(path.name for path in PATHS), *NAMES]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure the gateway against bare aiohttp.")
    engines = (Sqlite.name, Postgres.name, "both")
    parser.add_argument("--engine", choices=engines, default="both", help="which database, by default both")
    parser.add_argument(
        "--rows", metavar="COUNT", type=int, default=_LARGE, help=f"verifications of a large database, {_LARGE:,}"
    )
    parser.add_argument("--quick", action="store_true", help="some minutes: fewer and shorter rounds, no growth")
    parser.add_argument("--only", metavar="NAME", action="append", choices=_names(), help=", ".join(_names()))
    return parser.parse_args()


def _allow_many_connections() -> None:
    """Raise the limit of open files for this process and those it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < _FILES:
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (_FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES), hard)
        )


if __name__ == "__main__":
    sys.exit(main())
