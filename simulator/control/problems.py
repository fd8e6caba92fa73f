"""The control API's errors (RFC 9457), and the reading of its JSON requests."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

B = TypeVar("B")


class Problem(Exception):
    """A request that the control API refuses."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        """Refuse.

        Args:
            status: HTTP status.
            code: Stable word for programs.
            detail: A sentence for people.
        """
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail

    def response(self) -> web.Response:
        """Return the answer as `application/problem+json`."""
        return web.Response(
            body=msgspec.json.encode(
                {
                    "type": "about:blank",
                    "title": self.code.replace("_", " ").capitalize(),
                    "status": self.status,
                    "detail": self.detail,
                    "code": self.code,
                }
            ),
            status=self.status,
            content_type="application/problem+json",
        )


@web.middleware
async def answer_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Write every refusal as a problem."""
    try:
        return await handler(request)
    except Problem as problem:
        return problem.response()
    except web.HTTPClientError as error:
        return Problem(error.status, error.reason.lower().replace(" ", "_"), error.reason).response()


async def read_json(request: web.Request, shape: type[B]) -> B:
    """Read a JSON body of the given shape.

    Raises:
        Problem: 400 when it is not JSON, 422 when it has another shape.
    """
    try:
        return msgspec.json.decode(await request.read(), type=shape)
    except msgspec.ValidationError as error:
        raise Problem(422, "invalid_field", str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(400, "invalid_json", str(error)) from error
