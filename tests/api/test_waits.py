"""No application takes all connections by waiting: each has its number of waits and streams at once."""

import asyncio

import msgspec
import pytest
import pytest_asyncio
from support import raw_http
from support.problems import assert_problem
from support.world import network_at, serving_at, settings_for

pytestmark = pytest.mark.asyncio(loop_scope="module")

MOST = 3
STREAM = {"Accept": "text/event-stream"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory):
    async with network_at() as network:
        settings = settings_for(tmp_path_factory.mktemp("world"), network.url)
        server = msgspec.structs.replace(settings.server, waits_per_application=MOST)
        async with serving_at(msgspec.structs.replace(settings, server=server), network) as world:
            yield world


@pytest_asyncio.fixture(loop_scope="module")
async def shown(integrator, network, numbers):
    """A verification that does not change any more by itself."""
    made = await integrator.create(next(numbers))
    await network.code(made["to"])
    await integrator.attempt_when(made["id"], "delivered")
    return await integrator.show(made["id"])


@pytest_asyncio.fixture(loop_scope="module")
async def waits(world, integrator, shown):
    """All waits and streams that the application may have at once."""
    asked = [asyncio.create_task(integrator.wait(shown["id"], shown["revision"])) for _ in range(MOST - 1)]
    async with raw_http.connected(integrator.url) as connection:
        path = f"/v1/verifications/{shown['id']}/events"
        connection.writer.write(raw_http.request("GET", path, integrator.key, b"", "Accept: text/event-stream"))
        await waiting(world, MOST)
        yield asked
    await integrator.cancel(shown["id"])
    await asyncio.gather(*asked)
    await waiting(world, 0)


async def waiting(world, number: int) -> None:
    """Return once so many wait."""
    async with asyncio.timeout(20):
        while world.gateway.services.verifications.waiting != number:
            await asyncio.sleep(0)


@pytest.mark.usefixtures("waits")
@pytest.mark.parametrize(("end", "headers"), [("?wait=30", {}), ("?wait=1&revision=0", {}), ("/events", STREAM)])
async def test_who_has_all_waits_is_refused_one_more(integrator, shown, end, headers):
    answer = await integrator.ask("GET", f"/v1/verifications/{shown['id']}{end}", **headers)
    assert_problem(answer, 429, "rate_limited")
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.usefixtures("waits")
@pytest.mark.parametrize("end", ["", "?wait=0", "?revision=1", "/events"])
async def test_who_does_not_wait_is_answered_all_the_same(integrator, shown, end):
    assert (await integrator.ask("GET", f"/v1/verifications/{shown['id']}{end}")).status == 200


@pytest.mark.usefixtures("waits")
async def test_another_application_has_its_own(world, numbers):
    made = await world.other.create(next(numbers))
    assert (await world.other.ask("GET", f"/v1/verifications/{made['id']}?wait=1&revision=0")).status == 200


async def test_who_was_told_may_wait_again(world, integrator, shown, waits):
    canceled = (await integrator.cancel(shown["id"])).body
    assert [told["status"] for told in await asyncio.gather(*waits)] == ["canceled"] * (MOST - 1)
    await waiting(world, 0)
    answers = [integrator.ask("GET", f"/v1/verifications/{shown['id']}?wait=1&revision=0") for _ in range(MOST)]
    assert [answer.body for answer in await asyncio.gather(*answers)] == [canceled] * MOST


async def test_a_wait_for_what_is_not_there_takes_no_place(integrator):
    for _ in range(2 * MOST):
        assert_problem(await integrator.ask("GET", "/v1/verifications/ver_none?wait=1"), 404, "not_found")
        assert_problem(await integrator.ask("GET", "/v1/verifications/ver_none/events", **STREAM), 404, "not_found")
