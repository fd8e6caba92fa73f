"""SIGTERM drains a real `poundkey serve`: whoever waits is answered, nothing is lost, the exit is clean and soon."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from pathlib import Path

import aiohttp
import msgspec
import pytest
from support import raw_http
from support.integrator import PATIENCE, Integrator
from support.world import key_for, settings_for

from gateway.settings import Settings

ROOT = Path(__file__).parents[2]


def environment_of(settings: Settings) -> dict[str, str]:
    """Write settings as the environment variables that an operator would set."""
    usual = msgspec.to_builtins(Settings())
    return {
        f"POUNDKEY_{section}__{name}".upper(): ",".join(value) if isinstance(value, list | tuple) else str(value)
        for section, values in msgspec.to_builtins(settings).items()
        for name, value in values.items()
        if value != usual[section][name]
    }


@pytest.fixture
async def served(tmp_path, network):
    """A gateway process on real settings; gives the process and an integrator."""
    settings = settings_for(tmp_path, network.url)
    key = await key_for(settings)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "serve"),
        cwd=ROOT,
        env={**os.environ, **environment_of(settings)},
        stderr=asyncio.subprocess.PIPE,
    )
    async with aiohttp.ClientSession() as session:
        integrator = Integrator(session, settings.server.public_url, key)
        async with asyncio.timeout(PATIENCE):
            while not await is_ready(integrator):
                assert process.returncode is None, (await process.stderr.read()).decode()
                await asyncio.sleep(0.02)
        yield process, integrator
    if process.returncode is None:
        process.kill()
    await process.communicate()


async def is_ready(integrator: Integrator) -> bool:
    with contextlib.suppress(aiohttp.ClientError):
        return (await integrator.ask("GET", "/readyz")).status == 200
    return False


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
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        for connection in waiting:
            status, body = await connection.answer()
            assert (status, msgspec.json.decode(body)["status"]) == (200, "pending")
    told += [event async for event in stream]
    assert [int(event["id"]) for event in told] == list(range(1, len(told) + 1))
    assert await process.wait() == 0
    assert time.monotonic() - started < 10


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
