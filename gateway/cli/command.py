"""What every command shares: how it fails, its event loop and stop signals, and the default addresses and files."""

import asyncio
import signal
from collections.abc import Coroutine
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

FAILURE_EXIT_CODE = 2
"""Wrong usage, unusable settings and connection errors; argparse exits with the same."""

GATEWAY_PORT = 8080
SIMULATOR_PORT = 8081
GATEWAY_URL = f"http://127.0.0.1:{GATEWAY_PORT}"
DATA_DIR = Path("var")
API_KEY_FILE = "api-key"
"""In the data directory: `dev` writes it, `verify` reads it."""
API_KEY_VARIABLE = "POUNDKEY_API_KEY"
"""The API key of a client. It may be set in the shell that starts the gateway, and is no setting of the gateway."""

T = TypeVar("T")


class CommandFailed(Exception):
    """Ends the command with `FAILURE_EXIT_CODE`; `lines` go to stderr, one sentence each."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def run_loop(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, on uvloop where it is installed, and return its result."""
    if find_spec("uvloop") is None:
        return asyncio.run(main)
    import uvloop  # noqa: PLC0415 - not built for every platform

    return uvloop.run(main)


def stop_requested() -> asyncio.Event:
    """Return an event that the first SIGINT or SIGTERM sets; the second one ends the process at once."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    signals = (signal.SIGINT, signal.SIGTERM)

    def request_stop() -> None:
        stop.set()
        for number in signals:
            loop.remove_signal_handler(number)

    for number in signals:
        loop.add_signal_handler(number, request_stop)
    return stop


def read_api_key(data_dir: Path) -> str | None:
    """Return the API key in a data directory; None if there is none, or if it is not readable."""
    try:
        return (data_dir / API_KEY_FILE).read_text().strip()
    except OSError:
        return None
