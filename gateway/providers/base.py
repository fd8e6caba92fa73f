"""What every provider has: texts and calls to send, the four ways a request can fail, and the words of its statuses."""

from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from gateway.domain.delivery import NOT_DELIVERED, AnsweredBy, DeliveryStatus
from gateway.domain.routing import RejectionScope
from gateway.domain.status_reports import CallReport, MessageReport
from gateway.domain.verification import Failure, FailureCode


class Sms(msgspec.Struct, frozen=True, gc=False):
    """A text to send. Numbers are E.164 (the sender may be a name). The callback URL has a token; None: no reports."""

    to: str
    sender: str
    body: str
    status_callback: str | None = None


class Call(msgspec.Struct, frozen=True, gc=False):
    """A call to place. Its URLs carry the attempt's token, `ring_timeout` is in seconds, `send_digits` a `dial_string`.

    With a `machine_callback` the provider listens for machines while our script already speaks, and reports there.
    """

    to: str
    caller: str
    answer_url: str
    status_callback: str
    ring_timeout: int
    machine_callback: str | None = None
    send_digits: str | None = None


class FoundSend(msgspec.Struct, frozen=True, gc=False):
    """A text or call that the provider knows. `created_at` is in ms since the epoch, `body` is empty for a call."""

    sid: str
    sender: str
    body: str
    created_at: int


class ProviderRefused(Exception):
    """The provider said no for good: nothing was sent and nothing will be."""

    def __init__(
        self,
        failure: FailureCode,
        provider_code: str | None,
        detail: str,
        fault: RejectionScope = RejectionScope.NUMBER,
    ) -> None:
        super().__init__(detail)
        self.failure = failure
        self.provider_code = provider_code
        self.detail = detail
        self.fault = fault


class ProviderBusy(Exception):
    """Nothing was sent, and the same send may be tried again after `retry_after` seconds."""

    def __init__(self, retry_after: float, detail: str) -> None:
        super().__init__(detail)
        self.retry_after = retry_after
        self.detail = detail


class ProviderUnreachable(ProviderBusy):
    """No connection came about, so not a byte of the request was written."""


class ProviderUncertain(Exception):
    """No telling whether it was sent, so it must never be sent again by itself."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class StatusWords(msgspec.Struct, frozen=True):
    """What a provider's own words mean, the same in its callbacks and in the records that we fetch.

    A status that is in no table makes a report without a status: it goes into the journal and changes nothing else.

    Attributes:
        texts: The statuses of texts.
        calls: The statuses of calls.
        answered_by: Reads who took a call; None where the provider does not say.
        delivery_failure: Reads the error code of a text that was not delivered, None if it has none.
    """

    texts: Mapping[str, DeliveryStatus]
    calls: Mapping[str, DeliveryStatus]
    answered_by: Callable[[str | None], AnsweredBy | None]
    delivery_failure: Callable[[str | None], Failure]

    def text_report(self, sid: str, word: str, error_code: str | None) -> MessageReport:
        """Return what a text's status says."""
        status = self.texts.get(word)
        failure = self.delivery_failure(error_code) if status in NOT_DELIVERED else None
        return MessageReport(sid, status, word, failure)

    def call_report(
        self,
        sid: str,
        word: str,
        answered_by: str | None,
        sequence: int | None = None,
        sip_response_code: int | None = None,
    ) -> CallReport:
        """Return what a call's status says; `sequence` is its place in the order of the callbacks."""
        return CallReport(sid, self.calls.get(word), word, sequence, self.answered_by(answered_by), sip_response_code)


class Provider(Protocol):
    """A carrier's API. Every send raises ProviderRefused, ProviderBusy or ProviderUncertain, and nothing else."""

    name: str

    async def send_sms(self, sms: Sms) -> str:
        """Send a text once and return the provider's sid."""
        ...

    async def place_call(self, call: Call) -> str | None:
        """Place a call once and return the provider's sid; None where only its callbacks tell it."""
        ...

    async def find_sms(self, to: str, since: int) -> list[FoundSend]:
        """List the texts to a number that the provider made at or after `since` (ms since the epoch)."""
        ...

    async def find_calls(self, to: str, since: int) -> list[FoundSend]:
        """List the calls to a number that the provider made at or after `since` (ms since the epoch)."""
        ...

    async def fetch_sms(self, sid: str) -> MessageReport | None:
        """Return how far a text got, as its callback would report; None if the provider does not know it."""
        ...

    async def fetch_call(self, sid: str) -> CallReport | None:
        """Return how far a call got, as its callback would report; None if the provider does not know it."""
        ...

    async def hang_up(self, sid: str) -> None:
        """End a call that rings or was answered; raises ProviderRefused for one that is over."""
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...
