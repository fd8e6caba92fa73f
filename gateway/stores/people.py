"""The records of people, and their visits to the hosted pages."""

from collections.abc import Sequence
from typing import Any

from gateway.domain.enrollment import Enrollment, EnrollmentChange
from gateway.domain.journal import StoredEntry
from gateway.domain.portal import PortalLink, PortalSession
from gateway.person_ports import DueNotice, PersonStep, TallyStep
from gateway.ports import Application, Clock, Receipt, Replay
from gateway.security.vault import Vault
from gateway.stores import rows
from gateway.stores import statements as sql
from gateway.stores.engine import Reads, Row, Transaction, Writer
from gateway.stores.people_operations import PeopleOperations
from gateway.stores.receipts import Receipts

_BY_ID = sql.SELECT_PERSON.format(by="id = ?")
_BY_USER = sql.SELECT_PERSON.format(by='application_id = ? AND e."user" = ?')


class SqlPeople:
    """Fills `gateway.person_ports.PersonStore` and `PortalStore`, with the store's writer and its reads."""

    def __init__(
        self,
        writer: Writer,
        reads: Reads,
        operations: PeopleOperations,
        receipts: Receipts,
        vault: Vault,
        clock: Clock,
    ) -> None:
        self._writer = writer
        self._reads = reads
        self._operations = operations
        self._receipts = receipts
        self._vault = vault
        self._clock = clock

    async def enroll(self, enrollment: Enrollment, receipt: Receipt | None) -> tuple[Enrollment, bool] | Replay:
        """See the port."""

        def operation(transaction: Transaction) -> tuple[Enrollment, bool] | Replay:
            return self._receipts.once(
                transaction, self._clock(), receipt, lambda: self._operations.enroll(transaction, enrollment)
            )

        return await self._writer.run(operation)

    async def enrollment(self, enrollment_id: str) -> Enrollment | None:
        """See the port."""
        return self._person(await self._reads.all(_BY_ID, (enrollment_id,)))

    async def enrollment_of(self, application_id: str, user: str) -> Enrollment | None:
        """See the port."""
        return self._person(await self._reads.all(_BY_USER, (application_id, user)))

    async def change(
        self, enrollment_id: str, step: PersonStep, receipt: Receipt | None = None
    ) -> EnrollmentChange | Replay:
        """See the port."""

        def operation(transaction: Transaction) -> EnrollmentChange | Replay:
            now = self._clock()
            return self._receipts.once(
                transaction, now, receipt, lambda: self._operations.change(transaction, enrollment_id, step, now)
            )

        return await self._writer.run(operation)

    async def remove(self, enrollment_id: str, check: PersonStep) -> None:
        """See the port."""
        await self._writer.run(
            lambda transaction: self._operations.remove(transaction, enrollment_id, check, self._clock())
        )

    async def history(self, enrollment_id: str, after: int) -> list[StoredEntry]:
        """See the port."""
        found = await self._reads.all(sql.SELECT_ENTRIES, (enrollment_id,))
        return [entry for row in found for entry in rows.entries_of(row) if entry.sequence > after]

    async def count(self, keys: Sequence[bytes], step: TallyStep) -> None:
        """See the port."""
        await self._writer.run(lambda transaction: self._operations.count(transaction, keys, step, self._clock()))

    async def due_notices(self, limit: int) -> list[DueNotice]:
        """See the port."""
        found = await self._reads.all(sql.DUE_NOTICES, (self._clock(), limit))
        return [
            DueNotice(
                notice_id,
                rows.notice_of(notice_id, kind, sealed_number, self._vault),
                rows.enrollment_of(state, await self._reads.all(sql.SELECT_PHONES, (enrollment_id,)), self._vault),
                application_name,
                created_at,
            )
            for notice_id, kind, sealed_number, created_at, application_name, enrollment_id, state in found
        ]

    async def claim_notice(self, notice_id: str, lease: int) -> bool:
        """See the port."""

        def operation(transaction: Transaction) -> bool:
            now = self._clock()
            return transaction.write(sql.CLAIM_NOTICE, (now + lease, notice_id, now)) == 1

        return await self._writer.run(operation)

    async def drop_notice(self, notice_id: str) -> None:
        """See the port."""
        await self._writer.run(lambda transaction: transaction.put(sql.DELETE_NOTICE, (notice_id,)))

    async def add_link(self, link: PortalLink, receipt: Receipt | None) -> PortalLink | Replay:
        """See the port."""

        def keep(transaction: Transaction) -> PortalLink:
            values = (link.digest, link.enrollment_id, link.page.value, link.return_url, link.expires_at)
            transaction.put(sql.INSERT_LINK, values)
            return link

        return await self._writer.run(
            lambda transaction: self._receipts.once(transaction, self._clock(), receipt, lambda: keep(transaction))
        )

    async def link(self, digest: bytes) -> PortalLink | None:
        """See the port."""
        row = await self._reads.one(sql.SELECT_LINK, (digest,))
        return rows.portal_link_of(digest, row) if row else None

    async def open_link(self, digest: bytes, session: PortalSession) -> bool:
        """See the port."""

        def operation(transaction: Transaction) -> bool:
            now = self._clock()
            if transaction.write(sql.USE_LINK, (now, digest, now)) != 1:
                return False
            transaction.put(sql.INSERT_SESSION, _session_values(session))
            return True

        return await self._writer.run(operation)

    async def session(self, digest: bytes) -> PortalSession | None:
        """See the port."""
        row = await self._reads.one(sql.SELECT_SESSION, (digest,))
        return rows.portal_session_of(digest, row) if row else None

    async def move_session(self, before: PortalSession, after: PortalSession) -> bool:
        """See the port."""
        states = rows.portal_session_state(after), before.digest, rows.portal_session_state(before)
        return await self._writer.run(lambda transaction: transaction.write(sql.MOVE_SESSION, states) == 1)

    async def application(self, application_id: str) -> Application | None:
        """See the port."""
        row = await self._reads.one(sql.SELECT_APPLICATION_BY_ID, (application_id,))
        return Application(*row) if row else None

    async def end_session(self, digest: bytes) -> None:
        """See the port."""
        await self._writer.run(lambda transaction: transaction.put(sql.DELETE_SESSION, (digest,)))

    def _person(self, found: list[Row]) -> Enrollment | None:
        """Read rows of SELECT_PERSON: record and phones in one statement, so that no commit can fall between them."""
        if not found:
            return None
        phones = [row[2:] for row in found if row[2] is not None]
        return rows.enrollment_of(found[0][1], phones, self._vault)


def _session_values(session: PortalSession) -> tuple[Any, ...]:
    return session.digest, session.enrollment_id, rows.portal_session_state(session), session.expires_at
