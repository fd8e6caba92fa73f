"""The event loop of a command: uvloop where it is installed, and a stop that is asked for by signal."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

try:
    import uvloop
except ImportError:  # not made for this platform
    uvloop = None  # type: ignore[assignment]  # a module has no optional type

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a command to its end and return what it returns."""
    return uvloop.run(main) if uvloop else asyncio.run(main)


def stop_requested() -> asyncio.Event:
    """Return an event that the first SIGINT or SIGTERM sets; the second one ends the process at once."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    signals = (signal.SIGINT, signal.SIGTERM)

    def request() -> None:
        stop.set()
        for number in signals:
            loop.remove_signal_handler(number)

    for number in signals:
        loop.add_signal_handler(number, request)
    return stop
