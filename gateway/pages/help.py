"""Help that uses what is known about the person's last attempts."""

from aiohttp import web

from gateway.domain.enrollment import Enrollment
from gateway.domain.errors import Rejected
from gateway.domain.ivr.keypad import Keypad
from gateway.domain.limits import SECOND
from gateway.domain.policy import Feature, feature_denial
from gateway.domain.portal import PortalPage
from gateway.domain.verification import Status, Verification
from gateway.pages.models import AppPasswordFacts, HelpPage, LastAttempt
from gateway.pages.navigation import may_settle
from gateway.pages.portal_requests import PortalRequest, PortalSessions
from gateway.pages.views import delivery_of, key_of, masked
from gateway.services.authentication import Authentication
from gateway.services.portal import PortalVisit
from gateway.services.verifications import Verifications


class HelpRoutes:
    """Shown to who visits, blocked or not."""

    def __init__(
        self, doorstep: PortalSessions, proofs: Authentication, verifications: Verifications, keypad: Keypad
    ) -> None:
        self._doorstep = doorstep
        self._proofs = proofs
        self._verifications = verifications
        self._keypad = keypad

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [web.get("/portal/help", self._doorstep.authenticated(self.show, even_blocked=True))]

    async def show(self, guest: PortalRequest) -> web.StreamResponse:
        """Show the answers."""
        visit, now = guest.visit, guest.frame.now
        enrollment = visit.enrollment
        verification = await self._latest(visit)
        proof = enrollment.last_proof
        cached = proof is not None and visit.policy.proof_cache and now - proof.at < visit.policy.proof_cache * SECOND
        page = HelpPage(
            guest.frame,
            PortalPage.SETTINGS if may_settle(visit) else visit.session.page,
            last=None if verification is None or not verification.attempts else _last(verification, self._keypad),
            proven_phones=len(enrollment.proven_phones),
            blocked=enrollment.blocked(now),
            blocked_until=enrollment.block.until if enrollment.block else None,
            recognized_until=await self._recognized_until(guest),
            recent_proof_at=proof.at if proof and cached else None,
            app_passwords=_app_passwords(visit, enrollment, now),
        )
        return self._doorstep.show(page)

    async def _latest(self, visit: PortalVisit) -> Verification | None:
        """Return the verification of this visit, or the last one that ended."""
        outcome = visit.enrollment.last_outcome
        latest = visit.session.verification_id or (outcome and outcome.verification_id)
        if not latest:
            return None
        try:
            return await self._verifications.show(visit.application, latest)
        except Rejected:  # no longer kept
            return None

    async def _recognized_until(self, guest: PortalRequest) -> int | None:
        secret = self._doorstep.trusted_device(guest.request, guest.visit)
        if secret is None or not guest.visit.policy.remember_device_days:
            return None
        return await self._proofs.trusted_until(guest.visit.application, guest.visit.enrollment.id, secret)


def _last(verification: Verification, keypad: Keypad) -> LastAttempt:
    attempt = verification.attempts[-1]
    failure = None if verification.status is Status.APPROVED else verification.failure or attempt.failure
    return LastAttempt(
        attempt.channel,
        masked(verification.number),
        attempt.created_at,
        delivery_of(attempt),
        verification.status,
        failure.code if failure else None,
        key_of(attempt, keypad),
    )


def _app_passwords(visit: PortalVisit, enrollment: Enrollment, now: int) -> AppPasswordFacts | None:
    enabled = feature_denial(visit.policy, Feature.APP_PASSWORDS) is None
    kept = enrollment.app_passwords
    if not enabled and not kept:
        return None
    ended = sum(one.expires_at is not None and one.expires_at <= now for one in kept)
    last_used = max((one.last_used_at for one in kept if one.last_used_at is not None), default=None)
    return AppPasswordFacts(enabled, len(kept) - ended, last_used, ended)
