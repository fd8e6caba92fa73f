"""The provider's REST API: who may ask, and what every request has in common."""

from __future__ import annotations

import base64
import hmac
import re

import msgspec
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from simulator.json_response import json_response
from simulator.network import NETWORK
from simulator.rest import calls, messages, texml
from simulator.rest.errors import ApiError
from simulator.rest.forms import Form
from simulator.rest.misbehaviour import misbehave

_ACCOUNT_PATH = re.compile("/Accounts/([^/]+)/")


def build_rest(dialect: str) -> web.Application:
    """Return the application to mount at the root of a dialect."""
    app = web.Application(middlewares=[log_exchange, misbehave, speak, answer_errors, authenticate])
    if dialect == "telnyx":
        app.add_routes(texml.routes)
    else:
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
async def speak(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Write every answer as the network's provider does."""
    response = await handler(request)
    dialect = request.config_dict[NETWORK].config.spoken
    if not isinstance(response, web.Response) or not isinstance(response.body, bytes) or not response.body:
        return response
    content = msgspec.json.decode(response.body)
    return json_response(dialect.answer(content, response.status), status=response.status)


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
    """Let in the account of the path, or an API key, with the network's token (Twilio: REST API, HTTP Basic)."""
    account = _ACCOUNT_PATH.search(request.path)
    if account and not _may_ask(request, account[1]):
        raise ApiError(20003)
    return await handler(request)


def _may_ask(request: web.Request, account_sid: str) -> bool:
    config = request.config_dict[NETWORK].config
    scheme, _, encoded = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    if config.spoken.account.fullmatch(account_sid) is None:
        return False
    if config.spoken.bearer:
        return scheme.lower() == "bearer" and hmac.compare_digest(encoded.encode(), config.auth_token.encode())
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return False
    is_user = user == account_sid or user.startswith("SK")
    return is_user and scheme.lower() == "basic" and hmac.compare_digest(password.encode(), config.auth_token.encode())
