"""The counters that services write; no service reads them."""

from typing import Protocol

from gateway.domain.verification import Change


class Counters(Protocol):
    """Counts committed changes."""

    def change_committed(self, change: Change) -> None:
        """Count a committed change; called once a change, never raises."""
        ...
