"""A client of the gateway's REST API, as integrators write them."""

from collections.abc import AsyncGenerator, Mapping
from typing import Any, TypeVar

import aiohttp
import msgspec

_CONNECT_SECONDS = 10.0
_READ_SECONDS = 60.0
"""Longest pause within a response; a stream of events has a heartbeat every 15 s."""

_EVENT_LINE = b"data: "
_FIRST_ERROR = 400


class FailureDetails(msgspec.Struct, frozen=True):
    """Why a verification failed."""

    code: str
    detail: str


class VerificationState(msgspec.Struct, frozen=True):
    """The fields of a verification that the terminal shows. `created_at` is RFC 3339; `match_digits` are keyed in."""

    id: str
    status: str
    to: str
    checks_left: int
    created_at: str
    mode: str | None = None
    match_digits: str | None = None
    assurance: str | None = None
    failure: FailureDetails | None = None


class VerificationEvent(msgspec.Struct, frozen=True):
    """A journal entry. `at` is RFC 3339."""

    sequence: int
    type: str
    at: str
    facts: Mapping[str, str | int | bool | None]


class ProblemDetails(msgspec.Struct, frozen=True):
    """The body of an error (RFC 9457)."""

    code: str
    detail: str


class GatewayRefused(Exception):
    """The gateway responded with an error; its `detail` is a sentence for people."""

    def __init__(self, status: int, problem: ProblemDetails) -> None:
        super().__init__(problem.detail)
        self.status = status
        self.code = problem.code
        self.detail = problem.detail


class NotAGateway(Exception):
    """A server responds at the address, but not as a gateway does."""


T = TypeVar("T")


class GatewayClient:
    """Every method raises GatewayRefused, NotAGateway, aiohttp.ClientError or TimeoutError.

    Args:
        url: where the gateway is, such as `http://127.0.0.1:8080`.
        key: an API key.
    """

    def __init__(self, url: str, key: str) -> None:
        self._session = aiohttp.ClientSession(
            base_url=f"{url.rstrip('/')}/",
            headers={"Authorization": f"Bearer {key}"},
            timeout=aiohttp.ClientTimeout(total=None, connect=_CONNECT_SECONDS, sock_read=_READ_SECONDS),
        )

    async def create(self, body: Mapping[str, str]) -> VerificationState:
        """Create a verification; `body` is that of the request."""
        return await self._request("POST", "v1/verifications", VerificationState, body)

    async def show(self, verification_id: str) -> VerificationState:
        """Return the verification's present state."""
        return await self._request("GET", f"v1/verifications/{verification_id}", VerificationState)

    async def check(self, verification_id: str, code: str) -> VerificationState:
        """Check a code; the status says whether it was right."""
        return await self._request(
            "POST", f"v1/verifications/{verification_id}/check", VerificationState, {"code": code}
        )

    async def cancel(self, verification_id: str) -> None:
        """Cancel the verification."""
        await self._request("POST", f"v1/verifications/{verification_id}/cancel", VerificationState)

    async def follow(self, verification_id: str, after: int) -> AsyncGenerator[VerificationEvent, None]:
        """Yield the journal entries after sequence number `after` as they come, until the verification has ended."""
        headers = {"Accept": "text/event-stream", "Last-Event-ID": str(after)}
        path = f"v1/verifications/{verification_id}/events"
        async with self._session.get(path, headers=headers) as response:
            await _raise_for_status(response)
            async for line in response.content:
                if line.startswith(_EVENT_LINE):
                    yield _decode(line.removeprefix(_EVENT_LINE), VerificationEvent)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def _request(self, method: str, path: str, kind: type[T], body: Any = None) -> T:  # noqa: ANN401 - any JSON
        async with self._session.request(method, path, json=body) as response:
            await _raise_for_status(response)
            return _decode(await response.read(), kind)


async def _raise_for_status(response: aiohttp.ClientResponse) -> None:
    if response.status >= _FIRST_ERROR:
        raise GatewayRefused(response.status, _decode(await response.read(), ProblemDetails))


def _decode(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise NotAGateway from None
