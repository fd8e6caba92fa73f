"""The routes of app passwords."""

from http import HTTPStatus
from typing import Annotated

import msgspec
from aiohttp import web

from gateway.api.auth import ApiKeyAuth, stored_as
from gateway.api.bodies import parse, read_body
from gateway.api.enrollment_views import (
    AppPasswordChecked,
    AppPasswordList,
    AppPasswordMade,
    app_password_made,
    app_password_view,
)
from gateway.api.enrollments import Line
from gateway.api.openapi import Operation
from gateway.api.responses import json_response, no_content
from gateway.domain.api_keys import Application
from gateway.domain.app_passwords import NAME_LIMIT
from gateway.domain.enrollment import AppPassword
from gateway.services.app_passwords import AppPasswords

Scope = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._:/-]+$(?!\n)")]


class CreateAppPassword(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """By what name the person will know it, what it is good for (null: all), and how long it works (null: for ever)."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=NAME_LIMIT)]
    scope: Scope | None = None
    expires_in_days: Annotated[int, msgspec.Meta(ge=1, le=3_650)] | None = None


class CheckAppPassword(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who the person says they are, what they gave as their password, and what it is to be good for."""

    user: Line
    password: Annotated[str, msgspec.Meta(max_length=1_024)]
    scope: Scope | None = None


class AppPasswordRoutes:
    """Each handler reads the request, runs one use case, and shows the result."""

    def __init__(self, api_key_auth: ApiKeyAuth, app_passwords: AppPasswords) -> None:
        self._api_key_auth = api_key_auth
        self._app_passwords = app_passwords

    def operations(self) -> list[Operation]:
        """List the routes."""
        every = "/v1/enrollments/{id}/app-passwords"
        one, check = f"{every}/{{app_password_id}}", "/v1/app-passwords/check"
        created, checked = AppPasswordMade, AppPasswordChecked
        return [
            Operation(
                "POST", every, self.create, "Make an app password", CreateAppPassword, created, 201, idempotent=True
            ),
            Operation("GET", every, self.show_all, "List a person's app passwords", None, AppPasswordList),
            Operation("DELETE", one, self.delete, "Delete an app password", None, None, 204),
            Operation("POST", check, self.check, "Check an app password", CheckAppPassword, checked),
        ]

    async def create(self, request: web.Request, application: Application) -> web.StreamResponse:
        """Make an app password, shown in this answer and never again."""
        raw = await read_body(request)
        body = parse(raw, CreateAppPassword, request.headers.get("Content-Type", ""))
        stored = stored_as(HTTPStatus.CREATED, _created_view)
        with self._api_key_auth.idempotency_key(request, application, raw, stored) as key:
            created = await self._app_passwords.create(
                application, request.match_info["id"], body.name, body.scope, body.expires_in_days, key
            )
        return json_response(_created_view(created), HTTPStatus.CREATED)

    async def show_all(self, request: web.Request, application: Application) -> web.StreamResponse:
        """List a person's app passwords."""
        app_passwords = await self._app_passwords.list(application, request.match_info["id"])
        return json_response(AppPasswordList(data=[app_password_view(app_password) for app_password in app_passwords]))

    async def delete(self, request: web.Request, application: Application) -> web.StreamResponse:
        """Delete an app password."""
        enrollment_id, app_password_id = request.match_info["id"], request.match_info["app_password_id"]
        await self._app_passwords.delete(application, enrollment_id, app_password_id)
        return no_content()

    async def check(self, request: web.Request, application: Application) -> web.StreamResponse:
        """Tell whether a password is one of the user's app passwords."""
        body = parse(await read_body(request), CheckAppPassword, request.headers.get("Content-Type", ""))
        right = await self._app_passwords.check(application, body.user, body.password, body.scope)
        return json_response(
            AppPasswordChecked(valid=right is not None, app_password_id=None if right is None else right.id)
        )


def _created_view(created: tuple[AppPassword, str]) -> AppPasswordMade:
    return app_password_made(*created)
