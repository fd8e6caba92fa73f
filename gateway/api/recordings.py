"""Serves the operator's recordings to the provider, without authentication, and no other file of their folder."""

from aiohttp import web

from gateway.services.recordings import Recordings

_CACHE_CONTROL = "public, max-age=31536000, immutable"


class RecordingRoutes:
    """Serves the recordings that were read at the start; a path with an older version gets the current recording."""

    def __init__(self, recordings: Recordings) -> None:
        self._by_name = {
            recording.path.partition("/")[2]: recording
            for localized in recordings.by_locale.values()
            for recording in localized
        }

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [web.get("/recordings/{version:[0-9a-f]{1,64}}/{locale}/{name}", self.serve_recording)]

    async def serve_recording(self, request: web.Request) -> web.Response:
        """Serve one recording."""
        recording = self._by_name.get(f"{request.match_info['locale']}/{request.match_info['name']}")
        if recording is None:
            raise web.HTTPNotFound
        headers = {"Cache-Control": _CACHE_CONTROL, "X-Content-Type-Options": "nosniff"}
        return web.Response(body=recording.content, content_type=recording.content_type, headers=headers)
