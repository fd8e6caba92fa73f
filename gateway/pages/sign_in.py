"""Signing in: by the default method, another method, a trusted browser, or a bypass code from the help desk."""

import contextlib

from aiohttp import web

from gateway.domain.commands import Created
from gateway.domain.enrollment import Phone
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.portal import PortalPage
from gateway.domain.recognition import BYPASS_DIGITS
from gateway.domain.verification import Channel, Purpose, Status
from gateway.pages.components import DenialReason, Field, FormError, FormErrorCode, MethodDenial
from gateway.pages.finish import FinishRoutes
from gateway.pages.models import SignInPage
from gateway.pages.navigation import SIGN_IN, VERIFY, may_manage, must_sign_in, next_path
from gateway.pages.number_input import to_ascii_digits
from gateway.pages.portal_requests import PageServices, PortalRequest, PortalSessions
from gateway.pages.views import sign_in_methods
from gateway.services.authentication import Challenge
from gateway.services.portal import PortalVisit


class SignInRoutes:
    """Each handler calls one use case, and shows the next page or redirects to it."""

    def __init__(self, portal_sessions: PortalSessions, services: PageServices, finish_routes: FinishRoutes) -> None:
        self._portal_sessions = portal_sessions
        self._services = services
        self._finish_routes = finish_routes

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        authenticated = self._portal_sessions.authenticated
        return [
            web.get(SIGN_IN, authenticated(self.show_sign_in)),
            web.post(SIGN_IN, authenticated(self.choose_method, follow_continuation=True)),
            web.post(f"{SIGN_IN}/bypass", authenticated(self.use_bypass, follow_continuation=True)),
        ]

    async def begin_sign_in(self, portal_request: PortalRequest) -> web.Response:
        """Recognize a trusted browser, or else text or call the person by their default method."""
        visit = portal_request.visit
        if visit.session.page is PortalPage.SIGN_IN:
            device = self._portal_sessions.trusted_device(portal_request.request, visit)
            created = device and await self._services.authentication.recognize_device(
                visit.application, visit.enrollment.id, device
            )
            if created:
                return await self._finish_recognized(portal_request, created)
        return await self._challenge(portal_request, Challenge(_purpose(visit)))

    async def show_sign_in(self, portal_request: PortalRequest) -> web.StreamResponse:
        """Show the methods of signing in."""
        if not must_sign_in(portal_request.visit) and portal_request.visit.session.verification_id is None:
            return self._portal_sessions.redirect(next_path(portal_request.visit))
        if may_manage(portal_request.visit):
            return self._portal_sessions.redirect(next_path(portal_request.visit))
        return self.sign_in_page(portal_request)

    async def choose_method(self, portal_request: PortalRequest) -> web.StreamResponse:
        """Text or call the person by the method that they chose."""
        if may_manage(portal_request.visit) or portal_request.visit.session.finished:
            return self._portal_sessions.redirect(next_path(portal_request.visit))
        phone_id, _, channel_value = portal_request.form.get("method", "").partition(":")
        phone = _usable_phone(portal_request.visit, phone_id)
        channel = next((channel for channel in Channel if channel == channel_value), None)
        if phone is None or channel is None:
            return self.sign_in_page(portal_request, FormError(FormErrorCode.METHOD_MISSING, Field.METHOD))
        await self._cancel_pending(portal_request.visit)
        try:
            return await self._challenge(portal_request, Challenge(_purpose(portal_request.visit), phone.id, channel))
        except Rejected as rejection:
            return self.sign_in_page(portal_request, rejection)

    async def use_bypass(self, portal_request: PortalRequest) -> web.StreamResponse:
        """Sign the person in with a bypass code from the help desk."""
        visit = portal_request.visit
        if not must_sign_in(visit) and visit.session.verification_id is None:
            return self._portal_sessions.redirect(next_path(visit))
        typed = to_ascii_digits(portal_request.form.get("code", ""))
        code = "".join(character for character in typed if character.isdigit())
        if len(code) != BYPASS_DIGITS:
            return self.sign_in_page(portal_request, FormError(FormErrorCode.BYPASS_WRONG, Field.CODE))
        try:
            created = await self._services.authentication.use_bypass(visit.application, visit.enrollment.id, code)
        except Rejected as rejection:
            if rejection.code is ErrorCode.BYPASS_INVALID:
                return self.sign_in_page(portal_request, FormError(FormErrorCode.BYPASS_WRONG, Field.CODE))
            raise
        await self._cancel_pending(visit)
        return await self._finish_recognized(portal_request, created)

    def sign_in_page(self, portal_request: PortalRequest, error: FormError | Rejected | None = None) -> web.Response:
        """Return the page with the methods of signing in, and the error of the one that was tried."""
        visit = portal_request.visit
        form_error = _form_error(error) if isinstance(error, Rejected) else error
        phones = [phone for phone in visit.enrollment.phones if _usable_phone(visit, phone.id)]
        methods = sign_in_methods(visit.policy, visit.enrollment, phones, portal_request.frame.now)
        return self._portal_sessions.page_response(
            SignInPage(portal_request.frame, methods, errors=(form_error,) if form_error else ())
        )

    async def _challenge(self, portal_request: PortalRequest, challenge: Challenge) -> web.Response:
        visit = portal_request.visit
        created = await self._services.authentication.challenge(
            visit.application, visit.enrollment.id, challenge, None, locale=portal_request.frame.locale
        )
        verification = created.change.verification
        if verification.status is Status.APPROVED:
            return await self._finish_recognized(portal_request, created)
        await self._services.portal.note(visit, verification_id=verification.id)
        return self._portal_sessions.redirect(VERIFY)

    async def _finish_recognized(self, portal_request: PortalRequest, created: Created) -> web.Response:
        return await self._finish_routes.finish_verification(
            portal_request, remember=False, recognized_id=created.change.verification.id
        )

    async def _cancel_pending(self, visit: PortalVisit) -> None:
        """Cancel the verification of this visit, because the person signs in by another method."""
        if visit.session.verification_id is not None:
            with contextlib.suppress(Rejected):
                await self._services.verifications.cancel(visit.application, visit.session.verification_id)


def _usable_phone(visit: PortalVisit, phone_id: str) -> Phone | None:
    """Return a phone that the person can sign in with: a proven one, or an imported one while none is proven."""
    phone = visit.enrollment.phone(phone_id)
    proven = visit.enrollment.proven_phones
    return phone if phone is not None and (phone in proven or not proven) else None


def _purpose(visit: PortalVisit) -> Purpose:
    """Return the purpose of a challenge: changing settings needs its own proof, which no trusted browser replaces."""
    return Purpose.SIGN_IN if visit.session.page is PortalPage.SIGN_IN else Purpose.MANAGE


def _form_error(rejection: Rejected) -> FormError | None:
    """Return the error of a rejection; None for a method that policy forbids, because the page shows its reason."""
    if rejection.code is ErrorCode.RATE_LIMITED:
        return FormError(FormErrorCode.SENDS_USED_UP, Field.METHOD, wait=rejection.retry_after)
    if rejection.code in {ErrorCode.NUMBER_STOPPED, ErrorCode.PIN_NOT_SET, ErrorCode.PIN_LOCKED}:
        return FormError(FormErrorCode.DENIED, Field.METHOD, MethodDenial(DenialReason(rejection.code.value)))
    return None
