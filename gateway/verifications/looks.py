"""The integrator's looks at a verification: show, wait, list, events; they change nothing."""

import asyncio
from collections.abc import AsyncIterator

from gateway.domain.journal import KeptEntry
from gateway.domain.refusals import RefusalCode, Refused
from gateway.domain.verification import Status, Verification
from gateway.ports import Application, ListFilter, Page, Store


class Looks:
    """One journey per method; each raises Refused (`not_found`) for what is not the application's."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._stopping = False

    def show(self, application: Application, verification_id: str) -> Verification:
        """Return a verification as committed."""
        verification = self._store.get(verification_id)
        if verification is None:
            raise Refused(RefusalCode.NOT_FOUND, "There is no such verification.")
        must_own(application, verification)
        return verification

    async def wait(
        self, application: Application, verification_id: str, revision: int | None, seconds: float
    ) -> Verification:
        """Return a verification once its revision is past `revision` (by default today's), or after `seconds`."""
        # Asked for before the state is read, so that no change can fall between the two.
        changed = self._store.changed(verification_id)
        try:
            verification = self.show(application, verification_id)
            seen = verification.revision if revision is None else revision
            if verification.revision > seen or self._stopping:
                return verification
            await asyncio.wait([changed], timeout=seconds)
            return self.show(application, verification_id)
        finally:
            changed.cancel()

    async def find(self, application: Application, narrow: ListFilter) -> Page:
        """List an application's verifications, newest first."""
        return await self._store.list_verifications(application.id, narrow)

    async def events(self, application: Application, verification_id: str, after: int) -> list[KeptEntry]:
        """List the journal, oldest first, from behind entry number `after`."""
        self.show(application, verification_id)
        return await self._store.journal(verification_id, after)

    async def follow(
        self, application: Application, verification_id: str, after: int, heartbeat: float
    ) -> AsyncIterator[list[KeptEntry]]:
        """Yield journal entries as they are committed, and an empty list each `heartbeat` seconds without any.

        Ends when the verification has ended and all its entries so far were told, or when the gateway stops.
        """
        while True:
            changed = self._store.changed(verification_id)
            try:
                verification = self.show(application, verification_id)
                entries = await self._store.journal(verification_id, after)
                if entries:
                    after = entries[-1].sequence
                    yield entries
                told_all = verification.status is not Status.PENDING and after >= verification.entries
                if told_all or self._stopping:
                    return
                if not entries:
                    await asyncio.wait([changed], timeout=heartbeat)
                    if not changed.done():
                        yield []
            finally:
                changed.cancel()

    def stop_waiting(self) -> None:
        """Answer everyone who waits with what there is, and let no one wait any more: the gateway stops."""
        self._stopping = True
        self._store.wake_all()


def must_own(application: Application, verification: Verification) -> None:
    """Raise Refused (`not_found`) if the verification is another application's."""
    if verification.application_id != application.id:
        raise Refused(RefusalCode.NOT_FOUND, "There is no such verification.")
