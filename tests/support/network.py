"""The phone network's knobs and handsets over HTTP, and the provider's own hand: callbacks with real signatures."""

import asyncio
from collections.abc import Callable

import aiohttp
import msgspec
from twilio.request_validator import RequestValidator

from simulator.app import RunningSimulator
from support.integrator import PATIENCE, PHONE, Json

ACCOUNT = "AC" + "0" * 32
TOKEN = "provider-token-of-the-tests"
OURS = "+15005550006"


class PhoneNetwork:
    """What people with handsets, and the provider, can do."""

    def __init__(self, session: aiohttp.ClientSession, simulator: RunningSimulator) -> None:
        self.session = session
        self.simulator = simulator
        self.url = simulator.url

    async def control(self, method: str, path: str, body: object = None) -> Json:
        """Turn one of the simulator's knobs."""
        async with self.session.request(method, self.url + path, json=body) as response:
            assert response.status < 300, await response.text()
            return await response.json()

    async def persona(self, persona: str, number: str = PHONE) -> None:
        await self.control("PUT", f"/v1/handsets/{number}", {"persona": persona})

    async def faults(self, **faults: object) -> None:
        """Replace all faults; none given, none in force."""
        await self.control("PUT", "/v1/faults", faults)

    async def speed(self, speed: float) -> None:
        await self.control("PUT", "/v1/clock", {"speed": speed})

    async def handset(self, number: str = PHONE) -> Json:
        return await self.control("GET", f"/v1/handsets/{number}")

    async def texts(self, number: str = PHONE) -> list[str]:
        return [message["body"] for message in (await self.handset(number))["messages"]]

    async def handset_when(self, condition: Callable[[Json], bool], number: str = PHONE) -> Json:
        """Wait for a handset's state on the simulator's stream of changes."""
        async with asyncio.timeout(PATIENCE), self.session.get(f"{self.url}/v1/stream") as stream:
            async for line in stream.content:
                if line.startswith(b"data: "):
                    handset = msgspec.json.decode(line.removeprefix(b"data: "))
                    if handset.get("number") == number and condition(handset):
                        return handset
        raise AssertionError("the stream ended")

    async def code(self, number: str = PHONE, texts: int = 1) -> str:
        """Return the code of the latest text, once there are so many."""
        handset = await self.handset_when(lambda kept: len(kept["messages"]) >= texts, number)
        return handset["messages"][-1]["body"].rpartition("#")[2]

    async def ringing(self, number: str = PHONE) -> str:
        """Wait until the phone rings, and return the call's sid."""
        handset = await self.handset_when(
            lambda kept: kept["calls"] and kept["calls"][-1]["status"] == "ringing", number
        )
        return handset["calls"][-1]["sid"]

    async def answered(self, number: str = PHONE) -> str:
        """Take the call that rings, wait until it asks for a key, and return its sid."""
        sid = await self.ringing(number)
        await self.answer(sid, number)
        await self.asked(1, number)
        return sid

    async def answer(self, sid: str, number: str = PHONE) -> None:
        await self.control("POST", f"/v1/handsets/{number}/calls/{sid}/answer")

    async def decline(self, sid: str, number: str = PHONE) -> None:
        await self.control("POST", f"/v1/handsets/{number}/calls/{sid}/reject")

    async def asked(self, times: int, number: str = PHONE) -> Json:
        """Wait until the latest call has asked so many times and takes keys; return the call."""
        handset = await self.handset_when(
            lambda kept: kept["calls"][-1]["gathering"] and len(said(kept["calls"][-1])) >= times, number
        )
        return handset["calls"][-1]

    async def press(self, sid: str, digits: str, number: str = PHONE) -> None:
        await self.control("POST", f"/v1/handsets/{number}/calls/{sid}/digits", {"digits": digits})

    async def hang_up(self, sid: str, number: str = PHONE) -> None:
        await self.control("POST", f"/v1/handsets/{number}/calls/{sid}/hangup")

    async def call_over(self, number: str = PHONE) -> Json:
        """Wait until the latest call is over; return it."""
        over = {"completed", "busy", "failed", "no-answer", "canceled"}
        handset = await self.handset_when(lambda kept: kept["calls"] and kept["calls"][-1]["status"] in over, number)
        return handset["calls"][-1]

    async def text_back(self, body: str, number: str = PHONE) -> None:
        """Send a text from a handset to the gateway's number, and return once the gateway has answered it."""
        sent = await self.control("POST", f"/v1/handsets/{number}/messages", {"to": OURS, "body": body})
        async with asyncio.timeout(PATIENCE):
            while sent["sid"] not in {exchange["sid"] for exchange in await self.exchanges("callback")}:
                pass

    async def exchanges(self, kind: str = "") -> list[Json]:
        """List what went over the wire: `api`, `fetch` and `callback`, or all."""
        kept = (await self.control("GET", "/v1/exchanges"))["exchanges"]
        return [exchange for exchange in kept if kind in {"", exchange["kind"]}]

    async def exchanged(self, kind: str, times: int) -> list[Json]:
        """Wait until there were so many exchanges of a kind; return them."""
        async with asyncio.timeout(PATIENCE):
            while len(exchanges := await self.exchanges(kind)) < times:
                pass
            return exchanges

    async def orders(self) -> list[dict[str, str]]:
        """List the forms of the sends that the gateway asked for."""
        return [dict(exchange["form"]) for exchange in await self.exchanges("api") if exchange["method"] == "POST"]

    async def report(self, url: str, token: str = TOKEN, **form: str) -> tuple[int, str]:
        """Send the gateway a request that is signed as the provider signs, and return its status and body."""
        signature = RequestValidator(token).compute_signature(url, form)
        async with self.session.post(url, data=form, headers={"X-Twilio-Signature": signature}) as response:
            return response.status, await response.text()


def gather_url(order: dict[str, str], turn: int = 1) -> str:
    """Return the address that takes the keys of a call's Gather, from the call's order."""
    return order["Url"].removesuffix("answer") + f"gather/{turn}"


def said(call: Json) -> list[str]:
    """List the sentences that a call has heard from us."""
    return [heard["text"] for heard in call["transcript"] if heard["verb"] == "Say"]
