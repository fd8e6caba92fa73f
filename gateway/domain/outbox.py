"""The outbox: what is to be sent, and where it stands between its commit and the provider's last word on it."""

from collections.abc import Callable, Mapping
from enum import StrEnum

import msgspec

from gateway.domain.enrollment import NotificationKind
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.verification import Attempt


class OutboxKind(StrEnum):
    """What an entry is about: an attempt of a verification, or a text to a person about a change of their record."""

    ATTEMPT = "attempt"
    NOTIFICATION = "notification"


class OutboxState(StrEnum):
    """Where an entry stands. Only a `queued` one may be claimed, and only a claimed one is handed to a provider.

    A `sending` one is claimed until its lease is over; after that it is unknown whether it went out. The states behind
    it are for attempts only: a provider has, or may have, an `unknown` one, has yet to say how a `settling` one ended,
    and is to end the call of a `hanging_up` one. A notification is removed in place of them.
    """

    QUEUED = "queued"
    SENDING = "sending"
    UNKNOWN = "unknown"
    SETTLING = "settling"
    HANGING_UP = "hanging_up"


TRANSITIONS: Mapping[OutboxState, frozenset[OutboxState]] = {
    OutboxState.QUEUED: frozenset({OutboxState.SENDING, OutboxState.UNKNOWN}),
    OutboxState.SENDING: frozenset({OutboxState.QUEUED, OutboxState.UNKNOWN, OutboxState.SETTLING}),
    OutboxState.UNKNOWN: frozenset({OutboxState.UNKNOWN, OutboxState.SETTLING}),
    OutboxState.SETTLING: frozenset({OutboxState.SETTLING, OutboxState.HANGING_UP}),
    OutboxState.HANGING_UP: frozenset({OutboxState.HANGING_UP}),
}
"""Which states follow which. From every state an entry may also be removed: it is over.

Nothing behind `sending` leads back to `queued`, so what a provider may have is never sent again.
"""

TO_SEND = (OutboxState.QUEUED, OutboxState.SENDING)
"""The states of entries that no provider is known to have."""

TO_RECONCILE = (OutboxState.UNKNOWN, OutboxState.SETTLING, OutboxState.HANGING_UP)
"""The states of attempts about which a provider is asked, or whose calls it is to end."""


class OutboxEntry(msgspec.Struct, frozen=True, gc=False):
    """An entry: the `id` is its attempt's or its own, the `subject_id` its verification's or its enrollment's.

    `tries` counts how often it was claimed, or asked about, in vain. `created_at` is in ms since the epoch.
    `refused_by` names the providers that have refused a notification since it was claimed first; it is not stored.
    """

    id: str
    kind: OutboxKind
    subject_id: str
    state: OutboxState
    tries: int
    created_at: int
    refused_by: tuple[str, ...] = ()


class OutboxUpdate(msgspec.Struct, frozen=True, gc=False):
    """What becomes of an entry. `state` None: it is removed. `delay` (ms from now) is when to act on it next.

    With `only_from` it happens only while the entry is still in that state: others may have been faster.
    """

    id: str
    state: OutboxState | None = None
    delay: int = 0
    tries: int = 0
    only_from: OutboxState | None = None

    def __post_init__(self) -> None:
        """Refuse what is no transition; raises ValueError."""
        if self.state and self.only_from and self.state not in TRANSITIONS[self.only_from]:
            raise ValueError(f"no entry of the outbox goes from {self.only_from} to {self.state}")


class NotificationContent(msgspec.Struct, frozen=True, gc=False):
    """What a notification tells a person, and in which language; `locale` None: the usual one."""

    kind: NotificationKind
    number: PhoneNumber
    application_name: str
    locale: str | None


Submit = Callable[[OutboxEntry], None]
"""Has a committed entry sent soon. One that is lost on the way is claimed from the store later."""


def queued_attempt(verification_id: str, attempt: Attempt) -> OutboxEntry:
    """Return the entry of an attempt that was committed just now."""
    return OutboxEntry(
        attempt.id, OutboxKind.ATTEMPT, verification_id, OutboxState.QUEUED, tries=0, created_at=attempt.created_at
    )
