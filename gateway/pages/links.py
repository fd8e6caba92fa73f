"""The way in: a link that opens once, then a cookie; and the language of the visit."""

from http import HTTPStatus

from aiohttp import web

from gateway.domain.errors import ErrorCode, Rejected
from gateway.pages.components import ErrorPage
from gateway.pages.models import OpenPage
from gateway.pages.navigation import must_prove, next_path
from gateway.pages.portal_requests import HOME, PageError, PortalRequest, PortalSessions
from gateway.pages.rendering import Pages
from gateway.pages.sign_in import SignInRoutes
from gateway.services.portal import Portal

_NO_WAY = {ErrorCode.NO_METHOD, ErrorCode.ENROLLMENT_BLOCKED}


class LinkRoutes:
    """A GET spends nothing, so that who scans mails or previews links opens none: the page behind it posts."""

    def __init__(self, doorstep: PortalSessions, portal: Portal, pages: Pages, signing_in: SignInRoutes) -> None:
        self._doorstep = doorstep
        self._portal = portal
        self._pages = pages
        self._signing_in = signing_in

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [
            web.get(HOME, self._doorstep.authenticated(self.home)),
            web.get("/portal/links/{token}", self._doorstep.open(self.show)),
            web.post("/portal/links/{token}", self._doorstep.open(self.open)),
            web.post("/portal/language", self._doorstep.authenticated(self.choose_language, even_blocked=True)),
        ]

    async def home(self, guest: PortalRequest) -> web.StreamResponse:
        """Send the person to where their visit stands."""
        return self._doorstep.go(next_path(guest.visit))

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Show the page that opens a link."""
        token = request.match_info["token"]
        if await self._is_inside(request, token):
            return self._doorstep.go(HOME)
        link = await self._portal.peek(token)
        if link is None:
            raise PageError(ErrorPage.LINK_INVALID, HTTPStatus.GONE)
        frame = self._doorstep.frame(request, None)
        host = await self._portal.host(link)
        return self._doorstep.show(OpenPage(self._doorstep.branded(frame, host) if host else frame, link.page))

    async def open(self, request: web.Request) -> web.StreamResponse:
        """Open a link; who has to prove who they are is texted or called at once, by their default method."""
        token = request.match_info["token"]
        if await self._is_inside(request, token):
            return self._doorstep.go(HOME)
        secret = await self._portal.open(token)
        visit = secret and await self._portal.enter(secret)
        if not secret or not visit:
            raise PageError(ErrorPage.LINK_INVALID, HTTPStatus.GONE)
        frame = self._doorstep.frame(request, visit)
        guest = PortalRequest(request, visit, frame, {})
        try:
            response = await self._signing_in.begin(guest) if must_prove(visit) else self._doorstep.go(HOME)
        except Rejected as refusal:
            if refusal.code in _NO_WAY:
                response = self._doorstep.problem(refusal, frame, visit.enrollment)
            else:
                response = self._signing_in.page(guest, refusal)
        self._doorstep.set_cookie(response, secret)
        return response

    async def choose_language(self, guest: PortalRequest) -> web.StreamResponse:
        """Show the rest of the visit in another language."""
        await self._portal.note(guest.visit, locale=self._pages.texts.best(guest.form.get("locale")))
        back = guest.form.get("back", "")
        inside = back.startswith("/portal/") and back.isascii() and back.isprintable() and "\\" not in back
        return self._doorstep.go(back if inside else HOME)

    async def _is_inside(self, request: web.Request, token: str) -> bool:
        """Tell whether the person has opened this very link before, in this browser, and is still here."""
        visit = await self._doorstep.visit(request)
        return visit is not None and self._portal.is_link_of(visit, token)
