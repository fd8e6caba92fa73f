"""Integrators in a storm: they prove phones, ask again with their Idempotency-Keys, and write down every answer."""

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from support.checker import STILL_WITH_US, Asked, Forgery, Story
from support.integrator import FINISHED, PATIENCE, Answer, Integrator, Json, wrong_for
from support.network import PhoneNetwork

PERSONAS = (
    *("presses_pound", "presses_pound", "presses_pound", "hangs_up", "busy", "no_answer", "unreachable", "rejects"),
    *("voicemail", "voicemail_with_tones", "screening"),
)
AGAIN = {"idempotency_key_in_flight", "store_unavailable"}
"""Problems after which a client asks the same again."""
ANSWERED_WITHIN = 2.0
"""Seconds after which a client waits for an answer no longer."""
BREATH = 0.02
"""Seconds before a client that got no answer asks again."""
numbers = (f"+1425{number}" for number in itertools.count(2_000_000))


class Telling:
    """One verification, as its client lives through it."""

    def __init__(self, integrators: list[Integrator], network: PhoneNetwork, chance: random.Random) -> None:
        self.number = next(numbers)
        self.persona = "presses_pound"
        self.id = ""
        self._integrators = integrators
        self._network = network
        self._chance = chance
        self._asked: list[Asked] = []
        self._enrollment_id: str | None = None
        self._keys = itertools.count(1)

    async def live(self) -> None:
        """Prove the number, or try to, in a way that chance decides."""
        self.persona = self._chance.choice(PERSONAS)
        await self.begin(self._chance.choice(["sms", "call"]), enrolled=self._chance.random() < 0.5)
        plans: list[Callable[[], Awaitable[None]]] = [
            *(self._guess, self._guess_too_often, self._know_it_often, self._send_again, self._cancel, self._give_up)
        ]
        await self._chance.choice(plans)()

    async def begin(self, channel: str, *, enrolled: bool = False) -> None:
        await self._network.persona(self.persona, self.number)
        wish: Json = {"to": self.number, "channel": channel}
        if enrolled:
            enrollment = await self._insist("enroll", "POST", "/v1/enrollments", {"user": f"{self.number}@example.com"})
            self._enrollment_id = wish["enrollment_id"] = enrollment.body["id"]
        made = await self._insist("create", "POST", "/v1/verifications", wish, key=f"create {self.number}")
        assert made.status == 201, made
        self.id = made.body["id"]

    async def approve(self) -> bool:
        """Give the right code once it is there, or wait for the key; tell whether that approved it."""
        await self._know_it()
        return (await self._show()).body["status"] == "approved"

    async def settled(self) -> None:
        """Wait until it has ended, and nothing of it is still to be sent."""
        revision = 0
        while True:
            shown = (await self._show(f"?wait=1&revision={revision}")).body
            if shown["status"] in FINISHED and not STILL_WITH_US & {kept["status"] for kept in shown["attempts"]}:
                return
            revision = shown["revision"]

    async def story(self, forgeries: list[Forgery]) -> Story:
        """Read what there is of it."""
        integrator = self._chance.choice(self._integrators)
        listed = await integrator.ask("GET", f"/v1/verifications?to=%2B{self.number[1:]}")
        enrollment = await integrator.enrollment(self._enrollment_id) if self._enrollment_id else None
        return Story(
            self.persona,
            tuple(self._asked),
            tuple(forgeries),
            tuple(kept["id"] for kept in listed.body["data"]),
            await integrator.show(self.id),
            tuple(await integrator.events(self.id)),
            await self._network.handset(self.number),
            enrollment,
        )

    async def _guess(self) -> None:
        if code := await self._code():
            for _ in range(self._chance.randrange(4)):
                await self._check(wrong_for(code))
            await self._check(code, right=True)

    async def _guess_too_often(self) -> None:
        if code := await self._code():
            await asyncio.gather(*(self._check(wrong_for(code)) for _ in range(self._chance.randrange(4, 9))))
            await self._check(code, right=True)

    async def _know_it_often(self) -> None:
        if code := await self._code():
            right = [self._check(code, right=True) for _ in range(3)]
            await asyncio.gather(*right, self._check(wrong_for(code)), self._cancel())

    async def _send_again(self) -> None:
        for _ in range(self._chance.randrange(1, 3)):
            wish = {"channel": self._chance.choice(["sms", "call"])}
            await self._insist("resend", "POST", self._path("/resend"), wish, key=f"resend {next(self._keys)}")
        await self._know_it()

    async def _know_it(self) -> None:
        if code := await self._code():
            await self._check(code, right=True)

    async def _cancel(self) -> None:
        await self._insist("cancel", "POST", self._path("/cancel"))

    async def _give_up(self) -> None:
        await self._show()

    async def _code(self) -> str | None:
        """Return the code once the phone has it; None if the verification ends without."""
        revision = 0
        while True:
            if texts := await self._network.texts(self.number):
                return texts[-1].rpartition("#")[2]
            shown = (await self._show(f"?wait=1&revision={revision}")).body
            if shown["status"] in FINISHED:
                return None
            revision = shown["revision"]

    async def _check(self, code: str, *, right: bool = False) -> None:
        await self._insist("check", "POST", self._path("/check"), {"code": code}, right=right)

    async def _show(self, query: str = "") -> Answer:
        return await self._insist("show", "GET", self._path(query))

    def _path(self, rest: str) -> str:
        return f"/v1/verifications/{self.id}{rest}"

    async def _insist(
        self, what: str, method: str, path: str, body: Json | None = None, *, key: str = "", right: bool = False
    ) -> Answer:
        """Ask any of the gateways until one answers, and write down each answer and each that did not come."""
        headers: dict[str, Any] = {"Idempotency_Key": key} if key else {}
        async with asyncio.timeout(PATIENCE):
            while True:
                integrator = self._chance.choice(self._integrators)
                try:
                    async with asyncio.timeout(ANSWERED_WITHIN):
                        answer = await integrator.ask(method, path, body, **headers)
                except (aiohttp.ClientError, TimeoutError):
                    self._asked.append(Asked(what, None, {}, key, right))
                else:
                    self._asked.append(Asked(what, answer.status, answer.body, key, right))
                    if answer.body.get("code") not in AGAIN:
                        return answer
                await asyncio.sleep(BREATH)


class Crowd:
    """Clients who prove one phone after the other, until they are told to stop."""

    def __init__(self, seed: int, integrators: list[Integrator], network: PhoneNetwork) -> None:
        self.tellings: list[Telling] = []
        self._seed = seed
        self._integrators = integrators
        self._network = network
        self._stopping = asyncio.Event()

    async def work(self, clients: int) -> None:
        await asyncio.gather(*(self._work(client) for client in range(clients)))

    def stop(self) -> None:
        """Let each finish what it has begun."""
        self._stopping.set()

    async def prove_both_ways(self) -> bool:
        """Prove a number by text and one by call, as on any calm day; tell whether both were approved."""
        proven = []
        for channel in ("sms", "call"):
            telling = self._new(random.Random(self._seed))
            await telling.begin(channel)
            proven.append(await telling.approve())
        return all(proven)

    async def _work(self, client: int) -> None:
        chance = random.Random(f"{self._seed} client {client}")
        while not self._stopping.is_set():
            await self._new(chance).live()

    def _new(self, chance: random.Random) -> Telling:
        telling = Telling(self._integrators, self._network, chance)
        self.tellings.append(telling)
        return telling
