"""A listener that records, a server that calls it, and the provider's own way of signing."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
from aiohttp import web
from multidict import MultiDict
from twilio.request_validator import HMAC_SHA1, RequestValidator

from webhooks.routes import routes
from webhooks.signatures import Algorithm, HmacVerifier

PUBLIC_URL = "https://verify.example.org"
TOKEN = "a live auth token"

Serve = Callable[..., Awaitable[int]]


class RecordingListener:
    """Keeps what it is told, or raises `failure` if there is one."""

    def __init__(self) -> None:
        self.heard: list[object] = []
        self.failure: Exception | None = None
        self.fates: list[tuple[str, str, str]] = []

    def note(self, provider: str, kind: str, fate: str) -> None:
        """Keep what became of a request."""
        self.fates.append((provider, kind, fate))

    async def _reply(self, event: object) -> str:
        if self.failure is not None:
            raise self.failure
        self.heard.append(event)
        return f"<Response><!-- {type(event).__name__} é --></Response>"

    async def _note(self, event: object) -> None:
        await self._reply(event)

    call_answered = digits_gathered = message_received = _reply
    call_status_changed = machine_detected = message_status_changed = _note


class Answer(msgspec.Struct):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        problem = json.loads(self.body)
        assert self.headers["Content-Type"] == "application/problem+json"
        assert set(problem) == {"type", "title", "status", "detail", "code"}
        assert problem["status"] == self.status
        return str(problem["code"])


@pytest.fixture
def listener() -> RecordingListener:
    return RecordingListener()


@pytest.fixture
def heard(listener: RecordingListener) -> list[object]:
    """The events told so far."""
    return listener.heard


@pytest.fixture
def fail(listener: RecordingListener) -> Callable[[Exception], None]:
    """Make the listener raise an exception from now on."""

    def fail(failure: Exception) -> None:
        listener.failure = failure

    return fail


@pytest.fixture
def sign() -> Callable[..., str]:
    """Sign as the provider does: by its SDK."""

    def sign(url: str, fields: Any, token: str = TOKEN, algorithm: str = HMAC_SHA1) -> str:  # noqa: ANN401 - pairs
        return str(RequestValidator(token).compute_signature(url, MultiDict(fields), algorithm))

    return sign


@pytest.fixture
def serve(aiohttp_server: Callable[..., Awaitable[Any]], listener: RecordingListener) -> Serve:
    """Start the routes on a free port, as `await serve(public_url)`; gives the port."""

    async def serve(public_url: str = PUBLIC_URL) -> int:
        scheme = HmacVerifier.prepared(public_url, [TOKEN], Algorithm.SHA1)
        app = web.Application()
        app.add_routes(
            routes(provider="twilio", verifier=scheme, listener=listener, apology="<Sorry/>", count=listener.note)
        )
        server = await aiohttp_server(app)
        return int(server.port)

    return serve


@pytest.fixture
def exchange() -> Callable[..., Awaitable[Answer]]:
    """Write one request byte by byte as given and read its whole answer; no client tidies it up on the way."""

    async def exchange(port: int, head: list[bytes], body: bytes = b"") -> Answer:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(b"\r\n".join([*head, b"Connection: close", b"", body]))
            first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
            headers = dict(line.split(": ", 1) for line in lines)
            length = 0 if head[0].startswith(b"HEAD") else int(headers.get("Content-Length", "0"))
            return Answer(int(first.split()[1]), headers, await reader.readexactly(length))
        finally:
            writer.close()
            await writer.wait_closed()

    return exchange
