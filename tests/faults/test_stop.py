"""SIGTERM drains a real `poundkey serve`: whoever waits is answered, nothing is lost, the exit is clean and soon."""

import asyncio
import contextlib
import signal

import aiohttp
import msgspec
import pytest
from support import raw_http
from support.integrator import Integrator
from support.served import is_ready, served_on
from support.world import key_for, settings_for

from gateway import app


@pytest.fixture
async def served(tmp_path, network):
    """A gateway process on real settings; gives the process and an integrator."""
    async with served_on(settings_for(tmp_path, network.url)) as (process, integrator):
        yield process, integrator


async def test_everyone_who_waits_is_answered_and_the_exit_is_clean(served, network):
    process, integrator = served
    made = await integrator.create(channel="call")
    await network.answered()
    shown = await integrator.show(made["id"])
    path = f"/v1/verifications/{made['id']}?wait=30&revision={shown['revision']}"
    alive, wait = (raw_http.request("GET", asked, integrator.key) for asked in ("/healthz", path))
    stream = integrator.stream(made["id"])
    told = [await anext(stream) for _ in range(3)]
    async with contextlib.AsyncExitStack() as stack:
        waiting = [await stack.enter_async_context(raw_http.connected(integrator.url)) for _ in range(20)]
        for connection in waiting:
            await connection.ask(alive)  # so that it is accepted before the gateway takes no more
            connection.writer.write(wait)
        assert await is_ready(integrator)  # and has read what came before this
        async with asyncio.timeout(25):  # sooner than anyone's 30 s are over
            process.send_signal(signal.SIGTERM)
            for connection in waiting:
                status, body = await connection.answer()
                assert (status, msgspec.json.decode(body)["status"]) == (200, "pending")
            told += [event async for event in stream]
            assert await process.wait() == 0
    assert [int(event["id"]) for event in told] == list(range(1, len(told) + 1))


async def test_a_request_that_the_store_does_not_answer_is_given_its_half_of_the_drain(tmp_path, network, monkeypatch):
    settings = settings_for(tmp_path, network.url)
    key = await key_for(settings)
    async with app.running(settings) as gateway, aiohttp.ClientSession() as session:
        reached = asyncio.Event()

        async def never(*_, **__):
            reached.set()
            await asyncio.Event().wait()

        monkeypatch.setattr(gateway.store.verifications, "create", never)
        async with asyncio.timeout(None) as whole, app.serving(gateway, settings):
            asked = asyncio.create_task(Integrator(session, settings.server.public_url, key).create())
            await reached.wait()
            whole.reschedule(asyncio.get_running_loop().time() + settings.server.drain)
        with pytest.raises(aiohttp.ClientError):
            await asked


async def test_a_send_under_way_is_finished(served, network):
    process, integrator = served
    await network.faults(api={"answer_delay_ms": 500, "method": "POST"})
    made = await integrator.create()
    await network.code()
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0
    errors = (await process.stderr.read()).decode()
    assert "Traceback" not in errors
    assert len(await network.texts()) == 1
    assert made["status"] == "pending"
