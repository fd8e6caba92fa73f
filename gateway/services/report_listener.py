"""The listener that is called after a report on a text or call is committed."""

from typing import Protocol

from gateway.domain.verification import Verification


class ReportListener(Protocol):
    """Goes on from where a report has left a verification."""

    async def reported(self, verification: Verification) -> None:
        """Learn of a verification after a report, a repeated one, too, or before its end; raises StoreUnavailable."""
        ...
