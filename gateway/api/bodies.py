"""Reads request bodies: strict JSON, in bounded size and time, with every mistake named."""

import asyncio
import json
from http import HTTPStatus
from typing import Any, NoReturn, TypeVar

import msgspec
from aiohttp import web

from gateway.api.problems import Problem, field_errors
from gateway.domain.validation import Sentences, validate

LARGEST_BODY = 32 * 1024
BODY_SECONDS = 10.0

_MEDIA_TYPES = {"", "application/json", "application/octet-stream"}  # the last: clients that name none
_SENTENCES = Sentences("There is no such field.", "This field is needed.", "Expected an object")

Body = TypeVar("Body", bound=msgspec.Struct)


async def read_body(request: web.Request) -> bytes:
    """Read a body; raises Problem 408 when it takes too long, 400 when it ends early or is compressed wrongly.

    Larger ones than LARGEST_BODY end as 413.
    """
    if request.content.is_eof():  # it came with its headers: no timer needed
        return await request.read()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await request.read()
    except TimeoutError:
        detail = f"The body did not arrive within {BODY_SECONDS:.0f} s."
        raise Problem(HTTPStatus.REQUEST_TIMEOUT, "body_too_slow", detail) from None
    except (ConnectionError, web.RequestPayloadError):
        detail = "The body was cut off, or is not compressed as its Content-Encoding says."
        raise Problem(HTTPStatus.BAD_REQUEST, "json_invalid", detail) from None


def parse(raw: bytes, kind: type[Body], content_type: str) -> Body:
    """Parse a body; raises Problem 415 or 422 (400 if it is no JSON), naming each field that is wrong."""
    if content_type.partition(";")[0].strip().lower() not in _MEDIA_TYPES:
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "media_type_unsupported", "Send the body as application/json.")
    values = _decode(raw)
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "fields_invalid",
            "Some fields of the request are not as they should be.",
            errors=field_errors(validate(values, kind, _SENTENCES)[1]),
        ) from None


def _decode(raw: bytes) -> dict[str, Any]:
    """Decode an object in which no key stands twice; raises Problem 400.

    A fast decoder does the work where it can be seen that nothing was lost: there are as many colons as pairs. Whatever
    else comes is decoded with care, and slowly.
    """
    try:
        values = msgspec.json.decode(raw)
    except (ValueError, RecursionError):
        return _decode_with_care(raw)
    if isinstance(values, dict) and raw.count(b":") == _pairs(values):
        return values
    return _decode_with_care(raw)


def _pairs(values: dict[str, Any]) -> int:
    return len(values) + sum(len(inner) for inner in values.values() if isinstance(inner, dict))


def _decode_with_care(raw: bytes) -> dict[str, Any]:
    try:
        values = json.loads(raw.decode("utf-8"), object_pairs_hook=_object, parse_constant=_not_json)
    except (ValueError, RecursionError) as error:
        raise Problem(HTTPStatus.BAD_REQUEST, "json_invalid", _why_not_json(error)) from None
    if not isinstance(values, dict):
        raise Problem(HTTPStatus.BAD_REQUEST, "json_invalid", "The body must be a JSON object.")
    if b"\\u" in raw and not _is_unicode(values):
        raise Problem(HTTPStatus.BAD_REQUEST, "json_invalid", "The body holds half of a surrogate pair.")
    return values


def _is_unicode(values: dict[str, Any]) -> bool:
    # "\\ud800" is JSON, but cannot be encoded as UTF-8, so it can be neither stored nor answered.
    try:
        msgspec.json.encode(values)
    except UnicodeEncodeError:
        return False
    return True


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("A key stands twice in one object.")
    return values


def _not_json(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON.")


def _why_not_json(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "The body is not UTF-8."
    if isinstance(error, json.JSONDecodeError):
        return f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
    return "The body is nested too deeply." if isinstance(error, RecursionError) else str(error)
