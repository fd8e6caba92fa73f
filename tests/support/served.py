"""A gateway in a process of its own, as an operator starts it."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import msgspec

from gateway.settings.settings import Settings
from support.integrator import PATIENCE, Integrator
from support.world import key_for

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


@contextlib.asynccontextmanager
async def served_on(settings: Settings) -> AsyncIterator[tuple[asyncio.subprocess.Process, Integrator]]:
    """Run `poundkey serve` on settings until the block ends; gives the process and an integrator."""
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
