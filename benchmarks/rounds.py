"""Measures hot paths in rounds: bare aiohttp, then the path on each gateway, in alternating order."""

from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from statistics import median

import msgspec

from benchmarks.http_requests import HELLO
from benchmarks.load import Expected, Timing, fire
from benchmarks.paths import HotPath
from benchmarks.servers import Gateway, Server

_HELLO = Expected(HTTPStatus.OK, b"hello")


class Size(msgspec.Struct, frozen=True):
    """Number of rounds, and of requests to the path and to bare aiohttp in each."""

    rounds: int
    requests: int
    hellos: int
    warm_up: int = 500


class Run(msgspec.Struct, frozen=True):
    """One server in one round; times in seconds, CPU times per request."""

    rate: float
    p50: float
    p99: float
    cpu: float
    database_cpu: float


class Measured(msgspec.Struct, frozen=True):
    """A path on one gateway over all rounds: medians of the runs, and of the ratios within each round.

    `of_first` is requests/s over those of the first gateway, None for that itself.
    """

    path: HotPath
    gateway: Gateway
    run: Run
    ratios: list[float]
    cpu_ratio: float
    of_first: float | None

    @property
    def ratio(self) -> float:
        """Return requests/s as a fraction of bare aiohttp's."""
        return median(self.ratios)


async def measure(path: HotPath, bare: Server, gateways: Sequence[Gateway], size: Size) -> list[Measured]:
    """Measure a path on each gateway; raises WrongAnswer for an unexpected answer."""
    for gateway in gateways:
        await _ready_run(path, gateway, await path.prepare(gateway, size.warm_up))()
    await _hello(bare, size.warm_up)
    rounds: list[list[Run]] = []
    for number in range(size.rounds):
        prepared = [await path.prepare(gateway, size.requests) for gateway in gateways]
        runs = [
            lambda: _hello(bare, size.hellos),
            *(_ready_run(path, gateway, requests) for gateway, requests in zip(gateways, prepared, strict=True)),
        ]
        rounds.append(await _run_in_order(runs, backwards=number % 2 == 1))
    hellos, *of_gateways = [list(runs) for runs in zip(*rounds, strict=True)]
    return [
        _measured(path, gateway, hellos, runs, None if runs is of_gateways[0] else of_gateways[0])
        for gateway, runs in zip(gateways, of_gateways, strict=True)
    ]


async def _run_in_order(runs: Sequence[Callable[[], Awaitable[Run]]], *, backwards: bool) -> list[Run]:
    """Run sequentially, and return the results in the order of `runs`."""
    if backwards:
        return [await run() for run in reversed(runs)][::-1]
    return [await run() for run in runs]


def _ready_run(path: HotPath, gateway: Gateway, requests: Sequence[bytes]) -> Callable[[], Awaitable[Run]]:
    until = gateway.drained if path.drains else None
    return lambda: _run(gateway, lambda: fire(gateway.port, requests, path.expected, until=until))


async def _hello(bare: Server, count: int) -> Run:
    return await _run(bare, lambda: fire(bare.port, [HELLO] * count, _HELLO))


async def _run(server: Server | Gateway, load: Callable[[], Awaitable[Timing]]) -> Run:
    before = server.cpu_seconds()
    timing = await load()
    cpu, database_cpu = [
        (used - earlier) / len(timing.latencies) for used, earlier in zip(server.cpu_seconds(), before, strict=True)
    ]
    return Run(timing.rate, timing.percentile(50), timing.percentile(99), cpu, database_cpu)


def _measured(path: HotPath, gateway: Gateway, hellos: list[Run], runs: list[Run], first: list[Run] | None) -> Measured:
    rounds = list(zip(runs, hellos, strict=True))
    return Measured(
        path,
        gateway,
        Run(*(median(getattr(run, field) for run in runs) for field in Run.__struct_fields__)),
        [ours.rate / hello.rate for ours, hello in rounds],
        median(hello.cpu / ours.cpu if ours.cpu else 0.0 for ours, hello in rounds),
        median(ours.rate / base.rate for ours, base in zip(runs, first, strict=True)) if first else None,
    )
