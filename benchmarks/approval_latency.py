"""The latency from a pressed # to the answer of a waiting integrator."""

import asyncio
import time
from http import HTTPStatus

import msgspec

from benchmarks.http_requests import Integrator
from benchmarks.load import Client, Expected
from benchmarks.paths import APPROVED, answered, pound
from benchmarks.servers import Gateway

_PENDING = Expected(HTTPStatus.OK, b'"status":"pending"')
_CONFIRMED = Expected(HTTPStatus.OK, b"<Response>")
_SETTLE_SECONDS = 0.01
"""Time for a gateway on loopback to register a long-poll."""


class _Shown(msgspec.Struct):
    revision: int


async def pound_to_approved(gateway: Gateway, count: int) -> list[float]:
    """Return the sorted seconds from sending a call's # to the answer of the long-poll, one call at a time.

    Each call uses new connections, so that with two processes both sides meet different ones half of the time.
    """
    calls = await answered(gateway, count)
    integrator = Integrator(gateway.key)
    seconds = []
    for call in calls:
        waiter, provider = await Client.connect(gateway.port), await Client.connect(gateway.port)
        shown = await waiter.request(integrator.show(call.verification_id), _PENDING)
        revision = msgspec.json.decode(shown.body, type=_Shown).revision
        outcome = waiter.request(integrator.show(call.verification_id, f"?wait=30&revision={revision}"), APPROVED)
        pressed = pound(gateway, call)
        await asyncio.sleep(_SETTLE_SECONDS)
        began = time.perf_counter()
        twiml = provider.request(pressed, _CONFIRMED)
        await outcome
        seconds.append(time.perf_counter() - began)
        await twiml
        waiter.close()
        provider.close()
    return sorted(seconds)
