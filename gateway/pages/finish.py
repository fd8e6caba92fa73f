"""What an approval leads to: step 3 with the first app password, the settings, or back to the application."""

from aiohttp import web

from gateway.domain.limits import DAY, SECOND
from gateway.domain.portal import PortalPage
from gateway.domain.verification import Purpose, Status, Verification
from gateway.pages.components import Banner, NewAppPassword
from gateway.pages.messages import FIRST_APP_PASSWORD
from gateway.pages.models import DonePage, FinishPage
from gateway.pages.navigation import DONE, SETTINGS, STEP_3, VERIFY, next_path
from gateway.pages.portal_requests import HOME, PortalRequest, PortalSessions, device_of
from gateway.pages.rendering import Pages
from gateway.pages.views import steps_of
from gateway.security.generators import NewToken
from gateway.services.app_passwords import AppPasswords
from gateway.services.authentication import Authentication
from gateway.services.portal import Portal, PortalVisit, PortalVisitChanged, return_address
from gateway.services.verifications import Verifications

_WITH_PASSWORD = 3
"""Steps of an enrollment that ends with an app password."""


class FinishRoutes:
    """The only place that takes an approval for one; the state is read from the store, never from the browser."""

    def __init__(
        self,
        doorstep: PortalSessions,
        portal: Portal,
        proofs: Authentication,
        app_passwords: AppPasswords,
        verifications: Verifications,
        pages: Pages,
        new_token: NewToken,
    ) -> None:
        self._doorstep = doorstep
        self._portal = portal
        self._proofs = proofs
        self._app_passwords = app_passwords
        self._verifications = verifications
        self._pages = pages
        self._new_token = new_token

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [
            web.post(STEP_3, self._doorstep.authenticated(self.take)),
            web.get(STEP_3, self._doorstep.authenticated(self.step_3)),
            web.post("/portal/done", self._doorstep.authenticated(self.leave)),
            web.get("/portal/done", self._doorstep.authenticated(self.done)),
        ]

    async def take(self, guest: PortalRequest) -> web.StreamResponse:
        """Take the approval that the page has seen."""
        if guest.visit.session.verification_id is None:
            return self._doorstep.go(next_path(guest.visit))
        return await self.finish(guest, remember=guest.form.get("remember") == "on")

    async def finish(self, guest: PortalRequest, *, remember: bool, recognized: str | None = None) -> web.Response:
        """Go on from the visit's verification, or the one that spared the person it, if it is approved; else back."""
        visit = guest.visit
        verification_id = recognized or str(visit.session.verification_id)
        verification = await self._verifications.show(visit.application, verification_id)
        if verification.status is not Status.APPROVED:
            return self._doorstep.go(VERIFY)
        signing_in = visit.session.page is PortalPage.SIGN_IN
        enrolling = not signing_in and not visit.session.proven and verification.purpose is Purpose.ENROLL
        visit = await self._portal.note(
            visit,
            verification_id=None,
            proven=True,
            approved_id=verification.id,
            finished=signing_in or enrolling,
            owes_password=enrolling and steps_of(visit) == _WITH_PASSWORD,
        )
        if not signing_in:
            return self._doorstep.go(next_path(visit) if enrolling else _settled(visit, verification))
        response = self._last_page(guest.visited(visit), leaving=True)
        if remember and verification.basis is None:
            await self._trust(guest, response)
        return response

    async def step_3(self, guest: PortalRequest) -> web.StreamResponse:
        """Hand over the first app password; it can be seen until the person is done with it."""
        visit = guest.visit
        if not visit.session.owes_password:
            return self._doorstep.go(next_path(visit))
        if not visit.session.sealed_password:
            visit = await self._given_password(guest)
        password = NewAppPassword(self._name(guest), self._portal.unsealed(visit))
        return self._doorstep.show(FinishPage(guest.frame, password, visit.enrollment.user))

    async def leave(self, guest: PortalRequest) -> web.StreamResponse:
        """Show the last page, and go back to the application at once."""
        visit = guest.visit
        if visit.session.verification_id is not None or not visit.session.proven:
            return self._doorstep.go(next_path(visit))
        visit = await self._portal.note(visit, finished=True, owes_password=False, sealed_password=b"")
        return self._last_page(guest.visited(visit), leaving=True)

    async def done(self, guest: PortalRequest) -> web.StreamResponse:
        """Show the last page."""
        if next_path(guest.visit) != DONE:
            return self._doorstep.go(HOME)
        return self._last_page(guest, leaving=False)

    async def _given_password(self, guest: PortalRequest) -> PortalVisit:
        """Make the first app password, unless another tab was faster."""
        visit = guest.visit
        application, enrollment_id = visit.application, visit.enrollment.id
        made = await self._app_passwords.create(
            application, enrollment_id, self._name(guest), visit_began=visit.session.opened_at
        )
        kept, password = made
        try:
            return await self._portal.note(visit, sealed_password=self._portal.sealed(visit, password))
        except PortalVisitChanged:
            await self._app_passwords.delete(application, enrollment_id, kept.id)
            raise

    def _name(self, guest: PortalRequest) -> str:
        return self._pages.texts.translated(guest.frame.locale, FIRST_APP_PASSWORD)

    async def _trust(self, guest: PortalRequest, response: web.Response) -> None:
        visit, secret = guest.visit, self._new_token()
        days = await self._proofs.trust_device(visit.application, visit.enrollment.id, secret, visit.session.opened_at)
        if days:
            seconds = days * (DAY // SECOND)
            self._doorstep.set_cookie(response, secret, device_of(visit), seconds)

    def _last_page(self, guest: PortalRequest, *, leaving: bool) -> web.Response:
        visit = guest.visit
        outcome = {"enrollment_id": visit.enrollment.id}
        if visit.session.approved_id:
            outcome["verification_id"] = visit.session.approved_id
        back = return_address(visit.session, outcome)
        return self._doorstep.show(
            DonePage(guest.frame, visit.session.page, back, leaving=leaving and back is not None)
        )


def _settled(visit: PortalVisit, verification: Verification) -> str:
    if verification.purpose is not Purpose.ENROLL:
        return SETTINGS
    return f"{SETTINGS}?notice={Banner.PHONE_CHANGED if visit.session.changing else Banner.PHONE_ADDED}"
