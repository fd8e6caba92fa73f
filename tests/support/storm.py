"""A storm, by a seed: gateways are killed and held up, sessions ended, the network bent, callbacks forged."""

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import Awaitable, Callable

import aiohttp

from support.checker import Forgery
from support.crashing_gateway import Life
from support.network import PhoneNetwork, gather_url
from support.nursery import Nursery

GUST = 0.25
"""Seconds for which one kind of weather lasts."""
WEATHER = {
    "calm": {},
    "callbacks dropped": {"callbacks": {"drop": True}},
    "callbacks delayed": {"callbacks": {"delay_ms": 150}},
    "callbacks repeated": {"callbacks": {"duplicate": 3}},
    "callbacks reordered": {"callbacks": {"reorder": True}},
    "documents dropped": {"fetches": {"drop": True}},
    "too many requests": {"api": {"status": 429, "retry_after": 1}},
    "errors": {"api": {"status": 500}},
    "nobody listens": {"api": {"hang": "connect"}},
    "answers hang": {"api": {"hang": "after"}, "callbacks": {"drop": True}},
    "answers are lost": {"api": {"lose_answer": True}},
    "answers are broken": {"api": {"body": "broken_json"}, "callbacks": {"reorder": True}},
}
KILLS = 2
"""Gateways that are killed for each one that is held up."""
NOT_THE_PROVIDER = "a token that the provider never had"


class Fleet:
    """Gateways on one database."""

    def __init__(self, nurse: Nursery, lives: list[Life]) -> None:
        self._nurse = nurse
        self._lives = lives
        self._pids: list[int] = []

    async def start(self) -> None:
        self._pids = [await self._nurse.start(life) for life in self._lives]

    async def start_again(self, place: int) -> None:
        """Kill one, and start it again."""
        await self._nurse.kill(self._pids[place], self._lives[place])
        self._pids[place] = await self._nurse.start(self._lives[place])

    async def start_all_again(self) -> None:
        for place in range(len(self._lives)):
            await self.start_again(place)

    async def hold_up(self, place: int) -> None:
        """Let one stand still for longer than its leases."""
        os.kill(self._pids[place], signal.SIGSTOP)
        await asyncio.sleep(1.5 * self._lives[place].settings.outbox.lease)
        os.kill(self._pids[place], signal.SIGCONT)

    def any_place(self, chance: random.Random) -> int:
        return chance.randrange(len(self._lives))


class Storm:
    """Rages until it is told to end; each kind of harm is done at least once, in an order that the seed decides."""

    def __init__(
        self, seed: int, fleet: Fleet, network: PhoneNetwork, end_sessions: Callable[[], Awaitable[None]] | None
    ) -> None:
        self.seed = seed
        self.done: Counter[str] = Counter()
        self._fleet = fleet
        self._network = network
        self._end_sessions = end_sessions
        self._over = asyncio.Event()

    async def rage(self, seconds: float) -> None:
        asyncio.get_running_loop().call_later(seconds, self._over.set)
        await asyncio.gather(self._bend_network(), self._harm_gateways())
        await self._network.faults()

    async def _bend_network(self) -> None:
        chance = random.Random(f"{self.seed} weather")
        while not self._over.is_set():
            for weather in chance.sample(list(WEATHER), len(WEATHER)):
                await self._network.faults(**WEATHER[weather])
                await asyncio.sleep(GUST)
                self.done[weather] += 1

    async def _harm_gateways(self) -> None:
        chance = random.Random(f"{self.seed} gateways")
        harms = ["hold up", *["kill"] * KILLS]
        if self._end_sessions:
            harms += ["end sessions"] * KILLS
        while not self._over.is_set():
            for harm in chance.sample(harms, len(harms)):
                await self._harm(harm, self._fleet.any_place(chance))
                self.done[harm] += 1

    async def _harm(self, harm: str, place: int) -> None:
        if harm == "kill":
            await self._fleet.start_again(place)
        elif harm == "hold up":
            await self._fleet.hold_up(place)
        elif self._end_sessions:
            await self._end_sessions()


class Forger:
    """Speaks to the gateways as if it were the provider: unsigned, or of one attempt with the token of another."""

    def __init__(self, seed: int, network: PhoneNetwork) -> None:
        self.forgeries: dict[str, list[Forgery]] = {}
        self._chance = random.Random(f"{seed} forgeries")
        self._network = network
        self._seen = 0
        self._strange_token = "A" * 24

    async def forge(self) -> None:
        """Forge callbacks of what was ordered lately, until cancelled."""
        while True:
            kept = (await self._network.control("GET", f"/v1/exchanges?after={self._seen}"))["exchanges"]
            self._seen = max((exchange["id"] for exchange in kept), default=self._seen)
            orders = [exchange for exchange in kept if exchange["kind"] == "api" and exchange["method"] == "POST"]
            for order in self._chance.sample(orders, min(2, len(orders))):
                form = dict(order["form"])
                if "To" in form:  # not one to hang up
                    await self._unsigned(form, order["sid"])
                    await self._misdirected(form)
            await asyncio.sleep(GUST / 2)

    async def _unsigned(self, order: dict[str, str], sid: str | None) -> None:
        """Say what would end or approve it, with the true sid if it is known, signed by somebody else."""
        url, form = _said_of(order, sid or "SM" + "0" * 32)
        await self._tell(order["To"], url, form, signed=False)

    async def _misdirected(self, order: dict[str, str]) -> None:
        """Say the same with the provider's signature, at an address whose token was never handed out."""
        sid = ("CA" if "Url" in order else "SM") + f"{self._chance.getrandbits(128):032x}"
        url, form = _said_of(order, sid)
        *before, _token, last = url.replace("/gather/1", "/gather-1").split("/")
        address = "/".join([*before, self._strange_token, last]).replace("/gather-1", "/gather/1")
        await self._tell(order["To"], address, form, signed=True)

    async def _tell(self, number: str, url: str, form: dict[str, str], *, signed: bool) -> None:
        status = None
        try:
            if signed:
                status, _ = await self._network.report(url, **form)
            else:
                status, _ = await self._network.report(url, NOT_THE_PROVIDER, **form)
        except (aiohttp.ClientError, TimeoutError):
            status = None  # the gateway is dead or stands still
        sid = form.get("CallSid") or form["MessageSid"]
        told = Forgery(sid if signed else f"unsigned {sid}", signed=signed, status=status)
        self.forgeries.setdefault(number, []).append(told)


def _said_of(order: dict[str, str], sid: str) -> tuple[str, dict[str, str]]:
    if "Url" in order:
        return gather_url(order), {"CallSid": sid, "Digits": "#", "CallStatus": "in-progress"}
    return order["StatusCallback"], {"MessageSid": sid, "MessageStatus": "undelivered", "ErrorCode": "30003"}
