"""The integrator's hands: asks the gateway over HTTP, with a key of its own application."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import msgspec

FINISHED = {"approved", "denied", "canceled", "expired", "failed", "max_attempts_reached"}
PHONE = "+14255550123"
PATIENCE = 45.0
"""Seconds after which a condition that has not come true counts as a failure."""

Json = dict[str, Any]


def wrong_for(code: str) -> str:
    """Return a code that is not this one."""
    return f"{(int(code) + 1) % 10 ** len(code):0{len(code)}}"


class Answer(msgspec.Struct, frozen=True):
    """What the gateway answered; `body` is None when there was none."""

    status: int
    body: Any
    headers: dict[str, str]
    content_type: str


class Integrator:
    """One application's client."""

    def __init__(self, session: aiohttp.ClientSession, url: str, key: str) -> None:
        self.session = session
        self.url = url
        self.key = key

    async def ask(
        self, method: str, path: str, json: object = None, *, raw: bytes | None = None, **headers: str
    ) -> Answer:
        """Send one request, a JSON value or raw bytes; `Idempotency_Key=…` sets that header, "" leaves one out."""
        given = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        content = msgspec.json.encode(json) if raw is None and json is not None else raw
        sent = {name: value for name, value in given.items() if value}
        async with self.session.request(method, self.url + path, data=content, headers=sent) as response:
            text = await response.read()
            body = msgspec.json.decode(text) if "json" in response.content_type else text or None
            return Answer(response.status, body, dict(response.headers), response.content_type)

    async def create(self, to: object = PHONE, channel: str = "sms", **fields: Any) -> Json:  # noqa: ANN401 - any field of the request
        answer = await self.ask("POST", "/v1/verifications", {"to": to, "channel": channel, **fields})
        assert answer.status == 201, answer
        return answer.body

    async def enroll(self, user: str = "alice@example.com") -> Json:
        answer = await self.ask("POST", "/v1/enrollments", {"user": user})
        assert answer.status == 201, answer
        return answer.body

    async def check(self, verification_id: str, code: str) -> Answer:
        return await self.ask("POST", f"/v1/verifications/{verification_id}/check", {"code": code})

    async def resend(self, verification_id: str, **fields: str) -> Answer:
        return await self.ask("POST", f"/v1/verifications/{verification_id}/resend", fields)

    async def cancel(self, verification_id: str) -> Answer:
        return await self.ask("POST", f"/v1/verifications/{verification_id}/cancel")

    async def show(self, verification_id: str) -> Json:
        return (await self.ask("GET", f"/v1/verifications/{verification_id}")).body

    async def enrollment(self, enrollment_id: str) -> Json:
        return (await self.ask("GET", f"/v1/enrollments/{enrollment_id}")).body

    async def events(self, verification_id: str) -> list[Json]:
        return (await self.ask("GET", f"/v1/verifications/{verification_id}/events")).body["data"]

    async def wait(self, verification_id: str, revision: int, seconds: int = 20) -> Json:
        path = f"/v1/verifications/{verification_id}?wait={seconds}&revision={revision}"
        return (await self.ask("GET", path)).body

    async def wait_until(self, verification_id: str, condition: Callable[[Json], bool]) -> Json:
        """Wait for a state by long-polling."""
        async with asyncio.timeout(PATIENCE):
            verification = await self.show(verification_id)
            while not condition(verification):
                verification = await self.wait(verification_id, verification["revision"])
            return verification

    async def finished(self, verification_id: str) -> Json:
        return await self.wait_until(verification_id, lambda verification: verification["status"] in FINISHED)

    async def attempt_when(self, verification_id: str, *statuses: str, number: int = 0) -> Json:
        """Wait until an attempt has one of the statuses."""
        settled = await self.wait_until(
            verification_id, lambda verification: verification["attempts"][number]["status"] in statuses
        )
        return settled["attempts"][number]

    async def stream(self, verification_id: str, last_event: str | None = None) -> AsyncIterator[Json]:
        """Follow the journal as server-sent events: `id`, `event` and the decoded `data` of each."""
        headers = {"Authorization": f"Bearer {self.key}", "Accept": "text/event-stream"}
        if last_event is not None:
            headers["Last-Event-ID"] = last_event
        url = f"{self.url}/v1/verifications/{verification_id}/events"
        async with asyncio.timeout(PATIENCE), self.session.get(url, headers=headers) as response:
            assert response.status == 200, await response.text()
            fields: dict[str, str] = {}
            async for line in response.content:
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name:
                    fields[name] = value
                elif fields:
                    yield {**fields, "data": msgspec.json.decode(fields.pop("data"))}
                    fields = {}
