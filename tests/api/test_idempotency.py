"""An Idempotency-Key makes a request happen once: its first answer is given again, and nothing is sent again."""

import asyncio

import pytest
from support.problems import assert_problem
from support.world import network_at, serving_at, settings_for

pytestmark = pytest.mark.asyncio(loop_scope="module")


def sms(number: str, **fields: object) -> dict:
    return {"to": number, "channel": "sms", **fields}


async def test_the_first_answer_is_replayed_and_nothing_is_sent_again(integrator, network, numbers):
    number = next(numbers)
    first = await integrator.ask("POST", "/v1/verifications", sms(number), Idempotency_Key="one")
    code = await network.code(number)
    await integrator.check(first.body["id"], code)
    again = await integrator.ask("POST", "/v1/verifications", sms(number), Idempotency_Key="one")
    assert (again.status, again.body) == (first.status, first.body) == (201, again.body)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Request-Id"] != first.headers["Request-Id"]
    assert len(await network.texts(number)) == 1


async def test_a_hundred_at_once_are_one(integrator, network, numbers):
    number = next(numbers)
    answers = await asyncio.gather(
        *(integrator.ask("POST", "/v1/verifications", sms(number), Idempotency_Key="hundred") for _ in range(100))
    )
    created = [answer for answer in answers if answer.status == 201]
    assert len({answer.body["id"] for answer in created}) == 1
    for answer in answers:
        if answer.status != 201:
            assert_problem(answer, 409, "idempotency_key_in_flight")
            assert answer.headers["Retry-After"]
    await network.code(number)
    await integrator.attempt_when(created[0].body["id"], "delivered")
    assert len(await network.texts(number)) == 1


async def test_another_request_under_the_same_key_is_refused(integrator, network, numbers):
    number = next(numbers)
    await integrator.ask("POST", "/v1/verifications", sms(number), Idempotency_Key="reused")
    for body in (sms(next(numbers)), sms(number, locale="de")):
        answer = await integrator.ask("POST", "/v1/verifications", body, Idempotency_Key="reused")
        assert_problem(answer, 422, "idempotency_key_reused")
    await network.code(number)
    assert len(await network.texts(number)) == 1


async def test_keys_of_two_applications_are_two_keys(world, integrator, numbers):
    mine = await integrator.ask("POST", "/v1/verifications", sms(next(numbers)), Idempotency_Key="shared")
    theirs = await world.other.ask("POST", "/v1/verifications", sms(next(numbers)), Idempotency_Key="shared")
    assert (mine.status, theirs.status) == (201, 201)
    assert mine.body["id"] != theirs.body["id"]


async def test_a_refused_request_leaves_its_key_free(integrator, numbers):
    number = next(numbers)
    for refused in (sms("425"), sms(number, mode="pin"), sms(number, enrollment_id="enr_unknown")):
        answer = await integrator.ask("POST", "/v1/verifications", refused, Idempotency_Key="free")
        assert answer.status in {404, 422}
    answer = await integrator.ask("POST", "/v1/verifications", sms(number), Idempotency_Key="free")
    assert answer.status == 201


async def test_over_a_limit_the_key_stays_free(integrator, numbers):
    number = next(numbers)
    for _ in range(5):
        await integrator.create(number)
    for _ in range(2):
        answer = await integrator.ask("POST", "/v1/verifications", sms(number), Idempotency_Key="limited")
        assert_problem(answer, 429, "rate_limited")


async def test_a_resend_happens_once(integrator, network, numbers):
    made = await integrator.create(next(numbers))
    await network.code(made["to"])
    path = f"/v1/verifications/{made['id']}/resend"
    first = await integrator.ask("POST", path, {}, Idempotency_Key="again")
    await network.code(made["to"], texts=2)
    second = await integrator.ask("POST", path, {}, Idempotency_Key="again")
    assert (second.status, second.body) == (200, first.body)
    shown = await integrator.wait_until(made["id"], lambda kept: kept["attempts"][-1]["status"] == "delivered")
    assert len(shown["attempts"]) == len(await network.texts(made["to"])) == 2
    other = await integrator.ask("POST", path, {"channel": "call"}, Idempotency_Key="again")
    assert_problem(other, 422, "idempotency_key_reused")


async def test_an_enrollment_is_made_once(integrator):
    person = {"user": "dave@example.com"}
    first = await integrator.ask("POST", "/v1/enrollments", person, Idempotency_Key="dave")
    second = await integrator.ask("POST", "/v1/enrollments", person, Idempotency_Key="dave")
    assert (first.status, second.status) == (201, 201)
    assert second.body == first.body


@pytest.mark.parametrize("key", ["k" * 256, "k" * 5_000])
async def test_a_key_that_is_too_long(integrator, numbers, key):
    answer = await integrator.ask("POST", "/v1/verifications", sms(next(numbers)), Idempotency_Key=key)
    assert_problem(answer, 400, "idempotency_key_invalid")


async def test_a_restart_forgets_no_key(tmp_path):
    body = sms("+14255550123")
    async with network_at() as network:
        settings = settings_for(tmp_path, network.url)
        async with serving_at(settings, network) as world:
            first = await world.integrator.ask("POST", "/v1/verifications", body, Idempotency_Key="kept")
            await world.integrator.attempt_when(first.body["id"], "delivered")  # so that no report meets a closed door
        async with serving_at(settings, network) as world:
            again = await world.integrator.ask("POST", "/v1/verifications", body, Idempotency_Key="kept")
            assert (again.status, again.body) == (201, first.body)
            other = await world.integrator.ask("POST", "/v1/verifications", sms("+14255550124"), Idempotency_Key="kept")
            assert_problem(other, 422, "idempotency_key_reused")
            [attempt] = (await world.integrator.show(first.body["id"]))["attempts"]
            assert attempt["status"] == "delivered"
        assert len(await network.texts()) == 1
        assert await network.texts("+14255550124") == []
