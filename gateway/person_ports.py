"""What the journeys of people ask of the store."""

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from gateway.domain.enrollment import Enrollment, EnrollmentChange, Notification
from gateway.domain.journal import StoredEntry
from gateway.domain.limits import Tally
from gateway.domain.portal import PortalLink, PortalSession
from gateway.ports import Application, Receipt, Replay


class DueNotice(msgspec.Struct, frozen=True, gc=False):
    """A notice whose time has come, with the record of its person; `created_at` is in ms since the epoch."""

    id: str
    notice: Notification
    enrollment: Enrollment
    application_name: str
    created_at: int


PersonStep = Callable[[Enrollment, int], EnrollmentChange]
TallyStep = Callable[[Tally, int], Tally]

NewPassword = Callable[[], str]
"""A new uniform password, with the alphabet and length of `gateway.domain.app_passwords`."""


class PersonStore(Protocol):
    """Durable records of people, with the rules of `gateway.ports.Store`: pure steps, answered after the commit."""

    async def enroll(self, enrollment: Enrollment, receipt: Receipt | None) -> tuple[Enrollment, bool] | Replay:
        """Keep a new enrollment, or return the one that this user has; the flag tells which (True: new)."""
        ...

    async def enrollment(self, enrollment_id: str) -> Enrollment | None:
        """Return an enrollment with its phones."""
        ...

    async def enrollment_of(self, application_id: str, user: str) -> Enrollment | None:
        """Return the enrollment of an application's user."""
        ...

    async def change(
        self, enrollment_id: str, step: PersonStep, receipt: Receipt | None = None
    ) -> EnrollmentChange | Replay:
        """Load, change and save one enrollment with its phones, journal and notices; raises Refused (`not_found`)."""
        ...

    async def remove(self, enrollment_id: str, check: PersonStep) -> None:
        """Remove an enrollment with all that hangs on it, unless `check` raises; raises Refused (`not_found`)."""
        ...

    async def history(self, enrollment_id: str, after: int) -> list[StoredEntry]:
        """List the journal's entries of an enrollment whose sequence is above `after`, oldest first."""
        ...

    async def count(self, keys: Sequence[bytes], step: TallyStep) -> None:
        """Move a tally on that is kept under the first of its keys, or still under older ones.

        A Refused that the step raises reaches the caller and leaves nothing behind.
        """
        ...

    async def due_notices(self, limit: int) -> list[DueNotice]:
        """List notices whose time has come, oldest first."""
        ...

    async def claim_notice(self, notice_id: str, lease: int) -> bool:
        """Take a notice for `lease` ms; False if another has it."""
        ...

    async def drop_notice(self, notice_id: str) -> None:
        """Forget a notice: it is sent, or can never be."""
        ...


class PortalStore(Protocol):
    """Durable links and sessions of the hosted pages."""

    async def add_link(self, link: PortalLink, receipt: Receipt | None) -> PortalLink | Replay:
        """Keep a new link."""
        ...

    async def link(self, digest: bytes) -> PortalLink | None:
        """Return a link, used or not, while it is kept."""
        ...

    async def open_link(self, digest: bytes, session: PortalSession) -> bool:
        """Use a link up and keep the session that it opens, in one; False if it is used or past its time."""
        ...

    async def session(self, digest: bytes) -> PortalSession | None:
        """Return a session; its time is the caller's to judge."""
        ...

    async def move_session(self, before: PortalSession, after: PortalSession) -> bool:
        """Keep what has become of a session; False, and nothing kept, if it is no longer as it was before."""
        ...

    async def application(self, application_id: str) -> Application | None:
        """Return an application."""
        ...

    async def end_session(self, digest: bytes) -> None:
        """Forget a session."""
        ...
