"""Keys open the door to their own application's things, and to nothing else."""

import asyncio
import base64

import msgspec
import pytest
from support.integrator import PATIENCE, Integrator
from support.problems import assert_problem
from support.raw_http import connected
from support.tables import for_each

from gateway import app
from gateway.api.auth import key_digest
from gateway.domain.api_keys import ApiKey, Application

pytestmark = pytest.mark.asyncio(loop_scope="module")


def basic(user: str, password: str = "") -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@for_each(
    "authorization",
    [
        "", "Bearer", "Bearer ", "Bearer pk_wrong", "Bearer pk_" + "k" * 43, "pk_wrong", "Basic", "Basic !!!",
        "Basic /////w==", basic("pk_wrong"), basic("", "pk_wrong"),
        "Digest username=pk_wrong", "Bearer \u00e9", "Basic \u00e9", "Bearer " + "x" * 7_000,
    ],
)  # fmt: skip
@for_each("path", ["/v1/verifications", "/v1/enrollments?user=alice", "/v1/verifications/ver_1/events"])
async def test_no_other_key_opens(integrator, path, authorization):
    answer = await integrator.ask("GET", path, Authorization=authorization)
    assert_problem(answer, 401, "key_invalid")


async def test_bytes_that_are_no_text_open_nothing(integrator):
    question = b"GET /v1/verifications HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\xfe\r\n\r\n"
    async with connected(integrator.url) as connection:
        status, body = await connection.ask(question)
    assert (status, msgspec.json.decode(body)["code"]) == (401, "key_invalid")


async def test_who_is_not_let_in_hears_how_to_ask(integrator):
    answer = await integrator.ask("GET", "/v1/verifications", Authorization="")
    assert answer.headers["WWW-Authenticate"].split()[0] == "Bearer"  # RFC 9110 §15.5.2: a 401 must have one


async def test_a_key_opens_as_bearer_and_as_basic_user(integrator):
    for authorization in (f"Bearer {integrator.key}", f"bearer {integrator.key}", basic(integrator.key)):
        assert (await integrator.ask("GET", "/v1/verifications", Authorization=authorization)).status == 200


async def test_a_wrong_key_learns_nothing_about_the_body(integrator):
    answer = await integrator.ask("POST", "/v1/verifications", raw=b"not JSON", Authorization="Bearer pk_wrong")
    assert_problem(answer, 401, "key_invalid")


async def test_a_revoked_key_is_out_and_its_neighbour_stays(world, integrator):
    secret = "pk_to_be_revoked"
    key = ApiKey("key_short", Application("app_short", "Short"), "tests", key_digest(secret), app.now(), None)
    await world.gateway.store.api_keys.add(key)
    short = Integrator(integrator.session, integrator.url, secret)
    async with asyncio.timeout(PATIENCE):
        while (await short.ask("GET", "/v1/verifications")).status != 200:
            pass
        assert await world.gateway.store.api_keys.revoke(key.id)
        while (await short.ask("GET", "/v1/verifications")).status != 401:
            pass
    assert (await integrator.ask("GET", "/v1/verifications")).status == 200


async def test_another_applications_things_are_as_if_they_were_not(world, integrator, network, numbers):
    enrollment = await integrator.enroll()
    made = await integrator.create(next(numbers), enrollment_id=enrollment["id"])
    code = await network.code(made["to"])
    await integrator.attempt_when(made["id"], "delivered")
    before = await integrator.show(made["id"]), await integrator.events(made["id"])
    questions = [
        ("GET", "/v1/verifications/{}", None),
        ("GET", "/v1/verifications/{}?wait=1", None),
        ("GET", "/v1/verifications/{}/events", None),
        ("POST", "/v1/verifications/{}/check", {"code": code}),
        ("POST", "/v1/verifications/{}/resend", {}),
        ("POST", "/v1/verifications/{}/cancel", None),
        ("GET", "/v1/enrollments/{}", None),
    ]
    for method, path, body in questions:
        theirs = enrollment["id"] if "enrollments" in path else made["id"]
        answers = [await world.other.ask(method, path.format(name), body) for name in (theirs, "ver_unknown")]
        assert_problem(answers[0], 404, "not_found")
        assert answers[0].body == answers[1].body
    stream = await world.other.ask("GET", f"/v1/verifications/{made['id']}/events", Accept="text/event-stream")
    assert_problem(stream, 404, "not_found")
    wish = {"to": next(numbers), "channel": "sms", "enrollment_id": enrollment["id"]}
    assert_problem(await world.other.ask("POST", "/v1/verifications", wish), 404, "not_found")
    assert_problem(await world.other.ask("GET", f"/v1/enrollments?user={enrollment['user']}"), 404, "not_found")
    assert (await integrator.show(made["id"]), await integrator.events(made["id"])) == before


async def test_two_applications_may_know_the_same_user(world, integrator):
    mine = await integrator.enroll("carol@example.com")
    theirs = await world.other.enroll("carol@example.com")
    assert mine["id"] != theirs["id"]
