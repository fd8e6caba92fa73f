"""Starts gateways in processes of their own, kills them, and waits for the death of those that kill themselves."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import msgspec

from support.crashing_gateway import Life
from support.integrator import PATIENCE

LOOK = 0.01
"""Seconds between two looks at whether a gateway lives."""


class Nursery:
    """Starts gateways and kills them."""

    def __init__(self, process: asyncio.subprocess.Process, session: aiohttp.ClientSession) -> None:
        self._process = process
        self._session = session
        self._turn = asyncio.Lock()

    async def start(self, life: Life) -> int:
        """Start a gateway, wait until it serves, and return its pid."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        async with self._turn:
            self._process.stdin.write(msgspec.json.encode(life) + b"\n")
            pid = int(await self._process.stdout.readline())
        await self._look(life, alive=True)
        return pid

    async def kill(self, pid: int, life: Life) -> None:
        os.kill(pid, signal.SIGKILL)
        await self.death(life)

    async def death(self, life: Life) -> None:
        """Wait until the gateway is gone."""
        await self._look(life, alive=False)

    async def _look(self, life: Life, *, alive: bool) -> None:
        async with asyncio.timeout(PATIENCE):
            while await self._lives(life) is not alive:
                await asyncio.sleep(LOOK)

    async def _lives(self, life: Life) -> bool:
        try:
            async with self._session.get(f"{life.settings.server.public_url}/healthz"):
                return True
        except aiohttp.ClientError:
            return False


@contextlib.asynccontextmanager
async def nursery() -> AsyncIterator[Nursery]:
    """Open a nursery."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "support.crashing_gateway"),
        cwd=Path(__file__).parents[1],
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
        yield Nursery(process, session)
    process.stdin.close()
    await process.wait()
