"""Errors of the API as problem+json (RFC 9457): one table from error code to HTTP status."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus

import msgspec
from aiohttp import web

from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.validation import Mistake

STATUSES: Mapping[ErrorCode, HTTPStatus] = {
    ErrorCode.NOT_FOUND: HTTPStatus.NOT_FOUND,
    ErrorCode.NUMBER_INVALID: HTTPStatus.UNPROCESSABLE_ENTITY,
    ErrorCode.NUMBER_BLOCKED: HTTPStatus.UNPROCESSABLE_ENTITY,
    ErrorCode.NUMBER_STOPPED: HTTPStatus.FORBIDDEN,
    ErrorCode.RATE_LIMITED: HTTPStatus.TOO_MANY_REQUESTS,
    ErrorCode.CODE_MALFORMED: HTTPStatus.UNPROCESSABLE_ENTITY,
    ErrorCode.NO_CODE_SENT: HTTPStatus.CONFLICT,
    ErrorCode.VERIFICATION_FINISHED: HTTPStatus.CONFLICT,
    ErrorCode.ENROLLMENT_BLOCKED: HTTPStatus.FORBIDDEN,
    ErrorCode.PHONES_FULL: HTTPStatus.CONFLICT,
    ErrorCode.PHONE_NOT_PROVEN: HTTPStatus.CONFLICT,
    ErrorCode.NO_METHOD: HTTPStatus.CONFLICT,
    ErrorCode.RETURN_URL_FORBIDDEN: HTTPStatus.UNPROCESSABLE_ENTITY,
    ErrorCode.BYPASS_INVALID: HTTPStatus.FORBIDDEN,
    ErrorCode.METHOD_FORBIDDEN: HTTPStatus.FORBIDDEN,
    ErrorCode.COUNTRY_FORBIDDEN: HTTPStatus.FORBIDDEN,
    ErrorCode.LINE_TYPE_FORBIDDEN: HTTPStatus.FORBIDDEN,
    ErrorCode.PHONE_KIND_FORBIDDEN: HTTPStatus.FORBIDDEN,
    ErrorCode.NUMBER_SHARED_TOO_OFTEN: HTTPStatus.FORBIDDEN,
    ErrorCode.FEATURE_OFF: HTTPStatus.FORBIDDEN,
    ErrorCode.PIN_NOT_SET: HTTPStatus.CONFLICT,
    ErrorCode.PIN_LOCKED: HTTPStatus.TOO_MANY_REQUESTS,
    ErrorCode.PIN_MALFORMED: HTTPStatus.UNPROCESSABLE_ENTITY,
    ErrorCode.PIN_TOO_SIMPLE: HTTPStatus.UNPROCESSABLE_ENTITY,
    ErrorCode.APP_PASSWORDS_FULL: HTTPStatus.CONFLICT,
    ErrorCode.APP_PASSWORD_NAME_INVALID: HTTPStatus.UNPROCESSABLE_ENTITY,
    ErrorCode.IDEMPOTENCY_KEY_REUSED: HTTPStatus.UNPROCESSABLE_ENTITY,
    ErrorCode.IDEMPOTENCY_KEY_IN_FLIGHT: HTTPStatus.CONFLICT,
    ErrorCode.STORE_UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
}


class FieldError(msgspec.Struct, frozen=True):
    """What is wrong with one field of the request, named by its path (`to.number`)."""

    field: str
    code: str
    detail: str


class Problem(Exception):
    """An error response: HTTP status, stable code, explanation, and the errors of single fields."""

    def __init__(
        self,
        status: HTTPStatus,
        code: str,
        detail: str,
        *,
        errors: tuple[FieldError, ...] = (),
        retry_after: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = errors
        self.retry_after = retry_after


def field_errors(mistakes: Iterable[Mistake]) -> tuple[FieldError, ...]:
    """Return mistakes with the paths of their fields, such as `to.number` and `fallback.[0].channel`."""
    return tuple(
        FieldError(
            ".".join(f"[{name}]" if isinstance(name, int) else name for name in mistake.place),
            mistake.code.value,
            mistake.sentence,
        )
        for mistake in mistakes
    )


def from_rejection(rejection: Rejected) -> Problem:
    """Return the problem for a rejection."""
    errors = (FieldError(rejection.field, rejection.code.value, rejection.detail),) if rejection.field else ()
    return Problem(
        STATUSES[rejection.code],
        rejection.code.value,
        rejection.detail,
        errors=errors,
        retry_after=rejection.retry_after,
    )


def from_http_error(error: web.HTTPException) -> Problem:
    """Return the problem for an error of aiohttp: unknown route, wrong method, too large a body."""
    status = HTTPStatus(error.status)
    code, detail = _HTTP.get(status, ("http_error", status.description or status.phrase))
    return Problem(status, code, detail)


def problem_response(problem: Problem) -> web.Response:
    """Return the response for a problem, with WWW-Authenticate and Retry-After where they apply."""
    body: dict[str, object] = {
        "type": f"urn:poundkey:problem:{problem.code}",
        "title": problem.status.phrase,
        "status": problem.status.value,
        "detail": problem.detail,
        "code": problem.code,
    }
    if problem.errors:
        body["errors"] = problem.errors
    response = web.Response(
        status=problem.status.value, body=msgspec.json.encode(body), content_type="application/problem+json"
    )
    if problem.status is HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    if problem.retry_after is not None:
        response.headers["Retry-After"] = str(problem.retry_after)
    return response


_HTTP = {
    HTTPStatus.NOT_FOUND: ("not_found", "There is nothing at this address. The API is described at /docs."),
    HTTPStatus.METHOD_NOT_ALLOWED: ("method_not_allowed", "This address takes another method; see the Allow header."),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ("body_too_large", "The body is larger than this address takes."),
}
