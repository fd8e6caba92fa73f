"""Responses of the API, and the key of a request's id."""

from http import HTTPStatus

import msgspec
from aiohttp import web

REQUEST_ID = web.RequestKey("request_id", str)

_JSON = {"Content-Type": "application/json"}


def json_response(view: msgspec.Struct, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    """Return a view as a JSON response."""
    return web.Response(status=status.value, body=msgspec.json.encode(view), headers=_JSON)


def encoded_response(body: bytes) -> web.Response:
    """Return encoded JSON as a response (200)."""
    return web.Response(body=body, headers=_JSON)


def no_content() -> web.Response:
    """Return an empty response (204)."""
    return web.Response(status=HTTPStatus.NO_CONTENT.value)
