"""App passwords through the whole gateway: shown once, good until taken away, and a no that never says why."""

import asyncio
import re

import pytest
from support.app_passwords import NO, POLICY, WRONG, check, delete, listed, make
from support.world import LIMITS, world_at

from gateway.domain.app_passwords import APP_PASSWORD_LIMIT
from gateway.settings.settings import PortalSettings

SHOWN = re.compile(r"[a-z3-8]{4}(-[a-z3-8]{4}){5}")


@pytest.fixture
async def world(tmp_path, limits):
    applications = tmp_path / "applications.toml"
    applications.write_text(POLICY)
    async with world_at(tmp_path, limits=limits, portal=PortalSettings(applications=str(applications))) as world:
        yield world


@pytest.fixture
async def alice(integrator):
    return (await integrator.enroll("alice"))["id"]


async def test_one_is_made_shown_once_listed_used_and_deleted(integrator, alice):
    made = await make(integrator, alice)
    password = made.pop("password")
    assert SHOWN.fullmatch(password)
    assert (made["object"], made["name"], made["scope"]) == ("app_password", "Mail", None)
    assert (made["expires_at"], made["last_used_at"]) == (None, None)
    assert await listed(integrator, alice) == [made]
    for typed in (password, password.replace("-", ""), password.upper().replace("-", " ")):
        answer = await check(integrator, typed)
        assert (answer.status, answer.body) == (200, {**NO, "valid": True, "app_password_id": made["id"]})
    [kept] = await listed(integrator, alice)
    assert kept["last_used_at"] >= made["created_at"]
    assert (await integrator.enrollment(alice))["app_password_count"] == 1
    assert (await delete(integrator, alice, made["id"])).status == 204
    assert (await check(integrator, password)).body == NO
    assert await listed(integrator, alice) == []
    again = await delete(integrator, alice, made["id"])
    assert (again.status, again.body["code"]) == (404, "not_found")


async def test_each_is_told_from_the_others(integrator, alice):
    made = [await make(integrator, alice, name) for name in ("Mail", "Calendar", "Mail")]
    assert len({each["password"] for each in made}) == 3
    assert [each["id"] for each in await listed(integrator, alice)] == [each["id"] for each in made]
    for each in made:
        assert (await check(integrator, each["password"])).body["app_password_id"] == each["id"]


async def test_a_scope_and_an_end(integrator, alice):
    made = await make(integrator, alice, scope="mail", expires_in_days=30)
    assert made["scope"] == "mail"
    assert made["created_at"] < made["expires_at"]
    answers = [await check(integrator, made["password"], **scope) for scope in ({"scope": "mail"}, {"scope": "x"}, {})]
    assert [answer.body["valid"] for answer in answers] == [True, False, False]


async def test_the_same_request_again_shows_the_same_password_and_makes_no_other(integrator, alice):
    path, wish = f"/v1/enrollments/{alice}/app-passwords", {"name": "Mail"}
    one, again = [await integrator.ask("POST", path, wish, Idempotency_Key="once") for _ in range(2)]
    assert (again.status, again.body) == (one.status, one.body)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (await check(integrator, again.body["password"])).body["valid"]
    assert len(await listed(integrator, alice)) == 1
    other = await integrator.ask("POST", path, {"name": "Calendar"}, Idempotency_Key="once")
    assert (other.status, other.body["code"]) == (422, "idempotency_key_reused")


async def test_forty_are_kept_however_many_are_asked_for_at_once(integrator, alice):
    path = f"/v1/enrollments/{alice}/app-passwords"
    asked = [
        integrator.ask("POST", path, {"name": "Mail"}, Idempotency_Key=f"number {number}")
        for number in range(APP_PASSWORD_LIMIT + 3)
    ]
    answers = await asyncio.gather(*asked)
    refused = [answer for answer in answers if answer.status != 201]
    assert [(answer.status, answer.body["code"]) for answer in refused] == [(409, "app_passwords_full")] * 3
    kept = await listed(integrator, alice)
    assert len(kept) == APP_PASSWORD_LIMIT
    number = next(number for number, answer in enumerate(answers) if answer.status == 201)
    replayed = await integrator.ask("POST", path, {"name": "Mail"}, Idempotency_Key=f"number {number}")
    assert replayed.body == answers[number].body
    await delete(integrator, alice, kept[0]["id"])
    await make(integrator, alice)


@pytest.mark.parametrize(
    ("wish", "code", "field"),
    [
        ({}, "fields_invalid", "name"),
        ({"name": ""}, "fields_invalid", "name"),
        ({"name": "n" * 41}, "fields_invalid", "name"),
        ({"name": "two\nlines"}, "app_password_name_invalid", "name"),
        ({"name": " "}, "app_password_name_invalid", "name"),
        ({"name": "Mail", "scope": "mail\n"}, "fields_invalid", "scope"),
        ({"name": "Mail", "scope": ""}, "fields_invalid", "scope"),
        ({"name": "Mail", "expires_in_days": 0}, "fields_invalid", "expires_in_days"),
        ({"name": "Mail", "password": "mine"}, "fields_invalid", "password"),
    ],
    ids=str,
)
async def test_what_cannot_be_made(integrator, alice, wish, code, field):
    answer = await integrator.ask("POST", f"/v1/enrollments/{alice}/app-passwords", wish)
    assert (answer.status, answer.body["code"]) == (422, code)
    assert [error["field"] for error in answer.body["errors"]] == [field]
    assert await listed(integrator, alice) == []


async def test_all_are_gone_with_a_lost_phone_a_reset_and_a_block(integrator, network, alice):
    verification = await integrator.create(enrollment_id=alice)
    await integrator.check(verification["id"], await network.code())
    [phone] = (await integrator.enrollment(alice))["phones"]
    for method, path, body in (
        ("DELETE", f"phones/{phone['id']}?lost=true", None),
        ("POST", "reset", {"reason": "new phone"}),
        ("POST", "block", {"reason": "left the company"}),
    ):
        made = await make(integrator, alice)
        assert (await check(integrator, made["password"])).body["valid"]
        await integrator.ask(method, f"/v1/enrollments/{alice}/{path}", body)
        assert (await check(integrator, made["password"])).body == NO
        assert await listed(integrator, alice) == []
    answer = await integrator.ask("POST", f"/v1/enrollments/{alice}/app-passwords", {"name": "Mail"})
    assert (answer.status, answer.body["code"]) == (403, "enrollment_blocked")


async def test_where_policy_switches_them_off_they_can_only_be_listed_and_deleted(integrator, alice):
    made = await make(integrator, alice)
    await integrator.ask("PATCH", f"/v1/enrollments/{alice}", {"groups": ["contractors"]})
    assert (await check(integrator, made["password"])).body == NO
    answer = await integrator.ask("POST", f"/v1/enrollments/{alice}/app-passwords", {"name": "Mail"})
    assert (answer.status, answer.body["code"]) == (403, "feature_off")
    assert "the policy of the group contractors" in answer.body["detail"]
    assert [kept["id"] for kept in await listed(integrator, alice)] == [made["id"]]
    assert (await delete(integrator, alice, made["id"])).status == 204


async def test_another_application_sees_changes_and_checks_none_of_it(integrator, world, alice):
    made = await make(integrator, alice)
    for method, path, body in (
        ("POST", "app-passwords", {"name": "Mail"}),
        ("GET", "app-passwords", None),
        ("DELETE", f"app-passwords/{made['id']}", None),
    ):
        answer = await world.other.ask(method, f"/v1/enrollments/{alice}/{path}", body)
        assert (answer.status, answer.body["code"]) == (404, "not_found")
    assert (await check(world.other, made["password"])).body == NO
    assert (await check(integrator, made["password"])).body["valid"]


@pytest.mark.parametrize("user", ["alice", "nobody"])
async def test_a_hundred_wrong_ones_at_once_are_ten_guesses(integrator, alice, user):
    made = await make(integrator, alice)
    answers = await asyncio.gather(*(check(integrator, WRONG, user) for _ in range(100)))
    judged = [answer for answer in answers if answer.status == 200]
    refused = [answer for answer in answers if answer.status == 429]
    assert (len(judged), len(refused)) == (LIMITS.app_password_failures, 100 - LIMITS.app_password_failures)
    assert [answer.body for answer in judged] == [NO] * len(judged)
    assert {answer.body["code"] for answer in refused} == {"rate_limited"}
    assert all(0 < int(answer.headers["Retry-After"]) <= LIMITS.app_password_window for answer in refused)
    right = await check(integrator, made["password"])
    assert right.status == (429 if user == "alice" else 200)


async def test_right_ones_use_up_no_tries_however_many_come_at_once(integrator, alice):
    made = await make(integrator, alice)
    for _ in range(LIMITS.app_password_failures - 1):
        await check(integrator, WRONG)
    answers = await asyncio.gather(*(check(integrator, made["password"]) for _ in range(30)))
    assert {(answer.status, answer.body.get("valid")) for answer in answers} == {(200, True)}
    assert (await check(integrator, WRONG)).body == NO
    assert (await check(integrator, made["password"])).status == 429


async def test_applications_do_not_use_up_each_others_tries(integrator, world):
    for _ in range(LIMITS.app_password_failures):
        await check(world.other, WRONG)
    assert (await check(world.other, WRONG)).status == 429
    assert (await check(integrator, WRONG)).body == NO
