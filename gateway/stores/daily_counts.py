"""What was counted of verifications as they were removed, as the console reads it."""

from datetime import date

import msgspec

from gateway.ports import Application
from gateway.stores.engine import Reads

_BETWEEN = """
SELECT c.day, COALESCE(a.name, c.application_id), c.channel, c.outcome, c.count
FROM daily_counts c LEFT JOIN applications a ON a.id = c.application_id
WHERE c.day >= ? AND c.day <= ? AND c.application_id = COALESCE(?, c.application_id)
ORDER BY c.day, 2, c.channel, c.outcome
"""


class DailyCount(msgspec.Struct, frozen=True):
    """How many verifications began on a day (UTC), by their application's name, their channel and how they ended."""

    day: str
    application: str
    channel: str
    outcome: str
    count: int


class DailyCounts:
    """The counts, which are kept for ever."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    async def between(self, first: date, last: date, application: Application | None) -> list[DailyCount]:
        """List the counts of these days, both included, of one application or of all."""
        values = (first.isoformat(), last.isoformat(), application and application.id)
        return [DailyCount(*row) for row in await self._reads.many(_BETWEEN, values)]
