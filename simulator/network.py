"""The parts of one simulated phone network, joined."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
from aiohttp import web

from simulator.calls.documents import Documents
from simulator.calls.switchboard import Switchboard
from simulator.clock import Clock
from simulator.config import SimulatorConfig
from simulator.exchanges import Exchanges
from simulator.faults import FaultBoard
from simulator.handsets import Handsets
from simulator.outgoing.callbacks import Callbacks
from simulator.outgoing.signed_requests import SignedRequests
from simulator.tasks import Tasks
from simulator.texts.carrier import Carrier
from simulator.texts.inbox import Inbox


class Network:
    """Everything that routes need. Must be created inside a running event loop."""

    def __init__(self, config: SimulatorConfig, session: aiohttp.ClientSession) -> None:
        """Join the parts.

        Args:
            config: What the simulator was started with.
            session: Pooled connections for the network's own requests; whoever opened it closes it.
        """
        self.config = config
        self.clock = Clock(config.speed)
        self.exchanges = Exchanges()
        self.faults = FaultBoard()
        self.handsets = Handsets(config.default_persona)
        self.closing: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tasks = Tasks()
        requests = SignedRequests(session, config.spoken, config.sign, self.exchanges)
        callbacks = Callbacks(requests, self.faults, self._tasks)
        documents = Documents(requests, self.faults, self.exchanges, self._tasks)
        self.switchboard = Switchboard(
            config, self.clock, self.handsets, documents, callbacks, self.exchanges, self._tasks
        )
        self.carrier = Carrier(config, self.clock, self.handsets, callbacks, self._tasks)
        self.inbox = Inbox(self.carrier, requests, self.faults, self.exchanges, self._tasks, config.inbound_url)

    async def pause(self, seconds: float) -> None:
        """Wait for real seconds, but not longer than until the network begins to close."""
        await asyncio.wait({self.closing}, timeout=seconds)

    def begin_closing(self) -> None:
        """Wake waiting clients, so that their connections can end."""
        self.closing.set_result(None)

    async def close(self) -> None:
        """Stop everything that runs in the background."""
        await self._tasks.close()


NETWORK = web.AppKey("network", Network)


async def run_network(app: web.Application, config: SimulatorConfig) -> AsyncIterator[None]:
    """Open the network when the application starts and close it when it ends."""
    connector = aiohttp.TCPConnector(limit=0)  # the provider's calls do not wait for each other
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        app[NETWORK] = Network(config, session)
        yield
        await app[NETWORK].close()
