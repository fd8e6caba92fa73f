"""A provider that counts what it is asked, and how long its answers take."""

import asyncio
from collections.abc import Awaitable
from enum import StrEnum
from typing import Protocol, TypeVar

from gateway.domain.status_reports import CallReport, MessageReport
from gateway.domain.verification import Channel, FailureCode
from gateway.ports import Call, FoundSend, Provider, ProviderBusy, ProviderRefused, Sms
from twiml.segments import count_segments

Answer = TypeVar("Answer")


class SendResult(StrEnum):
    """What a provider made of a send."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    BUSY = "busy"
    UNKNOWN = "unknown"


class Question(StrEnum):
    """What a provider is asked."""

    SEND_SMS = "send_sms"
    PLACE_CALL = "place_call"
    FIND = "find"
    FETCH = "fetch"
    HANG_UP = "hang_up"


class RequestCounters(Protocol):
    """Counts requests to providers."""

    def asked(self, provider: str, question: Question, seconds: float) -> None:
        """Learn how long a request took, whatever came of it."""
        ...

    def sent(self, provider: str, channel: Channel, result: SendResult, failure: FailureCode | None) -> None:
        """Learn what became of a send; `failure` says why it was refused."""
        ...

    def billed(self, channel: Channel, number: str, segments: int) -> None:
        """Learn where an accepted send goes (E.164), and in how many segments; a call has none."""
        ...


class CountedProvider:
    """Fills `gateway.ports.Provider` by another one, and counts beside it."""

    def __init__(self, provider: Provider, counters: RequestCounters) -> None:
        self.name = provider.name
        self._provider = provider
        self._counters = counters

    async def send_sms(self, sms: Sms) -> str:
        """See the port."""
        sid = await self._sent(Channel.SMS, self._timed(Question.SEND_SMS, self._provider.send_sms(sms)))
        self._counters.billed(Channel.SMS, sms.to, count_segments(sms.body))
        return sid

    async def place_call(self, call: Call) -> str | None:
        """See the port."""
        sid = await self._sent(Channel.CALL, self._timed(Question.PLACE_CALL, self._provider.place_call(call)))
        self._counters.billed(Channel.CALL, call.to, 0)
        return sid

    async def find_sms(self, to: str, since: int) -> list[FoundSend]:
        """See the port."""
        return await self._timed(Question.FIND, self._provider.find_sms(to, since))

    async def find_calls(self, to: str, since: int) -> list[FoundSend]:
        """See the port."""
        return await self._timed(Question.FIND, self._provider.find_calls(to, since))

    async def fetch_sms(self, sid: str) -> MessageReport | None:
        """See the port."""
        return await self._timed(Question.FETCH, self._provider.fetch_sms(sid))

    async def fetch_call(self, sid: str) -> CallReport | None:
        """See the port."""
        return await self._timed(Question.FETCH, self._provider.fetch_call(sid))

    async def hang_up(self, sid: str) -> None:
        """See the port."""
        await self._timed(Question.HANG_UP, self._provider.hang_up(sid))

    async def close(self) -> None:
        """See the port."""
        await self._provider.close()

    async def _timed(self, question: Question, answer: Awaitable[Answer]) -> Answer:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            return await answer
        finally:
            self._counters.asked(self.name, question, loop.time() - began)

    async def _sent(self, channel: Channel, sid: Awaitable[Answer]) -> Answer:
        result, failure = SendResult.UNKNOWN, None
        try:
            taken = await sid
            result = SendResult.ACCEPTED
        except ProviderRefused as refusal:
            result, failure = SendResult.REFUSED, refusal.failure
            raise
        except ProviderBusy:
            result = SendResult.BUSY
            raise
        finally:
            self._counters.sent(self.name, channel, result, failure)
        return taken
