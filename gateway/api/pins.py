"""The routes of a person's PIN."""

from typing import Annotated

import msgspec
from aiohttp import web

from gateway.api.bodies import parse, read_body
from gateway.api.enrollment_views import EnrollmentView, enrollment_view
from gateway.api.openapi import Operation
from gateway.api.responses import json_response, no_content
from gateway.clock import Clock
from gateway.domain.api_keys import Application
from gateway.services.pins import Pins


class SetPin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The PIN that the person is to key in the first time, 4 to 10 digits."""

    pin: Annotated[str, msgspec.Meta(max_length=64)]

    def __repr__(self) -> str:
        return "SetPin(…)"


class PinRoutes:
    """Each handler reads the request, calls one use case, and returns the result."""

    def __init__(self, pins: Pins, clock: Clock) -> None:
        self._pins = pins
        self._clock = clock

    def operations(self) -> list[Operation]:
        """List the routes."""
        path = "/v1/enrollments/{id}/pin"
        return [
            Operation(
                "PUT", path, self.set_pin, "Set a person's PIN, to be changed at first use", SetPin, EnrollmentView
            ),
            Operation("DELETE", path, self.remove_pin, "Take a person's PIN away", None, None, 204),
        ]

    async def set_pin(self, request: web.Request, application: Application) -> web.StreamResponse:
        """Set a person's PIN."""
        body = parse(await read_body(request), SetPin, request.headers.get("Content-Type", ""))
        enrollment = await self._pins.set_initial(application, request.match_info["id"], body.pin)
        return json_response(enrollment_view(enrollment, self._clock()))

    async def remove_pin(self, request: web.Request, application: Application) -> web.StreamResponse:
        """Remove a person's PIN."""
        await self._pins.remove(application, request.match_info["id"])
        return no_content()
