"""The OpenAPI document is valid, names every route, and describes what is really answered."""

import re

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

pytestmark = pytest.mark.asyncio(loop_scope="module")

ID = re.compile(r"/(?:ver|enr)_[0-9a-f]+(?=/|$)")


async def described(integrator) -> dict:
    return (await integrator.ask("GET", "/openapi.json", Authorization="")).body


def schema_errors(document: dict, schema: dict, value: object) -> list[str]:
    root = {**schema, "components": document["components"]}
    return [error.message for error in Draft202012Validator(root).iter_errors(value)]


def undescribed(document: dict, schema: dict, value: object, path: str = "") -> set[str]:
    """Return the paths of fields in a value that its schema does not name."""
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    choices = [choice for choice in schema.get("anyOf", []) if "$ref" in choice]
    if isinstance(value, dict) and choices:
        return undescribed(document, choices[0], value, path)
    if isinstance(value, dict) and "properties" in schema:
        unknown = {f"{path}.{name}" for name in value if name not in schema["properties"]}
        known = (name for name in value if name in schema["properties"])
        return unknown.union(
            *(undescribed(document, schema["properties"][name], value[name], f"{path}.{name}") for name in known)
        )
    if isinstance(value, list):
        return set().union(*(undescribed(document, schema["items"], item, f"{path}[]") for item in value))
    return set()


async def test_the_document_is_valid_and_names_every_route(world, integrator):
    document = await described(integrator)
    validate(document)
    routes = {
        (route.method.lower(), route.resource.canonical)
        for route in world.gateway.application.router.routes()
        if route.resource.canonical.startswith("/v1/") and route.method != "HEAD"
    }
    listed = {(method, path) for path, methods in document["paths"].items() for method in methods}
    assert listed == routes


async def test_what_is_answered_is_what_is_described(integrator, network, numbers):
    document = await described(integrator)
    seen = set()

    async def ask(method: str, path: str, body: object = None) -> dict:
        answer = await integrator.ask(method, path, body)
        template = ID.sub("/{id}", path.partition("?")[0])
        operation = document["paths"][template][method.lower()]
        response = operation["responses"].get(str(answer.status), operation["responses"]["default"])
        schema = response["content"][answer.content_type]["schema"]
        assert schema_errors(document, schema, answer.body) == []
        assert undescribed(document, schema, answer.body) == set()
        if body is not None and answer.status < 300:
            given = operation["requestBody"]["content"]["application/json"]["schema"]
            assert schema_errors(document, given, body) == []
        if answer.status < 300:
            seen.add((method.lower(), template))
        return answer.body

    person = await ask("POST", "/v1/enrollments", {"user": "erin@example.com", "locale": "de"})
    number = next(numbers)
    wish = {"to": number, "channel": "sms", "enrollment_id": person["id"], "metadata": {"order": "7"}}
    made = await ask("POST", "/v1/verifications", wish)
    one = f"/v1/verifications/{made['id']}"
    code = await network.code(number)
    await ask("POST", f"{one}/resend", {"channel": "sms"})
    await ask("GET", f"{one}?wait=0")
    await ask("POST", f"{one}/check", {"code": code})
    await ask("POST", f"{one}/check", {"code": code})
    await ask("POST", f"{one}/check", {"code": "x"})
    await ask("GET", f"{one}/events")
    await ask("GET", f"/v1/enrollments/{person['id']}")
    await ask("GET", "/v1/enrollments?user=erin@example.com")
    await network.persona("busy", number)
    called = await ask("POST", "/v1/verifications", {"to": {"country": "US", "number": number}, "channel": "call"})
    await integrator.finished(called["id"])
    await ask("GET", f"/v1/verifications/{called['id']}")
    await ask("POST", f"/v1/verifications/{called['id']}/cancel")
    third = await ask("POST", "/v1/verifications", {"to": next(numbers), "channel": "call", "mode": "confirm"})
    await ask("POST", f"/v1/verifications/{third['id']}/cancel")
    await ask("GET", "/v1/verifications?limit=100")
    await ask("POST", "/v1/verifications", {"to": 5, "colour": "red"})
    assert seen == {(method, path) for path, methods in document["paths"].items() for method in methods}


async def test_the_page_that_shows_it_needs_nothing_from_elsewhere(integrator):
    page = (await integrator.ask("GET", "/docs", Authorization="")).body.decode()
    linked = re.findall(r'(?:href|src)="([^"]+)"', page)
    assert linked
    for link in linked:
        assert not link.startswith(("http", "//"))
        assert (await integrator.ask("GET", f"/{link}", Authorization="")).status == 200
