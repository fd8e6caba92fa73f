"""What the services ask of the outside, and the words it answers in."""

from collections.abc import Callable
from typing import Protocol

import msgspec

from gateway.domain.routing import RejectionScope
from gateway.domain.status_reports import CallReport, MessageReport
from gateway.domain.verification import FailureCode


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
        """Return how far a text got, as its callback would have told; None if the provider does not know it."""
        ...

    async def fetch_call(self, sid: str) -> CallReport | None:
        """Return how far a call got, as its callback would have told; None if the provider does not know it."""
        ...

    async def hang_up(self, sid: str) -> None:
        """End a call that rings or was answered; raises ProviderRefused for one that is over."""
        ...

    async def close(self) -> None:
        """Let go of all connections."""
        ...


Clock = Callable[[], int]
"""The time in ms since the epoch, UTC."""

NewId = Callable[[str], str]
"""A new time-ordered id with the given prefix."""

NewToken = Callable[[], str]
"""A new secret for a callback path: unguessable, in characters that a URL carries unchanged."""

NewCode = Callable[[int], str]
"""A new uniform code of so many digits."""

NewPassword = Callable[[], str]
"""A new uniform password, with the alphabet and length of `gateway.domain.app_passwords`."""
