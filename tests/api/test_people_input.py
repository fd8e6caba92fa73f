"""Bad input about people gets a clear problem that names every field at fault; another's people are not there."""

import asyncio
import json

import pytest
import pytest_asyncio
from support.integrator import PATIENCE
from support.people import enroll
from support.problems import assert_problem, fields_of
from support.tables import for_each

pytestmark = pytest.mark.asyncio(loop_scope="module")

TABLES = (
    "verifications",
    "journal WHERE subject_id LIKE 'enr_%'",
    "outbox",
    "outbox WHERE state IN ('queued', 'sending')",
    "receipts",
    "enrollments",
    "phones",
    "portal_links",
)
QUEUED = 2
LONG, PHONE = "x" * 300, "+14255550123"
ADD = {"kind": "authentication", "to": PHONE, "channel": "sms"}
LONG_URL = "https://bank.example/" + "x" * 2_000
TO = {"country": "US", "number": "425 555 0123"}
METHOD = {"phone_id": "phn_1", "channel": "sms"}
LINK = {"page": "enroll"}
REASON = {"reason": "a call from the bank"}
PEOPLE = "/v1/enrollments"

WRONG_FIELDS = {
    "no kind, no number, no channel": ("POST", "/phones", {}, {"kind", "to", "channel"}),
    "another kind": ("POST", "/phones", ADD | {"kind": "mobile"}, {"kind"}),
    "another channel": ("POST", "/phones", ADD | {"channel": "email"}, {"channel"}),
    "a number as a number": ("POST", "/phones", ADD | {"to": 14255550123}, {"to"}),
    "no number": ("POST", "/phones", ADD | {"to": None}, {"to"}),
    "an extension as a number": ("POST", "/phones", ADD | {"to": TO | {"extension": 12}}, {"to"}),
    "an extension beside it": ("POST", "/phones", ADD | {"extension": "12"}, {"extension"}),
    "a proof brought along": ("POST", "/phones", ADD | {"verified_at": "2026-01-01T00:00:00Z"}, {"verified_at"}),
    "replaces a number": ("POST", "/phones", ADD | {"replaces": 1}, {"replaces"}),
    "replaces too long a name": ("POST", "/phones", ADD | {"replaces": LONG}, {"replaces"}),
    "a mode of its own": ("POST", "/phones", ADD | {"mode": "shout"}, {"mode"}),
    "another purpose": ("POST", "/verifications", {"purpose": "fun"}, {"purpose"}),
    "a number at sign-in": ("POST", "/verifications", {"to": PHONE}, {"to"}),
    "a phone that is no text": ("POST", "/verifications", {"phone_id": 5}, {"phone_id"}),
    "all wrong": ("POST", "/verifications", {"purpose": 1, "channel": 2, "x": 3}, {"purpose", "channel", "x"}),
    "a block without a reason": ("POST", "/block", {}, {"reason"}),
    "an empty reason": ("POST", "/block", {"reason": ""}, {"reason"}),
    "a reason in two lines": ("POST", "/block", {"reason": "a\nb"}, {"reason"}),
    "a reason that is too long": ("POST", "/block", {"reason": LONG}, {"reason"}),
    "a block of no time": ("POST", "/block", REASON | {"seconds": 0}, {"seconds"}),
    "a block of half a second": ("POST", "/block", REASON | {"seconds": 0.5}, {"seconds"}),
    "a block of eleven years": ("POST", "/block", REASON | {"seconds": 11 * 31_536_000}, {"seconds"}),
    "a block until a day": ("POST", "/block", REASON | {"until": "2026-01-01"}, {"until"}),
    "an unblock without a reason": ("POST", "/unblock", {}, {"reason"}),
    "an unblock with a time": ("POST", "/unblock", REASON | {"seconds": 5}, {"seconds"}),
    "a reset without a reason": ("POST", "/reset", {}, {"reason"}),
    "a bypass of nothing": ("POST", "/bypass", {}, {"seconds", "reason"}),
    "a bypass of nine seconds": ("POST", "/bypass", REASON | {"seconds": 9}, {"seconds"}),
    "a bypass of two days": ("POST", "/bypass", REASON | {"seconds": 172_800}, {"seconds"}),
    "a bypass with a code of one's own": ("POST", "/bypass", REASON | {"seconds": 60, "code": "12345678"}, {"code"}),
    "a link to no page": ("POST", "/portal-links", {}, {"page"}),
    "a link to another page": ("POST", "/portal-links", {"page": "admin"}, {"page"}),
    "a way back that is no text": ("POST", "/portal-links", LINK | {"return_url": []}, {"return_url"}),
    "a way back that is too long": ("POST", "/portal-links", LINK | {"return_url": LONG_URL}, {"return_url"}),
    "a link with a lifetime": ("POST", "/portal-links", {"page": "enroll", "seconds": 5}, {"seconds"}),
    "another user name": ("PATCH", "", {"user": "mallory"}, {"user"}),
    "a status": ("PATCH", "", {"status": "enrolled"}, {"status"}),
    "no default method": ("PATCH", "", {"default_method": None}, {"default_method"}),
    "half a default method": ("PATCH", "", {"default_method": {"phone_id": "phn_1"}}, {"default_method"}),
    "a default method by letter": ("PATCH", "", {"default_method": METHOD | {"channel": "letter"}}, {"default_method"}),
    "more of a default method": ("PATCH", "", {"default_method": METHOD | {"mode": "match"}}, {"default_method"}),
    "a locale that is none": ("PATCH", "", {"locale": "!"}, {"locale"}),
    "a name in two lines": ("PATCH", "", {"display_name": "a\tb"}, {"display_name"}),
    "no groups": ("PATCH", "", {"groups": None}, {"groups"}),
    "a group without a name": ("PATCH", "", {"groups": [""]}, {"groups"}),
    "too many groups": ("PATCH", "", {"groups": [str(number) for number in range(21)]}, {"groups"}),
}  # fmt: skip
QUERIES = [
    ("DELETE", "/phones/phn_1?lost=yes", "lost"), ("DELETE", "/phones/phn_1?lost=1", "lost"),
    ("GET", "/events?starting_after=-1", "starting_after"), ("GET", "/events?starting_after=x", "starting_after"),
]  # fmt: skip
POSTS = ["/phones", "/verifications", "/block", "/unblock", "/reset", "/bypass", "/portal-links"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def alice(world):
    return await enroll(world, "alice@people.example")


@pytest_asyncio.fixture(loop_scope="module")
async def nothing_happens(world, network, alice):
    """Whatever was refused left no row, no change and no send."""
    reader = world.gateway.store._engine.reads._connection

    def rows() -> list[int]:
        return [reader.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES]  # noqa: S608 - our own names

    async def seen() -> tuple:
        return rows(), await alice.record(), len(await ordered(network))

    async with asyncio.timeout(PATIENCE):  # the network notes an order only when it has answered it
        while rows()[QUEUED] or len(await ordered(network)) < len(await sent(world)):
            await asyncio.sleep(0)
    before = await seen()
    yield
    assert await seen() == before


async def ordered(network) -> list[dict]:
    """Return the texts and calls of verifications that the network was asked for; notices want no callback."""
    return [order for order in await network.orders() if "StatusCallback" in order]


async def sent(world) -> list[dict]:
    """Return the attempts, of either application, that the network has taken."""
    lists = [await asker.ask("GET", "/v1/verifications?limit=100") for asker in (world.integrator, world.other)]
    kept = [verification for answer in lists for verification in answer.body["data"]]
    return [attempt for verification in kept for attempt in verification["attempts"] if attempt["provider_sid"]]


@pytest.mark.usefixtures("nothing_happens")
@for_each(("method", "path", "body", "fields"), WRONG_FIELDS)
async def test_every_wrong_field_is_named(alice, method, path, body, fields):
    problem = assert_problem(await alice.ask(method, path, body), 422, "fields_invalid")
    assert {field.split(".")[0] for field in fields_of(problem)} == fields


@pytest.mark.usefixtures("nothing_happens")
@pytest.mark.parametrize(("method", "path", "field"), QUERIES)
async def test_every_wrong_query_is_named(alice, method, path, field):
    assert fields_of(assert_problem(await alice.ask(method, path), 422, "fields_invalid")) == {field}


@pytest.mark.usefixtures("nothing_happens")
@for_each("body", [b"{", b"[]", b"null", b'{"reason": "\xff"}', b'{"a": 1, "a": 2}', b'{"reason": NaN}'])
@for_each("path", POSTS)
async def test_what_is_not_json(integrator, alice, path, body):
    assert_problem(await integrator.ask("POST", alice.path + path, raw=body), 400, "json_invalid")


@pytest.mark.usefixtures("nothing_happens")
@pytest.mark.parametrize("path", [path for path in POSTS if path != "/verifications"])
async def test_nothing_at_all_is_not_json_either(integrator, alice, path):
    assert_problem(await integrator.ask("POST", alice.path + path, raw=b""), 400, "json_invalid")


@pytest.mark.usefixtures("nothing_happens")
@for_each(
    ("to", "code", "field"),
    [
        ("4255550123", "number_invalid", "to"),
        ("+19005550123", "number_blocked", "to"),
        ({"country": "us", "number": "425 555 0123"}, "number_invalid", "to.country"),
        ({"country": "US", "number": "1-800-FLOWERS"}, "number_invalid", "to.number"),
        (TO | {"extension": ""}, "number_invalid", "to.extension"),
        (TO | {"extension": "12#9"}, "number_invalid", "to.extension"),
        (TO | {"extension": "1234567890123"}, "number_invalid", "to.extension"),
        (TO | {"extension": "١٢"}, "number_invalid", "to.extension"),
    ],
)
async def test_phones_that_are_none(alice, to, code, field):
    answer = await alice.offer(to, "call", kind="office")
    assert fields_of(assert_problem(answer, 422, code)) == {field}


@pytest.mark.usefixtures("nothing_happens")
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/phones", ADD | {"mode": "confirm"}),
        ("/verifications", {"channel": "sms", "mode": "match"}),
    ],
)
async def test_modes_that_are_not_offered(alice, path, body):
    answer = await alice.ask("POST", path, body)
    assert fields_of(assert_problem(answer, 422, "mode_not_offered")) == {"mode"}


@pytest.mark.usefixtures("nothing_happens")
@pytest.mark.parametrize("path", ["/phones", "/verifications", "/bypass", "/portal-links"])
async def test_a_key_that_is_too_long(alice, path):
    bodies = {"/phones": ADD, "/bypass": REASON | {"seconds": 60}, "/portal-links": {"page": "enroll"}}
    answer = await alice.ask("POST", path, bodies.get(path, {}), Idempotency_Key="k" * 256)
    assert_problem(answer, 400, "idempotency_key_invalid")


async def test_another_applications_people_are_as_if_they_were_not(world, alice, numbers):
    phone = await alice.prove(next(numbers))
    password = await alice.app_password()
    before = await alice.record(), await alice.history()
    document = (await world.integrator.ask("GET", "/openapi.json", Authorization="")).body
    bodies = {
        "/phones": ADD, "/verifications": {}, "/block": REASON, "/unblock": REASON, "/reset": REASON,
        "/bypass": REASON | {"seconds": 60}, "/portal-links": {"page": "enroll"}, "/app-passwords": {"name": "Mail"},
        "/pin": {"pin": "583017"},
    }  # fmt: skip
    asked = 0
    for path, methods in document["paths"].items():
        for method in methods if path.startswith(f"{PEOPLE}/{{id}}") else ():
            answers = []
            for enrollment_id, *names in (
                (alice.id, phone["id"], password["id"]),
                ("enr_unknown", "phn_unknown", "apw_unknown"),
            ):
                there = path.format(id=enrollment_id, phone_id=names[0], app_password_id=names[1])
                body = {"locale": "fr"} if method == "patch" else bodies.get(path.removeprefix(f"{PEOPLE}/{{id}}"))
                answers.append(
                    await world.other.ask(method.upper(), there, body if method in {"post", "patch", "put"} else None)
                )
            for answer in answers:
                assert_problem(answer, 404, "not_found")
            assert answers[0].body == answers[1].body
            asked += 1
    assert asked >= 16
    check = {"user": "alice@people.example", "password": password["password"]}
    assert (await world.other.ask("POST", "/v1/app-passwords/check", check)).body["valid"] is False
    assert_problem(await world.other.ask("GET", f"{PEOPLE}?user=alice@people.example"), 404, "not_found")
    assert (await alice.record(), await alice.history()) == before


async def test_two_people_of_one_application_keep_their_phones_apart(world, numbers):
    carol, dave = await enroll(world, "carol@people.example"), await enroll(world, "dave@people.example")
    phone = await carol.prove(next(numbers))
    questions = [
        ("DELETE", f"/phones/{phone['id']}", None),
        ("POST", "/verifications", {"phone_id": phone["id"]}),
        ("PATCH", "", {"default_method": {"phone_id": phone["id"], "channel": "sms"}}),
    ]
    for method, path, body in questions:
        assert_problem(await dave.ask(method, path, body), 404, "not_found")
    assert [kept["id"] for kept in (await carol.record())["phones"]] == [phone["id"]]


@pytest.mark.parametrize("text", ["\ud800", "a\udfff"])
async def test_half_a_character_in_a_reason(integrator, alice, text):
    body = json.dumps({"reason": text}).encode()
    assert_problem(await integrator.ask("POST", f"{alice.path}/block", raw=body), 400, "json_invalid")
