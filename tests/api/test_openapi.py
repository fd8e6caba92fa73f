"""The OpenAPI document is valid, names every route, and describes what is really answered."""

import itertools
import re

import msgspec
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from support.integrator import Answer

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


def resolved(document: dict, described: dict) -> dict:
    """Return what a reference names, or the thing itself."""
    for name in described.get("$ref", "#").split("/")[1:]:
        document = document[name]
    return document if "$ref" in described else described


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


NOT_DESCRIBED = {
    "Content-Type",
    "Content-Length",
    "Transfer-Encoding",
    "Date",
    "Server",
    "Cache-Control",
    "X-Accel-Buffering",
}
"""Headers that HTTP itself brings along, or that are for what stands in between."""


class Described:
    """Asks, and holds each question that is answered well, and each answer, against the document.

    What takes an Idempotency-Key is asked a second time under it, and answered as the first time.
    """

    def __init__(self, integrator, document: dict) -> None:
        self._integrator = integrator
        self._document = document
        self._keys = itertools.count()
        self.seen: set[tuple[str, str, str]] = set()
        self.headers: set[str] = set()

    async def __call__(self, method: str, path: str, body: object = None, **headers: str) -> dict:
        operation = self._document["paths"][template_of(path)][method.lower()]
        once = any(parameter["name"] == "Idempotency-Key" for parameter in operation["parameters"])
        if once:
            headers["Idempotency_Key"] = f"described {next(self._keys)}"
        answer = await self._integrator.ask(method, path, body, **headers)
        self.hold(method, path, answer)
        if answer.status < 300:
            self._hold_request(operation, body)
            if once:
                again = await self._integrator.ask(method, path, body, **headers)
                self.hold(method, path, again)
                assert (again.status, again.body) == (answer.status, answer.body)
        return answer.body

    def _hold_request(self, operation: dict, body: object) -> None:
        if body is None:
            assert not operation.get("requestBody", {}).get("required")
        else:
            given = operation["requestBody"]["content"]["application/json"]["schema"]
            assert schema_errors(self._document, given, body) == []

    def hold(self, method: str, path: str, answer: Answer) -> None:
        """Hold an answer against the document."""
        responses = self._document["paths"][template_of(path)][method.lower()]["responses"]
        status = str(answer.status) if answer.status < 400 else "default"
        response = resolved(self._document, responses[status])
        self._hold_headers(response, answer)
        self.seen.add((method.lower(), template_of(path), status))
        if "content" not in response:
            assert (answer.status, answer.body) == (204, None)
        elif answer.content_type.endswith("json"):
            schema = response["content"][answer.content_type]["schema"]
            assert schema_errors(self._document, schema, answer.body) == []
            assert undescribed(self._document, schema, answer.body) == set()

    def _hold_headers(self, response: dict, answer: Answer) -> None:
        headers = {name: resolved(self._document, header) for name, header in response["headers"].items()}
        given = {name: value for name, value in answer.headers.items() if name not in NOT_DESCRIBED}
        assert {name for name, header in headers.items() if header.get("required")} <= set(given) <= set(headers)
        for name, value in given.items():
            schema = headers[name]["schema"]
            read = int(value) if schema["type"] == "integer" else value
            assert schema_errors(self._document, schema, read) == []
        self.headers |= set(given)


async def test_what_is_answered_is_what_is_described(integrator, network, numbers):
    document = await described(integrator)
    ask = Described(integrator, document)
    await ask_about_verifications(ask, integrator, network, numbers)
    await ask_about_people(ask, integrator, network, numbers)
    await ask_for_a_no(ask, document, numbers)
    assert ask.seen == {
        (method, path, status)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        for status in operation["responses"]
    }
    assert ask.headers == set(document["components"]["headers"])


async def ask_for_a_no(ask, document, numbers):
    number = next(numbers)
    for _ in range(6):
        await ask("POST", "/v1/verifications", {"to": number, "channel": "sms"})
    for path, methods in document["paths"].items():
        for method in methods:
            await ask(method, path, Authorization="Bearer pk_unknown")


async def test_what_is_streamed_is_what_is_described(integrator, numbers):
    document = await described(integrator)
    verification = await integrator.create(next(numbers))
    await integrator.cancel(verification["id"])
    described_streams, streams = set(), set()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if "text/event-stream" in operation["responses"].get("200", {}).get("content", {}):
                described_streams.add((method, path))
            there = path.format(id=verification["id"], phone_id="none", app_password_id="none")
            answer = await integrator.ask(method, there, Accept="text/event-stream")
            if answer.content_type == "text/event-stream":
                streams.add((method, path))
                Described(integrator, document).hold(method, there, answer)
                hold_events(document, answer.body.decode())
    assert streams == described_streams != set()


def hold_events(document: dict, stream: str) -> None:
    schema = document["components"]["schemas"]["EventView"]
    for event in stream.removesuffix("\n\n").split("\n\n"):
        fields = dict(line.split(": ", 1) for line in event.split("\n"))
        entry = msgspec.json.decode(fields["data"])
        assert schema_errors(document, schema, entry) == []
        assert fields == {"id": str(entry["sequence"]), "event": entry["type"], "data": fields["data"]}


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
