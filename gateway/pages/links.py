"""Portal links, which open once and start a session; the home path; the language of a visit."""

from http import HTTPStatus

import msgspec
from aiohttp import web

from gateway.domain.errors import ErrorCode, Rejected
from gateway.pages.components import PageProblem
from gateway.pages.models import OpenPage
from gateway.pages.navigation import HOME, must_sign_in, next_path
from gateway.pages.portal_requests import PageError, PageServices, PortalRequest, PortalSessions
from gateway.pages.rendering import Pages
from gateway.pages.sign_in import SignInRoutes

_WITHOUT_METHOD = {ErrorCode.NO_METHOD, ErrorCode.ENROLLMENT_BLOCKED}


class LinkRoutes:
    """A GET of a link uses nothing up, because mail scanners and link previews send one.

    Some scanners run the scripts of a page, so only a press on its button opens a link.
    """

    def __init__(
        self, portal_sessions: PortalSessions, services: PageServices, pages: Pages, sign_in_routes: SignInRoutes
    ) -> None:
        self._portal_sessions = portal_sessions
        self._portal = services.portal
        self._enrollments = services.enrollments
        self._pages = pages
        self._sign_in_routes = sign_in_routes

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [
            web.get(HOME, self._portal_sessions.authenticated(self.redirect_home)),
            web.get("/portal/links/{token}", self._portal_sessions.public(self.show_link)),
            web.post("/portal/links/{token}", self._portal_sessions.public(self.open_link)),
            web.post("/portal/language", self._portal_sessions.authenticated(self.choose_language, even_blocked=True)),
        ]

    async def redirect_home(self, portal_request: PortalRequest) -> web.StreamResponse:
        """Redirect to the next page of the visit."""
        return self._portal_sessions.redirect(next_path(portal_request.visit))

    async def show_link(self, request: web.Request) -> web.StreamResponse:
        """Show the page that opens a link."""
        token = request.match_info["token"]
        if await self._has_opened(request, token):
            return self._portal_sessions.redirect(HOME)
        link = await self._portal.peek(token)
        if link is None:
            raise PageError(PageProblem.LINK_INVALID, HTTPStatus.GONE)
        frame = self._portal_sessions.frame(request, None)
        host = await self._portal.host(link)
        if host is not None:
            frame = self._portal_sessions.branded(frame, host.application)
            if host.language:
                locale = self._pages.translations.locale_for_tag(host.language)
                frame = msgspec.structs.replace(frame, locale=locale)
        return self._portal_sessions.page_response(OpenPage(frame, link.page))

    async def open_link(self, request: web.Request) -> web.StreamResponse:
        """Open a link; a person who must sign in is texted or called at once, by their default method."""
        token = request.match_info["token"]
        if await self._has_opened(request, token):
            return self._portal_sessions.redirect(HOME)
        secret = await self._portal.open(token)
        visit = secret and await self._portal.enter(secret)
        if not secret or not visit:
            raise PageError(PageProblem.LINK_INVALID, HTTPStatus.GONE)
        frame = self._portal_sessions.frame(request, visit)
        portal_request = PortalRequest(request, visit, frame, {})
        try:
            response = (
                await self._sign_in_routes.begin_sign_in(portal_request)
                if must_sign_in(visit)
                else self._portal_sessions.redirect(HOME)
            )
        except Rejected as rejection:
            if rejection.code in _WITHOUT_METHOD:
                response = self._portal_sessions.problem_response(rejection, frame, visit.enrollment)
            else:
                response = self._sign_in_routes.sign_in_page(portal_request, rejection)
        self._portal_sessions.set_cookie(response, secret)
        return response

    async def choose_language(self, portal_request: PortalRequest) -> web.StreamResponse:
        """Set the language of the visit, and keep it for the person's texts, calls and next visit."""
        visit = portal_request.visit
        locale = self._pages.translations.locale_for_tag(portal_request.form.get("locale"))
        await self._portal.note(visit, locale=locale)
        await self._enrollments.choose_locale(visit.application, visit.enrollment.id, locale)
        path = portal_request.form.get("back", "")
        is_ours = path.startswith("/portal/") and path.isascii() and path.isprintable() and "\\" not in path
        return self._portal_sessions.redirect(path if is_ours else HOME)

    async def _has_opened(self, request: web.Request, token: str) -> bool:
        """Tell whether this browser's visit was opened by this link."""
        visit = await self._portal_sessions.visit(request)
        return visit is not None and self._portal.is_link_of(visit, token)
