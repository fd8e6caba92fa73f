"""Builds the OpenAPI 3.1 document from the routes and their types."""

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
_IDEMPOTENCY_PARAMETER = {
    "name": IDEMPOTENCY_KEY,
    "in": "header",
    "description": "The same key with the same request is answered as the first time, and nothing is done again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_IDEMPOTENCY_KEY},
}
_LAST_EVENT_PARAMETER = {
    "name": LAST_EVENT_ID,
    "in": "header",
    "description": "With Accept: text/event-stream, the id of the last event that was seen; anything else is 0.",
    "schema": {"type": "integer", "minimum": 0, "default": 0},
}


class Operation(msgspec.Struct, frozen=True):
    """A route with its types: `response` is None for 204, `query` the parameters, which are all refused without it.

    `idempotent` routes accept an Idempotency-Key. `existing_status` is the status if the resource existed already. An
    absent optional body counts as {}. A route that `streams` answers `Accept: text/event-stream` with events.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    body: type[msgspec.Struct] | None
    response: type[msgspec.Struct] | None
    status: int = 200
    idempotent: bool = False
    existing_status: int | None = None
    query: type[msgspec.Struct] | None = None
    body_optional: bool = False
    streams: bool = False

    @property
    def strict_handler(self) -> Handler:
        """Return the handler; without a `query` it refuses every query parameter."""
        return self.handler if self.query else without_query(self.handler)


def describe(operations: Iterable[Operation]) -> dict[str, Any]:
    """Return the OpenAPI document of these routes."""
    operations = list(operations)
    types = {struct for operation in operations for struct in (operation.body, operation.response) if struct}
    _, schemas = msgspec.json.schema_components(sorted(types, key=lambda struct: struct.__name__), ref_template=_REF)
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
            "responses": {"Problem": _problem_response()},
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "bearerFormat": "pk_…"},
                "key_as_user": {"type": "http", "scheme": "basic", "description": "The key is the user name."},
            },
        },
    }


def _describe(operation: Operation) -> dict[str, Any]:
    success = _success_response(operation)
    described: dict[str, Any] = {
        "summary": operation.summary,
        "operationId": f"{operation.method.lower()}_{operation.path.strip('/').translate(_WITHOUT_BRACES)}",
        "parameters": _parameters(operation),
        "responses": {
            **{str(status): success for status in (operation.status, operation.existing_status) if status is not None},
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
            for name in _PATH_PARAMETER.findall(operation.path)
        ),
        *(query_parameters(operation.query) if operation.query else []),
        *([_IDEMPOTENCY_PARAMETER] if operation.idempotent else []),
        *([_LAST_EVENT_PARAMETER] if operation.streams else []),
    ]


def _success_response(operation: Operation) -> dict[str, Any]:
    headers = _headers("Request-Id", *(["Idempotency-Replayed"] if operation.idempotent else []))
    if operation.response is None:
        return {"description": "Done.", "headers": headers}
    content = _content("application/json", operation.response.__name__)
    if operation.streams:
        content[EVENT_STREAM] = {"schema": {"type": "string", "description": STREAM}}
    return {"description": "As asked.", "headers": headers, "content": content}


def _problem_response() -> dict[str, Any]:
    return {
        "description": "Not as asked; `code` says why.",
        "headers": _headers("Request-Id", "Retry-After", "WWW-Authenticate"),
        "content": _content("application/problem+json", "Problem"),
    }


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _content(media_type: str, schema: str) -> dict[str, Any]:
    return {media_type: {"schema": {"$ref": _REF.format(name=schema)}}}


_PATH_PARAMETER = re.compile(r"\{(\w+)\}")
_WITHOUT_BRACES = str.maketrans({"/": "_", "{": None, "}": None})
