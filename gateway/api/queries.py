"""Query parameters: a struct for each operation says which it takes; every mistake in them is named."""

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

import msgspec
from aiohttp import web

from gateway.api.auth import Handler
from gateway.api.problems import FieldError, Problem, field_errors
from gateway.domain.api_keys import Application
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.validation import Kind, Mistake, MistakeCode, Sentences, validate, value_types

CURSOR = "starting_after"
"""The parameter of every list that names the last entry that is known."""

SequenceNumber = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]
Limit = Annotated[int, msgspec.Meta(ge=1, le=100, description="How many at most.")]
ShortText = Annotated[str, msgspec.Meta(max_length=256, pattern=r"^[^\x00]*$")]

_SENTENCES = Sentences("There is no such parameter.", "This parameter is needed.", "Expected a text")
_REPEATED = "This parameter may stand only once."
_MOST_DIGITS = 10
_BOOLEANS = {"true": True, "false": False}

Query = TypeVar("Query", bound=msgspec.Struct)
Reader = Callable[[str], object]


class NoParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The query of an operation that takes no parameters."""


def read_query(request: web.Request, kind: type[Query]) -> Query:
    """Read an operation's parameters; raises Problem 422 that names each unknown, missing, wrong or repeated one."""
    query, readers = request.query, _readers(kind)
    values = {name: readers[name](text) if name in readers else text for name, text in query.items()}
    parameters = {name: value for name, value in values.items() if value is not msgspec.UNSET}
    repeated = [name for name in values if name in readers and len(query.getall(name)) > 1]
    try:
        if not repeated:
            return msgspec.convert(parameters, kind)
    except msgspec.ValidationError:
        pass
    mistakes = [mistake for mistake in validate(parameters, kind, _SENTENCES)[1] if mistake.place[0] not in repeated]
    mistakes += [Mistake((name,), MistakeCode.INVALID, _REPEATED) for name in repeated]
    raise _problem(_cursor_error(error) for error in field_errors(mistakes))


def without_query(handler: Handler) -> Handler:
    """Return the handler of an operation without parameters, which refuses every parameter."""

    async def refuse_parameters(request: web.Request, application: Application) -> web.StreamResponse:
        if "?" in request.raw_path:
            read_query(request, NoParameters)
        return await handler(request, application)

    return refuse_parameters


@contextlib.contextmanager
def cursor_lookup() -> Iterator[None]:
    """Look up what a cursor names inside the block; what is not found is no 404, but a cursor that is refused."""
    try:
        yield
    except Rejected as refused:
        if refused.code is not ErrorCode.NOT_FOUND:
            raise
        raise _problem([FieldError(CURSOR, "cursor_invalid", "There is no such entry in this list.")]) from None


def query_parameters(kind: type[msgspec.Struct]) -> list[dict[str, Any]]:
    """Describe an operation's parameters for OpenAPI; the sentences are the `description` of each field."""
    return [_described(field) for field in msgspec.structs.fields(kind)]


def _problem(errors: Iterable[FieldError]) -> Problem:
    message = "Some query parameters are not as they should be."
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "fields_invalid", message, errors=tuple(errors))


def _cursor_error(error: FieldError) -> FieldError:
    if error.field == CURSOR and error.code == MistakeCode.INVALID:
        return msgspec.structs.replace(error, code="cursor_invalid")
    return error


@functools.cache
def _readers(kind: type[msgspec.Struct]) -> Mapping[str, Reader]:
    return {field.name: _reader(field) for field in msgspec.structs.fields(kind)}


def _reader(field: msgspec.structs.FieldInfo) -> Reader:
    """Return what makes a value of a text. What cannot be one stays a text, which the struct refuses."""
    kinds = {member for member, _ in value_types(field.type)}
    if bool in kinds:
        return lambda text: _BOOLEANS.get(text, text)
    if int in kinds:
        return lambda text: int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else text
    if field.default is None:  # forms and templates send an empty text for what is left out
        return lambda text: text or msgspec.UNSET
    return str


def _described(field: msgspec.structs.FieldInfo) -> dict[str, Any]:
    [(member, metas)] = value_types(field.type)
    schema = _schema(member, metas)
    if not field.required and field.default is not None:
        schema["default"] = field.default
    return {
        "name": field.encode_name,
        "in": "query",
        "description": schema.pop("description"),
        "required": field.required,
        "schema": schema,
    }


def _schema(member: Kind, metas: Iterable[msgspec.Meta]) -> dict[str, Any]:
    """Return the JSON Schema of one parameter, with nothing that stands elsewhere in the document."""
    words = {"type": "string", "enum": [word.value for word in member]} if issubclass(member, StrEnum) else None
    kind = str if words else member
    for meta in metas:
        kind = Annotated[kind, meta]
    return msgspec.json.schema(kind) | (words or {})
