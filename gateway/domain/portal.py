"""A person's visit to the hosted pages: the link that opens it once, and the session that follows."""

from enum import StrEnum

import msgspec


class PortalPage(StrEnum):
    """What a link is for, and all that it is for."""

    ENROLL = "enroll"
    SETTINGS = "settings"
    SIGN_IN = "sign_in"


class PortalLink(msgspec.Struct, frozen=True, gc=False):
    """A stored link: its secret only as a digest. `expires_at` is in ms since the epoch."""

    digest: bytes
    enrollment_id: str
    page: PortalPage
    return_url: str | None
    expires_at: int


class PortalSession(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A stored session: its secret only as a digest. Times are in ms since the epoch.

    `verification_id` is the verification that the person is in the middle of; `changing` says that its phone is to take
    another's place. `proven` says that the person has shown in this visit who they are; without it nothing of an
    enrolled person can be seen or changed. `approved_id` is the verification that showed it. `finished` says that the
    link has done what it was for. `owes_password` says that step 3 comes next; `sealed_password` is the app password
    that it shows until the person is done with it.
    """

    digest: bytes
    enrollment_id: str
    page: PortalPage
    return_url: str | None
    opened_at: int
    expires_at: int
    link_digest: bytes = b""
    locale: str | None = None
    verification_id: str | None = None
    changing: bool = False
    proven: bool = False
    approved_id: str | None = None
    finished: bool = False
    owes_password: bool = False
    sealed_password: bytes = b""
