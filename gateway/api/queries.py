"""Reads query parameters; whatever is wrong is named."""

from http import HTTPStatus
from typing import TypeVar

from aiohttp import web

from gateway.api.problems import FieldError, Problem

_LONGEST = 256

Default = TypeVar("Default", int, None)


def integer(request: web.Request, name: str, default: Default, lowest: int, highest: int) -> int | Default:
    """Return a whole number within its bounds; raises Problem 422."""
    given = request.query.get(name)
    if given is None:
        return default
    if not (
        given.isascii() and given.isdigit() and len(given) <= len(str(highest)) and lowest <= int(given) <= highest
    ):
        raise _invalid(name, f"A whole number from {lowest} to {highest}.")
    return int(given)


def text(request: web.Request, name: str) -> str | None:
    """Return a text of bounded length, without NUL; raises Problem 422."""
    given = request.query.get(name)
    if given is not None and (len(given) > _LONGEST or "\0" in given):
        raise _invalid(name, f"At most {_LONGEST} characters, none of them NUL.")
    return given


def needed_text(request: web.Request, name: str) -> str:
    """Return a text that has to be there; raises Problem 422."""
    given = text(request, name)
    if not given:
        raise _invalid(name, "This parameter is needed.")
    return given


def flag(request: web.Request, name: str) -> bool:
    """Return whether a parameter is `true`; left out or `false`, it is not. Raises Problem 422."""
    given = request.query.get(name, "false")
    if given not in {"true", "false"}:
        raise _invalid(name, "One of true, false.")
    return given == "true"


def _invalid(name: str, detail: str) -> Problem:
    error = FieldError(name, "field_invalid", detail)
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "fields_invalid",
        f"The query parameter {name} is not as it should be.",
        errors=(error,),
    )
