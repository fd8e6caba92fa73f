"""The calls of the network where it is Telnyx: the TeXML commands, whose creation takes JSON and tells no sid."""

from __future__ import annotations

from aiohttp import web
from multidict import MultiDict

from simulator.json_response import json_response
from simulator.rest import calls
from simulator.rest.errors import ApiError
from simulator.rest.forms import Form

routes = web.RouteTableDef()
routes.get("/Accounts/{account}/Calls")(calls.show_list)
routes.get("/Accounts/{account}/Calls/{sid}")(calls.show)
routes.post("/Accounts/{account}/Calls/{sid}")(calls.update)


@routes.post("/Accounts/{account}/Calls")
async def create(request: web.Request) -> web.Response:
    """Place a call through an application."""
    form = await Form.of(request)
    if not form.text("ApplicationSid"):
        raise ApiError(20001, detail="ApplicationSid")
    if form.text("SendDigits"):
        raise ApiError(20001, detail="SendDigits is not a parameter")
    call = calls.place(request, Form(_as_forms_have_it(form)))
    return json_response({"from": call.caller, "to": call.to, "status": call.status})


def _as_forms_have_it(form: Form) -> MultiDict[str]:
    """Return the fields under the names that forms have: the events one by one, the method of `Url` as `Method`."""
    fields = MultiDict(form.pairs())
    events = fields.popall("StatusCallbackEvent", [])
    fields.extend([("StatusCallbackEvent", event) for words in events for event in words.split()])
    if method := fields.pop("UrlMethod", None):
        fields["Method"] = method
    return fields
