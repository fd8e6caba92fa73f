"""HTTP itself: wrong addresses, methods, media types and sizes are problems like others, and slow bodies are cut."""

import asyncio

import msgspec
import pytest
from support import raw_http
from support.integrator import PATIENCE
from support.problems import assert_problem
from support.tables import for_each

from gateway.api import bodies

pytestmark = pytest.mark.asyncio(loop_scope="module")


@for_each(
    "path",
    [
        "/v1",
        "/v2/verifications",
        "/v1/verifications/",
        "/v1/verifications/ver_1/sms",
        "/v1/handsets",
        "/%00",
        "/%ff",
    ],
)
async def test_there_is_nothing_at_other_addresses(integrator, path):
    assert_problem(await integrator.ask("GET", path), 404, "not_found")


async def test_the_root_says_what_this_is(integrator):
    answer = await integrator.ask("GET", "/")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert b"/docs" in answer.body


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/v1/verifications", {"GET", "POST"}),
        ("PUT", "/v1/verifications/ver_1", {"GET"}),
        ("GET", "/v1/verifications/ver_1/check", {"POST"}),
        ("PATCH", "/v1/verifications/ver_1/cancel", {"POST"}),
        ("DELETE", "/v1/enrollments", {"GET", "POST"}),
        ("POST", "/healthz", {"GET"}),
    ],
)
async def test_other_methods_are_told_which_are_allowed(integrator, method, path, allowed):
    answer = await integrator.ask(method, path)
    assert_problem(answer, 405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(",")) - {"HEAD", "OPTIONS"} == allowed


@for_each("size", [40_000, 100_000, 1_000_000])
@for_each("path", ["/v1/verifications", "/v1/enrollments", "/v1/verifications/ver_1/check"])
async def test_large_bodies_are_refused(integrator, path, size):
    body = b'{"to": "' + b"1" * size + b'", "channel": "sms"}'
    answer = await integrator.ask("POST", path, raw=body)
    assert_problem(answer, 413, answer.body["code"])
    assert answer.body["code"] == "body_too_large"


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml", "multipart/form-data"]
)
async def test_other_media_types_are_refused(integrator, media_type):
    answer = await integrator.ask("POST", "/v1/verifications", raw=b"{}", Content_Type=media_type)
    assert_problem(answer, 415, "media_type_unsupported")


@pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "application/json", ""])
async def test_json_is_taken_with_and_without_its_name(integrator, numbers, media_type):
    body = b'{"to": "%b", "channel": "call"}' % next(numbers).encode()
    answer = await integrator.ask("POST", "/v1/verifications", raw=body, Content_Type=media_type)
    assert answer.status == 201, answer


async def test_a_slow_body_is_cut_off(integrator, monkeypatch):
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.1)
    head = raw_http.request("POST", "/v1/verifications", integrator.key).replace(b"Length: 0", b"Length: 50")
    async with asyncio.timeout(10), raw_http.connected(integrator.url) as connection:
        status, body = await connection.ask(head + b'{"to": ')
        assert status == 408
        assert b'"code":"body_too_slow"' in body


async def test_a_body_in_pieces_is_taken(integrator, numbers):
    body = b'{"to": "%b", "channel": "call"}' % next(numbers).encode()
    head = raw_http.request("POST", "/v1/verifications", integrator.key, body).removesuffix(body)
    async with asyncio.timeout(10), raw_http.connected(integrator.url) as connection:
        for piece in (head, body[:5], body[5:]):
            connection.writer.write(piece)
            await connection.writer.drain()
            await asyncio.sleep(0)
        assert (await connection.answer())[0] == 201


async def test_a_body_that_is_cut_off_or_compressed_wrongly_is_no_failure_of_ours(integrator, caplog):
    asked = raw_http.request("POST", "/v1/verifications", integrator.key, b"x" * 20, "Content-Encoding: gzip")
    async with asyncio.timeout(10):
        async with raw_http.connected(integrator.url) as connection:
            status, body = await connection.ask(asked)
            assert (status, msgspec.json.decode(body)["code"]) == (400, "json_invalid")
        async with raw_http.connected(integrator.url) as connection:
            connection.writer.write(asked.removesuffix(b"x" * 20).replace(b"gzip", b"identity"))
            await connection.writer.drain()
            await integrator.ask("GET", "/healthz")
    await integrator.ask("GET", "/healthz")
    assert [record for record in caplog.records if record.name.startswith("gateway")] == []


async def test_every_answer_has_its_own_request_id(world, integrator, numbers):
    made = await integrator.create(next(numbers), "call")
    asked = [
        await integrator.ask("GET", path)
        for path in (f"/v1/verifications/{made['id']}", f"/v1/verifications/{made['id']}/events", "/nowhere",
                     "/healthz", "/readyz", "/openapi.json", "/docs", "/v1/verifications?limit=x", "/v1/verifications")
    ]  # fmt: skip
    asked.append(await integrator.ask("POST", "/callbacks/twilio/messages"))
    asked.append(await integrator.ask("POST", "/v1/verifications", raw=b"{"))
    asked.append(await world.other.ask("GET", f"/v1/verifications/{made['id']}"))
    ids = [answer.headers["Request-Id"] for answer in asked]
    assert len(set(ids)) == len(asked)
    assert all(request_id.startswith("req_") for request_id in ids)


async def test_no_header_moves_our_addresses(world, integrator, network, numbers):
    number = next(numbers)
    elsewhere = {
        "Host": "evil.example",
        "X_Forwarded_Host": "evil.example",
        "X_Forwarded_Proto": "gopher",
        "Forwarded": "host=evil.example;proto=gopher",
    }
    answer = await integrator.ask("POST", "/v1/verifications", {"to": number, "channel": "call"}, **elsewhere)
    assert answer.status == 201
    await network.ringing(number)
    async with asyncio.timeout(PATIENCE):
        while not (orders := [order for order in await network.orders() if order["To"] == number]):
            pass
    addresses = [value for value in orders[0].values() if "://" in value]
    assert len(addresses) == 3
    assert all(address.startswith(f"{world.settings.server.public_url}/callbacks/") for address in addresses)


@pytest.mark.parametrize(("path", "body"), [("/healthz", {"status": "alive"}), ("/readyz", {"status": "ready"})])
async def test_the_service_tells_how_it_is_without_a_key(integrator, path, body):
    answer = await integrator.ask("GET", path, Authorization="")
    assert (answer.status, answer.body) == (200, body)
