"""Links to the hosted pages: short-lived, for one person and one page, and back only to where policy allows."""

import asyncio
from datetime import datetime
from urllib.parse import urlsplit

import pytest
from support.integrator import PATIENCE
from support.people import enroll, governed_at
from support.problems import assert_problem, fields_of

from gateway.settings.settings import PortalSettings

BACK = "https://bank.example/done?from=portal"
RULES = f'[applications."Example Bank"]\nreturn_urls = ["{BACK}", "http://localhost:3000/back"]\n'


@pytest.fixture
def portal():
    return PortalSettings()


@pytest.fixture
async def world(tmp_path, limits, portal):
    async with governed_at(tmp_path, RULES, limits=limits, portal=portal) as world:
        yield world


@pytest.fixture
async def alice(world):
    return await enroll(world)


async def visit(world, url: str, method: str = "GET") -> int:
    async with world.network.session.request(method, url, allow_redirects=False) as response:
        return response.status


async def links_kept(world) -> int:
    return world.gateway.store._engine.reads._connection.execute("SELECT count(*) FROM portal_links").fetchone()[0]


@pytest.mark.parametrize("page", ["enroll", "settings", "sign_in"])
@pytest.mark.parametrize("back", [None, BACK, "http://localhost:3000/back"])
async def test_a_link_has_an_address_of_its_own_and_an_end(world, alice, page, back):
    made = [await alice.ask("POST", "/portal-links", {"page": page, "return_url": back}) for _ in range(2)]
    assert [answer.status for answer in made] == [201, 201]
    assert len({answer.body["url"] for answer in made}) == 2
    for answer in made:
        assert answer.body["object"] == "portal_link"
        assert answer.body["url"].startswith(f"{world.settings.server.public_url}/portal/links/")
        assert len(urlsplit(answer.body["url"]).path.rpartition("/")[2]) >= 22  # 128 bits and more
        left = (
            datetime.fromisoformat(answer.body["expires_at"]).timestamp() * 1_000
            - world.gateway.services.portal._clock()
        )
        assert 0 < left <= world.settings.portal.link_lifetime * 1_000
    assert alice.id not in made[0].body["url"]


@pytest.mark.parametrize(
    "back",
    [
        "https://bank.example/done", f"{BACK}&to=evil", f"{BACK}#x", "https://bank.example/done?from=Portal",
        "https://BANK.example/done?from=portal", "https://bank.example:443/done?from=portal",
        "https://bank.example.evil.example/done?from=portal", "https://bank.example@evil.example/done?from=portal",
        "http://bank.example/done?from=portal", "http://localhost:3001/back", "javascript:alert(1)", "//bank.example",
        f" {BACK}", f"{BACK}\n", "/done", "", "https://bank.example/%64one?from=portal",
    ],
)  # fmt: skip
async def test_only_an_address_on_the_list_is_gone_back_to(world, alice, back):
    answer = await alice.ask("POST", "/portal-links", {"page": "enroll", "return_url": back})
    assert fields_of(assert_problem(answer, 422, "return_url_forbidden")) == {"return_url"}
    assert await links_kept(world) == 0


async def test_an_application_without_a_list_goes_back_nowhere(world):
    theirs = (await world.other.enroll())["id"]
    path, wish = f"/v1/enrollments/{theirs}/portal-links", {"page": "enroll", "return_url": BACK}
    assert_problem(await world.other.ask("POST", path, wish), 422, "return_url_forbidden")
    assert (await world.other.ask("POST", path, {"page": "enroll"})).status == 201


async def test_an_idempotency_key_gives_the_same_link_again(world, alice):
    wish = {"page": "enroll"}
    answers = await asyncio.gather(*(alice.ask("POST", "/portal-links", wish, Idempotency_Key="one") for _ in range(9)))
    made = [answer for answer in answers if answer.status == 201]
    assert {answer.body["code"] for answer in answers if answer.status != 201} <= {"idempotency_key_in_flight"}
    again = await alice.ask("POST", "/portal-links", wish, Idempotency_Key="one")
    assert {answer.body["url"] for answer in [*made, again]} == {again.body["url"]}
    assert again.headers["Idempotency-Replayed"] == "true"
    assert await links_kept(world) == 1
    other = await alice.ask("POST", "/portal-links", {"page": "settings"}, Idempotency_Key="one")
    assert_problem(other, 422, "idempotency_key_reused")


async def test_looking_at_a_link_spends_nothing_and_opening_it_spends_it(world, alice):
    url = (await alice.ask("POST", "/portal-links", {"page": "enroll"})).body["url"]
    assert [await visit(world, url) for _ in range(3)] == [200] * 3
    async with world.network.session.post(url, allow_redirects=False) as response:
        assert response.status == 303
        assert response.headers["Set-Cookie"]
    world.network.session.cookie_jar.clear()
    assert [await visit(world, url, method) for method in ("POST", "POST")] == [410, 410]


async def test_a_link_opens_for_one_of_many_who_try_at_once(world, alice):
    url = (await alice.ask("POST", "/portal-links", {"page": "enroll"})).body["url"]
    answers = await asyncio.gather(*(visit(world, url, "POST") for _ in range(20)))
    assert answers.count(303) >= 1
    sessions = world.gateway.store._engine.reads._connection.execute("SELECT count(*) FROM portal_sessions").fetchone()
    assert sessions == (1,)


@pytest.mark.parametrize("portal", [PortalSettings(link_lifetime=1)])
async def test_a_link_is_over_after_its_time(world, alice):
    url = (await alice.ask("POST", "/portal-links", {"page": "enroll"})).body["url"]
    async with asyncio.timeout(PATIENCE):
        while await visit(world, url) == 200:
            await asyncio.sleep(0.02)
    assert await visit(world, url, "POST") == 410


async def test_a_link_goes_with_the_record(world, alice):
    url = (await alice.ask("POST", "/portal-links", {"page": "enroll"})).body["url"]
    await alice.ask("DELETE")
    assert [await visit(world, url, method) for method in ("GET", "POST")] == [410, 410]


async def test_a_link_of_nobody_is_not_made(world):
    answer = await world.integrator.ask("POST", "/v1/enrollments/enr_unknown/portal-links", {"page": "enroll"})
    assert_problem(answer, 404, "not_found")
    assert await links_kept(world) == 0
