"""What the rooms ask of the outside, and the words it answers in."""

import asyncio
from collections.abc import Callable, Collection
from typing import Any, Protocol

import msgspec

from gateway.domain.enrollment import Enrollment, EnrollmentChange
from gateway.domain.journal import StoredEntry
from gateway.domain.limits import Tally
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.retention import Retention
from gateway.domain.verification import Change, Status, Verification
from gateway.outbox_ports import DueSend, SendMove, Stage


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """An Idempotency-Key and its request, as digests; `answer` renders what is kept and replayed (None: nothing)."""

    key: bytes
    request_digest: bytes
    answer: Callable[[Any], bytes | None]


class Replay(msgspec.Struct, frozen=True, gc=False):
    """The answer that this Idempotency-Key was given the first time."""

    answer: bytes


class Application(msgspec.Struct, frozen=True, gc=False):
    """An integrator's namespace."""

    id: str
    name: str


class ApiKey(msgspec.Struct, frozen=True, gc=False):
    """A key as kept: its secret only as a digest. Times are in ms since the epoch."""

    id: str
    application: Application
    name: str
    digest: bytes
    created_at: int
    revoked_at: int | None


class Page(msgspec.Struct, frozen=True, gc=False):
    """One page of a list, newest first."""

    verifications: list[Verification]
    has_more: bool


class ListFilter(msgspec.Struct, frozen=True, gc=False):
    """What a list of verifications is narrowed to."""

    number: PhoneNumber | None = None
    status: Status | None = None
    starting_after: str | None = None
    limit: int = 20


class StoreUnavailable(Exception):
    """The database did not take the change; nothing of it happened. The detail is for the operator's log."""


Clock = Callable[[], int]
"""The time in ms since the epoch, UTC."""

NewId = Callable[[str], str]
"""A new time-ordered id with the given prefix."""

NewToken = Callable[[], str]
"""A new secret for a callback path: unguessable, in characters that a URL carries unchanged."""

NewCode = Callable[[int], str]
"""A new uniform code of so many digits."""

Begin = Callable[[Tally, int], Change]
Step = Callable[[Verification, int], Change]
CountedStep = Callable[[Verification, Tally, int], Change]

JoinStep = Callable[[Enrollment, int, int], EnrollmentChange]
"""Takes the enrollment, how many other people of the application have the number, and the time."""


SendStep = Callable[[Enrollment, int], EnrollmentChange]
"""Counts one more send for a person; takes the enrollment and the time."""


class Joining(msgspec.Struct, frozen=True):
    """Which enrollment a new verification belongs to, and what its beginning does to it."""

    enrollment_id: str
    step: JoinStep


class Created(msgspec.Struct, frozen=True):
    """A verification that has begun, and the record of its person as it is now, if it is a person's."""

    change: Change
    enrollment: Enrollment | None


class Store(Protocol):
    """Durable state. Every write is answered only after it is safe from a power cut, and may be computed twice.

    Functions handed in are pure; the last argument is the store's own time (ms since the epoch). A Refused that they
    raise reaches the caller and leaves nothing behind. Writes raise StoreUnavailable when the database fails, and
    Refused for what is not there (`not_found`) and for a receipt of another request (`idempotency_key_reused`).
    """

    async def create(
        self,
        verification_id: str,
        number: PhoneNumber,
        begin: Begin,
        *,
        receipt: Receipt | None,
        joining: Joining | None,
    ) -> Created | Replay:
        """Keep a new verification with its journal, tally and send; `joining` changes its person's record with it."""
        ...

    async def apply(self, verification_id: str, step: Step, *, send: SendMove | None = None) -> Change:
        """Load, change and save one verification with its journal, send and enrollment, in one transaction."""
        ...

    async def apply_counted(self, verification_id: str, step: CountedStep) -> Change:
        """Do what `apply` does, with the number's tally beside the verification."""
        ...

    async def resend(
        self, verification_id: str, step: CountedStep, receipt: Receipt | None, *, person: SendStep
    ) -> Change | Replay:
        """Do what `apply_counted` does, once for an Idempotency-Key; a send runs `person` on its person's record."""
        ...

    async def replay(self, key: bytes, request_digest: bytes) -> Replay | None:
        """Return the answer that is kept for an Idempotency-Key; raises Refused (`idempotency_key_reused`)."""
        ...

    async def get(self, verification_id: str) -> Verification | None:
        """Return what is committed; never waits for a writer."""
        ...

    async def list_verifications(self, application_id: str | None, narrow: ListFilter) -> Page:
        """List an application's verifications, newest first; with None, those of all applications."""
        ...

    async def journal(self, verification_id: str, after: int) -> list[StoredEntry]:
        """List the journal's entries whose sequence is above `after`, oldest first."""
        ...

    def changed(self, verification_id: str) -> asyncio.Future[None]:
        """Return a future that is done when a later change of this verification is committed, or the store closes."""
        ...

    def wake_all(self) -> None:
        """Complete every future that waits for a change, so that the waiting can be answered before a stop."""
        ...

    async def claim(self, attempt_id: str, lease: int) -> bool:
        """Take a queued send for `lease` ms; False if another has it."""
        ...

    async def move_send(self, move: SendMove) -> None:
        """Note what becomes of a send when its verification does not change."""
        ...

    async def due_sends(self, limit: int, stages: Collection[Stage] = tuple(Stage)) -> list[DueSend]:
        """List sends in these stages whose time has come, oldest first."""
        ...

    async def due_verifications(self, limit: int) -> list[str]:
        """List verifications whose deadline has passed, oldest first."""
        ...

    async def add_key(self, key: ApiKey) -> ApiKey:
        """Keep an API key, and its application if the name is new; returns the key with the application as kept."""
        ...

    async def keys(self) -> list[ApiKey]:
        """List all API keys, revoked ones included."""
        ...

    async def revoke_key(self, key_id: str) -> bool:
        """Revoke a key at once; False if there is none with this id."""
        ...

    async def purge(self, before: int) -> bool:
        """Forget some receipts, tallies, links and sessions last used before a time (ms); tells whether more may be."""
        ...

    async def let_go(self, retention: Retention) -> bool:
        """Wipe and remove some of what was kept for its time; returns whether there may be more."""
        ...

    async def ready(self) -> None:
        """Return if the database answers and is at head; raises StoreUnavailable."""
        ...

    async def close(self) -> None:
        """Finish what was begun and let go of the database."""
        ...
