"""`poundkey serve --workers`: several gateway processes on one port, restarted until a stop signal.

They end with their parent: its death, for which there is no signal, closes the pipe that is their stdin.
"""

import asyncio
import logging
import os
import sys
from collections.abc import Sequence

from gateway.cli.command import CommandFailed, stop_requested
from gateway.settings.settings import PREFIX, Settings
from gateway.stores.places import is_postgres

_MIN_UPTIME = 5.0
"""Seconds. A worker that ends sooner at its first start is a failure; later ends may have a passing cause."""
_RESTART_DELAY = 1.0
_STDIN = 0

logger = logging.getLogger(__name__)


async def keep_running(settings: Settings, workers: int, command: Sequence[str]) -> None:
    """Run `workers` processes of `command` until a stop signal; raises CommandFailed if one cannot start."""
    if not is_postgres(settings.database.url):
        raise CommandFailed("--workers: several processes need PostgreSQL; database.url names a file")
    if settings.server.port == 0:
        raise CommandFailed("--workers: several processes need a port to share; server.port is 0")
    read_end, write_end = os.pipe()  # workers inherit the read end only; nothing is written
    stop = asyncio.create_task(stop_requested().wait())
    supervisors = [
        asyncio.create_task(_supervise(number, settings, command, read_end, stop)) for number in range(workers)
    ]
    try:
        await asyncio.gather(*supervisors)
    finally:
        stop.cancel()
        for supervisor in supervisors:
            supervisor.cancel()
        await asyncio.gather(stop, *supervisors, return_exceptions=True)
        os.close(read_end)
        os.close(write_end)


def stop_with_parent(stop: asyncio.Event) -> None:
    """Set `stop` when the parent process has died."""
    loop = asyncio.get_running_loop()

    def parent_died() -> None:
        loop.remove_reader(_STDIN)
        logger.error("the parent process died: this worker ends")
        stop.set()

    loop.add_reader(_STDIN, parent_died)


async def _supervise(
    number: int, settings: Settings, command: Sequence[str], stdin: int, stop: "asyncio.Task[bool]"
) -> None:
    """Run one worker, and restart it when it ends by itself."""
    loop = asyncio.get_running_loop()
    has_served = False
    while not stop.done():
        started_at = loop.time()
        process = await asyncio.create_subprocess_exec(
            *command, env=_environment(number, settings), stdin=stdin, start_new_session=True
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
        has_served = has_served or loop.time() - started_at >= _MIN_UPTIME
        if not has_served:
            raise CommandFailed(f"worker {number + 1} ended at once, with exit code {process.returncode}")
        logger.error("worker %d ended with exit code %s and is restarted", number + 1, process.returncode)
        await asyncio.wait([stop], timeout=_RESTART_DELAY)


def _environment(number: int, settings: Settings) -> dict[str, str]:
    """Return a worker's environment: each serves its metrics on a port of its own."""
    environment = dict(os.environ)
    if settings.server.metrics_port:
        environment[f"{PREFIX}SERVER__METRICS_PORT"] = str(settings.server.metrics_port + number)
    return environment


def own_command(arguments: Sequence[str]) -> list[str]:
    """Return the command that runs this program with these arguments."""
    return [sys.executable, "-m", "gateway", *arguments]
