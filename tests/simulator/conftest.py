"""An application for the network to call, and hands to hold its handsets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web

from simulator.app import RunningSimulator, start
from simulator.config import SimulatorConfig

ACCOUNT = "AC0123456789abcdef0123456789abcdef"
TOKEN = "token-of-the-simulated-account"
NUMBER = "+15005550006"
HANDSET = "+14255550123"
EVENTS = ("initiated", "ringing", "answered", "completed")
FINAL = {"completed", "busy", "failed", "no-answer", "canceled"}


class Received(msgspec.Struct):
    """A request that the application got from the network."""

    method: str
    url: str
    path: str
    form: dict[str, str]
    headers: dict[str, str]


class Application:
    """Somebody's application: answers what it was told to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.url = ""
        self.received: list[Received] = []
        self._answers: dict[str, list[web.Response | str]] = {}
        self._news = asyncio.Condition()
        self._held: set[str] = set()
        self._free = asyncio.Event()

    def answers(self, path: str, *answers: "web.Response | str") -> str:
        """Answers with TwiML or a response; several answers are used up one after the other, but for the last."""
        self._answers[path] = list(answers)
        return self.url + path

    def at(self, path: str) -> list[Received]:
        return [request for request in self.received if request.path == path]

    def forms(self, path: str) -> list[dict[str, str]]:
        return [request.form for request in self.at(path)]

    def holds(self, path: str) -> None:
        """Lets requests for the path wait until `lets_go`."""
        self._held.add(path)

    def lets_go(self) -> None:
        self._free.set()

    async def until(self, condition: Callable[[], Any]) -> None:
        async with asyncio.timeout(10), self._news:
            await self._news.wait_for(condition)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        form = dict(await request.post()) if request.method == "POST" else dict(request.query)
        url = self.url + request.raw_path
        answer = self._next(request.path)
        async with self._news:
            self.received.append(Received(request.method, url, request.path, form, dict(request.headers)))
            self._news.notify_all()
        if request.path in self._held:
            await self._free.wait()
        return answer

    def _next(self, path: str) -> web.Response:
        queue = self._answers.get(path, [""])
        answer = queue.pop(0) if len(queue) > 1 else queue[0]
        if isinstance(answer, str):
            return web.Response(text=answer, content_type="text/xml") if answer else web.Response(status=204)
        return web.Response(body=answer.body, status=answer.status, headers=answer.headers)


class Lab:
    """A network, an application, and a client who knows the account's token."""

    def __init__(self, network: RunningSimulator, application: Application, session: aiohttp.ClientSession) -> None:
        self.network = network
        self.application = application
        self.session = session
        self.account = ACCOUNT
        self.token = TOKEN
        self.number = NUMBER
        self.handset_number = HANDSET
        self.api = f"{network.url}/2010-04-01/Accounts/{ACCOUNT}"

    async def request(self, method: str, url: str, **options: object) -> tuple[int, Any]:
        """Makes a request with the account's credentials; returns the status and the JSON, if there is some."""
        async with self.session.request(method, url if "://" in url else self.network.url + url, **options) as response:
            body = await response.read()
            return response.status, msgspec.json.decode(body) if body else None

    async def place(self, **fields: object) -> dict[str, Any]:
        """Places a call that reports everything to `/status`."""
        form = {"To": HANDSET, "From": NUMBER, "StatusCallback": self.application.url + "/status", **fields}
        pairs = [*form.items(), *(("StatusCallbackEvent", event) for event in EVENTS)]
        status, call = await self.request("POST", f"{self.api}/Calls.json", data=pairs)
        assert status == 201, call
        return call

    async def call(self, persona: str = "presses_pound", **fields: object) -> dict[str, Any]:
        """Places a call to somebody and waits for its end and its last report."""
        await self.give(persona)
        call = await self.place(**fields)
        await self.until_over(call)
        return (await self.request("GET", call["uri"]))[1]

    async def until_over(self, call: dict[str, Any]) -> None:
        """Waits for the last report on a call."""
        await self.application.until(lambda: any(form["CallStatus"] in FINAL for form in self.reports(call)))

    def reports(self, call: dict[str, Any]) -> list[dict[str, str]]:
        return [form for form in self.application.forms("/status") if form["CallSid"] == call["sid"]]

    async def text(self, **fields: object) -> tuple[int, Any]:
        form = {"To": HANDSET, "From": NUMBER, "Body": "Your code is 123456", **fields}
        return await self.request("POST", f"{self.api}/Messages.json", data=form)

    async def give(self, persona: str, number: str = HANDSET) -> None:
        status, problem = await self.request("PUT", f"/v1/handsets/{number}", json={"persona": persona})
        assert status == 200, problem

    async def handset(self, number: str = HANDSET) -> dict[str, Any]:
        return (await self.request("GET", f"/v1/handsets/{number}"))[1]

    async def faults(self, **faults: object) -> None:
        status, problem = await self.request("PUT", "/v1/faults", json=faults)
        assert status == 200, problem

    async def act(self, call: dict[str, Any], action: str, **body: object) -> tuple[int, Any]:
        """Does something on the handset: answer, reject, hangup or digits."""
        url = f"/v1/handsets/{call['to']}/calls/{call['sid']}/{action}"
        return await self.request("POST", url, json=body or None)

    async def until_handset(self, condition: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        """Waits until the handset's state is as it should be; returns it."""
        return await self.until(self.handset, condition)

    async def until(self, ask: Callable[[], Awaitable[Any]], condition: Callable[[Any], Any]) -> Any:  # noqa: ANN401  any answer
        """Asks again and again until the answer is as it should be; returns it."""
        async with asyncio.timeout(10):
            while not condition(answer := await ask()):
                await asyncio.sleep(0.005)
        return answer


@pytest.fixture
async def application() -> AsyncIterator[Application]:
    application = Application()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", application.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    application.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield application
    await runner.cleanup()


@pytest.fixture
async def make_lab(application: Application) -> AsyncIterator[Callable[..., Any]]:
    """Starts a lab whose network runs at speed 0 unless told otherwise."""
    networks = []
    authorization = aiohttp.encode_basic_auth(ACCOUNT, TOKEN)
    async with aiohttp.ClientSession(headers={"Authorization": authorization}) as session:

        async def make(**settings: object) -> Lab:
            config = SimulatorConfig(
                **{"auth_token": TOKEN, "account_sid": ACCOUNT, "numbers": (NUMBER,), "speed": 0.0} | settings
            )
            network = await start(config)
            networks.append(network)
            return Lab(network, application, session)

        yield make
        for network in networks:
            await network.close()


@pytest.fixture
async def lab(make_lab: Callable[..., Any]) -> Lab:
    return await make_lab()
