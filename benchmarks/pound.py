"""How soon an integrator who waits learns that # was pressed."""

import asyncio
import time
from http import HTTPStatus

import msgspec

from benchmarks.load import Client, Expected
from benchmarks.paths import APPROVED, answered, pound
from benchmarks.servers import Gateway
from benchmarks.wire import Integrator

_PENDING = Expected(HTTPStatus.OK, b'"status":"pending"')
_CONFIRMED = Expected(HTTPStatus.OK, b"<Response>")
_MOMENT = 0.01
"""Seconds after which a gateway on loopback has seen who waits."""


class _Shown(msgspec.Struct):
    revision: int


async def pound_to_approved(gateway: Gateway, count: int) -> list[float]:
    """Return, sorted, the seconds from sending a call's # to the answer of the integrator who waits, one at a time.

    Both connect anew for each call, so that with two processes they are with different ones half of the time.
    """
    calls = await answered(gateway, count)
    integrator = Integrator(gateway.key)
    seconds = []
    for call in calls:
        waiting, provider = await Client.connected(gateway.port), await Client.connected(gateway.port)
        shown = await waiting.ask(integrator.show(call.verification_id), _PENDING)
        revision = msgspec.json.decode(shown.body, type=_Shown).revision
        outcome = waiting.ask(integrator.show(call.verification_id, f"?wait=30&revision={revision}"), APPROVED)
        pressed = pound(gateway, call)
        await asyncio.sleep(_MOMENT)
        began = time.perf_counter()
        said = provider.ask(pressed, _CONFIRMED)
        await outcome
        seconds.append(time.perf_counter() - began)
        await said
        waiting.close()
        provider.close()
    return sorted(seconds)
