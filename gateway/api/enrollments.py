"""The routes of enrollments."""

from http import HTTPStatus
from typing import Annotated

import msgspec
from aiohttp import web

from gateway.api.answers import json_answer
from gateway.api.bodies import parse, read_body
from gateway.api.door import Door, kept_answer, replayed
from gateway.api.openapi import Operation
from gateway.api.queries import text
from gateway.api.verifications import Locale
from gateway.api.views import EnrollmentView, enrollment_view
from gateway.domain.enrollment import Enrollment
from gateway.enrollments import Enrollments, Person
from gateway.ports import Application, Replay

User = Annotated[str, msgspec.Meta(min_length=1, max_length=254, pattern=r"^[^\x00-\x1f\x7f]+$")]


class CreateEnrollment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who to enroll; `user` is the application's own name for the person."""

    user: User
    display_name: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    locale: Locale | None = None


class EnrollmentRoutes:
    """Each handler reads the request, makes one journey, and shows the result."""

    def __init__(self, door: Door, journeys: Enrollments) -> None:
        self._door = door
        self._journeys = journeys

    def operations(self) -> list[Operation]:
        """List the routes."""
        return [
            Operation("GET", "/v1/enrollments/{id}", self.show, "Show an enrollment", None, EnrollmentView),
            Operation("POST", "/v1/enrollments", self.create, "Enroll a person", CreateEnrollment, EnrollmentView, 201),
            Operation("GET", "/v1/enrollments", self.find, "Find a user's enrollment", None, EnrollmentView),
        ]

    async def create(self, request: web.Request, application: Application) -> web.StreamResponse:
        """Enroll a person: 201 if the record is new, 200 if it was there."""
        raw = await read_body(request)
        body = parse(raw, CreateEnrollment, request.headers.get("Content-Type", ""))
        person = Person(body.user, body.display_name, body.locale)
        with self._door.receipt(request, application, raw, _receipt_answer) as receipt:
            result = await self._journeys.enroll(application, person, receipt)
        if isinstance(result, Replay):
            return replayed(result)
        enrollment, new = result
        return json_answer(enrollment_view(enrollment), HTTPStatus.CREATED if new else HTTPStatus.OK)

    async def show(self, request: web.Request, application: Application) -> web.StreamResponse:
        """Show an enrollment."""
        return json_answer(enrollment_view(await self._journeys.show(application, request.match_info["id"])))

    async def find(self, request: web.Request, application: Application) -> web.StreamResponse:
        """Find a user's enrollment."""
        return json_answer(enrollment_view(await self._journeys.find(application, text(request, "user") or "")))


def _receipt_answer(result: tuple[Enrollment, bool]) -> bytes:
    enrollment, new = result
    status = HTTPStatus.CREATED if new else HTTPStatus.OK
    return kept_answer(status.value, msgspec.json.encode(enrollment_view(enrollment)))
