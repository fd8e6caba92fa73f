"""A storm: many calls at once through the real simulator, whose callees press #, and how long it waits for us."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path

import msgspec
from yarl import URL

from benchmarks.databases import Engine
from benchmarks.load import Client, Expected, Wrong
from benchmarks.paths import CREATED, starts
from benchmarks.servers import Gateway, Scale, free_port, spawned, speaking_to
from benchmarks.wire import ACCOUNT, ANSWERS, CALLER, TOKEN, Integrator, calls
from simulator.app import start
from simulator.config import SimulatorConfig

_SHOWN = Expected(HTTPStatus.OK, b'"object":"verification"')
_LISTED = Expected(HTTPStatus.OK, b'"calls":')
_NOTED = Expected(HTTPStatus.OK)
_LONGEST = 300.0
"""Seconds; a call takes some 20."""
_POLL = 0.5


class Storm(msgspec.Struct, frozen=True):
    """How it went: the seconds until all were approved, and, sorted, those of each answer to the provider."""

    seconds: float
    answers: list[float]


class _Verification(msgspec.Struct):
    id: str
    status: str
    revision: int


class _Call(msgspec.Struct):
    status: str


class _Calls(msgspec.Struct):
    calls: list[_Call]
    next_page_uri: str | None


_Answers = list[tuple[int, float]]


async def storm(folder: Path, engine: Engine, processes: int, count: int) -> Storm:
    """Verify as many numbers, up to 1,000, by calls at once.

    Raises:
        Wrong: one was not approved, a number was called twice or not at all, or a webhook was refused.
    """
    port = free_port()
    async with _network() as provider_port:
        with spawned("relay.py", str(port)) as relay:
            async with speaking_to(provider_port, folder, engine, Scale(processes), (port, relay.port)) as gateway:
                try:
                    async with asyncio.timeout(_LONGEST):
                        seconds = await _verify_all(gateway, count)
                        answers = await _ended(provider_port, relay.port, count)
                except TimeoutError:
                    raise Wrong("not all calls ended") from None
    return Storm(seconds, sorted(waited for _, waited in answers))


@asynccontextmanager
async def _network() -> AsyncIterator[int]:
    """Run a phone network and yield its port."""
    config = SimulatorConfig(auth_token=TOKEN, account_sid=ACCOUNT, numbers=(CALLER,), default_persona="presses_pound")
    simulator = await start(config)
    try:
        port = URL(simulator.url).port
        assert port
        yield port
    finally:
        await simulator.close()


async def _verify_all(gateway: Gateway, count: int) -> float:
    """Return the seconds until all were approved."""
    clients = [await Client.connected(gateway.port) for _ in range(count)]
    requests = starts(gateway, "call", count)
    began = time.perf_counter()
    await asyncio.gather(*(_verify(gateway, *pair) for pair in zip(clients, requests, strict=True)))
    seconds = time.perf_counter() - began
    for client in clients:
        client.close()
    return seconds


async def _verify(gateway: Gateway, client: Client, request: bytes) -> None:
    """Start a verification and wait until it is approved, as an integrator does."""
    integrator = Integrator(gateway.key)
    answer = await client.ask(request, CREATED)
    while (shown := msgspec.json.decode(answer.body, type=_Verification)).status == "pending":
        answer = await client.ask(integrator.show(shown.id, f"?wait=30&revision={shown.revision}"), _SHOWN)
    if shown.status != "approved":
        raise Wrong(f"expected approved, got {answer}")


async def _ended(provider_port: int, relay_port: int, count: int) -> _Answers:
    """Wait until all calls and their callbacks are over, and return the answers to these; raises Wrong."""
    provider, relay = await Client.connected(provider_port), await Client.connected(relay_port)
    before = None
    while (
        before != (answers := msgspec.json.decode((await relay.ask(ANSWERS, _NOTED)).body, type=_Answers))
        or (await _listed(provider, "Status=in-progress&PageSize=1")).calls
    ):
        before = answers
        await asyncio.sleep(_POLL)
    made = await _listed(provider, "PageSize=1000")
    provider.close()
    relay.close()
    right = sum(call.status == "completed" for call in made.calls)
    if right != count or made.next_page_uri:
        raise Wrong(f"expected {count} completed calls, got {right} of {len(made.calls)} or more")
    refused = [status for status, _ in answers if status not in {HTTPStatus.OK, HTTPStatus.NO_CONTENT}]
    if refused:
        raise Wrong(f"webhooks were answered with {refused}")
    return answers


async def _listed(provider: Client, query: str) -> _Calls:
    answer = await provider.ask(calls(query), _LISTED)
    return msgspec.json.decode(answer.body, type=_Calls)
