"""People of an application, through the API: they add phones, prove them and sign in, under a policy of the test's."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec

from gateway.domain.api_keys import Application
from gateway.settings.settings import PortalSettings
from support.integrator import PHONE, Answer, Json
from support.world import World, world_at

SECOND_PHONE, THIRD_PHONE = "+14255550124", "+14255550125"
OFFICE = {"country": "US", "number": "(425) 555-0190", "extension": "x 12"}
OFFICE_NUMBER = "+14255550190"


@contextlib.asynccontextmanager
async def governed_at(folder: Path, policy: str, **sections: msgspec.Struct) -> AsyncIterator[World]:
    """Start a world whose applications file has this text."""
    file = folder / "applications.toml"
    file.write_text(policy)
    portal = msgspec.structs.replace(sections.pop("portal", PortalSettings()), applications=str(file))
    async with world_at(folder, portal=portal, **sections) as world:
        yield world


class Person:
    """Somebody with a record in the application Example Bank."""

    def __init__(self, world: World, record: Json) -> None:
        self.world = world
        self.id: str = record["id"]
        self.path = f"/v1/enrollments/{self.id}"

    async def ask(self, method: str, path: str = "", json: object = None, **headers: str) -> Answer:
        """Let the application ask about this person."""
        return await self.world.integrator.ask(method, self.path + path, json, **headers)

    async def record(self) -> Json:
        return (await self.ask("GET")).body

    async def history(self) -> list[str]:
        return [entry["type"] for entry in (await self.ask("GET", "/events")).body["data"]]

    async def offer(self, to: object = PHONE, channel: str = "sms", **fields: Any) -> Answer:  # noqa: ANN401 - any field of the request
        """Begin to prove a phone."""
        kind = fields.pop("kind", "authentication")
        headers = {"Idempotency_Key": fields.pop("key")} if "key" in fields else {}
        return await self.ask("POST", "/phones", {"kind": kind, "to": to, "channel": channel, **fields}, **headers)

    async def prove(self, to: object = PHONE, channel: str = "sms", **fields: Any) -> Json:  # noqa: ANN401 - any field of the request
        """Add a phone and prove it; returns the phone as the record has it now."""
        answer = await self.offer(to, channel, **fields)
        assert answer.status == 201, answer
        await self.approve(answer.body["verification"])
        return next(phone for phone in (await self.record())["phones"] if phone["id"] == answer.body["phone"]["id"])

    async def approve(self, verification: Json) -> Json:
        """Do what the person with the phone does: type the code, or press #."""
        number, network = verification["to"], self.world.network
        if verification["channel"] == "sms":
            await self.world.integrator.check(verification["id"], await self._code(verification))
        else:
            await network.press(await network.answered(number), "#", number)
        ended = await self.world.integrator.finished(verification["id"])
        assert ended["status"] == "approved", ended
        return ended

    async def check(self, verification: Json) -> Answer:
        """Type the right code, and return what the check was answered; the verification must be by text."""
        return await self.world.integrator.check(verification["id"], await self._code(verification))

    async def _code(self, verification: Json) -> str:
        """Read the code in this verification's own text: notices and other codes come to the same phone."""
        sent = await self.world.integrator.attempt_when(verification["id"], "sent", "delivered")
        handset = await self.world.network.handset(verification["to"])
        [text] = [text["body"] for text in handset["messages"] if text["sid"] == sent["provider_sid"]]
        return text.rpartition("#")[2]

    async def sign_in(self, **fields: Any) -> Answer:  # noqa: ANN401 - any field of the request
        """Ask for a proof at sign-in."""
        headers = {"Idempotency_Key": fields.pop("key")} if "key" in fields else {}
        return await self.ask("POST", "/verifications", {"purpose": "sign_in", **fields}, **headers)

    async def application(self) -> Application:
        """Return the application, as the pages' journeys are told it."""
        store = self.world.gateway.store
        record = await store.enrollments.get(self.id)
        owner = await store.api_keys.application(record.application_id) if record else None
        assert owner
        return owner

    async def app_password(self) -> Json:
        answer = await self.ask("POST", "/app-passwords", {"name": "Mail"})
        assert answer.status == 201, answer
        return answer.body

    async def app_password_works(self, password: str, user: str = "alice@example.com") -> bool:
        asked = {"user": user, "password": password}
        return (await self.world.integrator.ask("POST", "/v1/app-passwords/check", asked)).body["valid"]


async def enroll(world: World, user: str = "alice@example.com", **fields: Any) -> Person:  # noqa: ANN401 - any field of the request
    """Make a person's record."""
    answer = await world.integrator.ask("POST", "/v1/enrollments", {"user": user, **fields})
    assert answer.status == 201, answer
    return Person(world, answer.body)
