"""Routes of the service itself: health, readiness, and the documentation of the API."""

from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus

import msgspec
from aiohttp import web
from swagger_ui_bundle import swagger_ui_path

from gateway.api.openapi import Operation, describe
from gateway.api.problems import Problem
from gateway.domain.errors import StoreUnavailable

_TYPES = {"css": "text/css", "js": "text/javascript", "png": "image/png"}
_FILES = {"swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"}
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Poundkey API</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
<link rel="icon" href="docs/favicon-32x32.png">
</head>
<body>
<div id="api"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
_START = 'SwaggerUIBundle({url: "openapi.json", dom_id: "#api", deepLinking: true});\n'


class ServiceRoutes:
    """Public routes; they return no personal data."""

    def __init__(
        self,
        store_ready: Callable[[], Awaitable[None]],
        workers: dict[str, Callable[[], bool]],
        operations: Iterable[Operation],
    ) -> None:
        """Take what raises StoreUnavailable while the database cannot serve, and who works in the background."""
        self._store_ready = store_ready
        self._workers = workers
        self._document = msgspec.json.encode(describe(operations))

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [
            web.get("/healthz", self.check_health),
            web.get("/readyz", self.check_readiness),
            web.get("/openapi.json", self.serve_openapi),
            web.get("/docs", self.serve_docs),
            web.get("/docs/{name}", self.serve_docs_asset),
        ]

    async def check_health(self, _request: web.Request) -> web.Response:
        """Answer 200 while the process runs."""
        return web.json_response({"status": "alive"})

    async def check_readiness(self, _request: web.Request) -> web.Response:
        """Answer 200 if the database is reachable and migrated and all background workers run; raises Problem (503)."""
        try:
            await self._store_ready()
        except StoreUnavailable as error:
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "not_ready", f"Store: {error}") from None
        for name, alive in self._workers.items():
            if not alive():
                raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "not_ready", f"{name} has stopped.")
        return web.json_response({"status": "ready"})

    async def serve_openapi(self, _request: web.Request) -> web.Response:
        """Serve the OpenAPI document."""
        return web.Response(body=self._document, content_type="application/json")

    async def serve_docs(self, _request: web.Request) -> web.Response:
        """Serve the page of Swagger UI."""
        return web.Response(text=_PAGE, content_type="text/html")

    async def serve_docs_asset(self, request: web.Request) -> web.Response:
        """Serve the files of Swagger UI from its package."""
        name = request.match_info["name"]
        if name == "start.js":
            return web.Response(text=_START, content_type="text/javascript")
        if name not in _FILES:
            raise web.HTTPNotFound
        headers = {"Cache-Control": "max-age=3600"}
        body = (swagger_ui_path / name).read_bytes()
        return web.Response(body=body, content_type=_TYPES[name.rpartition(".")[2]], headers=headers)
