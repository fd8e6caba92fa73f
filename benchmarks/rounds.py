"""Hot paths in alternating rounds: bare aiohttp, the path on each gateway, and the other way round the next time."""

from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from statistics import median

import msgspec

from benchmarks.load import Expected, Timing, fire
from benchmarks.paths import HotPath
from benchmarks.servers import Gateway, Server
from benchmarks.usage import cpu_seconds
from benchmarks.wire import HELLO

_HELLO = Expected(HTTPStatus.OK, b"hello")


class Size(msgspec.Struct, frozen=True):
    """How much is measured: rounds, and requests to the path and to bare aiohttp in each."""

    rounds: int
    requests: int
    hellos: int
    warm_up: int = 500


class Run(msgspec.Struct, frozen=True):
    """One server in one round; times in seconds, `cpu` per request."""

    rate: float
    p50: float
    p99: float
    cpu: float


class Measured(msgspec.Struct, frozen=True):
    """A path over all rounds: medians of the runs on the first gateway, and of the ratios within each round.

    `growth` is the time per request on the last gateway over that on the first, None if there is only one.
    """

    path: HotPath
    run: Run
    ratios: list[float]
    cpu_ratio: float
    growth: float | None

    @property
    def ratio(self) -> float:
        """Return requests/s as a fraction of bare aiohttp's."""
        return median(self.ratios)


async def measure(path: HotPath, bare: Server, gateways: Sequence[Gateway], size: Size) -> Measured:
    """Measure a path; raises Wrong when an answer is not what it must be."""
    for gateway in gateways:
        await _ready_run(path, gateway, await path.prepare(gateway, size.warm_up))()
    await _hello(bare, size.warm_up)
    found: list[list[Run]] = []
    for number in range(size.rounds):
        prepared = [await path.prepare(gateway, size.requests) for gateway in gateways]
        runs = [
            lambda: _hello(bare, size.hellos),
            *(_ready_run(path, gateway, requests) for gateway, requests in zip(gateways, prepared, strict=True)),
        ]
        found.append(await _in_turn(runs, backwards=number % 2 == 1))
    return _measured(path, found)


async def _in_turn(runs: Sequence[Callable[[], Awaitable[Run]]], *, backwards: bool) -> list[Run]:
    """Do the runs one after another, and return what they gave in the order they are listed."""
    if backwards:
        return [await run() for run in reversed(runs)][::-1]
    return [await run() for run in runs]


def _ready_run(path: HotPath, gateway: Gateway, requests: Sequence[bytes]) -> Callable[[], Awaitable[Run]]:
    until = gateway.drained if path.drains else None
    return lambda: _run(gateway, lambda: fire(gateway.port, requests, path.expected, until=until))


async def _hello(bare: Server, count: int) -> Run:
    return await _run(bare, lambda: fire(bare.port, [HELLO] * count, _HELLO))


async def _run(server: Server | Gateway, load: Callable[[], Awaitable[Timing]]) -> Run:
    before = cpu_seconds(server.pid)
    timing = await load()
    cpu = (cpu_seconds(server.pid) - before) / len(timing.latencies)
    return Run(timing.rate, timing.percentile(50), timing.percentile(99), cpu)


def _measured(path: HotPath, found: list[list[Run]]) -> Measured:
    bare, first, last = [[runs[place] for runs in found] for place in (0, 1, -1)]
    grown = [small.rate / large.rate for small, large in zip(first, last, strict=True)]
    return Measured(
        path,
        Run(*(median(getattr(run, field) for run in first) for field in Run.__struct_fields__)),
        [ours.rate / hello.rate for ours, hello in zip(first, bare, strict=True)],
        median(hello.cpu / ours.cpu if ours.cpu else 0.0 for ours, hello in zip(first, bare, strict=True)),
        median(grown) if last != first else None,
    )
