"""The routes of the hosted pages, and the page for unknown paths below them."""

from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Middleware

from gateway.clock import Clock
from gateway.domain.ivr.keypad import Keypad
from gateway.domain.limits import Limits
from gateway.pages.assets import AssetRoutes
from gateway.pages.components import PageProblem
from gateway.pages.finish import FinishRoutes
from gateway.pages.help import HelpRoutes
from gateway.pages.links import LinkRoutes
from gateway.pages.models import HomePage
from gateway.pages.navigation import HOME
from gateway.pages.phone_form import PhoneFormRoutes
from gateway.pages.portal_requests import AiohttpHandler, PageError, PageServices, PortalSessions
from gateway.pages.rendering import Pages
from gateway.pages.settings import SettingsRoutes
from gateway.pages.sign_in import SignInRoutes
from gateway.pages.verify import VerifyRoutes
from gateway.security.generators import NewToken


def page_routes(
    portal_sessions: PortalSessions,
    services: PageServices,
    assets: AssetRoutes,
    pages: Pages,
    *,
    limits: Limits,
    keypad: Keypad,
    clock: Clock,
    new_token: NewToken,
) -> list[web.RouteDef]:
    """Return the routes of the hosted pages."""
    finish_routes = FinishRoutes(portal_sessions, services, pages, new_token)
    sign_in_routes = SignInRoutes(portal_sessions, services, finish_routes)
    groups = (
        LinkRoutes(portal_sessions, services, pages, sign_in_routes),
        PhoneFormRoutes(portal_sessions, services, pages),
        VerifyRoutes(portal_sessions, services, finish_routes, pages, limits, clock, keypad),
        finish_routes,
        sign_in_routes,
        SettingsRoutes(portal_sessions, services),
        HelpRoutes(portal_sessions, services, keypad),
        assets,
    )
    routes = [route for group in groups for route in group.routes()]
    form_paths = frozenset(route.path for route in routes if route.method == "POST")
    unknown_path = UnknownPathRoute(portal_sessions, form_paths)
    return [
        *routes,
        web.get("/", portal_sessions.public(unknown_path.show_home)),
        web.get(f"{HOME}/{{rest:.*}}", portal_sessions.public(unknown_path.show_not_found)),
    ]


def not_found_middleware(portal_sessions: PortalSessions) -> Middleware:
    """Return the middleware that shows browsers a page where there is nothing; programs get the usual problem."""
    show_not_found = portal_sessions.public(UnknownPathRoute(portal_sessions, frozenset()).show_not_found)

    @web.middleware
    async def middleware(request: web.Request, handler: AiohttpHandler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPNotFound:
            if request.method != "GET" or "text/html" not in request.headers.get("Accept", ""):
                raise
            return await show_not_found(request)

    return middleware


class UnknownPathRoute:
    """Answers GETs of `/`, and of every path below the portal that no other route answers."""

    def __init__(self, portal_sessions: PortalSessions, form_paths: frozenset[str]) -> None:
        """Take the paths that forms are posted to: a browser that shows such an answer may load its path again."""
        self._portal_sessions = portal_sessions
        self._form_paths = form_paths

    async def show_home(self, request: web.Request) -> web.Response:
        """Say what this service is, and where to go; a visit goes on."""
        visit = await self._portal_sessions.visit(request)
        if visit is not None:
            return self._portal_sessions.redirect(HOME)
        return self._portal_sessions.page_response(HomePage(self._portal_sessions.frame(request, None)))

    async def show_not_found(self, request: web.Request) -> web.Response:
        """Redirect from the path of a form to the visit's next page; answer 404 for other paths."""
        visit = await self._portal_sessions.visit(request)
        if visit is not None and request.path in self._form_paths:
            return self._portal_sessions.redirect(HOME)
        frame = self._portal_sessions.frame(request, visit)
        error = PageError(PageProblem.NOT_FOUND, HTTPStatus.NOT_FOUND)
        return self._portal_sessions.problem_response(error, frame, None)
