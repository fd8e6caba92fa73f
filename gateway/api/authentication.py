"""The routes by which a person proves a phone or signs in, and the links to the hosted pages."""

from http import HTTPStatus
from typing import Annotated, Literal

import msgspec
from aiohttp import web

from gateway.api.auth import ApiKeyAuth, stored_as
from gateway.api.bodies import parse, read_body
from gateway.api.enrollment_views import BypassView, PhoneAdded, PortalLinkView, phone_view
from gateway.api.enrollments import Line
from gateway.api.openapi import Operation
from gateway.api.responses import json_response
from gateway.api.verifications import (
    Fallback,
    WrittenNumber,
    extension_of,
    fallback_for,
    first_mode,
    mode_for,
    number_of,
)
from gateway.api.views import VerificationView, rfc3339, verification_view
from gateway.domain.api_keys import Application
from gateway.domain.commands import Created
from gateway.domain.enrollment import PhoneKind
from gateway.domain.limits import Limits
from gateway.domain.portal import PortalPage
from gateway.domain.verification import Channel, Mode, Purpose
from gateway.services.authentication import Authentication, Challenge, NewPhone
from gateway.services.portal import CreatedLink, Portal


class AddPhone(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A phone that a person says is theirs. `replaces` is the id of the one that goes once this one is proven."""

    kind: PhoneKind
    to: Annotated[str, msgspec.Meta(max_length=64)] | WrittenNumber
    channel: Channel
    mode: Mode | None = None
    replaces: Annotated[str, msgspec.Meta(max_length=64)] | None = None


class VerifyPerson(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to reach the person; what is left out is their default. `fallback` begins with this way, or names it."""

    purpose: Literal["sign_in"] | None = None
    phone_id: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    channel: Channel | None = None
    mode: Mode | None = None
    fallback: Fallback | None = None


class GrantBypass(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For how many seconds the code is good, and why it is granted."""

    seconds: Annotated[int, msgspec.Meta(ge=10, le=86_400)]
    reason: Line


class CreatePortalLink(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which page, and where to go afterwards: an address that the application's policy lists."""

    page: PortalPage
    return_url: Annotated[str, msgspec.Meta(max_length=2_000)] | None = None


class AuthenticationRoutes:
    """Each handler reads the request, runs one use case, and shows the result."""

    def __init__(
        self, api_key_auth: ApiKeyAuth, authentication: Authentication, portal: Portal, limits: Limits
    ) -> None:
        self._api_key_auth = api_key_auth
        self._authentication = authentication
        self._portal = portal
        self._limits = limits

    def operations(self) -> list[Operation]:
        """List the routes."""
        one = "/v1/enrollments/{id}"
        return [
            Operation(
                "POST",
                f"{one}/verifications",
                self.challenge,
                "Verify a person by a phone of theirs",
                VerifyPerson,
                VerificationView,
                201,
                idempotent=True,
                body_optional=True,
            ),
            Operation(
                "POST",
                f"{one}/phones",
                self.add_phone,
                "Begin to prove a phone",
                AddPhone,
                PhoneAdded,
                201,
                idempotent=True,
            ),
            Operation(
                "POST",
                f"{one}/portal-links",
                self.make_link,
                "Make a link to a hosted page",
                CreatePortalLink,
                PortalLinkView,
                201,
                idempotent=True,
            ),
            Operation(
                "POST",
                f"{one}/bypass",
                self.grant_bypass,
                "Grant a one-time code",
                GrantBypass,
                BypassView,
                201,
                idempotent=True,
            ),
        ]

    async def challenge(self, request: web.Request, application: Application) -> web.StreamResponse:
        """Verify a person by a phone of theirs."""
        raw = await read_body(request)
        body = parse(raw or b"{}", VerifyPerson, request.headers.get("Content-Type", ""))
        channel = body.channel or (Channel.CALL if body.mode else None)  # only a call has a mode
        if channel is None and body.fallback:
            channel = body.fallback[0].channel
        purpose = Purpose.SIGN_IN if body.purpose else None
        mode = mode_for(channel, body.mode or first_mode(body.fallback))
        challenge = Challenge(purpose, body.phone_id, channel, mode, fallback_for(channel, mode, body.fallback))
        stored = stored_as(HTTPStatus.CREATED, self._verification)
        with self._api_key_auth.idempotency_key(request, application, raw, stored) as key:
            created = await self._authentication.challenge(application, request.match_info["id"], challenge, key)
        return json_response(self._verification(created), HTTPStatus.CREATED)

    async def add_phone(self, request: web.Request, application: Application) -> web.StreamResponse:
        """Begin to prove a phone."""
        raw = await read_body(request)
        body = parse(raw, AddPhone, request.headers.get("Content-Type", ""))
        phone = NewPhone(
            kind=body.kind,
            number=number_of(body.to),
            channel=body.channel,
            mode=mode_for(body.channel, body.mode),
            extension=extension_of(body.to),
            replaces=body.replaces,
        )
        stored = stored_as(HTTPStatus.CREATED, self._phone_added)
        with self._api_key_auth.idempotency_key(request, application, raw, stored) as key:
            created = await self._authentication.offer_phone(application, request.match_info["id"], phone, key)
        return json_response(self._phone_added(created), HTTPStatus.CREATED)

    async def grant_bypass(self, request: web.Request, application: Application) -> web.StreamResponse:
        """Grant a code for one sign-in."""
        raw = await read_body(request)
        body = parse(raw, GrantBypass, request.headers.get("Content-Type", ""))
        stored = stored_as(HTTPStatus.CREATED, _bypass_view)
        with self._api_key_auth.idempotency_key(request, application, raw, stored) as key:
            granted = await self._authentication.grant_bypass(
                application, request.match_info["id"], body.seconds, body.reason, key
            )
        return json_response(_bypass_view(granted), HTTPStatus.CREATED)

    async def make_link(self, request: web.Request, application: Application) -> web.StreamResponse:
        """Make a link to a hosted page."""
        raw = await read_body(request)
        body = parse(raw, CreatePortalLink, request.headers.get("Content-Type", ""))
        stored = stored_as(HTTPStatus.CREATED, _link_view)
        with self._api_key_auth.idempotency_key(request, application, raw, stored) as key:
            link = await self._portal.make_link(application, request.match_info["id"], body.page, body.return_url, key)
        return json_response(_link_view(link), HTTPStatus.CREATED)

    def _verification(self, created: Created) -> VerificationView:
        return verification_view(created.change.verification, self._limits)

    def _phone_added(self, created: Created) -> PhoneAdded:
        verification = created.change.verification
        person = created.enrollment
        phone = None if person is None else person.phone_at(verification.number, verification.extension)
        if person is None or phone is None:
            raise TypeError("a phone was offered, and its person does not have it")
        return PhoneAdded(phone=phone_view(person, phone), verification=self._verification(created))


def _bypass_view(granted: tuple[str, int]) -> BypassView:
    code, expires_at = granted
    return BypassView(code=code, expires_at=rfc3339(expires_at))


def _link_view(link: CreatedLink) -> PortalLinkView:
    return PortalLinkView(url=link.url, expires_at=rfc3339(link.expires_at))
