"""`poundkey serve`: the gateway alone, until a signal asks it to stop."""

import argparse
import errno
import logging
from contextlib import AsyncExitStack

from gateway import logs
from gateway.app import Gateway, running, serving
from gateway.applications import ApplicationsInvalid
from gateway.cli.config import load_settings
from gateway.cli.failure import CommandFailed
from gateway.cli.loop import run as run_loop
from gateway.cli.loop import stop_requested
from gateway.ports import StoreUnavailable
from gateway.settings import Settings

logger = logging.getLogger(__name__)


def run(arguments: argparse.Namespace) -> int:
    """Serve; raises CommandFailed if it cannot begin."""
    settings = load_settings(arguments.config)
    logs.configure(logging.INFO)
    run_loop(_serve(settings))
    return 0


async def start(stack: AsyncExitStack, settings: Settings) -> Gateway:
    """Start the gateway and let it listen; the stack ends it, draining.

    Raises:
        CommandFailed: the database cannot be used or belongs to another gateway, the applications file has mistakes, or
            the address is taken.
    """
    try:
        gateway = await stack.enter_async_context(running(settings))
    except StoreUnavailable as unavailable:
        raise CommandFailed(str(unavailable)) from None
    except ApplicationsInvalid as invalid:
        raise CommandFailed(*invalid.problems) from None
    try:
        await stack.enter_async_context(serving(gateway, settings))
    except OSError as error:
        raise cannot_listen(settings.server.host, settings.server.port, error) from None
    return gateway


def cannot_listen(host: str, port: int, error: OSError) -> CommandFailed:
    """Say why an address cannot be listened on."""
    if error.errno == errno.EADDRINUSE:
        return CommandFailed(f"{host}:{port} is in use; stop what listens there, or choose another port")
    return CommandFailed(f"cannot listen on {host}:{port}: {error.strerror}")


async def _serve(settings: Settings) -> None:
    stop = stop_requested()
    server = settings.server
    async with AsyncExitStack() as stack:
        await start(stack, settings)
        logger.info("listening on %s:%d as %s", server.host, server.port, server.public_url)
        await stop.wait()
