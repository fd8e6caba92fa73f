"""How what is in the outbox goes out."""

import msgspec

from gateway.domain.limits import SECOND
from gateway.domain.verification import Channel


class SendingSettings(msgspec.Struct, frozen=True):
    """How attempts and notifications go out. Times are in seconds; `concurrency` is for attempts."""

    ring_timeout: int = 30
    detect_machines: bool = True
    concurrency: int = 32
    lease: float = 60.0
    busy_tries: int = 5
    reconcile_after: float = 30.0
    reconcile_for: float = 300.0
    settle_after: float = 120.0

    @property
    def lease_ms(self) -> int:
        """Return the lease (ms) of a claimed entry."""
        return int(self.lease * SECOND)

    def patience(self, channel: Channel) -> int:
        """Return for how long (ms) an attempt may go without a report until its provider is asked about it."""
        if channel is Channel.SMS:
            return int(self.settle_after * SECOND)
        return int((self.ring_timeout + self.settle_after / 2) * SECOND)
