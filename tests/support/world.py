"""A whole world on loopback: the simulator, a gateway that serves, and an integrator with a key."""

import asyncio
import base64
import contextlib
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from gateway import app
from gateway.api.door import key_digest
from gateway.domain.policy import Limits
from gateway.ports import ApiKey, Application
from gateway.settings import Database, Keys, Outbox, Server, Settings, Text, Twilio, Voice
from simulator.app import start
from simulator.config import SimulatorConfig

ACCOUNT = "AC" + "0" * 32
TOKEN = "provider-token-of-the-tests"
OURS = "+15005550006"
PHONE = "+14255550123"
FINISHED = {"approved", "denied", "canceled", "expired", "failed", "max_attempts_reached"}


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def random_key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def settings_for(folder: Path, provider_url: str, **sections: msgspec.Struct) -> Settings:
    """Return settings as an operator would write them, for one test's own files and ports."""
    port = free_port()
    usual = {
        "server": Server(port=port, public_url=f"http://127.0.0.1:{port}", drain=2.0),
        "database": Database(f"sqlite:///{folder}/poundkey.db"),
        "keys": Keys((f"1:{random_key()}",), random_key(), random_key()),
        "limits": Limits(call_grace=0.2, text_grace=0.2),
        "text": Text(OURS, "https://login.example.com"),
        "voice": Voice(OURS),
        "outbox": Outbox(reconcile_after=0.2, reconcile_for=2.0),
        "twilio": Twilio(provider_url, ACCOUNT, TOKEN, total_timeout=2.0, connect_timeout=1.0),
    }
    return Settings(**{**usual, **sections})


class World:
    """What an integrator, a phone user and the provider's side can do in a test."""

    def __init__(self, session, gateway: app.Gateway, settings: Settings, simulator) -> None:
        self.session = session
        self.gateway = gateway
        self.settings = settings
        self.simulator = simulator
        self.url = settings.server.public_url
        self.key = "pk_" + "k" * 43
        self.application = Application("app_test", "Example Bank")

    async def request(self, method: str, path: str, body=None, **headers: str) -> tuple[int, Any]:
        """Ask the gateway as the integrator; returns the status and the JSON."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"Authorization": f"Bearer {self.key}", **given}
        async with self.session.request(method, self.url + path, json=body, headers=sent) as response:
            return response.status, await response.json(content_type=None)

    async def create(self, to=PHONE, channel: str = "sms", **fields) -> dict[str, Any]:
        status, verification = await self.request("POST", "/v1/verifications", {"to": to, "channel": channel, **fields})
        assert status == 201, verification
        return verification

    async def check(self, verification_id: str, code: str) -> tuple[int, Any]:
        return await self.request("POST", f"/v1/verifications/{verification_id}/check", {"code": code})

    async def show(self, verification_id: str) -> dict[str, Any]:
        return (await self.request("GET", f"/v1/verifications/{verification_id}"))[1]

    async def wait_until(self, verification_id: str, condition) -> dict[str, Any]:
        """Wait for a state by long-polling, as an integrator would."""
        async with asyncio.timeout(20):
            verification = await self.show(verification_id)
            while not condition(verification):
                query = f"?wait=5&revision={verification['revision']}"
                verification = (await self.request("GET", f"/v1/verifications/{verification_id}{query}"))[1]
            return verification

    async def finished(self, verification_id: str) -> dict[str, Any]:
        return await self.wait_until(verification_id, lambda verification: verification["status"] in FINISHED)

    async def events(self, verification_id: str) -> list[dict[str, Any]]:
        return (await self.request("GET", f"/v1/verifications/{verification_id}/events"))[1]["data"]

    async def handset(self, number: str = PHONE) -> dict[str, Any]:
        async with self.session.get(f"{self.simulator.url}/v1/handsets/{number}") as response:
            return await response.json()

    async def control(self, method: str, path: str, body=None) -> None:
        """Turn one of the simulator's knobs."""
        async with self.session.request(method, self.simulator.url + path, json=body) as response:
            assert response.status < 300, await response.text()

    async def persona(self, persona: str, number: str = PHONE) -> None:
        await self.control("PUT", f"/v1/handsets/{number}", {"persona": persona})

    async def handset_when(self, condition, number: str = PHONE) -> dict[str, Any]:
        """Wait for a handset's state on the simulator's own stream of changes."""
        async with asyncio.timeout(20), self.session.get(f"{self.simulator.url}/v1/stream") as stream:
            async for line in stream.content:
                if line.startswith(b"data: "):
                    handset = msgspec.json.decode(line.removeprefix(b"data: "))
                    if handset.get("number") == number and condition(handset):
                        return handset
        raise AssertionError("the stream ended")

    async def code(self, number: str = PHONE, texts: int = 1) -> str:
        """Return the code of the latest text, once there are so many."""
        handset = await self.handset_when(lambda kept: len(kept["messages"]) >= texts, number)
        return handset["messages"][-1]["body"].split("#")[-1].strip()


@contextlib.asynccontextmanager
async def world_at(folder: Path, *, speed: float = 0, **sections: msgspec.Struct) -> AsyncIterator[World]:
    """Start everything, and stop it in order."""
    async with contextlib.AsyncExitStack() as stack:
        simulator = await start(SimulatorConfig(auth_token=TOKEN, account_sid=ACCOUNT, numbers=(OURS,), speed=speed))
        stack.push_async_callback(simulator.close)
        settings = settings_for(folder, simulator.url, **sections)
        gateway = await stack.enter_async_context(app.running(settings))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        await stack.enter_async_context(app.serving(gateway, settings))
        world = World(session, gateway, settings, simulator)
        key = ApiKey("key_test", world.application, "tests", key_digest(world.key), app.now(), None)
        await gateway.store.add_key(key)
        simulator.set_inbound_url(f"{world.url}/callbacks/twilio/messages")
        yield world
