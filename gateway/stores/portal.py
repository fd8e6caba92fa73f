"""Links to the hosted pages, and the sessions that they open."""

from typing import Any

from gateway.clock import Clock
from gateway.domain.idempotency import IdempotencyKey
from gateway.domain.portal import PortalLink, PortalSession
from gateway.stores import rows, sql
from gateway.stores.engine import Engine, Transaction
from gateway.stores.idempotency import IdempotencyStore


class PortalStore:
    """Durable links and sessions, by the digests of their secrets."""

    def __init__(self, engine: Engine, clock: Clock, idempotency: IdempotencyStore) -> None:
        self._reads = engine.reads
        self._writer = engine.writer
        self._clock = clock
        self._idempotency = idempotency

    async def add_link(self, link: PortalLink, idempotency_key: IdempotencyKey | None) -> PortalLink:
        """Store a new link."""

        async def operation(transaction: Transaction) -> PortalLink:
            values = (link.digest, link.enrollment_id, link.page.value, link.return_url, link.expires_at)
            await transaction.execute(sql.INSERT_LINK, values)
            return link

        return await self._idempotency.run(idempotency_key, operation)

    async def link(self, digest: bytes) -> PortalLink | None:
        """Return a link, used or not, while it is stored."""
        row = await self._reads.row(sql.SELECT_LINK, (digest,))
        return rows.portal_link_of(digest, row) if row else None

    async def open_link(self, digest: bytes, session: PortalSession) -> bool:
        """Use a link up and store the session that it opens, in one; False if it is used or past its time."""

        async def operation(transaction: Transaction) -> bool:
            now = self._clock()
            if await transaction.write(sql.USE_LINK, (now, digest, now)) != 1:
                return False
            await transaction.execute(sql.INSERT_SESSION, _session_values(session))
            return True

        return await self._writer.run(operation)

    async def session(self, digest: bytes) -> PortalSession | None:
        """Return a session; its time is the caller's to judge."""
        row = await self._reads.row(sql.SELECT_SESSION, (digest,))
        return rows.portal_session_of(digest, row) if row else None

    async def move_session(self, before: PortalSession, after: PortalSession) -> bool:
        """Store what has become of a session; False, and nothing stored, if it is no longer as it was before."""
        states = rows.portal_session_state(after), before.digest, rows.portal_session_state(before)

        async def operation(transaction: Transaction) -> bool:
            return await transaction.write(sql.MOVE_SESSION, states) == 1

        return await self._writer.run(operation)

    async def end_session(self, digest: bytes) -> None:
        """Remove a session."""
        await self._writer.run(lambda transaction: transaction.execute(sql.DELETE_SESSION, (digest,)))


def _session_values(session: PortalSession) -> tuple[Any, ...]:
    return session.digest, session.enrollment_id, rows.portal_session_state(session), session.expires_at
