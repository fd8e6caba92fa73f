"""The provider's REST API under `/2010-04-01`: who may ask, and what every request has in common."""

from __future__ import annotations

import base64
import hmac
import re

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from simulator.network import NETWORK
from simulator.records import API_VERSION
from simulator.rest import calls, messages
from simulator.rest.errors import ApiError
from simulator.rest.forms import Form
from simulator.rest.misbehaviour import misbehave

_ACCOUNT_SID = re.compile(r"AC[0-9a-fA-F]{32}")
_ACCOUNT_PATH = re.compile(f"/{API_VERSION}/Accounts/([^/]+)/")


def build_rest() -> web.Application:
    """Return the application to mount at `/2010-04-01`."""
    app = web.Application(middlewares=[log_exchange, misbehave, answer_errors, authenticate])
    app.add_routes(messages.routes)
    app.add_routes(calls.routes)
    return app


@web.middleware
async def log_exchange(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Keep each request and its answer; headers, and so credentials, are left out."""
    response = await handler(request)
    body = response.body if isinstance(response, web.Response) and isinstance(response.body, bytes) else b""
    try:
        form = (await Form.of(request)).pairs()
    except (ApiError, web.HTTPException):
        form = []  # the answer says what is wrong with it
    request.config_dict[NETWORK].exchanges.log(
        "api", request.method, request.path_qs, form=form, status=response.status, body=body
    )
    return response


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Write every refusal as the provider does."""
    try:
        return await handler(request)
    except ApiError as error:
        return error.response()
    except web.HTTPMethodNotAllowed:
        return ApiError(20004).response()
    except web.HTTPNotFound:
        return ApiError(20404, detail=request.path).response()
    except web.HTTPClientError as error:
        return ApiError(20001, detail=error.reason, status=error.status).response()


@web.middleware
async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let in the account of the path or an API key, each with the network's token (Twilio: REST API, HTTP Basic)."""
    account = _ACCOUNT_PATH.match(request.path)
    if account and not _may_ask(request, account[1]):
        raise ApiError(20003)
    return await handler(request)


def _may_ask(request: web.Request, account_sid: str) -> bool:
    scheme, _, encoded = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return False
    token = request.config_dict[NETWORK].config.auth_token
    is_user = user == account_sid or user.startswith("SK")
    has_token = scheme.lower() == "basic" and hmac.compare_digest(password.encode(), token.encode())
    return is_user and has_token and _ACCOUNT_SID.fullmatch(account_sid) is not None
