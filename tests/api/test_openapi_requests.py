"""What the OpenAPI document says of requests is what the running gateway takes, for every operation there is."""

import base64
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from support.problems import assert_problem, fields_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

Operation = dict[str, Any]
NOT_PARAMETERS = {"Authorization", "Accept", "Content-Type", "Expect"}
"""Headers that OpenAPI describes elsewhere, as security, answers and bodies; aiohttp itself reads the last one."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def document(integrator):
    return (await integrator.ask("GET", "/openapi.json", Authorization="")).body


@pytest.fixture(scope="module")
def operations(document) -> list[tuple[str, str, Operation]]:
    """Every method, path to nothing that is there, and description."""
    return [
        (method.upper(), path.replace("{", "").replace("}", ""), operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def parameters(operation: Operation, place: str) -> dict[str, dict]:
    return {one["name"]: one for one in operation["parameters"] if one["in"] == place}


async def test_a_body_may_be_left_out_where_it_is_said_so(integrator, operations):
    for method, path, operation in operations:
        answer = await integrator.ask(method, path, raw=b"")
        unread = answer.status == 400 and answer.body["code"] == "json_invalid"
        assert unread == operation.get("requestBody", {}).get("required", False), (method, path)


async def test_a_body_is_read_where_one_is_described(integrator, operations):
    for method, path, operation in operations:
        answer = await integrator.ask(method, path, raw=b"{")
        unread = answer.status == 400 and answer.body["code"] == "json_invalid"
        assert unread == ("requestBody" in operation), (method, path)


class Noting(Mapping[str, str]):
    """Notes which names are asked for."""

    def __init__(self, inner: Mapping[str, str], noted: set[str]) -> None:
        self._inner = inner
        self._noted = noted

    def __getitem__(self, name: str) -> str:
        self._noted.add(name)
        return self._inner[name]

    def __contains__(self, name: object) -> bool:
        self._noted.add(str(name))
        return name in self._inner

    def __iter__(self) -> Iterator[str]:
        pytest.fail("who takes whatever comes cannot be described")

    def __len__(self) -> int:
        return len(self._inner)


@pytest.fixture
def read(monkeypatch) -> dict[tuple[str, str], set[str]]:
    """The headers that are read of a request, by its method and path."""
    read: dict[tuple[str, str], set[str]] = defaultdict(set)
    headers = property(lambda request: Noting(request._headers, read[request.method, request.path]))
    monkeypatch.setattr(web.BaseRequest, "headers", headers)
    return read


async def test_the_headers_that_are_described_are_those_that_are_read(integrator, document, operations, read):
    for method, path, operation in operations:
        body = example(document, operation)
        for accept in ("application/json", "text/event-stream"):
            await integrator.ask(method, path, body, Accept=accept)
        assert read[method, path] - NOT_PARAMETERS == set(parameters(operation, "header")), (method, path)


async def test_every_operation_refuses_the_parameters_that_are_not_described(integrator, document, operations):
    for method, path, operation in operations:
        described = parameters(operation, "query")
        query = "&".join(["staus=approved", *(f"{name}={inside(one['schema'])[0]}" for name, one in described.items())])
        answer = await integrator.ask(method, f"{path}?{query}", example(document, operation))
        errors = assert_problem(answer, 422, "fields_invalid")["errors"]
        assert [(error["field"], error["code"]) for error in errors] == [("staus", "field_unknown")], (method, path)


async def test_no_query_parameter_may_be_repeated(integrator, operations):
    for method, path, operation in operations:
        for name, parameter in parameters(operation, "query").items():
            value = inside(parameter["schema"])[0]
            answer = await integrator.ask(method, f"{path}?{name}={value}&{name}={value}")
            assert fields_of(assert_problem(answer, 422, "fields_invalid")) == {name}, (method, path)


async def test_what_is_left_out_by_an_empty_question_mark_is_nothing(integrator, document, operations):
    for method, path, operation in operations:
        if not any(one.get("required") for one in parameters(operation, "query").values()):
            answer = await integrator.ask(method, f"{path}?", example(document, operation))
            assert not (isinstance(answer.body, dict) and "errors" in answer.body), (method, path)


def example(document: dict, operation: Operation) -> object:
    """Return the least body that is taken, or None where there is none."""
    if "requestBody" not in operation:
        return None
    return least(document, operation["requestBody"]["content"]["application/json"]["schema"])


def least(document: dict, schema: dict) -> object:
    """Return a value of a schema; its texts are a number, which goes for a name, a reason or a password as well."""
    match schema:
        case {"$ref": name}:
            return least(document, document["components"]["schemas"][name.rpartition("/")[2]])
        case {"enum": values}:
            return values[0]
        case {"anyOf": [first, *_]}:
            return least(document, first)
        case {"type": "object"}:
            return {name: least(document, schema["properties"][name]) for name in schema.get("required", ())}
        case {"type": "integer"}:
            return schema["minimum"]
        case {"type": "string"}:
            return "+14255550123"
    pytest.fail(f"no example: {schema}")


def inside(schema: dict) -> list[str]:
    """Return values that a schema allows, those at its bounds among them."""
    match schema:
        case {"enum": values}:
            return values
        case {"type": "integer", "minimum": lowest, "maximum": highest}:
            return [str(lowest), str(highest)]
        case {"type": "boolean"}:
            return ["true", "false"]
        case {"type": "string", "maxLength": longest, "pattern": pattern} if pattern.startswith("^ver_"):
            return ["ver_0", "ver_" + "f" * (longest - 4), ""]
        case {"type": "string", "maxLength": longest}:
            return ["x", "x" * longest, *([] if schema.get("minLength") else [""])]
    pytest.fail(f"no bounds: {schema}")


def outside(schema: dict) -> list[str]:
    """Return values that a schema forbids, those next to its bounds among them."""
    match schema:
        case {"enum": _}:
            return ["x"]
        case {"type": "integer", "minimum": lowest, "maximum": highest}:
            return [str(lowest - 1), str(highest + 1), "", "x", "1.5"]
        case {"type": "boolean"}:
            return ["", "1", "True"]
        case {"type": "string", "maxLength": longest, "pattern": pattern} if pattern.startswith("^ver_"):
            return ["x", "ver_", "enr_0", "ver_x", "ver_0%0A", "%00", "ver_" + "f" * (longest - 3)]
        case {"type": "string", "maxLength": longest, "pattern": r"^[^\x00]*$"}:
            return ["x" * (longest + 1), "%00", *([""] if schema.get("minLength") else [])]
    pytest.fail(f"no bounds: {schema}")


async def test_a_query_parameter_is_bounded_as_described(integrator, operations):
    seen = 0
    for method, path, operation in operations:
        for name, parameter in parameters(operation, "query").items():
            for value in inside(parameter["schema"]):
                answer = await integrator.ask(method, f"{path}?{name}={value}")
                assert not_refused(answer, name), (path, value)
            for value in outside(parameter["schema"]):
                answer = await integrator.ask(method, f"{path}?{name}={value}")
                assert fields_of(assert_problem(answer, 422, "fields_invalid")) == {name}, (path, value)
            seen += 1
    assert seen


def not_refused(answer, name: str) -> bool:
    """Tell whether a parameter of this form was taken; what it names need not be there."""
    errors = answer.body.get("errors", []) if isinstance(answer.body, dict) else []
    return all((error["field"], error["code"]) != (name, "field_invalid") for error in errors)


async def test_a_query_parameter_is_needed_where_it_is_said_so(integrator, operations):
    for method, path, operation in operations:
        needed = {name for name, one in parameters(operation, "query").items() if one.get("required")}
        answer = await integrator.ask(method, path, {})
        named = {error["field"] for error in (answer.body or {}).get("errors", [])}
        assert named & set(parameters(operation, "query")) == needed, (method, path)


async def test_an_idempotency_key_is_bounded_as_described(integrator, operations):
    for method, path, operation in operations:
        if key := parameters(operation, "header").get("Idempotency-Key"):
            longest = key["schema"]["maxLength"]
            answer = await integrator.ask(method, path, raw=b"{", Idempotency_Key="k" * longest)
            assert_problem(answer, 400, "json_invalid")
            answer = await integrator.ask(method, path, raw=b"{", Idempotency_Key="k" * (longest + 1))
            assert_problem(answer, 400, "idempotency_key_invalid")


async def test_a_key_is_presented_in_each_way_that_is_described(integrator, document):
    known = {
        "bearer": f"Bearer {integrator.key}",
        "basic": f"Basic {base64.b64encode(f'{integrator.key}:'.encode()).decode()}",
    }
    schemes = document["components"]["securitySchemes"]
    assert [list(one) for one in document["security"]] == [[name] for name in schemes]
    assert {scheme["scheme"] for scheme in schemes.values()} == set(known)
    for scheme in schemes.values():
        answer = await integrator.ask("GET", "/v1/verifications", Authorization=known[scheme["scheme"]])
        assert answer.status == 200
