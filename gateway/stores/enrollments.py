"""The people's records as the console reads them, also while a gateway changes them."""

from collections.abc import AsyncIterator, Sequence
from itertools import groupby

from gateway.domain.enrollment import Enrollment
from gateway.ports import StoreUnavailable
from gateway.security.vault import Unreadable, Vault
from gateway.stores import rows
from gateway.stores.engine import Reads, Row

_PAGE_SIZE = 500

_APPLICATIONS = "SELECT name FROM applications ORDER BY name"
_OF_USER = """
SELECT e.id, e.state, a.name FROM enrollments e JOIN applications a ON a.id = e.application_id
WHERE a.name = ? AND e."user" = ?
"""
_PAGE = """
SELECT e.id, e.state, a.name FROM enrollments e JOIN applications a ON a.id = e.application_id
WHERE e.id > ? ORDER BY e.id LIMIT ?
"""
_PHONES = """
SELECT enrollment_id, id, kind, sealed_number, verified_at, replaces FROM phones
WHERE enrollment_id BETWEEN ? AND ? ORDER BY enrollment_id, id
"""


class Enrollments:
    """The records; StoreUnavailable is raised for numbers that no key opens."""

    def __init__(self, reads: Reads, vault: Vault) -> None:
        self._reads = reads
        self._vault = vault

    async def applications(self) -> list[str]:
        """List the names of all applications."""
        return [name for (name,) in await self._reads.many(_APPLICATIONS, ())]

    async def of_user(self, application: str, user: str) -> Enrollment | None:
        """Return the record of an application's user."""
        found = await self._read(await self._reads.many(_OF_USER, (application, user)))
        return found[0][1] if found else None

    async def all(self) -> AsyncIterator[tuple[str, Enrollment]]:
        """Yield every record with the name of its application, the oldest first; a page at a time is in memory."""
        last = ""
        while page := await self._read(await self._reads.many(_PAGE, (last, _PAGE_SIZE))):
            for application, enrollment in page:
                yield application, enrollment
            last = page[-1][1].id

    async def _read(self, found: Sequence[Row]) -> list[tuple[str, Enrollment]]:
        """Decode rows of id, state and application, which are ordered by id, with the phones between the ids."""
        if not found:
            return []
        first_and_last = (found[0][0], found[-1][0])
        kept = await self._reads.many(_PHONES, first_and_last)
        phones = {owner: [row[1:] for row in theirs] for owner, theirs in groupby(kept, key=lambda row: row[0])}
        try:
            return [
                (application, rows.enrollment_of(state, phones.get(enrollment_id, []), self._vault))
                for enrollment_id, state, application in found
            ]
        except Unreadable as error:
            raise StoreUnavailable(f"the database holds numbers that keys.sealing does not open: {error}") from None
