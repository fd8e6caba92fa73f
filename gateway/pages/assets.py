"""Serves what pages refer to: style sheets, scripts, and the application's colours and logo."""

from http import HTTPStatus

from aiohttp import web

from gateway.domain.applications import Applications, Branding
from gateway.pages.brand import brand_css
from gateway.pages.rendering import Pages
from gateway.services.portal import Portal

_IMMUTABLE = "public, max-age=31536000, immutable"
_FIVE_MINUTES = "public, max-age=300"
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # Browsers open an SVG as a document, which may hold scripts.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class AssetRoutes:
    """Public routes: the files hold no personal data."""

    def __init__(self, pages: Pages, applications: Applications, portal: Portal) -> None:
        self._pages = pages
        self._applications = applications
        self._portal = portal

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [
            web.get("/portal/static/{name}", self.serve_static_file),
            web.get("/favicon.ico", self.serve_favicon),
            web.get("/portal/brand/{id}.css", self.serve_brand_css),
            web.get("/portal/brand/{id}/logo", self.serve_logo),
        ]

    async def serve_static_file(self, request: web.Request) -> web.Response:
        """Serve a static file; under its current version it may be cached for a year."""
        file = self._pages.static_files.get(request.match_info["name"])
        if file is None:
            raise web.HTTPNotFound
        cache_control = _IMMUTABLE if request.query.get("v") == file.version else _FIVE_MINUTES
        return _asset(file.content, file.content_type, cache_control)

    async def serve_favicon(self, _request: web.Request) -> web.Response:
        """Serve the icon that browsers ask for by themselves."""
        file = self._pages.static_files["mark.svg"]
        return _asset(file.content, file.content_type, _FIVE_MINUTES)

    async def serve_brand_css(self, request: web.Request) -> web.Response:
        """Serve the style sheet with the application's colours."""
        branding = await self._branding(request)
        css = brand_css(branding.colour)
        return _asset(css.encode(), "text/css", _FIVE_MINUTES)

    async def serve_logo(self, request: web.Request) -> web.Response:
        """Serve the application's logo."""
        logo = (await self._branding(request)).logo
        if logo is None:
            raise web.HTTPNotFound
        return _asset(logo.content, logo.media_type, _FIVE_MINUTES)

    async def _branding(self, request: web.Request) -> Branding:
        application = await self._portal.application(request.match_info["id"])
        if application is None:
            raise web.HTTPNotFound
        return self._applications.branding(application.name)


def _asset(content: bytes, content_type: str, cache_control: str) -> web.Response:
    headers = {**_HEADERS, "Cache-Control": cache_control}
    return web.Response(status=HTTPStatus.OK.value, body=content, content_type=content_type, headers=headers)
