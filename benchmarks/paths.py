"""The hot paths: how their requests are prepared, the expected answers and the target speeds."""

import itertools
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

import msgspec
from twilio.request_validator import RequestValidator

from benchmarks.filling import SPREAD
from benchmarks.http_requests import CallCallbacks, Integrator
from benchmarks.load import Expected, fire
from benchmarks.servers import Gateway, Send
from webhooks.events import AttemptRef
from webhooks.urls import Addresses

CREATED = Expected(HTTPStatus.CREATED, b'"status":"pending"')
APPROVED = Expected(HTTPStatus.OK, b'"status":"approved"')

_PROMPT = Expected(HTTPStatus.OK, b"<Gather ")
_TWIML = Expected(HTTPStatus.OK, b"<Response>")
_NO_CONTENT = Expected(HTTPStatus.NO_CONTENT)
_SHOWN = Expected(HTTPStatus.OK, b'"object":"verification"')
_AREA_CODES = (206, 212, 303, 312, 404, 415, 425, 503, 617, 713)
_PER_AREA = 8_000_000

_STORED_BEFORE = "SELECT id FROM verifications WHERE id <= ? ORDER BY id DESC LIMIT 1"

_numbers = itertools.count()


class HotPath(msgspec.Struct, frozen=True):
    """A frequent kind of request.

    Attributes:
        name: Its name for `--only`.
        title: Its name in the table.
        aims: Target requests/s of one process as a fraction of bare aiohttp's, by engine.
        expected: What every answer must be.
        prepare: Brings the gateway into the required state, and returns a number of distinct requests.
        drains: Whether its time includes the sends that it causes, until all are handed to the provider.
    """

    name: str
    title: str
    aims: Mapping[str, float]
    expected: Expected
    prepare: Callable[[Gateway, int], Awaitable[list[bytes]]]
    drains: bool = False


async def started(gateway: Gateway, channel: str, count: int) -> list[Send]:
    """Start verifications of new numbers, and return the sends that reached the provider."""
    gateway.sends()
    await fire(gateway.port, starts(gateway, channel, count), CREATED, until=gateway.drained)
    return gateway.sends()


async def answered(gateway: Gateway, count: int) -> list[Send]:
    """Start calls and answer them, so that each is at its first Gather."""
    calls = await started(gateway, "call", count)
    await fire(gateway.port, [_answer(gateway, call) for call in calls], _PROMPT)
    return calls


def pound(gateway: Gateway, call: Send) -> bytes:
    """Return the callback of a # in a call's first Gather."""
    return _callbacks(gateway, call).gather(_addresses(gateway).gather_url(_attempt(call), 1), "#")


def starts(gateway: Gateway, channel: str, count: int) -> list[bytes]:
    """Return requests that start verifications of new numbers."""
    integrator = Integrator(gateway.key)
    return [integrator.start(_number(), channel) for _ in range(count)]


async def _start(gateway: Gateway, count: int) -> list[bytes]:
    return starts(gateway, "sms", count)


async def _check(gateway: Gateway, count: int) -> list[bytes]:
    integrator = Integrator(gateway.key)
    return [integrator.check(text.verification_id, text.code) for text in await started(gateway, "sms", count)]


async def _fetch(gateway: Gateway, count: int) -> list[bytes]:
    return [_answer(gateway, call) for call in await started(gateway, "call", count)]


async def _gather(gateway: Gateway, count: int) -> list[bytes]:
    return [pound(gateway, call) for call in await answered(gateway, count)]


async def _status(gateway: Gateway, count: int) -> list[bytes]:
    addresses = _addresses(gateway)
    return [
        _callbacks(gateway, call).status(addresses.call_status_url(_attempt(call)), "ringing")
        for call in await started(gateway, "call", count)
    ]


async def _show(gateway: Gateway, count: int) -> list[bytes]:
    integrator = Integrator(gateway.key)
    shows = [integrator.show(text.verification_id) for text in await started(gateway, "sms", count)]
    return random.choices(shows, k=count)


async def _show_old(gateway: Gateway, count: int) -> list[bytes]:
    integrator, now = Integrator(gateway.key), time.time_ns() // 1_000_000
    moments = [now - random.randrange(SPREAD) for _ in range(count)]
    rows = [await gateway.database.query(_STORED_BEFORE, f"ver_{moment:012x}") for moment in moments]
    return [integrator.show(verification_id) for ((verification_id,),) in rows]


def _number() -> str:
    """Return a new valid number."""
    area, local = divmod(next(_numbers), _PER_AREA)
    return f"+1{_AREA_CODES[area]}{2_000_000 + local}"


def _answer(gateway: Gateway, call: Send) -> bytes:
    return _callbacks(gateway, call).answer(_addresses(gateway).answer_url(_attempt(call)))


def _callbacks(gateway: Gateway, call: Send) -> CallCallbacks:
    return CallCallbacks(RequestValidator(gateway.settings.twilio.auth_token), call.to, call.sid)


def _addresses(gateway: Gateway) -> Addresses:
    return Addresses(gateway.settings.server.public_url, "twilio")


def _attempt(send: Send) -> AttemptRef:
    return AttemptRef(send.verification_id, send.token)


def _aims(sqlite: float, postgres: float) -> Mapping[str, float]:
    return {"sqlite": sqlite, "postgres": postgres}


PATHS = (
    HotPath("start", "start a text, sent and drained", _aims(0.20, 0.20), CREATED, _start, drains=True),
    HotPath("check", "check a code", _aims(0.30, 0.30), APPROVED, _check),
    HotPath("fetch", "TwiML fetch", _aims(0.30, 0.25), _PROMPT, _fetch),
    HotPath("gather", "Gather callback, #", _aims(0.25, 0.25), _TWIML, _gather),
    HotPath("status", "call status callback", _aims(0.25, 0.25), _NO_CONTENT, _status),
    HotPath("show", "GET a verification, recent", _aims(0.55, 0.45), _SHOWN, _show),
    HotPath("old", "GET a verification, any stored", {}, _SHOWN, _show_old),
)
