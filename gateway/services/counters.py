"""What the rooms tell whoever counts. Nothing that was counted is ever asked for."""

from typing import Protocol

from gateway.domain.verification import Change


class Counters(Protocol):
    """Counts what happened."""

    def change_committed(self, change: Change) -> None:
        """Learn of a change once it is committed, and only once; never raises."""
        ...
