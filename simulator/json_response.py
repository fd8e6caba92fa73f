"""JSON answers, written by msgspec."""

from __future__ import annotations

import msgspec
from aiohttp import web


def json_response(content: object, *, status: int = 200) -> web.Response:
    """Return JSON values as an answer."""
    return web.Response(body=msgspec.json.encode(content), status=status, content_type="application/json")
