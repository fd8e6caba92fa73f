"""How soon an integrator who waits learns that # was pressed."""

import time
from http import HTTPStatus

import msgspec

from benchmarks.load import Client, Expected
from benchmarks.paths import APPROVED, answered, pound
from benchmarks.servers import Gateway
from benchmarks.wire import HEALTH, Integrator

_ALIVE = Expected(HTTPStatus.OK, b"alive")
_PENDING = Expected(HTTPStatus.OK, b'"status":"pending"')
_CONFIRMED = Expected(HTTPStatus.OK, b"<Response>")


class _Shown(msgspec.Struct):
    revision: int


async def pound_to_approved(gateway: Gateway, count: int) -> list[float]:
    """Return, sorted, the seconds from sending a call's # to the answer of the integrator who waits, one at a time."""
    calls = await answered(gateway, count)
    integrator = Integrator(gateway.key)
    waiting, provider = await Client.connected(gateway.port), await Client.connected(gateway.port)
    seconds = []
    for call in calls:
        shown = await waiting.ask(integrator.show(call.verification_id), _PENDING)
        revision = msgspec.json.decode(shown.body, type=_Shown).revision
        outcome = waiting.ask(integrator.show(call.verification_id, f"?wait=30&revision={revision}"), APPROVED)
        await provider.ask(HEALTH, _ALIVE)  # by now the gateway has seen who waits
        pressed = pound(gateway, call)
        began = time.perf_counter()
        said = provider.ask(pressed, _CONFIRMED)
        await outcome
        seconds.append(time.perf_counter() - began)
        await said
    waiting.close()
    provider.close()
    return sorted(seconds)
