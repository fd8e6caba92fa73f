"""Gateways that die, as by kill -9, or are held up at a chosen step: one process imports the program and forks each.

Run as `python -m support.crashing_gateway`. Each line of its input is a `Life` as JSON, answered by the pid that lives
it; at the end of the input all that are left are killed. `support.nursery` is the other side.
"""

import asyncio
import contextlib
import functools
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import msgspec

from gateway import app
from gateway.providers.twilio import history as _slow_to_import  # noqa: F401 - so that no gateway imports it anew
from gateway.providers.twilio.api import TwilioProvider
from gateway.settings.settings import Settings
from gateway.stores import outbox
from gateway.stores.outbox import OutboxStore
from gateway.stores.verifications import VerificationStore

_HANDOVER = 100
"""Milliseconds after which another process may take a send up; the product waits for seconds."""


class Step(msgspec.Struct, frozen=True):
    """Where to die: before or after the first call of a method of the store or the provider.

    `held` does not die behind it but stops, as by SIGSTOP, until somebody continues it, and goes on as if nothing was.
    """

    method: str
    when: Literal["before", "after", "held"]

    def __str__(self) -> str:
        return f"{self.when} {self.method}"


class Life(msgspec.Struct, frozen=True):
    """What one gateway is started with; without a step it lives until it is killed."""

    settings: Settings
    step: Step | None = None


def _arrange(step: Step) -> None:
    owners: tuple[type, ...] = (VerificationStore, OutboxStore, TwilioProvider)
    owner = next(owner for owner in owners if hasattr(owner, step.method))
    original: Callable[..., Awaitable[Any]] = getattr(owner, step.method)
    setattr(owner, step.method, _held_up(owner, original) if step.when == "held" else _dying(original, step))


def _dying(original: Callable[..., Awaitable[Any]], step: Step) -> Callable[..., Awaitable[None]]:
    @functools.wraps(original)
    async def dying(*positional: Any, **named: Any) -> None:  # noqa: ANN401 - whatever the original takes
        if step.when == "after":
            await original(*positional, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    return dying


def _held_up(owner: type, original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(original)
    async def held_up(*positional: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever the original takes and returns
        setattr(owner, original.__name__, original)
        try:
            return await original(*positional, **named)
        finally:
            os.kill(os.getpid(), signal.SIGSTOP)

    return held_up


async def _live(settings: Settings) -> None:
    async with app.running(settings) as gateway, app.serving(gateway, settings):
        await asyncio.Event().wait()


def _fork(life: Life) -> int:
    pid = os.fork()
    if pid == 0:
        outbox.HANDOVER = outbox.CLAIM_LEASE = _HANDOVER
        if life.step:
            _arrange(life.step)
        asyncio.run(_live(life.settings))
    return pid


def main() -> None:
    """Fork a gateway for each line, until there are no more."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead need not be waited for
    children = []
    for line in sys.stdin:
        children.append(_fork(msgspec.json.decode(line, type=Life)))
        print(children[-1], flush=True)  # noqa: T201 - the answer
    for pid in children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
