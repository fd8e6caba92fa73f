"""A provider that counts its requests, what came of them, and how long they took."""

import asyncio
from collections.abc import Awaitable
from enum import StrEnum
from typing import Protocol, TypeVar

from gateway.domain.status_reports import CallReport, MessageReport
from gateway.domain.verification import Channel, FailureCode
from gateway.providers.base import Call, FoundSend, Provider, ProviderBusy, ProviderRefused, Sms
from twiml.segments import count_segments

Answer = TypeVar("Answer")


class SendResult(StrEnum):
    """What a provider made of a send."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    BUSY = "busy"
    UNKNOWN = "unknown"


class RequestKind(StrEnum):
    """The kinds of requests to a provider."""

    SEND_SMS = "send_sms"
    PLACE_CALL = "place_call"
    FIND = "find"
    FETCH = "fetch"
    HANG_UP = "hang_up"


class RequestCounters(Protocol):
    """Counts requests to providers."""

    def request_timed(self, provider: str, kind: RequestKind, seconds: float) -> None:
        """Count a request and how long it took, whatever came of it."""
        ...

    def sent(self, provider: str, channel: Channel, result: SendResult, failure: FailureCode | None) -> None:
        """Count what became of a send; `failure` says why it was refused."""
        ...

    def billed(self, channel: Channel, number: str, segments: int) -> None:
        """Count where an accepted send goes (E.164), and in how many segments; a call has none."""
        ...


class CountedProvider:
    """Implements `Provider` by another provider, and counts and times its requests."""

    def __init__(self, provider: Provider, counters: RequestCounters) -> None:
        self.name = provider.name
        self._provider = provider
        self._counters = counters

    async def send_sms(self, sms: Sms) -> str:
        """Send a text; count what came of it, and its segments."""
        sid = await self._sent(Channel.SMS, self._timed(RequestKind.SEND_SMS, self._provider.send_sms(sms)))
        self._counters.billed(Channel.SMS, sms.to, count_segments(sms.body))
        return sid

    async def place_call(self, call: Call) -> str | None:
        """Place a call; count what came of it."""
        sid = await self._sent(Channel.CALL, self._timed(RequestKind.PLACE_CALL, self._provider.place_call(call)))
        self._counters.billed(Channel.CALL, call.to, 0)
        return sid

    async def find_sms(self, to: str, since: int) -> list[FoundSend]:
        """List the texts to a number."""
        return await self._timed(RequestKind.FIND, self._provider.find_sms(to, since))

    async def find_calls(self, to: str, since: int) -> list[FoundSend]:
        """List the calls to a number."""
        return await self._timed(RequestKind.FIND, self._provider.find_calls(to, since))

    async def fetch_sms(self, sid: str) -> MessageReport | None:
        """Fetch how far a text got."""
        return await self._timed(RequestKind.FETCH, self._provider.fetch_sms(sid))

    async def fetch_call(self, sid: str) -> CallReport | None:
        """Fetch how far a call got."""
        return await self._timed(RequestKind.FETCH, self._provider.fetch_call(sid))

    async def hang_up(self, sid: str) -> None:
        """End a call."""
        await self._timed(RequestKind.HANG_UP, self._provider.hang_up(sid))

    async def close(self) -> None:
        """Close the provider's connections."""
        await self._provider.close()

    async def _timed(self, kind: RequestKind, answer: Awaitable[Answer]) -> Answer:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            return await answer
        finally:
            self._counters.request_timed(self.name, kind, loop.time() - began)

    async def _sent(self, channel: Channel, sid: Awaitable[Answer]) -> Answer:
        result, failure = SendResult.UNKNOWN, None
        try:
            provider_sid = await sid
            result = SendResult.ACCEPTED
        except ProviderRefused as refusal:
            result, failure = SendResult.REFUSED, refusal.failure
            raise
        except ProviderBusy:
            result = SendResult.BUSY
            raise
        finally:
            self._counters.sent(self.name, channel, result, failure)
        return provider_sid
