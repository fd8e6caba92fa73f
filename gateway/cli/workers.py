"""`poundkey serve --workers`: several gateway processes on one port, kept running until a signal stops them.

They end with the process that keeps them: its death, which no signal tells them, ends the pipe that is their stdin.
"""

import asyncio
import logging
import os
import sys
from collections.abc import Sequence

from gateway.cli.failure import CommandFailed
from gateway.cli.loop import stop_requested
from gateway.settings.settings import PREFIX, Settings
from gateway.stores.places import is_postgres

_SHORTEST_LIFE = 5.0
"""Seconds: a worker whose first life is shorter cannot serve. One that has lived longer may meet what passes."""
_PAUSE = 1.0
_STDIN = 0

logger = logging.getLogger(__name__)


async def keep_running(settings: Settings, workers: int, command: Sequence[str]) -> None:
    """Run `workers` processes of `command` until a signal; raises CommandFailed if one cannot begin."""
    if not is_postgres(settings.database.url):
        raise CommandFailed("--workers: several processes need PostgreSQL; database.url names a file")
    if settings.server.port == 0:
        raise CommandFailed("--workers: several processes need a port to share; server.port is 0")
    lifeline, held = os.pipe()  # nobody inherits the end that is held, and nothing is written to it
    stop = asyncio.create_task(stop_requested().wait())
    keepers = [asyncio.create_task(_keep(place, settings, command, lifeline, stop)) for place in range(workers)]
    try:
        await asyncio.gather(*keepers)
    finally:
        stop.cancel()
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(stop, *keepers, return_exceptions=True)
        os.close(lifeline)
        os.close(held)


def stop_when_alone(stop: asyncio.Event) -> None:
    """Stop this worker when the process that keeps it is gone."""
    loop = asyncio.get_running_loop()

    def alone() -> None:
        loop.remove_reader(_STDIN)
        logger.error("the process that keeps the workers is gone: this worker ends")
        stop.set()

    loop.add_reader(_STDIN, alone)


async def _keep(
    place: int, settings: Settings, command: Sequence[str], lifeline: int, stop: "asyncio.Task[bool]"
) -> None:
    """Run one worker, and another in its place when it ends by itself."""
    loop = asyncio.get_running_loop()
    has_served = False
    while not stop.done():
        begun = loop.time()
        process = await asyncio.create_subprocess_exec(
            *command, env=_environment(place, settings), stdin=lifeline, start_new_session=True
        )
        try:
            ended = asyncio.create_task(process.wait())
            await asyncio.wait([ended, stop], return_when=asyncio.FIRST_COMPLETED)
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()
        if stop.done():
            return
        has_served = has_served or loop.time() - begun >= _SHORTEST_LIFE
        if not has_served:
            raise CommandFailed(f"worker {place + 1} ended at once, with exit code {process.returncode}")
        logger.error("worker %d ended with exit code %s; another takes its place", place + 1, process.returncode)
        await asyncio.wait([stop], timeout=_PAUSE)


def _environment(place: int, settings: Settings) -> dict[str, str]:
    """Return a worker's environment: each shows its metrics on a port of its own."""
    environment = dict(os.environ)
    if settings.server.metrics_port:
        environment[f"{PREFIX}SERVER__METRICS_PORT"] = str(settings.server.metrics_port + place)
    return environment


def own_command(arguments: Sequence[str]) -> list[str]:
    """Return the command that runs this program with these arguments."""
    return [sys.executable, "-m", "gateway", *arguments]
