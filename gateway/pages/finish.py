"""What follows an approval: step 3 with the first app password, the settings, or the return to the application."""

from aiohttp import web

from gateway.domain.enrollment import PhoneKind
from gateway.domain.limits import DAY, SECOND
from gateway.domain.phones import PHONE_LIMIT
from gateway.domain.policy import Feature, feature_denial
from gateway.domain.portal import PortalPage
from gateway.domain.verification import Purpose, Status, Verification
from gateway.pages.components import Banner, NewAppPassword
from gateway.pages.messages import FIRST_APP_PASSWORD
from gateway.pages.models import DonePage, FinishPage
from gateway.pages.navigation import DONE, FINISH, HOME, SETTINGS, VERIFY, may_manage, next_path
from gateway.pages.portal_requests import PageServices, PortalRequest, PortalSessions, device_cookie
from gateway.pages.rendering import Pages
from gateway.pages.views import step_count
from gateway.security.generators import NewToken
from gateway.services.portal import PortalVisit, PortalVisitChanged, return_address

_WITH_PASSWORD = 3
"""Steps of an enrollment that ends with an app password."""


class FinishRoutes:
    """Accepts approvals. The status is read from the store, never from the browser."""

    def __init__(
        self, portal_sessions: PortalSessions, services: PageServices, pages: Pages, new_token: NewToken
    ) -> None:
        self._portal_sessions = portal_sessions
        self._services = services
        self._pages = pages
        self._new_token = new_token

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [
            web.post(FINISH, self._portal_sessions.authenticated(self.accept_approval)),
            web.get(FINISH, self._portal_sessions.authenticated(self.show_first_app_password)),
            web.post(DONE, self._portal_sessions.authenticated(self.leave_portal)),
            web.get(DONE, self._portal_sessions.authenticated(self.show_done)),
        ]

    async def accept_approval(self, portal_request: PortalRequest) -> web.StreamResponse:
        """Accept the approval that the page has shown, or, in step 3, the wish for an app password."""
        session = portal_request.visit.session
        if session.verification_id is None:
            if session.owes_password and not session.sealed_password and "app_password" in portal_request.form:
                await self._create_first_app_password(portal_request)
            return self._portal_sessions.redirect(next_path(portal_request.visit))
        return await self.finish_verification(portal_request, remember=portal_request.form.get("remember") == "on")

    async def finish_verification(
        self, portal_request: PortalRequest, *, remember: bool, recognized_id: str | None = None
    ) -> web.Response:
        """Continue after the visit's verification if it is approved; redirect back to it otherwise.

        Args:
            portal_request: the request.
            remember: whether to trust this browser from now on.
            recognized_id: the id of an approved verification that took the place of the visit's own.
        """
        visit = portal_request.visit
        verification_id = recognized_id or str(visit.session.verification_id)
        verification = await self._services.verifications.show(visit.application, verification_id)
        if verification.status is not Status.APPROVED:
            return self._portal_sessions.redirect(VERIFY)
        signing_in = visit.session.page is PortalPage.SIGN_IN
        enrolling = not signing_in and not visit.session.proven and verification.purpose is Purpose.ENROLL
        owes_password = enrolling and step_count(visit) == _WITH_PASSWORD
        visit = await self._services.portal.note(
            visit,
            verification_id=None,
            proven=True,
            approved_id=verification.id,
            finished=signing_in or (enrolling and not owes_password and visit.session.return_url is not None),
            at_end=enrolling or visit.session.at_end,
            owes_password=owes_password,
        )
        if not signing_in:
            return self._portal_sessions.redirect(
                next_path(visit) if enrolling else _settings_path(visit, verification)
            )
        response = self._last_page(portal_request.with_visit(visit), leaving=True)
        if remember and verification.basis is None:
            await self._trust_device(portal_request, response)
        return response

    async def show_first_app_password(self, portal_request: PortalRequest) -> web.StreamResponse:
        """Ask whether the person needs an app password; show the one made, until the person leaves this step."""
        visit = portal_request.visit
        if not visit.session.owes_password:
            return self._portal_sessions.redirect(next_path(visit))
        password = None
        if visit.session.sealed_password:
            password = NewAppPassword(self._name(portal_request), self._services.portal.unsealed(visit))
        page = FinishPage(portal_request.frame, password, visit.enrollment.user, can_manage=may_manage(visit))
        return self._portal_sessions.page_response(page)

    async def leave_portal(self, portal_request: PortalRequest) -> web.StreamResponse:
        """Show the next steps, or return to the application at once, which ends the visit."""
        visit = portal_request.visit
        if visit.session.verification_id is not None or not visit.session.proven:
            return self._portal_sessions.redirect(next_path(visit))
        finished = visit.session.finished or visit.session.return_url is not None
        visit = await self._services.portal.note(
            visit, finished=finished, at_end=True, owes_password=False, sealed_password=b""
        )
        return self._last_page(portal_request.with_visit(visit), leaving=True)

    async def show_done(self, portal_request: PortalRequest) -> web.StreamResponse:
        """Show the next steps."""
        if next_path(portal_request.visit) != DONE:
            return self._portal_sessions.redirect(HOME)
        return self._last_page(portal_request, leaving=False)

    async def _create_first_app_password(self, portal_request: PortalRequest) -> PortalVisit:
        """Create the first app password; raises PortalVisitChanged if another tab was faster."""
        visit = portal_request.visit
        application, enrollment_id = visit.application, visit.enrollment.id
        created = await self._services.app_passwords.create(
            application, enrollment_id, self._name(portal_request), visit_began=visit.session.opened_at
        )
        app_password, password = created
        try:
            sealed_password = self._services.portal.sealed(visit, password)
            return await self._services.portal.note(visit, sealed_password=sealed_password)
        except PortalVisitChanged:
            await self._services.app_passwords.delete(application, enrollment_id, app_password.id)
            raise

    def _name(self, portal_request: PortalRequest) -> str:
        return self._pages.translations.gettext(portal_request.frame.locale, FIRST_APP_PASSWORD)

    async def _trust_device(self, portal_request: PortalRequest, response: web.Response) -> None:
        visit, secret = portal_request.visit, self._new_token()
        days = await self._services.authentication.trust_device(
            visit.application, visit.enrollment.id, secret, visit.session.opened_at
        )
        if days:
            seconds = days * (DAY // SECOND)
            self._portal_sessions.set_cookie(response, secret, device_cookie(visit), seconds)

    def _last_page(self, portal_request: PortalRequest, *, leaving: bool) -> web.Response:
        visit = portal_request.visit
        outcome = {"enrollment_id": visit.enrollment.id}
        if visit.session.approved_id:
            outcome["verification_id"] = visit.session.approved_id
        return_url = return_address(visit.session, outcome)
        can_manage = may_manage(visit)
        kinds = visit.policy.phone_kinds if can_manage and len(visit.enrollment.phones) < PHONE_LIMIT else ()
        page = DonePage(
            portal_request.frame,
            visit.session.page,
            return_url,
            leaving=leaving and return_url is not None,
            can_manage=can_manage,
            can_add=PhoneKind.ALTERNATE if PhoneKind.ALTERNATE in kinds else next(iter(kinds), None),
            app_passwords=can_manage and feature_denial(visit.policy, Feature.APP_PASSWORDS) is None,
        )
        return self._portal_sessions.page_response(page)


def _settings_path(visit: PortalVisit, verification: Verification) -> str:
    if verification.purpose is not Purpose.ENROLL:
        return SETTINGS
    return f"{SETTINGS}?notice={Banner.PHONE_CHANGED if visit.session.changing else Banner.PHONE_ADDED}"
