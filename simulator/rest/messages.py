"""The Messages resource of the REST API."""

from __future__ import annotations

import re
from datetime import datetime

from aiohttp import web

from simulator.json_response import json_response
from simulator.network import NETWORK, Network
from simulator.numbers import MESSAGE_FROM_ERRORS, MESSAGE_TO_ERRORS, is_e164
from simulator.rest.errors import ApiError
from simulator.rest.forms import Form
from simulator.rest.pagination import DateRange, write_page
from simulator.texts.message import Message

routes = web.RouteTableDef()

_MESSAGING_SERVICE_SID = re.compile(r"MG[0-9a-fA-F]{32}")
_LONGEST_BODY = 1600
"""Characters (Twilio: Message, Body)."""


@routes.post("/Accounts/{account}/Messages.json")
async def create(request: web.Request) -> web.Response:
    """Send a text."""
    network = request.config_dict[NETWORK]
    form = await Form.of(request)
    message = network.carrier.submit(
        request.match_info["account"],
        _sender(network, form),
        _recipient(network, form),
        _body(form),
        messaging_service_sid=_messaging_service(form),
        status_callback=form.address("StatusCallback", 21609),
        send_at=_send_at(form),
    )
    return json_response(message.resource(), status=201)


@routes.get("/Accounts/{account}/Messages.json")
async def show_list(request: web.Request) -> web.Response:
    """List texts, newest first."""
    account, query = request.match_info["account"], request.query
    sent = DateRange(query, "DateSent", before_includes_day=True)
    matching = (
        message
        for message in request.config_dict[NETWORK].carrier.messages.newest_first()
        if message.account_sid == account
        and query.get("To", message.to) == message.to
        and query.get("From", message.sender) == message.sender
        and sent.holds(message.sent or message.created)
    )
    return json_response(write_page(request.path, "messages", query, matching, Message.resource))


@routes.get("/Accounts/{account}/Messages/{sid}.json")
async def show(request: web.Request) -> web.Response:
    """Show one text."""
    return json_response(_find(request).resource())


@routes.post("/Accounts/{account}/Messages/{sid}.json")
async def update(request: web.Request) -> web.Response:
    """Cancel a scheduled text, or empty the body of a finished one (Twilio: Message, update)."""
    message = _find(request)
    form = await Form.of(request)
    if form.choice("Status", ("canceled",)):
        if message.status != "scheduled":
            raise ApiError(30409)
        message.become("canceled")
    if form.text("Body") == "":
        if not message.finished:
            raise ApiError(20009)
        message.body = ""
    elif form.text("Body"):
        raise ApiError(20001, detail="Body can only be emptied")
    request.config_dict[NETWORK].handsets.changed(message.to)
    return json_response(message.resource())


@routes.delete("/Accounts/{account}/Messages/{sid}.json")
async def delete(request: web.Request) -> web.Response:
    """Delete a finished text."""
    message = _find(request)
    if not message.finished:
        raise ApiError(20009)
    request.config_dict[NETWORK].carrier.messages.remove(message.sid)
    return web.Response(status=204)


def _find(request: web.Request) -> Message:
    message = request.config_dict[NETWORK].carrier.messages.find(request.match_info["sid"])
    if message is None or message.account_sid != request.match_info["account"]:
        raise ApiError(20404, detail=request.path)
    return message


def _recipient(network: Network, form: Form) -> str:
    to = form.text("To")
    if not to:
        raise ApiError(21604)
    if code := MESSAGE_TO_ERRORS.get(to):
        raise ApiError(code, detail=to)
    if not is_e164(to):
        raise ApiError(21211, detail=to)
    sender = form.text("From")
    if to == sender:
        raise ApiError(21266)
    if network.carrier.has_opted_out(sender or network.config.numbers[0], to):
        raise ApiError(21610, detail=to)
    return to


def _sender(network: Network, form: Form) -> str | None:
    """Return the number to send from; None when a Messaging Service is to pick one."""
    sender = form.text("From")
    if not sender:
        if _messaging_service(form):
            return None
        raise ApiError(21603)
    if code := MESSAGE_FROM_ERRORS.get(sender):
        raise ApiError(code, detail=sender)
    if not is_e164(sender):
        raise ApiError(21212, detail=sender)
    if sender not in network.config.numbers:
        raise ApiError(21606, detail=sender)
    return sender


def _messaging_service(form: Form) -> str | None:
    sid = form.text("MessagingServiceSid")
    if sid and not _MESSAGING_SERVICE_SID.fullmatch(sid):
        raise ApiError(21701, detail=sid)
    return sid or None


def _body(form: Form) -> str:
    body = form.text("Body")
    if not body:
        raise ApiError(21602)
    if len(body) > _LONGEST_BODY:
        raise ApiError(21617)
    return body


def _send_at(form: Form) -> datetime | None:
    """Return when to send a scheduled text (Twilio: Message Scheduling, ScheduleType and SendAt)."""
    text = form.text("SendAt")
    if form.choice("ScheduleType", ("fixed",)) is None or text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ApiError(20001, detail="SendAt") from error
    if moment.tzinfo is None or _messaging_service(form) is None:
        raise ApiError(20001, detail="SendAt needs a time zone and a MessagingServiceSid")
    return moment
