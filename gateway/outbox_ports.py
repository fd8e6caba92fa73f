"""The outbox: how sends go out, and where each stands between its commit and the provider's last word on it."""

from enum import StrEnum
from typing import Protocol

import msgspec

from gateway.domain.limits import SECOND
from gateway.domain.verification import Attempt, Channel, Verification


class Stage(StrEnum):
    """Where a send in the outbox stands. Only a `queued` one may be handed to the provider.

    A `settling` one was taken by the provider, which has yet to say how it ended. A `hanging_up` one is a call that is
    no longer needed.
    """

    QUEUED = "queued"
    SENDING = "sending"
    UNKNOWN = "unknown"
    SETTLING = "settling"
    HANGING_UP = "hanging_up"


TO_SEND = (Stage.QUEUED, Stage.SENDING)
"""The stages in which a send has yet to reach the provider."""

TO_ASK = (Stage.UNKNOWN, Stage.SETTLING, Stage.HANGING_UP)
"""The stages in which the provider is asked about a send, or to end it."""


class DueSend(msgspec.Struct, frozen=True, gc=False):
    """A send whose time to act has come. `tries` counts how often that was tried in vain."""

    attempt_id: str
    verification_id: str
    stage: Stage
    tries: int


class SendMove(msgspec.Struct, frozen=True, gc=False):
    """What becomes of a send in the outbox. `stage` None: it is done. `delay` (ms from now) is when to act next.

    With `moves_only` it happens only while the send is still in that stage: an end may have been faster.
    """

    attempt_id: str
    stage: Stage | None = None
    delay: int = 0
    tries: int = 0
    moves_only: Stage | None = None


class Sending(msgspec.Struct, frozen=True):
    """How sends go out. Times are in seconds."""

    ring_timeout: int = 30
    detect_machines: bool = True
    concurrency: int = 32
    lease: float = 60.0
    busy_tries: int = 5
    reconcile_after: float = 30.0
    reconcile_for: float = 300.0
    settle_after: float = 120.0

    def patience(self, channel: Channel) -> int:
        """Return for how long (ms) a send may be silent until the provider is asked what became of it."""
        if channel is Channel.SMS:
            return int(self.settle_after * SECOND)
        return int((self.ring_timeout + self.settle_after / 2) * SECOND)


class SendQueue(Protocol):
    """Where kept sends are handed to the dispatcher; what is lost from it is taken up again from the store."""

    def put(self, verification: Verification, attempt: Attempt) -> None:
        """Send this attempt soon."""
        ...
