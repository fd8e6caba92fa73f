"""How a view becomes an answer, and under which id."""

from http import HTTPStatus

import msgspec
from aiohttp import web

REQUEST_ID = web.RequestKey("request_id", str)

_JSON = {"Content-Type": "application/json"}


def json_response(view: msgspec.Struct, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    """Answer with a view as JSON."""
    return web.Response(status=status.value, body=msgspec.json.encode(view), headers=_JSON)


def encoded_response(body: bytes) -> web.Response:
    """Answer with JSON that is ready."""
    return web.Response(body=body, headers=_JSON)


def no_content() -> web.Response:
    """Answer that it is done, and that there is nothing to show."""
    return web.Response(status=HTTPStatus.NO_CONTENT.value)
