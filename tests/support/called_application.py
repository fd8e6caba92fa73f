"""A small application that the simulator calls, and the simulator as the handset page's tests ask it."""

import asyncio

import aiohttp
from aiohttp import web

from simulator.app import RunningSimulator, start
from simulator.config import SimulatorConfig

ACCOUNT = "AC" + "0" * 32
TOKEN = "a token of the simulator"
NETWORK_NUMBER = "+15005550006"
PHONE = "+14255550123"
PROMPT = "To finish signing in, press the pound key."
THANKS = "Thank you. Goodbye."


class Application:
    """A Twilio application that asks for a key, and keeps what it is told."""

    def __init__(self) -> None:
        self.prompt = PROMPT
        self.digits: asyncio.Queue[str] = asyncio.Queue()
        self.texts: asyncio.Queue[str] = asyncio.Queue()
        self.endings: asyncio.Queue[str] = asyncio.Queue()
        self.url = ""

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/voice", self.voice),
            web.post("/key", self.key),
            web.post("/status", self.status),
            web.post("/text", self.text),
        ]

    async def voice(self, _request: web.Request) -> web.Response:
        return twiml(
            '<Gather input="dtmf" finishOnKey="" numDigits="1" timeout="50" action="/key">'
            f"<Say>{self.prompt}</Say></Gather>"
        )

    async def key(self, request: web.Request) -> web.Response:
        self.digits.put_nowait(str((await request.post())["Digits"]))
        return twiml(f"<Say>{THANKS}</Say><Hangup/>")

    async def status(self, request: web.Request) -> web.Response:
        self.endings.put_nowait(str((await request.post())["CallStatus"]))
        return web.Response(status=204)

    async def text(self, request: web.Request) -> web.Response:
        self.texts.put_nowait(str((await request.post())["Body"]))
        return twiml("")


def twiml(verbs: str) -> web.Response:
    return web.Response(text=f"<Response>{verbs}</Response>", content_type="text/xml")


class Network:
    """A running simulator, asked over HTTP as any client asks it."""

    def __init__(self, url: str, application: Application, session: aiohttp.ClientSession) -> None:
        self.url = url
        self.application = application
        self._session = session

    async def call(self, number: str = PHONE) -> None:
        url = self.application.url
        await self._create("Calls", {"To": number, "Url": f"{url}/voice", "StatusCallback": f"{url}/status"})

    async def text(self, body: str, number: str = PHONE) -> None:
        await self._create("Messages", {"To": number, "Body": body})

    async def handset(self, number: str = PHONE) -> dict:
        async with self._session.get(f"{self.url}/v1/handsets/{number}") as response:
            return await response.json()

    async def _create(self, resource: str, form: dict[str, str]) -> None:
        url = f"{self.url}/2010-04-01/Accounts/{ACCOUNT}/{resource}.json"
        credentials = {"Authorization": aiohttp.encode_basic_auth(ACCOUNT, TOKEN)}
        async with self._session.post(url, data={"From": NETWORK_NUMBER} | form, headers=credentials) as response:
            assert response.status == 201, await response.text()


async def start_simulator(application: Application, port: int = 0) -> RunningSimulator:
    config = SimulatorConfig(
        auth_token=TOKEN,
        account_sid=ACCOUNT,
        numbers=(NETWORK_NUMBER,),
        inbound_url=f"{application.url}/text",
        speed=0,
    )
    return await start(config, port=port)
