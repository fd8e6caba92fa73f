"""The integrator's looks at a verification: show, wait, list, events; they change nothing."""

import asyncio
from collections.abc import AsyncIterator

from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.journal import StoredEntry
from gateway.domain.verification import Status, Verification
from gateway.ports import Application, ListFilter, Page, Store


class VerificationReads:
    """One journey per method; each raises Refused (`not_found`) for what is not the application's."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._stopping = False
        self._waiting = 0

    @property
    def waiting(self) -> int:
        """Return how many wait for a change."""
        return self._waiting

    async def show(self, application: Application, verification_id: str) -> Verification:
        """Return a verification as committed."""
        verification = await self._store.get(verification_id)
        if verification is None:
            raise Rejected(ErrorCode.NOT_FOUND, "There is no such verification.")
        must_own(application, verification)
        return verification

    async def wait(
        self, application: Application, verification_id: str, revision: int | None, seconds: float
    ) -> Verification:
        """Return a verification once its revision is past `revision` (by default today's), or after `seconds`."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while True:
            # Asked for before the state is read, so that no change can fall between the two.
            changed = self._store.changed(verification_id)
            try:
                verification = await self.show(application, verification_id)
                revision = verification.revision if revision is None else revision
                left = deadline - loop.time()
                if verification.revision > revision or self._stopping or left <= 0:
                    return verification
                # Woken, it looks again: what another process tells of may have been seen already.
                await self._wait_for(changed, left)
            finally:
                changed.cancel()

    async def find(self, application: Application, narrow: ListFilter) -> Page:
        """List an application's verifications, newest first."""
        return await self._store.list_verifications(application.id, narrow)

    async def events(self, application: Application, verification_id: str, after: int) -> list[StoredEntry]:
        """List the journal, oldest first, from behind entry number `after`."""
        await self.show(application, verification_id)
        return await self._store.journal(verification_id, after)

    async def follow(
        self, application: Application, verification_id: str, after: int, heartbeat: float
    ) -> AsyncIterator[list[StoredEntry]]:
        """Yield journal entries as they are committed, and an empty list each `heartbeat` seconds without any.

        Ends when the verification has ended and all its entries so far were told, or when the gateway stops.
        """
        while True:
            changed = self._store.changed(verification_id)
            try:
                verification = await self.show(application, verification_id)
                entries = await self._store.journal(verification_id, after)
                if entries:
                    after = entries[-1].sequence
                    yield entries
                # Of one that has ended long ago the journal is gone.
                told_all = verification.status is not Status.PENDING and (after >= verification.entries or not entries)
                if told_all or self._stopping:
                    return
                if not entries:
                    await self._wait_for(changed, heartbeat)
                    if not changed.done():
                        yield []
            finally:
                changed.cancel()

    async def _wait_for(self, changed: asyncio.Future[None], seconds: float) -> None:
        self._waiting += 1
        try:
            await asyncio.wait([changed], timeout=seconds)
        finally:
            self._waiting -= 1

    def stop_waiting(self) -> None:
        """Answer everyone who waits with what there is, and let no one wait any more: the gateway stops."""
        self._stopping = True
        self._store.wake_all()


def must_own(application: Application, verification: Verification) -> None:
    """Raise Refused (`not_found`) if the verification is another application's."""
    if verification.application_id != application.id:
        raise Rejected(ErrorCode.NOT_FOUND, "There is no such verification.")
