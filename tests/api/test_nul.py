"""NUL, which PostgreSQL keeps in no text: who sends it is told so, and takes nobody else's answer away."""

import asyncio
import contextlib
import re

import pytest
import pytest_asyncio
from support.problems import assert_problem, fields_of
from support.world import LIMITS, network_at, serving_at, settings_for
from yarl import URL

from gateway.settings.settings import Database

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["SQLite", "PostgreSQL"])
async def world(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    async with network_at() as network:
        sections = {"limits": LIMITS}
        if request.param == "PostgreSQL":
            sections["database"] = Database(request.getfixturevalue("postgres").database())
        async with serving_at(settings_for(folder, network.url, **sections), network) as world:
            yield world


async def ask(integrator, method: str, path: str) -> int:
    url, headers = URL(integrator.url + path, encoded=True), {"Authorization": f"Bearer {integrator.key}"}
    async with integrator.session.request(method, url, headers=headers, json={"reason": "x"}) as answer:
        await answer.read()
        return answer.status


async def test_no_address_with_a_nul_in_it_is_a_failure_of_ours(world):
    asked = set()
    for route in world.gateway.application.router.routes():
        path = route.resource.canonical
        if "{" in path and (route.method, path) not in asked:
            asked.add((route.method, path))
            filled = re.sub(r"{(\w+)}", "a%00", path)
            assert await ask(world.integrator, route.method, filled) == 404, (route.method, filled)
    assert len(asked) > 30


@pytest.mark.parametrize("query", ["enrollments?user=a%00b", "verifications?starting_after=ver_%00"])
async def test_a_question_with_a_nul_in_it_is_told_so(world, query):
    answer = await world.integrator.ask("GET", f"/v1/{query}")
    assert len(fields_of(assert_problem(answer, 422, "fields_invalid"))) == 1


async def test_a_record_whose_name_holds_a_nul_is_none(world):
    wish = {"to": "+14255550123", "channel": "sms", "enrollment_id": "enr_\0"}
    answer = await world.integrator.ask("POST", "/v1/verifications", wish)
    assert fields_of(assert_problem(answer, 422, "fields_invalid")) == {"enrollment_id"}


async def test_whoever_asks_beside_it_is_answered(world):
    made = await world.integrator.create("+14255550124")
    over = asyncio.Event()

    async def disturb(integrator, path: str) -> None:
        while not over.is_set():
            await ask(integrator, "GET", path)

    async with contextlib.AsyncExitStack() as stack:
        stack.callback(over.set)
        tasks = [asyncio.create_task(disturb(world.other, "/v1/verifications/%00")) for _ in range(4)]
        tasks += [asyncio.create_task(disturb(world.other, "/portal/brand/%00.css")) for _ in range(4)]
        for _ in range(100):
            assert (await world.integrator.show(made["id"]))["id"] == made["id"]
    await asyncio.gather(*tasks)
