"""SIGTERM drains a real `poundkey serve`: whoever waits is answered, nothing is lost, and the exit is clean and soon."""

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
from support.integrator import PATIENCE, Integrator
from support.world import key_for, settings_for

ROOT = Path(__file__).parents[2]


def environment_of(settings) -> dict[str, str]:
    """Write settings as the environment variables that an operator would set."""
    variables = {}
    for section, values in msgspec.to_builtins(settings).items():
        for name, value in values.items():
            text = ",".join(value) if isinstance(value, list) else str(value).lower() if value is True else str(value)
            variables[f"POUNDKEY_{section}__{name}".upper()] = text
    return variables


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
            while not await is_alive(integrator):
                await asyncio.sleep(0.02)
        yield process, integrator
    if process.returncode is None:
        process.kill()
    await process.communicate()


async def is_alive(integrator: Integrator) -> bool:
    with contextlib.suppress(aiohttp.ClientError):
        return (await integrator.ask("GET", "/readyz")).status == 200
    return False


async def test_everyone_who_waits_is_answered_and_the_exit_is_clean(served, network):
    process, integrator = served
    made = await integrator.create(channel="call")
    await network.answered()
    shown = await integrator.show(made["id"])
    waiters = [asyncio.create_task(integrator.wait(made["id"], shown["revision"], seconds=30)) for _ in range(20)]
    stream = integrator.stream(made["id"])
    told = [await anext(stream) for _ in range(3)]
    rest = asyncio.create_task(drain(stream))
    while not all(waiter.get_coro().cr_await for waiter in waiters):
        await asyncio.sleep(0)
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    answers = await asyncio.gather(*waiters)
    assert {answer["id"] for answer in answers} == {made["id"]}
    told += await rest
    assert [int(event["id"]) for event in told] == list(range(1, len(told) + 1))
    assert await process.wait() == 0
    assert time.monotonic() - started < 10


async def drain(stream) -> list:
    return [event async for event in stream]


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
