"""The operator's recordings, for the provider to fetch: open to everyone, and nothing else of the folder is served."""

from aiohttp import web

from gateway.services.recordings import Recordings

_KEPT = "public, max-age=31536000, immutable"


class RecordingRoutes:
    """Serves what was read at the start; an address with an older version is answered with what is there now."""

    def __init__(self, recordings: Recordings) -> None:
        everything = (one for recorded in recordings.by_locale.values() for one in recorded)
        self._by_name = {one.path.partition("/")[2]: one for one in everything}

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [web.get("/recordings/{version:[0-9a-f]{1,64}}/{locale}/{name}", self.play)]

    async def play(self, request: web.Request) -> web.Response:
        """Give one recording."""
        recording = self._by_name.get(f"{request.match_info['locale']}/{request.match_info['name']}")
        if recording is None:
            raise web.HTTPNotFound
        headers = {"Cache-Control": _KEPT, "X-Content-Type-Options": "nosniff"}
        return web.Response(body=recording.content, content_type=recording.content_type, headers=headers)
