"""The Calls resource of the REST API."""

from __future__ import annotations

import re

import msgspec
from aiohttp import web

from simulator.calls.call import Call, CallOrder, DocumentSource, MachineDetection
from simulator.json_response import json_response
from simulator.network import NETWORK, Network
from simulator.numbers import CALL_FROM_ERRORS, CALL_TO_ERRORS, is_e164
from simulator.rest.errors import ApiError
from simulator.rest.forms import Form
from simulator.rest.pagination import DateRange, write_page

routes = web.RouteTableDef()

_EVENTS = frozenset({"initiated", "ringing", "answered", "completed"})
_STATUSES = frozenset({"queued", "ringing", "in-progress", "completed", "busy", "failed", "no-answer", "canceled"})
_SEND_DIGITS = re.compile(r"[0-9A-D#*wW]{1,32}")
_LONGEST_TWIML = 4000
"""Characters (Twilio: Call, Twiml)."""
_LONGEST_RING = 600
_LONGEST_CALL = 86_400
_USUAL_LIMIT = 14_400
"""Seconds (Twilio: Call, TimeLimit)."""


@routes.post("/Accounts/{account}/Calls.json")
async def create(request: web.Request) -> web.Response:
    """Place a call."""
    return json_response(place(request, await Form.of(request)).resource(), status=201)


@routes.get("/Accounts/{account}/Calls.json")
async def show_list(request: web.Request) -> web.Response:
    """List calls, newest first."""
    account, query = request.match_info["account"], request.query
    if query.get("Status", "queued") not in _STATUSES:
        raise ApiError(20001, detail="Status")
    started = DateRange(query, "StartTime", before_includes_day=False)
    ended = DateRange(query, "EndTime", before_includes_day=False)
    matching = (
        call
        for call in request.config_dict[NETWORK].switchboard.calls.newest_first()
        if call.account_sid == account
        and query.get("To", call.to) == call.to
        and query.get("From", call.caller) == call.caller
        and query.get("Status", call.status) == call.status
        and "ParentCallSid" not in query  # no call of this network has a parent
        and started.holds(call.started or call.created)
        and ended.holds(call.ended)
    )
    return json_response(write_page(request.path, "calls", query, matching, Call.resource))


@routes.get("/Accounts/{account}/Calls/{sid}.json")
async def show(request: web.Request) -> web.Response:
    """Show one call."""
    return json_response(_find(request).resource())


@routes.post("/Accounts/{account}/Calls/{sid}.json")
async def update(request: web.Request) -> web.Response:
    """End a call, give it another document, or change where it reports (Twilio: Call, update)."""
    call = _find(request)
    form = await Form.of(request)
    line = request.config_dict[NETWORK].switchboard.line(call)
    if line is None:
        raise ApiError(21220, detail="the call is over")
    status, script = form.choice("Status", ("canceled", "completed")), _script(form)
    call.order = _changed_order(call.order, form)
    if status == "completed" or (status and line.pickup is None):
        line.hang_up()
        await line.over.wait()
    elif script:
        if call.status != "in-progress":
            raise ApiError(21220, detail="the call is not in progress")
        line.redirect(script)
    return json_response(call.resource())


@routes.delete("/Accounts/{account}/Calls/{sid}.json")
async def delete(request: web.Request) -> web.Response:
    """Delete a finished call."""
    call = _find(request)
    if not call.finished:
        raise ApiError(20009)
    request.config_dict[NETWORK].switchboard.calls.remove(call.sid)
    return web.Response(status=204)


def place(request: web.Request, form: Form) -> Call:
    """Place the call that a form asks for.

    Raises:
        ApiError: A field is missing or wrong.
    """
    network = request.config_dict[NETWORK]
    caller, to = _caller(network, form), _callee(form)
    return network.switchboard.place(request.match_info["account"], caller, to, _order(network, form))


def _find(request: web.Request) -> Call:
    call = request.config_dict[NETWORK].switchboard.calls.find(request.match_info["sid"])
    if call is None or call.account_sid != request.match_info["account"]:
        raise ApiError(20404, detail=request.path)
    return call


def _callee(form: Form) -> str:
    to = form.text("To")
    if not to:
        raise ApiError(21201)
    if code := CALL_TO_ERRORS.get(to):
        raise ApiError(code, detail=to)
    if not is_e164(to):
        raise ApiError(21211, detail=to)
    if to == form.text("From"):
        raise ApiError(21266)
    return to


def _caller(network: Network, form: Form) -> str:
    caller = form.text("From")
    if not caller:
        raise ApiError(21213)
    if code := CALL_FROM_ERRORS.get(caller):
        raise ApiError(code, detail=caller)
    if not is_e164(caller):
        raise ApiError(21212, detail=caller)
    if caller not in network.config.numbers:
        raise ApiError(21210, detail=caller)
    return caller


def _order(network: Network, form: Form) -> CallOrder:
    """Read the order of a call.

    Raises:
        ApiError: There is no document, or a field is wrong.
    """
    script = _script(form)
    if script is None:
        raise ApiError(21205, detail="Url or Twiml is required")
    send_digits = form.text("SendDigits")
    if send_digits and not _SEND_DIGITS.fullmatch(send_digits):
        raise ApiError(21206)
    order = CallOrder(
        script=script,
        ring_timeout=form.number("Timeout", network.config.ring_timeout, lowest=1, highest=_LONGEST_RING),
        time_limit=form.number("TimeLimit", _USUAL_LIMIT, lowest=1, highest=_LONGEST_CALL),
        status_callback_events=_events(form),
        send_digits=send_digits or None,
        machine_detection=_machine_detection(form),
    )
    return _changed_order(order, form)


def _changed_order(order: CallOrder, form: Form) -> CallOrder:
    """Return the order with those fields replaced that a request may give at any time."""
    if url := form.address("FallbackUrl", 21205):
        order = msgspec.structs.replace(order, fallback=DocumentSource(url=url, method=form.method("FallbackMethod")))
    if url := form.address("StatusCallback", 21205):
        method = form.method("StatusCallbackMethod")
        order = msgspec.structs.replace(order, status_callback=url, status_callback_method=method)
    return order


def _script(form: Form) -> DocumentSource | None:
    """Return the document that a request gives; Url wins over Twiml (Twilio: Call, Url)."""
    if url := form.address("Url", 21205):
        return DocumentSource(url=url, method=form.method("Method"))
    twiml = form.text("Twiml")
    if twiml is None:
        return None
    if len(twiml) > _LONGEST_TWIML:
        raise ApiError(32018)
    return DocumentSource(twiml=twiml)


def _events(form: Form) -> frozenset[str]:
    events = frozenset(form.texts("StatusCallbackEvent"))
    if unknown := events - _EVENTS:
        raise ApiError(20001, detail=f"StatusCallbackEvent {', '.join(sorted(unknown))}")
    return events or frozenset({"completed"})


def _machine_detection(form: Form) -> MachineDetection | None:
    kind = form.choice("MachineDetection", ("Enable", "DetectMessageEnd"))
    if kind is None:
        return None
    return MachineDetection(
        waits_for_end=kind == "DetectMessageEnd",
        in_background=form.choice("AsyncAmd", ("true", "false")) == "true",
        callback=form.address("AsyncAmdStatusCallback", 21205),
        callback_method=form.method("AsyncAmdStatusCallbackMethod"),
    )
