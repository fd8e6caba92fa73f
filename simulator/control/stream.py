"""The live stream of the control API: each handset anew whenever anything about it changes."""

from __future__ import annotations

import asyncio

import msgspec
from aiohttp import web

from simulator.network import NETWORK, Network

routes = web.RouteTableDef()

_HEARTBEAT_SECONDS = 15.0
_COALESCING_SECONDS = 0.05
"""How long changes are collected before they are sent; a burst on one handset becomes one event."""


class Changes:
    """The changes that a stream has not sent yet."""

    def __init__(self, network: Network) -> None:
        """Start with the whole state, and collect changes until `close`."""
        self._network = network
        self._numbers = dict.fromkeys(handset.number for handset in network.handsets)
        self._clock = True
        self._pending = asyncio.Event()
        self._pending.set()
        network.handsets.watch(self._handset_changed)
        network.clock.add_listener(self._clock_changed)
        network.closing.add_done_callback(self._closing)

    def close(self) -> None:
        """Stop collecting changes."""
        self._network.handsets.unwatch(self._handset_changed)
        self._network.clock.remove_listener(self._clock_changed)
        self._network.closing.remove_done_callback(self._closing)

    async def wait(self) -> bool:
        """Wait for a change; return False when none came in the time between two heartbeats."""
        try:
            async with asyncio.timeout(_HEARTBEAT_SECONDS):
                await self._pending.wait()
        except TimeoutError:
            return False
        return True

    def pop_events(self) -> bytes:
        """Return the pending changes as server-sent events, and clear them."""
        self._pending.clear()
        numbers, self._numbers = self._numbers, {}
        events = []
        if self._clock:
            self._clock = False
            events.append(_event("clock", {"speed": self._network.clock.speed}))
        events += [_event("handset", self._network.handsets.find(number).state()) for number in numbers]
        return b"".join(events)

    def _handset_changed(self, number: str) -> None:
        self._numbers[number] = None
        self._pending.set()

    def _clock_changed(self) -> None:
        self._clock = True
        self._pending.set()

    def _closing(self, _closing: asyncio.Future[None]) -> None:
        self._pending.set()


@routes.get("/v1/stream")
async def stream(request: web.Request) -> web.StreamResponse:
    """Stream `handset` and `clock` events (WHATWG: server-sent events) until the listener or the network goes."""
    network = request.app[NETWORK]
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
    await response.prepare(request)
    changes = Changes(network)
    try:
        while not network.closing.done():
            if await changes.wait():
                await response.write(changes.pop_events())
                await asyncio.sleep(_COALESCING_SECONDS)
            else:
                await response.write(b": heartbeat\n\n")
    except ConnectionResetError:
        return response  # the listener is gone
    finally:
        changes.close()
    return response


def _event(name: str, content: object) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), msgspec.json.encode(content))
