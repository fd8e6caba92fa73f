"""Authenticates API keys, numbers requests, stores one response per Idempotency-Key, and answers errors as problems."""

import base64
import contextlib
import hashlib
import logging
from collections.abc import Awaitable, Callable, Iterator
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.typedefs import Middleware

from gateway.api import problems
from gateway.api.bodies import read_body
from gateway.api.problems import Problem
from gateway.api.responses import REQUEST_ID
from gateway.clock import Clock
from gateway.domain.api_keys import ApiKey, Application
from gateway.domain.errors import ErrorCode, Rejected, StoreUnavailable
from gateway.domain.idempotency import IdempotencyKey, RepeatedRequest, StoredResponse
from gateway.security.generators import NewId

KEY_PREFIX = "pk_"
_KEYS_FRESH = 1_000
_CACHED_HEADERS = 1_000
IDEMPOTENCY_KEY = "Idempotency-Key"
LONGEST_IDEMPOTENCY_KEY = 255
_NO_KEY = contextlib.nullcontext()

Handler = Callable[[web.Request, Application], Awaitable[web.StreamResponse]]
ApiKeys = Callable[[], Awaitable[list[ApiKey]]]
"""Lists all API keys, revoked ones included."""
FindResponse = Callable[[bytes, bytes], Awaitable[StoredResponse | None]]
"""Finds what is stored for an Idempotency-Key and its request, as digests."""
Plain = Callable[[web.Request], Awaitable[web.StreamResponse]]

logger = logging.getLogger(__name__)


def key_digest(key: str) -> bytes:
    """Return the digest by which an API key is stored. A key has 256 random bits, so a fast hash is enough."""
    return _digest(key.encode("utf-8", "surrogateescape"))


class ApiKeyAuth:
    """Authenticates applications by their API keys. A revoked key is refused within a second."""

    def __init__(self, api_keys: ApiKeys, stored_response: FindResponse, clock: Clock) -> None:
        self._api_keys = api_keys
        self._stored_response = stored_response
        self._clock = clock
        self._applications: dict[bytes, Application] = {}
        self._applications_by_header: dict[str, Application] = {}
        self._read_at = 0
        self._in_flight: set[bytes] = set()

    def authenticated(self, handler: Handler, *, once: bool = False) -> Plain:
        """Return the handler as a route that passes it the authenticated application.

        With `once`, a repeat of a request with an Idempotency-Key gets the stored response instead of a rejection.
        """
        handle = self._stored_first(handler) if once else handler

        async def authenticate(request: web.Request) -> web.StreamResponse:
            return await handle(request, await self._application(request.headers.get("Authorization", "")))

        return authenticate

    def idempotency_key(
        self, request: web.Request, application: Application, body: bytes, response: Callable[[Any], bytes | None]
    ) -> contextlib.AbstractContextManager[IdempotencyKey | None]:
        """Yield the Idempotency-Key of a request, if any, and reject a second request with it while the first one runs.

        `response` renders what is stored for repeats: `stored_as` makes it from a view.
        """
        key = request.headers.get(IDEMPOTENCY_KEY)
        if key is None:
            return _NO_KEY
        return self._in_flight_once(
            IdempotencyKey(_scoped_key_digest(request, application, key), _digest(body), response)
        )

    def _stored_first(self, handler: Handler) -> Handler:
        """Look for a stored response once the handler rejects: the resource may have changed or be deleted since.

        Raises RepeatedRequest where there is one.
        """

        async def handle_or_repeat(request: web.Request, application: Application) -> web.StreamResponse:
            key = request.headers.get(IDEMPOTENCY_KEY)
            if key is None:
                return await handler(request, application)
            body = await read_body(request)
            try:
                return await handler(request, application)
            except (Problem, Rejected):
                stored = await self._stored_response(_scoped_key_digest(request, application, key), _digest(body))
                if stored is None:
                    raise
                raise RepeatedRequest(stored) from None

        return handle_or_repeat

    @contextlib.contextmanager
    def _in_flight_once(self, key: IdempotencyKey) -> Iterator[IdempotencyKey]:
        if key.key in self._in_flight:
            detail = "The first request with this Idempotency-Key is still being worked on."
            raise Rejected(ErrorCode.IDEMPOTENCY_KEY_IN_FLIGHT, detail, retry_after=1)
        self._in_flight.add(key.key)
        try:
            yield key
        finally:
            self._in_flight.discard(key.key)

    async def _application(self, authorization: str) -> Application:
        now = self._clock()
        if not self._read_at <= now < self._read_at + _KEYS_FRESH:
            keys = await self._api_keys()
            self._applications = {key.digest: key.application for key in keys if key.revoked_at is None}
            self._applications_by_header = {}
            self._read_at = now
        application = self._applications_by_header.get(authorization)
        if application is None:
            application = self._applications.get(key_digest(_presented_key(authorization)))
            if application is None:
                raise Problem(HTTPStatus.UNAUTHORIZED, "key_invalid", "Send an API key: Authorization: Bearer pk_…")
            if len(self._applications_by_header) >= _CACHED_HEADERS:  # one key can be written in endless ways
                self._applications_by_header = {}
            self._applications_by_header[authorization] = application
        return application


def _scoped_key_digest(request: web.Request, application: Application, key: str) -> bytes:
    """Return the digest of a key, which is good for one application, method and path."""
    if not 0 < len(key) <= LONGEST_IDEMPOTENCY_KEY:
        detail = f"An Idempotency-Key has 1 to {LONGEST_IDEMPOTENCY_KEY} characters."
        raise Problem(HTTPStatus.BAD_REQUEST, "idempotency_key_invalid", detail)
    scope = f"{application.id}\n{request.method}\n{request.path}\n{key}"
    return _digest(scope.encode("utf-8", "surrogateescape"))


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def stored_as(status: HTTPStatus, view: Callable[[Any], msgspec.Struct]) -> Callable[[Any], bytes]:
    """Return what renders a result for repeats: the status and the view as JSON, with a space between."""
    return lambda result: b"%d %b" % (status.value, msgspec.json.encode(view(result)))


def _replayed(stored: StoredResponse) -> web.Response:
    """Return the stored response."""
    status, _, body = stored.content.partition(b" ")
    headers = {"Idempotency-Replayed": "true"}
    return web.Response(status=int(status), body=body, content_type="application/json", headers=headers)


def problem_middleware(new_id: NewId) -> Middleware:
    """Return the middleware that numbers requests, answers repeats as stored, and turns errors into problem+json."""

    @web.middleware
    async def middleware(request: web.Request, handler: Plain) -> web.StreamResponse:
        request_id = new_id("req")
        request[REQUEST_ID] = request_id
        try:
            _reject_nul(request)
            response = await handler(request)
        except RepeatedRequest as repeated:
            response = _replayed(repeated.response)
        except Exception as error:  # noqa: BLE001 - the last line of defence
            response = problems.problem_response(_problem(error, request_id))
            if isinstance(error, web.HTTPMethodNotAllowed):
                response.headers["Allow"] = error.headers["Allow"]
        if not response.prepared:
            response.headers["Request-Id"] = request_id
            response.headers["Server"] = "poundkey"
        return response

    return middleware


def _reject_nul(request: web.Request) -> None:
    """Raise HTTPNotFound: no address of ours holds a NUL, and PostgreSQL fails whole batches of questions for one."""
    if "\0" in request.path:
        raise web.HTTPNotFound


def _problem(error: Exception, request_id: str) -> Problem:
    match error:
        case Problem():
            return error
        case Rejected():
            return problems.from_rejection(error)
        case StoreUnavailable():
            logger.error("the store did not take a change: %s", error)
            detail = "Nothing was changed. Try again soon."
            return problems.from_rejection(Rejected(ErrorCode.STORE_UNAVAILABLE, detail, retry_after=1))
        case web.HTTPException():
            return problems.from_http_error(error)
        case _:
            logger.error("request %s: unexpected error", request_id, exc_info=error)
            return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", "The failure is ours, and it is logged.")


def _presented_key(authorization: str) -> str:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        with contextlib.suppress(ValueError):  # no base64, or no text in it
            return base64.b64decode(value, validate=True).decode().partition(":")[0]
    return ""
