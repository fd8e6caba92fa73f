"""What pages refer to: style sheets and scripts, and the application's colour and logo."""

from http import HTTPStatus

from aiohttp import web

from gateway.domain.applications import Applications, Branding
from gateway.pages.brand import brand_css
from gateway.pages.rendering import Pages
from gateway.services.portal import Portal

_FOR_EVER = "public, max-age=31536000, immutable"
_FOR_A_WHILE = "public, max-age=300"
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",  # an SVG is a document, too
    "Cross-Origin-Resource-Policy": "same-origin",
}


class AssetRoutes:
    """Open to everyone: nothing in them is anybody's."""

    def __init__(self, pages: Pages, applications: Applications, portal: Portal) -> None:
        self._pages = pages
        self._applications = applications
        self._portal = portal

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [
            web.get("/portal/static/{name}", self.static),
            web.get("/portal/brand/{id}.css", self.colours),
            web.get("/portal/brand/{id}/logo", self.logo),
        ]

    async def static(self, request: web.Request) -> web.Response:
        """Give a file; under its version it never changes."""
        file = self._pages.static_files.get(request.match_info["name"])
        if file is None:
            raise web.HTTPNotFound
        cached = _FOR_EVER if request.query.get("v") == file.version else _FOR_A_WHILE
        return _asset(file.content, file.content_type, cached)

    async def colours(self, request: web.Request) -> web.Response:
        """Give the style sheet of the application's colour."""
        branding = await self._branding(request)
        css = brand_css(branding.colour)
        return _asset(css.encode(), "text/css", _FOR_A_WHILE)

    async def logo(self, request: web.Request) -> web.Response:
        """Give the application's logo."""
        logo = (await self._branding(request)).logo
        if logo is None:
            raise web.HTTPNotFound
        return _asset(logo.content, logo.media_type, _FOR_A_WHILE)

    async def _branding(self, request: web.Request) -> Branding:
        application = await self._portal.application(request.match_info["id"])
        if application is None:
            raise web.HTTPNotFound
        return self._applications.branding(application.name)


def _asset(content: bytes, content_type: str, cached: str) -> web.Response:
    headers = {**_HEADERS, "Cache-Control": cached}
    return web.Response(status=HTTPStatus.OK.value, body=content, content_type=content_type, headers=headers)
