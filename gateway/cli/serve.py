"""`poundkey serve`: runs the gateway until a stop signal."""

import argparse
import errno
import logging
import resource
from contextlib import AsyncExitStack, suppress

from gateway import logs
from gateway.app import Gateway, running, serving
from gateway.cli.command import CommandFailed, run_loop, stop_requested
from gateway.cli.config import load_settings
from gateway.cli.workers import keep_running, own_command, stop_with_parent
from gateway.domain.errors import StoreUnavailable
from gateway.metrics import serving_metrics
from gateway.services.recordings import RecordingsInvalid
from gateway.settings.applications import ApplicationsInvalid
from gateway.settings.settings import Settings

logger = logging.getLogger(__name__)


def run(arguments: argparse.Namespace) -> int:
    """Serve; raises CommandFailed if it cannot start."""
    settings = load_settings(arguments.config)
    logs.configure(logging.INFO)
    _raise_file_limit()
    if arguments.workers > 1:
        command = own_command(["serve", "--worker", *(("--config", str(arguments.config)) if arguments.config else ())])
        run_loop(keep_running(settings, arguments.workers, command))
    else:
        run_loop(_serve(settings, is_worker=arguments.worker))
    return 0


async def start(stack: AsyncExitStack, settings: Settings, *, share_port: bool = False) -> Gateway:
    """Start the gateway and listen; closing the stack drains and stops it.

    Raises:
        CommandFailed: The database is unavailable or another gateway uses it, the applications file or the recordings
            have mistakes, or the address is in use.
    """
    try:
        gateway = await stack.enter_async_context(running(settings))
    except StoreUnavailable as unavailable:
        raise CommandFailed(str(unavailable)) from None
    except (ApplicationsInvalid, RecordingsInvalid) as invalid:
        raise CommandFailed(*invalid.problems) from None
    try:
        await stack.enter_async_context(serving(gateway, settings, share_port=share_port))
    except OSError as error:
        raise cannot_listen(settings.server.host, settings.server.port, error) from None
    if settings.server.metrics_port:
        try:
            await stack.enter_async_context(
                serving_metrics(gateway.scrape, settings.server.host, settings.server.metrics_port)
            )
        except OSError as error:
            raise cannot_listen(settings.server.host, settings.server.metrics_port, error) from None
    return gateway


def cannot_listen(host: str, port: int, error: OSError) -> CommandFailed:
    """Return the failure that says why an address cannot be listened on."""
    if error.errno == errno.EADDRINUSE:
        return CommandFailed(f"{host}:{port} is in use; stop what listens there, or choose another port")
    return CommandFailed(f"cannot listen on {host}:{port}: {error.strerror}")


def _raise_file_limit() -> None:
    # A connection is an open file, and systemd and containers often set a soft limit of 1024.
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # macOS reports "unlimited" and then refuses it
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def _serve(settings: Settings, *, is_worker: bool) -> None:
    stop = stop_requested()
    if is_worker:
        stop_with_parent(stop)
    server = settings.server
    async with AsyncExitStack() as stack:
        await start(stack, settings, share_port=is_worker)
        logger.info("listening on %s:%d as %s", server.host, server.port, server.public_url)
        await stop.wait()
