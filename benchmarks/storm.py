"""A storm: many calls at once through the simulator, whose callees press #, and the gateway's response times."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path

import msgspec
from yarl import URL

from benchmarks.databases import Engine
from benchmarks.http_requests import ACCOUNT, ANSWERS, CALLER, TOKEN, Integrator, calls
from benchmarks.load import Client, Expected, WrongAnswer
from benchmarks.paths import CREATED, starts
from benchmarks.servers import Gateway, Scale, free_port, serving_with_provider, spawned
from simulator.app import start
from simulator.config import SimulatorConfig

_SHOWN = Expected(HTTPStatus.OK, b'"object":"verification"')
_LISTED = Expected(HTTPStatus.OK, b'"calls":')
_OK = Expected(HTTPStatus.OK)
_TIMEOUT = 300.0
"""Seconds; a call takes some 20."""
_POLL = 0.5


class Storm(msgspec.Struct, frozen=True):
    """The seconds until all were approved, and the sorted seconds of each answer to the provider."""

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
    """Verify up to 1,000 numbers by concurrent calls.

    Raises:
        WrongAnswer: One was not approved, a number was called twice or not at all, or a webhook was refused.
    """
    port = free_port()
    async with _network() as provider_port:
        with spawned("relay.py", str(port)) as relay:
            async with serving_with_provider(
                provider_port, folder, engine, Scale(processes), (port, relay.port)
            ) as gateway:
                try:
                    async with asyncio.timeout(_TIMEOUT):
                        seconds = await _verify_all(gateway, count)
                        answers = await _wait_for_end(provider_port, relay.port, count)
                except TimeoutError:
                    raise WrongAnswer("not all calls ended") from None
    return Storm(seconds, sorted(seconds_waited for _, seconds_waited in answers))


@asynccontextmanager
async def _network() -> AsyncIterator[int]:
    """Run a simulator and yield its port."""
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
    clients = [await Client.connect(gateway.port) for _ in range(count)]
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
    answer = await client.request(request, CREATED)
    while (verification := msgspec.json.decode(answer.body, type=_Verification)).status == "pending":
        answer = await client.request(
            integrator.show(verification.id, f"?wait=30&revision={verification.revision}"), _SHOWN
        )
    if verification.status != "approved":
        raise WrongAnswer(f"expected approved, got {answer}")


async def _wait_for_end(provider_port: int, relay_port: int, count: int) -> _Answers:
    """Wait until all calls and their callbacks are over, and return the answers to callbacks; raises WrongAnswer."""
    provider, relay = await Client.connect(provider_port), await Client.connect(relay_port)
    before = None
    while (
        before != (answers := msgspec.json.decode((await relay.request(ANSWERS, _OK)).body, type=_Answers))
        or (await _list_calls(provider, "Status=in-progress&PageSize=1")).calls
    ):
        before = answers
        await asyncio.sleep(_POLL)
    listed = await _list_calls(provider, "PageSize=1000")
    provider.close()
    relay.close()
    completed = sum(call.status == "completed" for call in listed.calls)
    if completed != count or listed.next_page_uri:
        raise WrongAnswer(f"expected {count} completed calls, got {completed} of {len(listed.calls)} or more")
    refused = [status for status, _ in answers if status not in {HTTPStatus.OK, HTTPStatus.NO_CONTENT}]
    if refused:
        raise WrongAnswer(f"webhooks were answered with {refused}")
    return answers


async def _list_calls(provider: Client, query: str) -> _Calls:
    answer = await provider.request(calls(query), _LISTED)
    return msgspec.json.decode(answer.body, type=_Calls)
