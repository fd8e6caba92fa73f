"""Bad input gets a clear problem that names every field at fault, and nothing is created, sent or counted."""

import json

import pytest
import pytest_asyncio
from support.integrator import PHONE
from support.problems import assert_problem, fields_of
from support.tables import for_each

pytestmark = pytest.mark.asyncio(loop_scope="module")

TABLES = ("verifications", "journal", "outbox", "tallies", "receipts", "enrollments", "phones")
GOOD = {"to": PHONE, "channel": "sms"}
LONG = "x" * 600


def wish(**fields: object) -> bytes:
    return json.dumps(GOOD | fields).encode()


def written(**to: object) -> bytes:
    return wish(to={"country": "US", "number": "425 555 0123"} | to)


NOT_JSON = {
    "nothing": b"",
    "half": b'{"to": "+14255550123"',
    "a list": b"[]",
    "a text": b'"+14255550123"',
    "null": b"null",
    "a form": b"to=%2B14255550123&channel=sms",
    "not UTF-8": b'{"to": "\xff\xfe"}',
    "UTF-16": '{"to": "+14255550123"}'.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + wish(),
    "NaN": b'{"to": NaN, "channel": "sms"}',
    "Infinity": b'{"to": "+14255550123", "channel": "sms", "metadata": {"a": Infinity}}',
    "a key twice": b'{"to": "+14255550123", "channel": "sms", "channel": "call"}',
    "a key twice within": b'{"to": {"country": "US", "country": "DE", "number": "1"}, "channel": "sms"}',
    "deep nesting": b'{"to": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "a number of 20,000 digits": b'{"to": ' + b"1" * 20_000 + b', "channel": "sms"}',
    "a comment": b'{"to": "+14255550123", /* really */ "channel": "sms"}',
    "single quotes": b"{'to': '+14255550123', 'channel': 'sms'}",
    "NUL behind it": wish() + b"\0",
}
WRONG_FIELDS = {
    "nothing in it": (b"{}", {"to", "channel"}),
    "no channel": (b'{"to": "+14255550123"}', {"channel"}),
    "a number as a number": (wish(to=14255550123), {"to"}),
    "no number": (wish(to=None), {"to"}),
    "a list of numbers": (wish(to=[PHONE]), {"to"}),
    "another channel": (wish(channel="pigeon"), {"channel"}),
    "a channel in capitals": (wish(channel="SMS"), {"channel"}),
    "a mode of its own": (wish(channel="call", mode="shout"), {"mode"}),
    "an unknown field": (wish(colour="red"), {"colour"}),
    "two unknown fields and a wrong one": (wish(a=1, b=2, locale=7), {"a", "b", "locale"}),
    "a locale that is none": (wish(locale="en_US.UTF-8; rm"), {"locale"}),
    "metadata that is no object": (wish(metadata=[]), {"metadata"}),
    "metadata with a number": (wish(metadata={"a": 1}), {"metadata"}),
    "metadata with an object": (wish(metadata={"a": {}}), {"metadata"}),
    "too long metadata": (wish(metadata={"a": LONG}), {"metadata"}),
    "too much metadata": (wish(metadata={str(name): "" for name in range(21)}), {"metadata"}),
    "an enrollment that is no text": (wish(enrollment_id=5), {"enrollment_id"}),
    "300 digits": (wish(to="+" + "1" * 300), {"to"}),
    "an unknown field of the number": (written(colour="red"), {"to"}),
    "no country": (wish(to={"number": "425 555 0123"}), {"to"}),
}
NO_NUMBERS = [
    "4255550123", "00 1 425 555 0123", "+1 425 555 0123", "+1-425-555-0123", "+1425CALLNOW", "tel:+14255550123",
    "+1425555012", "+142555501234567", "+0425555012", "+", "", " ",
    "+٤٤٢٠٧٩٤٦٠٩٥٨", "+１４２５５５５０１２３", "\u202a+14255550123\u202c",
    "+14255550123\u200f", "+1425555\x000123", "+14255550123\n", "+14255550123;ext=12", "+99912345678",
]  # fmt: skip
COSTLY = ["+19005550123", "+881612345678", "+979123456789", "+449098790879"]
WRITTEN = {
    "a country in small letters": ({"country": "us"}, "to.country"),
    "a country of three letters": ({"country": "USA"}, "to.country"),
    "no such country": ({"country": "XX"}, "to.country"),
    "letters": ({"number": "1-800-FLOWERS"}, "to.number"),
    "Arabic digits": ({"number": "٤٢٥٥٥٥٠١٢٣"}, "to.number"),
    "a bidi mark": ({"number": "\u200e425 555 0123"}, "to.number"),
    "NUL": ({"number": "425\0 555 0123"}, "to.number"),
    "too short": ({"number": "555 0123"}, "to"),
    "empty": ({"number": ""}, "to.number"),
}


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def nothing_is_created(world, network):
    """Whatever was refused left no row, no send and no trace at the provider."""
    reader = world.gateway.store._engine.reads._connection

    def rows() -> list[int]:
        return [reader.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES]  # noqa: S608 - our own names

    before = rows()
    yield
    assert rows() == before
    assert await network.orders() == []


@for_each("path", ["/v1/verifications", "/v1/enrollments", "/v1/verifications/ver_1/check"])
@for_each("body", NOT_JSON)
async def test_what_is_not_json(integrator, path, body):
    assert_problem(await integrator.ask("POST", path, raw=body), 400, "json_invalid")


@for_each(("body", "fields"), WRONG_FIELDS)
async def test_every_wrong_field_is_named(integrator, body, fields):
    problem = assert_problem(await integrator.ask("POST", "/v1/verifications", raw=body), 422, "fields_invalid")
    assert {field.split(".")[0] for field in fields_of(problem)} == fields


@for_each("number", NO_NUMBERS)
async def test_numbers_that_are_none(integrator, number):
    answer = await integrator.ask("POST", "/v1/verifications", raw=wish(to=number))
    assert fields_of(assert_problem(answer, 422, "number_invalid")) == {"to"}


@pytest.mark.parametrize("number", COSTLY)
async def test_numbers_that_cost_too_much(integrator, number):
    answer = await integrator.ask("POST", "/v1/verifications", raw=wish(to=number))
    assert fields_of(assert_problem(answer, 422, "number_blocked")) == {"to"}


@for_each(("to", "field"), WRITTEN)
async def test_written_numbers_that_are_none(integrator, to, field):
    answer = await integrator.ask("POST", "/v1/verifications", raw=written(**to))
    assert fields_of(assert_problem(answer, 422, "number_invalid")) == {field}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"channel": "sms", "mode": "confirm"}, "mode_not_offered"),
        ({"channel": "call", "mode": "pin"}, "mode_not_offered"),
    ],
)
async def test_modes_that_are_not_offered(integrator, fields, code):
    answer = await integrator.ask("POST", "/v1/verifications", raw=wish(**fields))
    assert fields_of(assert_problem(answer, 422, code)) == {"mode"}


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb"])
@pytest.mark.parametrize("place", ["value", "name"])
async def test_half_a_character_in_metadata(integrator, text, place):
    metadata = {"order": text} if place == "value" else {text: "7"}
    answer = await integrator.ask("POST", "/v1/verifications", raw=wish(metadata=metadata))
    assert_problem(answer, 400, "json_invalid")


@for_each(
    "body",
    [
        {}, {"user": ""}, {"user": 5}, {"user": "a\nb"}, {"user": "a\0"}, {"user": "x" * 255}, {"user": "\ud800"},
        {"user": "alice", "display_name": "x" * 101}, {"user": "alice", "display_name": "\udfff"},
        {"user": "alice", "locale": "!"}, {"user": "alice", "phones": []},
    ],
)  # fmt: skip
async def test_people_that_cannot_be_enrolled(integrator, body):
    answer = await integrator.ask("POST", "/v1/enrollments", raw=json.dumps(body).encode())
    assert answer.status in {400, 422}, answer
    assert_problem(answer, answer.status, answer.body["code"])
