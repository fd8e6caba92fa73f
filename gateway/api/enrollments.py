"""The routes of a person's record."""

from http import HTTPStatus
from typing import Annotated

import msgspec
from aiohttp import web

from gateway.api.auth import ApiKeyAuth, stored_as
from gateway.api.bodies import parse, read_body
from gateway.api.enrollment_views import (
    EnrollmentEventList,
    EnrollmentView,
    PolicyView,
    enrollment_event_view,
    enrollment_view,
    policy_view,
)
from gateway.api.openapi import Operation
from gateway.api.queries import SequenceNumber, ShortText, read_query
from gateway.api.responses import json_response, no_content
from gateway.api.verifications import Locale
from gateway.clock import Clock
from gateway.domain.api_keys import Application
from gateway.domain.enrollment import DefaultMethod, Enrollment
from gateway.domain.verification import Channel
from gateway.services.enrollments import Amendment, Enrollments, Person

Line = Annotated[str, msgspec.Meta(min_length=1, max_length=254, pattern=r"^[^\x00-\x1f\x7f]+$(?!\n)")]
Name = Annotated[str, msgspec.Meta(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$(?!\n)")]
Groups = Annotated[
    tuple[Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$(?!\n)")], ...],
    msgspec.Meta(max_length=20),
]


class CreateEnrollment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who to enroll; `user` is the application's own name for the person, `groups` are those that a policy names."""

    user: Line
    display_name: Name | None = None
    locale: Locale | None = None
    groups: Groups = ()


class ChosenMethod(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the person is to be reached."""

    phone_id: Annotated[str, msgspec.Meta(max_length=64)]
    channel: Channel


class AmendEnrollment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be different; what is left out stays as it is."""

    display_name: Name | msgspec.UnsetType | None = msgspec.UNSET
    locale: Locale | msgspec.UnsetType | None = msgspec.UNSET
    groups: Groups | msgspec.UnsetType = msgspec.UNSET
    default_method: ChosenMethod | msgspec.UnsetType = msgspec.UNSET


class Block(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why, and for how many seconds; without them, until somebody ends it."""

    reason: Line
    seconds: Annotated[int, msgspec.Meta(ge=1, le=315_360_000)] | None = None


class WithReason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why."""

    reason: Line


class FindEnrollmentQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose."""

    user: Annotated[ShortText, msgspec.Meta(min_length=1, description="The application's own name for the person.")]


class RemovePhoneQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why it goes."""

    lost: Annotated[bool, msgspec.Meta(description="Whether somebody else may have the phone.")] = False


class ListEnrollmentEventsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From where on."""

    starting_after: Annotated[SequenceNumber, msgspec.Meta(description="Only entries behind this sequence.")] = 0


class EnrollmentRoutes:
    """Each handler reads the request, runs one use case, and shows the result."""

    def __init__(self, api_key_auth: ApiKeyAuth, enrollments: Enrollments, clock: Clock) -> None:
        self._api_key_auth = api_key_auth
        self._enrollments = enrollments
        self._clock = clock

    def operations(self) -> list[Operation]:
        """List the routes."""
        every, one, view = "/v1/enrollments", "/v1/enrollments/{id}", EnrollmentView
        phone = f"{one}/phones/{{phone_id}}"
        return [
            Operation("GET", one, self.show, "Show an enrollment", None, view),
            Operation(
                "POST",
                every,
                self.create,
                "Enroll a person",
                CreateEnrollment,
                view,
                201,
                idempotent=True,
                existing_status=200,
            ),
            Operation("GET", every, self.find, "Find a user's enrollment", None, view, query=FindEnrollmentQuery),
            Operation("PATCH", one, self.amend, "Change an enrollment", AmendEnrollment, view),
            Operation("DELETE", one, self.remove, "Remove an enrollment with all that hangs on it", None, None, 204),
            Operation("DELETE", phone, self.remove_phone, "Remove a phone", None, None, 204, query=RemovePhoneQuery),
            Operation("POST", f"{one}/block", self.block, "Lock a person out", Block, view),
            Operation("POST", f"{one}/unblock", self.unblock, "Let a person in again", WithReason, view),
            Operation("POST", f"{one}/reset", self.reset, "Let a person start over", WithReason, view),
            Operation("GET", f"{one}/policy", self.explain, "Say what a person may do", None, PolicyView),
            Operation(
                "GET",
                f"{one}/events",
                self.events,
                "List the record's journal",
                None,
                EnrollmentEventList,
                query=ListEnrollmentEventsQuery,
            ),
        ]

    async def create(self, request: web.Request, application: Application) -> web.StreamResponse:
        """Enroll a person: 201 if the record is new, 200 if it was there."""
        raw = await read_body(request)
        body = parse(raw, CreateEnrollment, request.headers.get("Content-Type", ""))
        person = Person(body.user, body.display_name, body.locale, body.groups)
        with self._api_key_auth.idempotency_key(request, application, raw, self._stored) as key:
            enrollment, new = await self._enrollments.enroll(application, person, key)
        return self._shown(enrollment, HTTPStatus.CREATED if new else HTTPStatus.OK)

    async def show(self, request: web.Request, application: Application) -> web.StreamResponse:
        """Show an enrollment."""
        return self._shown(await self._enrollments.show(application, request.match_info["id"]))

    async def find(self, request: web.Request, application: Application) -> web.StreamResponse:
        """Find a user's enrollment."""
        return self._shown(await self._enrollments.find(application, read_query(request, FindEnrollmentQuery).user))

    async def amend(self, request: web.Request, application: Application) -> web.StreamResponse:
        """Change an enrollment."""
        body = parse(await read_body(request), AmendEnrollment, request.headers.get("Content-Type", ""))
        chosen = body.default_method
        method = DefaultMethod(chosen.phone_id, chosen.channel) if isinstance(chosen, ChosenMethod) else msgspec.UNSET
        amendment = Amendment(body.display_name, body.locale, body.groups, method)
        return self._shown(await self._enrollments.amend(application, request.match_info["id"], amendment))

    async def remove(self, request: web.Request, application: Application) -> web.StreamResponse:
        """Remove an enrollment."""
        await self._enrollments.remove(application, request.match_info["id"])
        return no_content()

    async def remove_phone(self, request: web.Request, application: Application) -> web.StreamResponse:
        """Remove a phone."""
        query = read_query(request, RemovePhoneQuery)
        enrollment_id, phone_id = request.match_info["id"], request.match_info["phone_id"]
        await self._enrollments.remove_phone(application, enrollment_id, phone_id, lost=query.lost)
        return no_content()

    async def block(self, request: web.Request, application: Application) -> web.StreamResponse:
        """Lock a person out."""
        body = parse(await read_body(request), Block, request.headers.get("Content-Type", ""))
        enrollment_id = request.match_info["id"]
        return self._shown(await self._enrollments.block(application, enrollment_id, body.reason, body.seconds))

    async def unblock(self, request: web.Request, application: Application) -> web.StreamResponse:
        """Let a person in again."""
        body = parse(await read_body(request), WithReason, request.headers.get("Content-Type", ""))
        return self._shown(await self._enrollments.unblock(application, request.match_info["id"], body.reason))

    async def reset(self, request: web.Request, application: Application) -> web.StreamResponse:
        """Let a person start over."""
        body = parse(await read_body(request), WithReason, request.headers.get("Content-Type", ""))
        return self._shown(await self._enrollments.reset(application, request.match_info["id"], body.reason))

    async def explain(self, request: web.Request, application: Application) -> web.StreamResponse:
        """Say what a person may do, and if not, why not."""
        enrollment_id = request.match_info["id"]
        return json_response(policy_view(enrollment_id, await self._enrollments.explain(application, enrollment_id)))

    async def events(self, request: web.Request, application: Application) -> web.StreamResponse:
        """List the record's journal, oldest first."""
        enrollment_id = request.match_info["id"]
        after = read_query(request, ListEnrollmentEventsQuery).starting_after
        entries = await self._enrollments.history(application, enrollment_id, after)
        return json_response(
            EnrollmentEventList(data=[enrollment_event_view(enrollment_id, entry) for entry in entries])
        )

    def _shown(self, enrollment: Enrollment, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
        return json_response(enrollment_view(enrollment, self._clock()), status)

    def _stored(self, result: tuple[Enrollment, bool]) -> bytes:
        enrollment, new = result
        status = HTTPStatus.CREATED if new else HTTPStatus.OK
        return stored_as(status, lambda person: enrollment_view(person, self._clock()))(enrollment)
