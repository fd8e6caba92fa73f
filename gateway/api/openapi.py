"""Describes the API as OpenAPI 3.1, from the routes and their types themselves."""

import re
from collections.abc import Awaitable, Callable, Iterable
from importlib.metadata import version
from typing import Any

import msgspec
from aiohttp import web

from gateway.ports import Application

_REF = "#/components/schemas/{name}"
_QUERIES = {
    "/v1/verifications/{id}": {"wait": "integer", "revision": "integer"},
    "/v1/verifications": {"to": "string", "status": "string", "limit": "integer", "starting_after": "string"},
    "/v1/enrollments": {"user": "string"},
    "/v1/enrollments/{id}/events": {"starting_after": "integer"},
    "/v1/enrollments/{id}/phones/{phone_id}": {"lost": "boolean"},
}
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


class Operation(msgspec.Struct, frozen=True):
    """One route: how it is asked, what it takes, and what it answers when all is well (nothing: 204).

    `once` takes an Idempotency-Key. `also` is the status where what was asked for is there already.
    """

    method: str
    path: str
    handler: Callable[[web.Request, Application], Awaitable[web.StreamResponse]]
    summary: str
    body: type[msgspec.Struct] | None
    answer: type[msgspec.Struct] | None
    status: int = 200
    once: bool = False
    also: int | None = None


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
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": {**schemas, "Problem": _PROBLEM},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "bearerFormat": "pk_…"}},
        },
    }


def _describe(operation: Operation) -> dict[str, Any]:
    well = (
        _content("application/json", operation.answer.__name__, "As asked.")
        if operation.answer
        else {"description": "Done."}
    )
    described: dict[str, Any] = {
        "summary": operation.summary,
        "operationId": f"{operation.method.lower()}_{operation.path.strip('/').translate(_PLAIN)}",
        "parameters": _parameters(operation),
        "responses": {
            **{str(status): well for status in (operation.status, operation.also) if status is not None},
            "default": _content("application/problem+json", "Problem", "Not as asked; `code` says why."),
        },
    }
    if operation.body:
        described["requestBody"] = {"required": True, **_content("application/json", operation.body.__name__)}
    return described


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _IN_PATH.findall(operation.path)
    ]
    if operation.method in {"GET", "DELETE"}:
        queries = _QUERIES.get(operation.path, {})
        parameters += [{"name": name, "in": "query", "schema": {"type": kind}} for name, kind in queries.items()]
    if operation.once:
        parameters.append({"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "maxLength": 255}})
    return parameters


def _content(media_type: str, schema: str, description: str | None = None) -> dict[str, Any]:
    content: dict[str, Any] = {"content": {media_type: {"schema": {"$ref": _REF.format(name=schema)}}}}
    return {"description": description, **content} if description else content


_IN_PATH = re.compile(r"\{(\w+)\}")
_PLAIN = str.maketrans({"/": "_", "{": None, "}": None})
