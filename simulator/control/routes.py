"""The control API under `/v1`: for people and tests who hold the handsets and bend the network."""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web

from simulator.calls.line import ANSWERED, REJECTED, Line
from simulator.control.problems import Problem, read_json
from simulator.faults import Faults
from simulator.handsets import Handset
from simulator.json_response import json_response
from simulator.network import NETWORK, Network
from simulator.numbers import is_e164
from simulator.personas import PERSONAS
from simulator.whole_numbers import read_whole_number

routes = web.RouteTableDef()


class PersonaChoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who is to hold a handset."""

    persona: str


class KeyPresses(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keys to press on a call, one after the other."""

    digits: Annotated[str, msgspec.Meta(pattern="^[0-9*#]{1,100}$")]


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text to send from a handset."""

    to: str
    body: Annotated[str, msgspec.Meta(min_length=1, max_length=1600)]


class Speed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How fast the network's clock runs, see `simulator.clock.Clock`."""

    speed: Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]


@routes.get("/v1/handsets")
async def list_handsets(request: web.Request) -> web.Response:
    """Show all handsets seen so far."""
    return json_response({"handsets": [handset.state() for handset in request.app[NETWORK].handsets]})


@routes.get("/v1/handsets/{number}")
async def show_handset(request: web.Request) -> web.Response:
    """Show one handset, also one that nobody has used yet."""
    return json_response(_handset(request).state())


@routes.put("/v1/handsets/{number}")
async def change_persona(request: web.Request) -> web.Response:
    """Give a handset to somebody else, from the next call on."""
    choice = await read_json(request, PersonaChoice)
    if choice.persona not in PERSONAS:
        raise Problem(422, "unknown_persona", f"persona is one of: {', '.join(PERSONAS)}")
    number = _handset(request).number
    return json_response(request.app[NETWORK].handsets.give_persona(number, choice.persona).state())


@routes.post("/v1/handsets/{number}/messages")
async def send_text(request: web.Request) -> web.Response:
    """Send a text from a handset to one of the account's numbers."""
    network, text = request.app[NETWORK], await read_json(request, Text)
    number = _handset(request).number
    if text.to not in network.config.numbers:
        raise Problem(422, "unknown_number", f"to is one of: {', '.join(network.config.numbers)}")
    message = network.inbox.receive(number, text.to, text.body)
    return json_response(message.on_handset(), status=201)


@routes.post("/v1/handsets/{number}/calls/{sid}/answer")
async def answer(request: web.Request) -> web.Response:
    """Take a ringing call."""
    line = _ringing(request)
    line.decide(ANSWERED)
    await line.settled.wait()
    return json_response(_handset(request).state())


@routes.post("/v1/handsets/{number}/calls/{sid}/reject")
async def reject(request: web.Request) -> web.Response:
    """Turn a ringing call away."""
    line = _ringing(request)
    line.decide(REJECTED)
    await line.settled.wait()
    return json_response(_handset(request).state())


@routes.post("/v1/handsets/{number}/calls/{sid}/hangup")
async def hang_up(request: web.Request) -> web.Response:
    """End a call in progress."""
    line = _in_progress(request)
    line.hang_up()
    await line.over.wait()
    return json_response(_handset(request).state())


@routes.post("/v1/handsets/{number}/calls/{sid}/digits")
async def press_keys(request: web.Request) -> web.Response:
    """Press keys on a call in progress; nobody hears them while no Gather takes keys."""
    presses = await read_json(request, KeyPresses)
    _in_progress(request).press(presses.digits)
    return json_response(_handset(request).state())


@routes.get("/v1/faults")
async def show_faults(request: web.Request) -> web.Response:
    """Show the faults in force, with what is left of their counts."""
    return json_response(request.app[NETWORK].faults.current)


@routes.put("/v1/faults")
async def change_faults(request: web.Request) -> web.Response:
    """Replace all faults; `{}` clears them."""
    network = request.app[NETWORK]
    network.faults.current = await read_json(request, Faults)
    return json_response(network.faults.current)


@routes.get("/v1/clock")
async def show_clock(request: web.Request) -> web.Response:
    """Show the clock's speed."""
    return json_response(Speed(request.app[NETWORK].clock.speed))


@routes.put("/v1/clock")
async def change_clock(request: web.Request) -> web.Response:
    """Change the clock's speed, for calls under way too."""
    change = await read_json(request, Speed)
    request.app[NETWORK].clock.set_speed(change.speed)
    return json_response(change)


@routes.get("/v1/exchanges")
async def list_exchanges(request: web.Request) -> web.Response:
    """Show the last REST requests, fetches and callbacks, oldest first; `?after=ID` only those after one."""
    after = read_whole_number(request.query.get("after", "0"))
    if after is None:
        raise Problem(422, "invalid_field", "after is the id of an exchange")
    return json_response({"exchanges": request.app[NETWORK].exchanges.since(after)})


def _handset(request: web.Request) -> Handset:
    number = request.match_info["number"]
    if not is_e164(number):
        raise Problem(404, "unknown_handset", "a handset's number is + and 7 to 15 digits")
    return request.app[NETWORK].handsets.find(number)


def _ringing(request: web.Request) -> Line:
    return _line(request, "ringing")


def _in_progress(request: web.Request) -> Line:
    return _line(request, "in-progress")


def _line(request: web.Request, status: str) -> Line:
    """Return the line of a call that this handset is in and that has the status."""
    network: Network = request.app[NETWORK]
    call = network.switchboard.calls.find(request.match_info["sid"])
    if call is None or call.to != _handset(request).number:
        raise Problem(404, "unknown_call", "this handset has no such call")
    line = network.switchboard.line(call)
    if line is None or call.status != status:
        raise Problem(409, "wrong_call_status", f"the call is {call.status}, not {status}")
    return line
