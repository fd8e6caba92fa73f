"""A person's visit to the hosted pages: a link that opens once, then a session that is stored and named by a cookie."""

import hmac
from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.clock import Clock
from gateway.domain.api_keys import Application
from gateway.domain.applications import Applications
from gateway.domain.enrollment import Enrollment
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.idempotency import IdempotencyKey
from gateway.domain.limits import SECOND
from gateway.domain.policy import Policy
from gateway.domain.portal import PortalLink, PortalPage, PortalSession
from gateway.security.generators import NewToken
from gateway.security.vault import Vault
from gateway.services.enrollments import owned
from gateway.stores.api_keys import ApiKeyStore
from gateway.stores.enrollments import EnrollmentStore
from gateway.stores.portal import PortalStore


class CreatedLink(msgspec.Struct, frozen=True):
    """A link as it is handed out: its address holds the secret. `expires_at` is in ms since the epoch."""

    url: str
    expires_at: int


class PortalVisit(msgspec.Struct, frozen=True):
    """A visit with its person, application and policy; `csrf` is the token that each of its forms must return."""

    session: PortalSession
    enrollment: Enrollment
    application: Application
    policy: Policy
    csrf: str


class EndedVisit(msgspec.Struct, frozen=True):
    """A visit that is over: whose it was, in which language (BCP 47), and where its link leads back to."""

    application: Application
    locale: str | None
    return_url: str | None


class PortalVisitChanged(Exception):
    """The visit has changed since this request read it: by another tab, a double click, or its end."""


class PortalOptions(msgspec.Struct, frozen=True):
    """The gateway's public URL, and how long (s) links and sessions live."""

    public_url: str
    link_lifetime: int
    session_lifetime: int


class Portal:
    """One use case per method."""

    def __init__(
        self,
        enrollments: EnrollmentStore,
        visits: PortalStore,
        api_keys: ApiKeyStore,
        applications: Applications,
        vault: Vault,
        clock: Clock,
        new_token: NewToken,
        options: PortalOptions,
    ) -> None:
        self._enrollments = enrollments
        self._visits = visits
        self._api_keys = api_keys
        self._applications = applications
        self._vault = vault
        self._clock = clock
        self._new_token = new_token
        self._options = options

    async def make_link(
        self,
        application: Application,
        enrollment_id: str,
        page: PortalPage,
        return_url: str | None,
        idempotency_key: IdempotencyKey | None,
    ) -> CreatedLink:
        """Make a link for a person; raises Rejected (`not_found`, `return_url_forbidden`)."""
        enrollment = owned(application, await self._enrollments.get(enrollment_id))
        policy = self._applications.for_person(application.name, enrollment.groups)
        if return_url is not None and return_url not in policy.return_urls:
            raise Rejected(
                ErrorCode.RETURN_URL_FORBIDDEN,
                "This address is not among the return_urls of the application's policy: list it exactly as it is here.",
                field="return_url",
            )
        token = self._new_token()
        expires_at = self._clock() + self._options.link_lifetime * SECOND
        created_link = CreatedLink(f"{self._options.public_url.rstrip('/')}/portal/links/{token}", expires_at)
        link = PortalLink(self._vault.secret_digest(token), enrollment_id, page, return_url, expires_at)
        await self._visits.add_link(link, idempotency_key and idempotency_key.after(lambda _link: created_link))
        return created_link

    async def peek(self, token: str) -> PortalLink | None:
        """Return the link behind a token, used or not; None if it is past its time, void, or never was."""
        link = await self._visits.link(self._vault.secret_digest(token))
        if link is None or self._clock() >= link.expires_at:
            return None
        enrollment = await self._enrollments.get(link.enrollment_id)
        made_at = link.expires_at - self._options.link_lifetime * SECOND
        return None if enrollment is None or _voided(made_at, enrollment, self._clock()) else link

    async def host(self, link: PortalLink) -> Application | None:
        """Return whose link it is."""
        enrollment = await self._enrollments.get(link.enrollment_id)
        return None if enrollment is None else await self._api_keys.application(enrollment.application_id)

    async def application(self, application_id: str) -> Application | None:
        """Return an application."""
        return await self._api_keys.application(application_id)

    async def open(self, token: str) -> str | None:
        """Use a link up and return the new session's secret; None if it is used, past its time, or never was."""
        link = await self.peek(token)
        if link is None:
            return None
        secret = self._new_token()
        now = self._clock()
        session = PortalSession(
            digest=self._vault.secret_digest(secret),
            enrollment_id=link.enrollment_id,
            page=link.page,
            return_url=link.return_url,
            opened_at=now,
            expires_at=now + self._options.session_lifetime * SECOND,
            link_digest=link.digest,
        )
        return secret if await self._visits.open_link(link.digest, session) else None

    async def enter(self, secret: str) -> PortalVisit | None:
        """Return the visit behind a cookie; None if it is over or never was.

        A blocked person keeps the visit, so that the page can say so; after the block, earlier visits are over.
        """
        session = await self._visits.session(self._vault.secret_digest(secret))
        if session is None or self._clock() >= session.expires_at:
            return None
        enrollment = await self._enrollments.get(session.enrollment_id)
        if enrollment is None or _voided(session.opened_at, enrollment, self._clock()):
            return None
        application = await self._api_keys.application(enrollment.application_id)
        if application is None:
            return None
        policy = self._applications.for_person(application.name, enrollment.groups)
        return PortalVisit(session, enrollment, application, policy, self._csrf(secret))

    async def ended(self, secret: str) -> EndedVisit | None:
        """Return the visit that was behind a cookie, until its row is deleted; it gives access to nothing."""
        session = await self._visits.session(self._vault.secret_digest(secret))
        enrollment = session and await self._enrollments.get(session.enrollment_id)
        application = enrollment and await self._api_keys.application(enrollment.application_id)
        if not session or not enrollment or not application:
            return None
        return EndedVisit(application, session.locale or enrollment.locale, session.return_url)

    def is_link_of(self, visit: PortalVisit, token: str) -> bool:
        """Tell whether this visit was opened by this link."""
        return hmac.compare_digest(visit.session.link_digest, self._vault.secret_digest(token))

    async def note(self, visit: PortalVisit, **fields: Any) -> PortalVisit:  # noqa: ANN401 - any field of the session
        """Store changed fields of a visit; raises PortalVisitChanged if another request of it was faster."""
        session = msgspec.structs.replace(visit.session, **fields)
        if not await self._visits.move_session(visit.session, session):
            raise PortalVisitChanged
        return msgspec.structs.replace(visit, session=session)

    def sealed(self, visit: PortalVisit, secret: str) -> bytes:
        """Seal a secret for this visit."""
        return self._vault.seal(secret, visit.session.digest.hex())

    def unsealed(self, visit: PortalVisit) -> str:
        """Return the app password that this visit still has to show."""
        return self._vault.unseal(visit.session.sealed_password, visit.session.digest.hex()).decode()

    async def leave(self, visit: PortalVisit) -> None:
        """End a visit."""
        await self._visits.end_session(visit.session.digest)

    def _csrf(self, secret: str) -> str:
        return self._vault.secret_digest(f"csrf {secret}").hex()


def _voided(at: int, enrollment: Enrollment, now: int) -> bool:
    return at <= enrollment.visits_void_before and not enrollment.blocked(now)


def reject_ended(enrollment: Enrollment, began: int | None) -> None:
    """Raise PortalVisitChanged for a visit that a change of the record has ended; `began` is in ms since the epoch."""
    if began is not None and began <= enrollment.visits_void_before:
        raise PortalVisitChanged


def return_address(session: PortalSession, outcome: Mapping[str, str]) -> str | None:
    """Return where the person goes back to, with the outcome by reference only."""
    if session.return_url is None:
        return None
    query = "&".join(f"{name}={value}" for name, value in outcome.items())
    return f"{session.return_url}{'&' if '?' in session.return_url else '?'}{query}" if query else session.return_url
