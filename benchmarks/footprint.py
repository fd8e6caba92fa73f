"""A gateway's time to start, and its memory and threads at rest and with many waiting clients."""

import asyncio
import time
from http import HTTPStatus
from pathlib import Path

import msgspec

from benchmarks.databases import Engine
from benchmarks.http_requests import Integrator
from benchmarks.load import Client, Expected, fire
from benchmarks.paths import answered, started
from benchmarks.servers import Gateway, prepared, served
from benchmarks.usage import Usage, usage

WAITERS = 5_000

_CANCELED = Expected(HTTPStatus.OK, b'"status":"canceled"')
_SETTLING = 1.5
"""Seconds; longer than the interval of the gateway's periodic tasks, so that their threads are counted."""
_MAX_DRIFT = 0.1  # MiB


class Waiting(msgspec.Struct, frozen=True):
    """Many long-polls at once: the usage before and meanwhile, and the seconds until all were answered."""

    before: Usage
    usage: Usage
    woken: float

    @property
    def each(self) -> float:
        """Return the memory (KiB) of one long-poll."""
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
    """Return the usage of a gateway that has done each of its tasks a few times."""
    await started(gateway, "sms", 10)
    await answered(gateway, 10)
    return await _settled(gateway)


async def with_waiters(gateway: Gateway) -> Waiting:
    """Long-poll WAITERS verifications, then cancel them; raises WrongAnswer if one is not answered."""
    integrator = Integrator(gateway.key)
    ids = [text.verification_id for text in await started(gateway, "sms", WAITERS)]
    before = await _settled(gateway)
    clients = [await Client.connect(gateway.port) for _ in ids]
    answers = [
        client.request(integrator.show(verification_id, "?wait=30"), _CANCELED)
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
    """Return the usage once it has stopped growing."""
    before, now = None, usage(gateway.pid)
    while before is None or abs(now.resident - before.resident) > _MAX_DRIFT:
        await asyncio.sleep(_SETTLING)
        before, now = now, usage(gateway.pid)
    return now
