"""What was counted of verifications as they were removed, as the console reads it."""

from datetime import date

import msgspec

from gateway.domain.api_keys import Application
from gateway.stores import sql
from gateway.stores.engine import Reads


class DailyCount(msgspec.Struct, frozen=True):
    """How many verifications began on a day (UTC), by their application's name, their channel and how they ended."""

    day: str
    application: str
    channel: str
    outcome: str
    count: int


class DailyCounts:
    """The counts, which are stored for ever."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    async def between(self, first: date, last: date, application: Application | None) -> list[DailyCount]:
        """List the counts of these days, both included, of one application or of all."""
        values = (first.isoformat(), last.isoformat(), application and application.id)
        return [DailyCount(*row) for row in await self._reads.many(sql.SELECT_DAILY_COUNTS, values)]
