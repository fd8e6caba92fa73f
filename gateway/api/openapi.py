"""Describes the API as OpenAPI 3.1, from the routes and their types themselves."""

import re
from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

import msgspec

from gateway.api.auth import IDEMPOTENCY_KEY, LONGEST_IDEMPOTENCY_KEY, Handler
from gateway.api.queries import query_parameters, without_query
from gateway.api.streams import EVENT_STREAM, LAST_EVENT_ID, STREAM

_REF = "#/components/schemas/{name}"
_PROBLEM: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "code", "detail"],
                "properties": {name: {"type": "string"} for name in ("field", "code", "detail")},
            },
        },
    },
}
_HEADERS: dict[str, Any] = {
    "Request-Id": {
        "description": "Names the request in the gateway's log.",
        "required": True,
        "schema": {"type": "string"},
    },
    "Idempotency-Replayed": {
        "description": "This Idempotency-Key was answered before, and this is that answer.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "Retry-After": {
        "description": "In how many seconds to ask again.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "WWW-Authenticate": {
        "description": "No API key, or one that is not known (401).",
        "schema": {"type": "string", "enum": ["Bearer"]},
    },
}
_ONCE = {
    "name": IDEMPOTENCY_KEY,
    "in": "header",
    "description": "The same key with the same request is answered as the first time, and nothing is done again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_IDEMPOTENCY_KEY},
}
_RESUME = {
    "name": LAST_EVENT_ID,
    "in": "header",
    "description": "With Accept: text/event-stream, the id of the last event that was seen; anything else is 0.",
    "schema": {"type": "integer", "minimum": 0, "default": 0},
}


class Operation(msgspec.Struct, frozen=True):
    """One route: how it is asked, what it takes, and what it answers when all is well (nothing: 204).

    `once` takes an Idempotency-Key. `also` is the status where what was asked for is there already. A body that is
    optional is {} where there is none. `query` has the parameters; without it, each is refused. One that `streams`
    answers an Accept of text/event-stream with the events.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    body: type[msgspec.Struct] | None
    answer: type[msgspec.Struct] | None
    status: int = 200
    once: bool = False
    also: int | None = None
    query: type[msgspec.Struct] | None = None
    body_optional: bool = False
    streams: bool = False

    @property
    def strict_handler(self) -> Handler:
        """Return the handler, which refuses every parameter where the operation takes none."""
        return self.handler if self.query else without_query(self.handler)


def describe(operations: Iterable[Operation]) -> dict[str, Any]:
    """Return the OpenAPI document of these routes."""
    operations = list(operations)
    kinds = {kind for operation in operations for kind in (operation.body, operation.answer) if kind}
    _, schemas = msgspec.json.schema_components(sorted(kinds, key=lambda kind: kind.__name__), ref_template=_REF)
    paths: dict[str, Any] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _describe(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Poundkey",
            "version": version("poundkey"),
            "description": "Proves that a person holds a phone: a text with a code, or a call on which they press #.",
        },
        "security": [{"key": []}, {"key_as_user": []}],
        "paths": paths,
        "components": {
            "schemas": {**schemas, "Problem": _PROBLEM},
            "headers": _HEADERS,
            "responses": {"Problem": _problem()},
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "bearerFormat": "pk_…"},
                "key_as_user": {"type": "http", "scheme": "basic", "description": "The key is the user name."},
            },
        },
    }


def _describe(operation: Operation) -> dict[str, Any]:
    well = _well(operation)
    described: dict[str, Any] = {
        "summary": operation.summary,
        "operationId": f"{operation.method.lower()}_{operation.path.strip('/').translate(_PLAIN)}",
        "parameters": _parameters(operation),
        "responses": {
            **{str(status): well for status in (operation.status, operation.also) if status is not None},
            "default": {"$ref": "#/components/responses/Problem"},
        },
    }
    if operation.body:
        content = _content("application/json", operation.body.__name__)
        described["requestBody"] = {"required": not operation.body_optional, "content": content}
    return described


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    return [
        *(
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in _IN_PATH.findall(operation.path)
        ),
        *(query_parameters(operation.query) if operation.query else []),
        *([_ONCE] if operation.once else []),
        *([_RESUME] if operation.streams else []),
    ]


def _well(operation: Operation) -> dict[str, Any]:
    headers = _headers("Request-Id", *(["Idempotency-Replayed"] if operation.once else []))
    if operation.answer is None:
        return {"description": "Done.", "headers": headers}
    content = _content("application/json", operation.answer.__name__)
    if operation.streams:
        content[EVENT_STREAM] = {"schema": {"type": "string", "description": STREAM}}
    return {"description": "As asked.", "headers": headers, "content": content}


def _problem() -> dict[str, Any]:
    return {
        "description": "Not as asked; `code` says why.",
        "headers": _headers("Request-Id", "Retry-After", "WWW-Authenticate"),
        "content": _content("application/problem+json", "Problem"),
    }


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _content(media_type: str, schema: str) -> dict[str, Any]:
    return {media_type: {"schema": {"$ref": _REF.format(name=schema)}}}


_IN_PATH = re.compile(r"\{(\w+)\}")
_PLAIN = str.maketrans({"/": "_", "{": None, "}": None})
