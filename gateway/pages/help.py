"""The help page: answers that use the state of the person's record and last attempt."""

from aiohttp import web

from gateway.domain.enrollment import Enrollment
from gateway.domain.errors import Rejected
from gateway.domain.ivr.call_phase import call_phase
from gateway.domain.ivr.keypad import Keypad
from gateway.domain.limits import SECOND
from gateway.domain.policy import Feature, feature_denial
from gateway.domain.portal import PortalPage
from gateway.domain.verification import Status, Verification
from gateway.pages.models import AppPasswordSummary, HelpPage, LastAttempt
from gateway.pages.navigation import may_manage
from gateway.pages.portal_requests import PageServices, PortalRequest, PortalSessions
from gateway.pages.views import delivery_state, key_to_press, mask_number
from gateway.services.portal import PortalVisit


class HelpRoutes:
    """Shows help, to people who are blocked, too."""

    def __init__(self, portal_sessions: PortalSessions, services: PageServices, keypad: Keypad) -> None:
        self._portal_sessions = portal_sessions
        self._services = services
        self._keypad = keypad

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [web.get("/portal/help", self._portal_sessions.authenticated(self.show_help, even_blocked=True))]

    async def show_help(self, portal_request: PortalRequest) -> web.StreamResponse:
        """Show the help page."""
        visit, now = portal_request.visit, portal_request.frame.now
        enrollment = visit.enrollment
        verification = await self._last_verification(visit)
        proof = enrollment.last_proof
        cached = proof is not None and visit.policy.proof_cache and now - proof.at < visit.policy.proof_cache * SECOND
        page = HelpPage(
            portal_request.frame,
            PortalPage.SETTINGS if may_manage(visit) else visit.session.page,
            last=None
            if verification is None or not verification.attempts
            else _last_attempt(verification, self._keypad),
            proven_phones=len(enrollment.proven_phones),
            blocked=enrollment.blocked(now),
            blocked_until=enrollment.block.until if enrollment.block else None,
            recognized_until=await self._recognized_until(portal_request),
            recent_proof_at=proof.at if proof and cached else None,
            app_passwords=_app_password_summary(visit, enrollment, now),
        )
        return self._portal_sessions.page_response(page)

    async def _last_verification(self, visit: PortalVisit) -> Verification | None:
        """Return the verification of this visit, or else the last one that ended."""
        outcome = visit.enrollment.last_outcome
        verification_id = visit.session.verification_id or (outcome and outcome.verification_id)
        if not verification_id:
            return None
        try:
            return await self._services.verifications.show(visit.application, verification_id)
        except Rejected:  # deleted at the end of its retention
            return None

    async def _recognized_until(self, portal_request: PortalRequest) -> int | None:
        secret = self._portal_sessions.trusted_device(portal_request.request, portal_request.visit)
        if secret is None or not portal_request.visit.policy.remember_device_days:
            return None
        visit = portal_request.visit
        return await self._services.authentication.trusted_until(visit.application, visit.enrollment.id, secret)


def _last_attempt(verification: Verification, keypad: Keypad) -> LastAttempt:
    attempt = verification.attempts[-1]
    failure = None if verification.status is Status.APPROVED else verification.failure or attempt.failure
    return LastAttempt(
        attempt.channel,
        mask_number(verification.number),
        attempt.created_at,
        delivery_state(attempt),
        verification.status,
        failure.code if failure else None,
        key_to_press(attempt, keypad),
        call_phase(verification),
        attempt.mode,
        verification.match_digits,
    )


def _app_password_summary(visit: PortalVisit, enrollment: Enrollment, now: int) -> AppPasswordSummary | None:
    enabled = feature_denial(visit.policy, Feature.APP_PASSWORDS) is None
    app_passwords = enrollment.app_passwords
    if not enabled and not app_passwords:
        return None
    expired = sum(row.expires_at is not None and row.expires_at <= now for row in app_passwords)
    last_used_at = max((row.last_used_at for row in app_passwords if row.last_used_at is not None), default=None)
    return AppPasswordSummary(enabled, len(app_passwords) - expired, last_used_at, expired)
