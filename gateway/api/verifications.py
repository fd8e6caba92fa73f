"""The routes of verifications."""

import contextlib
from http import HTTPStatus
from typing import Annotated

import msgspec
from aiohttp import web

from gateway.api.auth import ApiKeyAuth, stored_as
from gateway.api.bodies import parse, read_body
from gateway.api.openapi import Operation
from gateway.api.problems import FieldError, Problem
from gateway.api.queries import Limit, SequenceNumber, ShortText, cursor_lookup, read_query
from gateway.api.responses import encoded_response, json_response
from gateway.api.streams import EVENT_STREAM, LAST_EVENT_ID, LongPollLimit, stream_events
from gateway.api.views import EventView, VerificationJsonCache, VerificationView, event_view, verification_view
from gateway.domain.api_keys import Application
from gateway.domain.commands import Created, VerificationRequest
from gateway.domain.fallback import MOST_STEPS, find_mistake
from gateway.domain.limits import Limits
from gateway.domain.listing import ListFilter
from gateway.domain.phone_number import PhoneNumber, parse_e164, parse_extension, parse_written
from gateway.domain.verification import Change, Channel, FallbackStep, Mode, Status
from gateway.services.verifications import Verifications

_HEARTBEAT = 15.0
_REVISION = "The revision that is known; by default that of now."
_CURSOR = "The id of the last one that is known: only older ones."
_ID = r"^ver_[0-9a-f]+$(?!\n)"

Locale = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8}){0,3}$(?!\n)")]
Metadata = Annotated[
    dict[Annotated[str, msgspec.Meta(max_length=40)], Annotated[str, msgspec.Meta(max_length=500)]],
    msgspec.Meta(max_length=20),
]
Fallback = Annotated[list[FallbackStep], msgspec.Meta(max_length=MOST_STEPS)]


class WrittenNumber(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A number as a person of `country` (ISO 3166 alpha-2) writes it."""

    country: str
    number: str
    extension: Annotated[str, msgspec.Meta(max_length=20)] | None = None


class CreateVerification(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to prove, and how. `to` is E.164, or a number as people write it.

    `fallback` lists the ways in their order, this one first; without it the policy decides, and [] means none.
    """

    to: Annotated[str, msgspec.Meta(max_length=64)] | WrittenNumber
    channel: Channel
    mode: Mode | None = None
    locale: Locale = "en"
    enrollment_id: Annotated[str, msgspec.Meta(max_length=64, pattern=r"^[^\x00]*$")] | None = None
    metadata: Metadata = {}
    fallback: Fallback | None = None


class CheckCode(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A code as the person typed it; spaces and hyphens do not matter."""

    code: Annotated[str, msgspec.Meta(max_length=64)]


class Resend(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another way, if the last one is not to be used again."""

    channel: Channel | None = None
    mode: Mode | None = None


class ShowVerificationQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether to wait, and for a change of what."""

    wait: Annotated[int, msgspec.Meta(ge=0, le=30, description="For how many seconds to wait for a change.")] = 0
    revision: Annotated[SequenceNumber, msgspec.Meta(description=_REVISION)] | None = None


class ListVerificationsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which verifications, and from where on."""

    to: Annotated[ShortText, msgspec.Meta(description="Only those to this number, in E.164.")] | None = None
    status: Annotated[Status, msgspec.Meta(description="Only those that stand so.")] | None = None
    limit: Limit = 20
    starting_after: Annotated[str, msgspec.Meta(max_length=64, pattern=_ID, description=_CURSOR)] | None = None


class VerificationList(msgspec.Struct, frozen=True, kw_only=True):
    """A page, newest first; `starting_after` the last id gives the next one."""

    object: str = "list"
    data: list[VerificationView]
    has_more: bool


class EventList(msgspec.Struct, frozen=True, kw_only=True):
    """The journal, oldest first."""

    object: str = "list"
    data: list[EventView]


class VerificationRoutes:
    """Each handler reads the request, runs one use case, and shows the result."""

    def __init__(
        self, api_key_auth: ApiKeyAuth, verifications: Verifications, limits: Limits, long_polls: LongPollLimit
    ) -> None:
        self._api_key_auth = api_key_auth
        self._verifications = verifications
        self._limits = limits
        self._long_polls = long_polls
        self._json_cache = VerificationJsonCache(limits)

    def operations(self) -> list[Operation]:
        """List the routes, the busiest first: aiohttp tries those of one prefix in turn."""
        one = "/v1/verifications/{id}"
        return [
            Operation("POST", f"{one}/check", self.check, "Check a code", CheckCode, VerificationView),
            Operation(
                "GET",
                one,
                self.show,
                "Show a verification, or wait for its next change",
                None,
                VerificationView,
                query=ShowVerificationQuery,
            ),
            Operation(
                "POST",
                "/v1/verifications",
                self.create,
                "Start a verification",
                CreateVerification,
                VerificationView,
                201,
                idempotent=True,
            ),
            Operation("GET", f"{one}/events", self.events, "List or stream the journal", None, EventList, streams=True),
            Operation(
                "POST",
                f"{one}/resend",
                self.resend,
                "Send the same code again",
                Resend,
                VerificationView,
                idempotent=True,
                body_optional=True,
            ),
            Operation("POST", f"{one}/cancel", self.cancel, "Cancel a verification", None, VerificationView),
            Operation(
                "GET",
                "/v1/verifications",
                self.find,
                "List verifications",
                None,
                VerificationList,
                query=ListVerificationsQuery,
            ),
        ]

    async def create(self, request: web.Request, application: Application) -> web.StreamResponse:
        """Start a verification."""
        raw = await read_body(request)
        body = parse(raw, CreateVerification, request.headers.get("Content-Type", ""))
        mode = mode_for(body.channel, body.mode or first_mode(body.fallback))
        if body.enrollment_id is None:
            reject_pins(mode, body.fallback)
        verification_request = VerificationRequest(
            number=number_of(body.to),
            channel=body.channel,
            mode=mode,
            fallback=fallback_for(body.channel, mode, body.fallback),
            locale=body.locale,
            enrollment_id=body.enrollment_id,
            metadata=body.metadata,
            extension=extension_of(body.to),
        )
        stored = stored_as(HTTPStatus.CREATED, self._created_view)
        with self._api_key_auth.idempotency_key(request, application, raw, stored) as key:
            created = await self._verifications.create(application, verification_request, key)
        return json_response(verification_view(created, self._limits), HTTPStatus.CREATED)

    async def check(self, request: web.Request, application: Application) -> web.StreamResponse:
        """Judge a code."""
        body = parse(await read_body(request), CheckCode, request.headers.get("Content-Type", ""))
        verification, valid = await self._verifications.check(application, request.match_info["id"], body.code)
        return json_response(verification_view(verification, self._limits, valid=valid))

    async def show(self, request: web.Request, application: Application) -> web.StreamResponse:
        """Show a verification, at once or after its next change."""
        verification_id = request.match_info["id"]
        if "?" not in request.raw_path:
            return encoded_response(
                self._json_cache.encoded_view(await self._verifications.show(application, verification_id))
            )
        query = read_query(request, ShowVerificationQuery)
        with self._long_polls.count_waiting(application) if query.wait else contextlib.nullcontext():
            verification = await self._verifications.wait(application, verification_id, query.revision, query.wait)
        return encoded_response(self._json_cache.encoded_view(verification))

    async def resend(self, request: web.Request, application: Application) -> web.StreamResponse:
        """Send the same code again, or call."""
        raw = await read_body(request)
        body = parse(raw or b"{}", Resend, request.headers.get("Content-Type", ""))
        mode = mode_for(body.channel, body.mode)
        verification_id = request.match_info["id"]
        with self._api_key_auth.idempotency_key(request, application, raw, self._stored_resend) as key:
            resent = await self._verifications.resend(application, verification_id, body.channel, mode, key)
        return json_response(verification_view(resent, self._limits))

    async def cancel(self, request: web.Request, application: Application) -> web.StreamResponse:
        """End a verification."""
        verification = await self._verifications.cancel(application, request.match_info["id"])
        return json_response(verification_view(verification, self._limits))

    async def find(self, request: web.Request, application: Application) -> web.StreamResponse:
        """List verifications."""
        query = read_query(request, ListVerificationsQuery)
        narrow = ListFilter(
            number=parse_e164(query.to) if query.to else None,
            status=query.status,
            starting_after=query.starting_after,
            limit=query.limit,
        )
        if query.starting_after:
            with cursor_lookup():
                await self._verifications.show(application, query.starting_after)
        page = await self._verifications.find(application, narrow)
        data = [verification_view(verification, self._limits) for verification in page.verifications]
        return json_response(VerificationList(data=data, has_more=page.has_more))

    async def events(self, request: web.Request, application: Application) -> web.StreamResponse:
        """List the journal, or stream it with Accept: text/event-stream."""
        verification_id = request.match_info["id"]
        if EVENT_STREAM in request.headers.get("Accept", ""):
            after = _last_event(request.headers.get(LAST_EVENT_ID, "0"))
            await self._verifications.show(application, verification_id)
            following = self._verifications.follow(application, verification_id, after, _HEARTBEAT)
            with self._long_polls.count_waiting(application):
                return await stream_events(request, verification_id, following)
        entries = await self._verifications.events(application, verification_id, 0)
        return json_response(EventList(data=[event_view(verification_id, entry) for entry in entries]))

    def _created_view(self, created: Created) -> VerificationView:
        return verification_view(created.change.verification, self._limits)

    def _stored_resend(self, change: Change) -> bytes | None:
        if change.refusal is not None:
            return None
        return stored_as(HTTPStatus.OK, lambda resent: verification_view(resent, self._limits))(change.verification)


def number_of(to: str | WrittenNumber) -> PhoneNumber:
    """Return the number that is meant; raises Rejected (`number_invalid`, `number_blocked`)."""
    return parse_e164(to) if isinstance(to, str) else parse_written(to.country, to.number)


def extension_of(to: str | WrittenNumber) -> str | None:
    """Return the extension behind the number, if there is one; raises Rejected (`number_invalid`)."""
    return parse_extension(to.extension) if isinstance(to, WrittenNumber) and to.extension is not None else None


def mode_for(channel: Channel | None, mode: Mode | None) -> Mode | None:
    """Return the mode as asked for; None leaves it to the policy. Raises Problem 422 where it cannot be had."""
    if mode is not None and channel is None:
        raise _mode_problem("Name the channel that the mode is for.")
    if mode is not None and channel is Channel.SMS:
        raise _mode_problem("A text has no mode.")
    return mode


def first_mode(steps: list[FallbackStep] | None) -> Mode | None:
    """Return the mode of the way that a verification begins with, if its ways name one."""
    return steps[0].mode if steps else None


def fallback_for(
    channel: Channel | None, mode: Mode | None, steps: list[FallbackStep] | None
) -> tuple[FallbackStep, ...] | None:
    """Return the ways as asked for; None leaves them to the policy. Raises Problem 422 for ways that cannot be."""
    if not steps:
        return None if steps is None else ()
    wrong = find_mistake(steps)
    if wrong is None and (steps[0].channel, steps[0].mode) not in {(channel, mode), (channel, None)}:
        wrong = "Step 1: must be the way in which the verification begins."
    if wrong is not None:
        raise _fallback_problem(wrong)
    return tuple(steps)


def reject_pins(mode: Mode | None, steps: list[FallbackStep] | None) -> None:
    """Raise Problem 422 if a verification without an enrollment asks for a PIN."""
    detail = "A call asks for the PIN of a person's record: name its enrollment_id."
    if mode is Mode.PIN:
        raise _mode_problem(detail)
    if any(step.mode is Mode.PIN for step in steps or ()):
        raise _fallback_problem(detail)


def _fallback_problem(detail: str) -> Problem:
    error = FieldError("fallback", "field_invalid", detail)
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "fields_invalid", detail, errors=(error,))


def _mode_problem(detail: str) -> Problem:
    error = FieldError("mode", "mode_not_offered", detail)
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "mode_not_offered", detail, errors=(error,))


def _last_event(header: str) -> int:
    return int(header) if header.isascii() and header.isdigit() and len(header) < 10 else 0  # noqa: PLR2004 - no sequence is so long
