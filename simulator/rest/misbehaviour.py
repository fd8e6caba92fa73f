"""The REST API's misbehaviour on request, see `simulator.faults.ApiFault`."""

from __future__ import annotations

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from simulator.faults import ApiFault
from simulator.json_response import json_response
from simulator.network import NETWORK
from simulator.rest.errors import ApiError

_CODES = {429: 20429, 500: 20500, 503: 20503}
_HUGE_CHUNK = b" " * 65_536
_HUGE_CHUNKS = 3_200
"""With the chunk's size, 200 MB."""
_LOOK_SECONDS = 0.02
"""How often to look whether a client that waits for ever is still there."""


@web.middleware
async def misbehave(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Obey the fault in force, if it hits the request."""
    network = request.config_dict[NETWORK]
    fault = network.faults.current.api
    if fault is None or not fault.hits(request.method):
        return await handler(request)
    await network.pause(fault.delay_ms / 1000)
    if fault.hang == "connect":
        await _hang(request)
    response = _refusal(fault) if fault.refuses or fault.hang == "connect" else await handler(request)
    await network.pause(fault.answer_delay_ms / 1000)
    if fault.status is not None:
        response.set_status(fault.status)
    if fault.retry_after is not None:
        response.headers["Retry-After"] = str(fault.retry_after)
    if fault.hang == "after":
        await _hang(request)
    if fault.lose_answer and request.transport:
        request.transport.abort()
    return await _spoil(request, response, fault)


def _refusal(fault: ApiFault) -> web.StreamResponse:
    status = fault.status or 503
    return ApiError(fault.error_code or _CODES.get(status, 20001), status=status).response()


async def _spoil(request: web.Request, response: web.StreamResponse, fault: ApiFault) -> web.StreamResponse:
    """Return the response with the body that the fault asks for."""
    body = response.body if isinstance(response, web.Response) and isinstance(response.body, bytes) else b""
    status = response.status
    if fault.hang == "body":
        return await _stop_halfway(request, status, body)
    match fault.body:
        case "html":
            page = "<html><body><h1>Bad Gateway</h1></body></html>"
            response = web.Response(text=page, content_type="text/html", status=status)
        case "broken_json":
            response = web.Response(body=body[: len(body) // 2], content_type="application/json", status=status)
        case "no_sid":
            resource = msgspec.json.decode(body or b"{}")
            resource.pop("sid", None)
            response = json_response(resource, status=status)
        case "huge":
            response = await _answer_hugely(request, status)
        case "redirect":
            response = web.Response(status=307, headers={"Location": request.path_qs})
        case None:
            pass
    return response


async def _stop_halfway(request: web.Request, status: int, body: bytes) -> web.StreamResponse:
    response = web.StreamResponse(status=status, headers={"Content-Type": "application/json"})
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    await _hang(request)
    return response


async def _answer_hugely(request: web.Request, status: int) -> web.StreamResponse:
    """Answer with JSON that begins with 200 MB of white space, for as long as the client reads it."""
    response = web.StreamResponse(status=status, headers={"Content-Type": "application/json"})
    await response.prepare(request)
    for _ in range(_HUGE_CHUNKS):
        if _is_gone(request):
            break
        await response.write(_HUGE_CHUNK)
    await response.write(b"{}")
    return response


async def _hang(request: web.Request) -> None:
    """Wait until the client gives up or the network closes."""
    network = request.config_dict[NETWORK]
    while not (_is_gone(request) or network.closing.done()):
        await network.pause(_LOOK_SECONDS)


def _is_gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()
