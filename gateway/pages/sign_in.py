"""Signing in: by the default method, another way, in a browser that is trusted, or with a code from the help desk."""

import contextlib

from aiohttp import web

from gateway.domain.commands import Created
from gateway.domain.enrollment import Phone
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.portal import PortalPage
from gateway.domain.recognition import BYPASS_DIGITS
from gateway.domain.verification import Channel, Purpose, Status
from gateway.pages.components import DenialReason, Field, FormError, FormErrorCode, MethodDenied
from gateway.pages.finish import FinishRoutes
from gateway.pages.follow_continuation import FollowContinuation
from gateway.pages.models import SignInPage
from gateway.pages.navigation import VERIFY, may_settle, must_prove, next_path
from gateway.pages.number_input import plain
from gateway.pages.portal_requests import PortalRequest, PortalSessions
from gateway.pages.views import methods_of
from gateway.services.authentication import Authentication, Challenge
from gateway.services.portal import Portal, PortalVisit
from gateway.services.verifications import Verifications


class SignInRoutes:
    """Each handler makes one journey and shows, or leads to, the next page."""

    def __init__(
        self,
        doorstep: PortalSessions,
        portal: Portal,
        proofs: Authentication,
        verifications: Verifications,
        finishing: FinishRoutes,
        following: FollowContinuation,
    ) -> None:
        self._doorstep = doorstep
        self._portal = portal
        self._proofs = proofs
        self._verifications = verifications
        self._finishing = finishing
        self._following = following

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [
            web.get("/portal/sign-in", self._doorstep.authenticated(self.show)),
            web.post("/portal/sign-in", self._doorstep.authenticated(self._following.then(self.choose))),
            web.post("/portal/sign-in/bypass", self._doorstep.authenticated(self._following.then(self.bypass))),
        ]

    async def begin(self, guest: PortalRequest) -> web.Response:
        """Spare the person a proof if something stands in for one, else reach them by their default method."""
        visit = guest.visit
        if visit.session.page is PortalPage.SIGN_IN:
            device = self._doorstep.trusted_device(guest.request, visit)
            known = device and await self._proofs.recognize_device(visit.application, visit.enrollment.id, device)
            if known:
                return await self._recognized(guest, known)
        return await self._challenged(guest, Challenge(_purpose(visit)))

    async def show(self, guest: PortalRequest) -> web.StreamResponse:
        """Show the ways to sign in."""
        if not must_prove(guest.visit) and guest.visit.session.verification_id is None:
            return self._doorstep.go(next_path(guest.visit))
        if may_settle(guest.visit):
            return self._doorstep.go(next_path(guest.visit))
        return self.page(guest)

    async def choose(self, guest: PortalRequest) -> web.StreamResponse:
        """Reach the person in the way they chose."""
        if may_settle(guest.visit) or guest.visit.session.finished:
            return self._doorstep.go(next_path(guest.visit))
        phone_id, _, word = guest.form.get("method", "").partition(":")
        phone = _usable(guest.visit, phone_id)
        channel = next((channel for channel in Channel if channel == word), None)
        if phone is None or channel is None:
            return self.page(guest, FormError(FormErrorCode.METHOD_MISSING, Field.METHOD))
        await self._drop_pending(guest.visit)
        try:
            return await self._challenged(guest, Challenge(_purpose(guest.visit), phone.id, channel))
        except Rejected as refusal:
            return self.page(guest, refusal)

    async def bypass(self, guest: PortalRequest) -> web.StreamResponse:
        """Let the person in with a code that an operator granted."""
        visit = guest.visit
        if not must_prove(visit) and visit.session.verification_id is None:
            return self._doorstep.go(next_path(visit))
        typed = plain(guest.form.get("code", ""))
        code = "".join(letter for letter in typed if letter.isdigit())
        if len(code) != BYPASS_DIGITS:
            return self.page(guest, FormError(FormErrorCode.BYPASS_WRONG, Field.CODE))
        try:
            known = await self._proofs.use_bypass(visit.application, visit.enrollment.id, code)
        except Rejected as refusal:
            if refusal.code is ErrorCode.BYPASS_INVALID:
                return self.page(guest, FormError(FormErrorCode.BYPASS_WRONG, Field.CODE))
            raise
        await self._drop_pending(visit)
        return await self._recognized(guest, known)

    def page(self, guest: PortalRequest, wrong: FormError | Rejected | None = None) -> web.Response:
        """Show the ways to sign in, and what was wrong with the one that was tried."""
        visit = guest.visit
        error = _error(wrong) if isinstance(wrong, Rejected) else wrong
        phones = [phone for phone in visit.enrollment.phones if _usable(visit, phone.id)]
        methods = methods_of(visit.policy, visit.enrollment, phones, guest.frame.now)
        return self._doorstep.show(SignInPage(guest.frame, methods, errors=(error,) if error else ()))

    async def _challenged(self, guest: PortalRequest, challenge: Challenge) -> web.Response:
        visit = guest.visit
        begun = await self._proofs.challenge(
            visit.application, visit.enrollment.id, challenge, None, locale=guest.frame.locale
        )
        verification = begun.change.verification
        if verification.status is Status.APPROVED:
            return await self._recognized(guest, begun)
        await self._portal.note(visit, verification_id=verification.id)
        return self._doorstep.go(VERIFY)

    async def _recognized(self, guest: PortalRequest, known: Created) -> web.Response:
        return await self._finishing.finish(guest, remember=False, recognized=known.change.verification.id)

    async def _drop_pending(self, visit: PortalVisit) -> None:
        """Another way is taken: what the person was in the middle of is over."""
        if visit.session.verification_id is not None:
            with contextlib.suppress(Rejected):
                await self._verifications.cancel(visit.application, visit.session.verification_id)


def _usable(visit: PortalVisit, phone_id: str) -> Phone | None:
    """Return a phone by which the person can sign in: a proven one; before there is any, an imported one."""
    phone = visit.enrollment.phone(phone_id)
    proven = visit.enrollment.proven_phones
    return phone if phone is not None and (phone in proven or not proven) else None


def _purpose(visit: PortalVisit) -> Purpose:
    """Only a sign-in may be spared, or be taken for one: what is changed in the settings needs a proof of its own."""
    return Purpose.SIGN_IN if visit.session.page is PortalPage.SIGN_IN else Purpose.MANAGE


def _error(refusal: Rejected) -> FormError | None:
    """Say what is wrong; a way that policy forbids says so itself, where it stands greyed out."""
    if refusal.code is ErrorCode.RATE_LIMITED:
        return FormError(FormErrorCode.SENDS_USED_UP, Field.METHOD, wait=refusal.retry_after)
    if refusal.code in {ErrorCode.NUMBER_STOPPED, ErrorCode.PIN_NOT_SET, ErrorCode.PIN_LOCKED}:
        return FormError(FormErrorCode.DENIED, Field.METHOD, MethodDenied(DenialReason(refusal.code.value)))
    return None
