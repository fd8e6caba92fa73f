"""Who may come in, and how every answer leaves: keys, request ids, problems, and one answer per Idempotency-Key."""

import base64
import contextlib
import hashlib
import logging
from collections.abc import Awaitable, Callable, Iterator
from http import HTTPStatus
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Middleware

from gateway.api import problems
from gateway.api.bodies import read_body
from gateway.api.problems import Problem
from gateway.api.responses import REQUEST_ID
from gateway.domain.errors import ErrorCode, Rejected
from gateway.ports import Application, Clock, NewId, Receipt, Replay, Store, StoreUnavailable

KEY_PREFIX = "pk_"
_KEYS_FRESH = 1_000
_MOST_LET_IN = 1_000
IDEMPOTENCY_KEY = "Idempotency-Key"
LONGEST_IDEMPOTENCY_KEY = 255
_NO_RECEIPT = contextlib.nullcontext()

Handler = Callable[[web.Request, Application], Awaitable[web.StreamResponse]]
Plain = Callable[[web.Request], Awaitable[web.StreamResponse]]

logger = logging.getLogger(__name__)


def key_digest(key: str) -> bytes:
    """Return the digest under which an API key is kept. A key has 256 random bits, so a fast hash is enough."""
    return _digest(key.encode("utf-8", "surrogateescape"))


class ApiKeyAuth:
    """Lets applications in by their API keys. A revoked key is out within a second."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._applications: dict[bytes, Application] = {}
        self._let_in: dict[str, Application] = {}
        self._read_at = 0
        self._in_flight: set[bytes] = set()

    def authenticated(self, handler: Handler, *, once: bool = False) -> Plain:
        """Return the handler as a route: it is told which application asks.

        One that acts `once` for an Idempotency-Key refuses nothing that was answered before.
        """
        judge = self._kept_first(handler) if once else handler

        async def enter(request: web.Request) -> web.StreamResponse:
            return await judge(request, await self._application(request.headers.get("Authorization", "")))

        return enter

    def receipt(
        self, request: web.Request, application: Application, body: bytes, answer: Callable[[Any], bytes | None]
    ) -> contextlib.AbstractContextManager[Receipt | None]:
        """Give the receipt for a request with an Idempotency-Key, and hold off its twin while it is in flight."""
        given = request.headers.get(IDEMPOTENCY_KEY)
        if given is None:
            return _NO_RECEIPT
        key = _receipt_key(request, application, given)
        return self._in_flight_once(Receipt(key, _digest(body), answer))

    def _kept_first(self, handler: Handler) -> Handler:
        """Look for a kept answer once the handler says no: what it was about may have changed, or be gone, since."""

        async def judge(request: web.Request, application: Application) -> web.StreamResponse:
            given = request.headers.get(IDEMPOTENCY_KEY)
            if given is None:
                return await handler(request, application)
            body = await read_body(request)
            try:
                return await handler(request, application)
            except (Problem, Rejected):
                kept = await self._store.replay(_receipt_key(request, application, given), _digest(body))
                if kept is None:
                    raise
                return replayed(kept)

        return judge

    @contextlib.contextmanager
    def _in_flight_once(self, receipt: Receipt) -> Iterator[Receipt]:
        if receipt.key in self._in_flight:
            detail = "The first request with this Idempotency-Key is still being worked on."
            raise Rejected(ErrorCode.IDEMPOTENCY_KEY_IN_FLIGHT, detail, retry_after=1)
        self._in_flight.add(receipt.key)
        try:
            yield receipt
        finally:
            self._in_flight.discard(receipt.key)

    async def _application(self, authorization: str) -> Application:
        now = self._clock()
        if not self._read_at <= now < self._read_at + _KEYS_FRESH:
            keys = await self._store.keys()
            self._applications = {key.digest: key.application for key in keys if key.revoked_at is None}
            self._let_in = {}
            self._read_at = now
        application = self._let_in.get(authorization)
        if application is None:
            application = self._applications.get(key_digest(_presented_key(authorization)))
            if application is None:
                raise Problem(HTTPStatus.UNAUTHORIZED, "key_invalid", "Send an API key: Authorization: Bearer pk_…")
            if len(self._let_in) >= _MOST_LET_IN:  # one key can be written in endless ways
                self._let_in = {}
            self._let_in[authorization] = application
        return application


def _receipt_key(request: web.Request, application: Application, given: str) -> bytes:
    if not 0 < len(given) <= LONGEST_IDEMPOTENCY_KEY:
        detail = f"An Idempotency-Key has 1 to {LONGEST_IDEMPOTENCY_KEY} characters."
        raise Problem(HTTPStatus.BAD_REQUEST, "idempotency_key_invalid", detail)
    scope = f"{application.id}\n{request.method}\n{request.path}\n{given}"
    return _digest(scope.encode("utf-8", "surrogateescape"))


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def kept_answer(status: int, body: bytes) -> bytes:
    """Pack an answer for its receipt."""
    return b"%d %b" % (status, body)


def replayed(replay: Replay) -> web.Response:
    """Answer as the first time."""
    status, _, body = replay.answer.partition(b" ")
    headers = {"Idempotency-Replayed": "true"}
    return web.Response(status=int(status), body=body, content_type="application/json", headers=headers)


def problem_middleware(new_id: NewId) -> Middleware:
    """Return the middleware that names every request and turns every error into problem+json."""

    @web.middleware
    async def middleware(request: web.Request, handler: Plain) -> web.StreamResponse:
        request_id = new_id("req")
        request[REQUEST_ID] = request_id
        try:
            _reject_nul(request)
            response = await handler(request)
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
            logger.error("request %s failed in a way that was not foreseen", request_id, exc_info=error)
            return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", "The failure is ours, and it is logged.")


def _presented_key(authorization: str) -> str:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        with contextlib.suppress(ValueError):  # no base64, or no text in it
            return base64.b64decode(value, validate=True).decode().partition(":")[0]
    return ""
