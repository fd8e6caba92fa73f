"""What a gateway takes before it works: the time to start, memory and threads, at rest and with many who wait."""

import asyncio
import time
from http import HTTPStatus
from pathlib import Path

import msgspec

from benchmarks.databases import Engine
from benchmarks.load import Client, Expected, fire
from benchmarks.paths import answered, started
from benchmarks.servers import Gateway, prepared, served
from benchmarks.usage import Usage, usage
from benchmarks.wire import Integrator

WAITERS = 5_000

_CANCELED = Expected(HTTPStatus.OK, b'"status":"canceled"')
_SETTLING = 1.5
"""Seconds; longer than the gateway waits before each of its regular tasks, so that their threads are counted."""
_SETTLED = 0.1


class Waiting(msgspec.Struct, frozen=True):
    """Many long-polls at once: what the gateway used before and meanwhile, and the seconds until all were told."""

    before: Usage
    usage: Usage
    woken: float

    @property
    def each(self) -> float:
        """Return the memory (KiB) of one who waits."""
        return (self.usage.resident - self.before.resident) * 1024 / WAITERS


async def start_ups(folder: Path, engine: Engine, count: int) -> list[float]:
    """Return, sorted, the seconds from exec to the first 200 of `/readyz`, on a database at head."""
    seconds = []
    async with engine.database(folder) as database:
        settings, environment = prepared(database)
        for _ in range(count):
            began = time.perf_counter()
            with served(settings, environment, folder / "gateway.log"):
                seconds.append(time.perf_counter() - began)
    return sorted(seconds)


async def at_rest(gateway: Gateway) -> Usage:
    """Return what a gateway uses that has done each of its jobs a few times."""
    await started(gateway, "sms", 10)
    await answered(gateway, 10)
    return await _settled(gateway)


async def with_waiters(gateway: Gateway) -> Waiting:
    """Let WAITERS integrators wait for as many verifications, and cancel these; raises Wrong if one is not told."""
    integrator = Integrator(gateway.key)
    ids = [text.verification_id for text in await started(gateway, "sms", WAITERS)]
    before = await _settled(gateway)
    clients = [await Client.connected(gateway.port) for _ in ids]
    answers = [
        client.ask(integrator.show(verification_id, "?wait=30"), _CANCELED)
        for client, verification_id in zip(clients, ids, strict=True)
    ]
    used = await _settled(gateway)
    cancels = [integrator.cancel(verification_id) for verification_id in ids]
    began = time.perf_counter()
    await fire(gateway.port, cancels, _CANCELED)
    await asyncio.gather(*answers)
    woken = time.perf_counter() - began
    for client in clients:
        client.close()
    return Waiting(before, used, woken)


async def _settled(gateway: Gateway) -> Usage:
    """Return what is used once it has stopped growing."""
    before, now = None, usage(gateway.pid)
    while before is None or abs(now.resident - before.resident) > _SETTLED:
        await asyncio.sleep(_SETTLING)
        before, now = now, usage(gateway.pid)
    return now
