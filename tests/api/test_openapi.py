"""The OpenAPI document is valid, names every route, and describes what is really answered."""

import re

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

pytestmark = pytest.mark.asyncio(loop_scope="module")

IDS = {
    re.compile(rf"/(?:{prefixes})_[0-9a-f]+(?=/|$)"): f"/{{{name}}}"
    for prefixes, name in (("ver|enr", "id"), ("phn", "phone_id"), ("apw", "app_password_id"))
}


def template_of(path: str) -> str:
    """Return the path as it is described, with the names of its ids."""
    template = path.partition("?")[0]
    for pattern, name in IDS.items():
        template = pattern.sub(name, template)
    return template


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


class Described:
    """Asks, and holds each question that is answered well, and each answer, against the document."""

    def __init__(self, integrator, document: dict) -> None:
        self._integrator = integrator
        self._document = document
        self.seen: set[tuple[str, str]] = set()

    async def __call__(self, method: str, path: str, body: object = None) -> dict:
        answer = await self._integrator.ask(method, path, body)
        template = template_of(path)
        operation = self._document["paths"][template][method.lower()]
        response = operation["responses"].get(str(answer.status), operation["responses"]["default"])
        self._hold(response, answer)
        if answer.status < 300:
            if body is not None:
                given = operation["requestBody"]["content"]["application/json"]["schema"]
                assert schema_errors(self._document, given, body) == []
            self.seen.add((method.lower(), template))
        return answer.body

    def _hold(self, response: dict, answer) -> None:
        if "content" not in response:
            assert (answer.status, answer.body) == (204, None)
            return
        schema = response["content"][answer.content_type]["schema"]
        assert schema_errors(self._document, schema, answer.body) == []
        assert undescribed(self._document, schema, answer.body) == set()


async def test_what_is_answered_is_what_is_described(integrator, network, numbers):
    document = await described(integrator)
    ask = Described(integrator, document)
    await ask_about_verifications(ask, integrator, network, numbers)
    await ask_about_people(ask, integrator, network, numbers)
    assert ask.seen == {(method, path) for path, methods in document["paths"].items() for method in methods}


async def ask_about_verifications(ask, integrator, network, numbers):
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


async def ask_about_people(ask, integrator, network, numbers):
    asked = {"user": "frank@example.com", "display_name": "Frank", "groups": ["staff"]}
    frank = f"/v1/enrollments/{(await ask('POST', '/v1/enrollments', asked))['id']}"
    await ask("POST", "/v1/enrollments", asked)
    await ask("POST", f"{frank}/verifications", {"purpose": "sign_in"})
    number = next(numbers)
    first = await ask("POST", f"{frank}/phones", {"kind": "authentication", "to": number, "channel": "sms"})
    await integrator.check(first["verification"]["id"], await network.code(number))
    office = {"country": "US", "number": next(numbers), "extension": "12"}
    second = await ask("POST", f"{frank}/phones", {"kind": "office", "to": office, "channel": "call", "mode": "match"})
    await ask("POST", f"{frank}/phones", {"kind": "office", "to": "5", "channel": "call"})
    default = {"phone_id": first["phone"]["id"], "channel": "call"}
    await ask("PATCH", frank, {"default_method": default, "locale": "de", "groups": []})
    await ask("PATCH", frank, {"display_name": None})
    await ask("POST", f"{frank}/verifications", {"purpose": "sign_in", "channel": "sms"})
    await ask("GET", f"{frank}/policy")
    password = await ask("POST", f"{frank}/app-passwords", {"name": "Mail", "scope": "mail", "expires_in_days": 30})
    await ask("POST", "/v1/app-passwords/check", {"user": asked["user"], "password": password["password"]})
    await ask("GET", f"{frank}/app-passwords")
    await ask("DELETE", f"{frank}/app-passwords/{password['id']}")
    await ask("PUT", f"{frank}/pin", {"pin": "583017"})
    await ask("PUT", f"{frank}/pin", {"pin": "1234"})
    await ask("DELETE", f"{frank}/pin")
    await ask("POST", f"{frank}/bypass", {"seconds": 60, "reason": "no phone today"})
    await ask("POST", f"{frank}/portal-links", {"page": "settings"})
    await ask("POST", f"{frank}/portal-links", {"page": "enroll", "return_url": "https://evil.example"})
    await ask("POST", f"{frank}/block", {"reason": "stolen", "seconds": 60})
    await ask("GET", frank)
    await ask("POST", f"{frank}/verifications", {})
    await ask("POST", f"{frank}/unblock", {"reason": "found again"})
    await ask("DELETE", f"{frank}/phones/{second['phone']['id']}?lost=true")
    await ask("POST", f"{frank}/reset", {"reason": "a new phone"})
    await ask("GET", f"{frank}/events?starting_after=1")
    await ask("DELETE", frank)
    await ask("GET", frank)


async def test_the_page_that_shows_it_needs_nothing_from_elsewhere(integrator):
    page = (await integrator.ask("GET", "/docs", Authorization="")).body.decode()
    linked = re.findall(r'(?:href|src)="([^"]+)"', page)
    assert linked
    for link in linked:
        assert not link.startswith(("http", "//"))
        assert (await integrator.ask("GET", f"/{link}", Authorization="")).status == 200
