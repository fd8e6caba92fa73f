"""Step 2 and the challenge at sign-in: shows the delivery state, checks the code, sends again, cancels."""

from http import HTTPStatus

import msgspec
from aiohttp import web

from gateway.clock import Clock
from gateway.domain.enrollment import PhoneKind
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.ivr.call_phase import call_phase
from gateway.domain.ivr.keypad import Keypad
from gateway.domain.limits import SECOND, Limits
from gateway.domain.portal import PortalPage
from gateway.domain.verification import Channel, FailureCode, Mode, Purpose, Status, Verification
from gateway.pages.components import Banner, DenialReason, Field, FormError, FormErrorCode, MethodDenial, Stage
from gateway.pages.finish import FinishRoutes
from gateway.pages.models import VerifyPage
from gateway.pages.navigation import ENROLL, SETTINGS, SIGN_IN, VERIFY, is_continued, may_offer_phone, next_path
from gateway.pages.number_input import to_ascii_digits
from gateway.pages.portal_requests import PageServices, PortalRequest, PortalSessions
from gateway.pages.rendering import Pages
from gateway.pages.views import (
    delivery_state,
    key_to_press,
    mask_number,
    refusing_key,
    resend_options,
    step_count,
)
from gateway.services.authentication import Challenge, NewPhone
from gateway.services.portal import PortalVisit

_WAIT_SECONDS = 25.0  # below the usual timeouts of proxies (30 s and more)
_HIGHEST_REVISION = 1_000_000_000


class VerifyRoutes:
    """Each handler calls one use case, and shows the next page or redirects to it."""

    def __init__(
        self,
        portal_sessions: PortalSessions,
        services: PageServices,
        finish_routes: FinishRoutes,
        pages: Pages,
        limits: Limits,
        clock: Clock,
        keypad: Keypad,
    ) -> None:
        self._portal_sessions = portal_sessions
        self._services = services
        self._finish_routes = finish_routes
        self._pages = pages
        self._limits = limits
        self._clock = clock
        self._keypad = keypad

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        authenticated = self._portal_sessions.authenticated
        return [
            web.get(VERIFY, authenticated(self.show_verification, follow_continuation=True)),
            web.get(f"{VERIFY}/state", authenticated(self.poll_state)),
            web.post(VERIFY, authenticated(self.check_code, follow_continuation=True)),
            web.post("/portal/resend", authenticated(self.resend, follow_continuation=True)),
            web.post("/portal/cancel", authenticated(self.cancel_verification, follow_continuation=True)),
        ]

    async def show_verification(self, portal_request: PortalRequest) -> web.StreamResponse:
        """Show the delivery state of the text or call, and the field for the code."""
        if portal_request.visit.session.verification_id is None:
            return self._portal_sessions.redirect(next_path(portal_request.visit))
        if await self._is_overtaken(portal_request.visit):
            return await self.cancel_verification(portal_request)
        return await self._verification_page(portal_request)

    async def poll_state(self, portal_request: PortalRequest) -> web.StreamResponse:
        """Wait for a revision after the one in the query, and answer with the live region of the page.

        Answers 204 if nothing changes within 25 seconds, and 410 if the page is outdated and must be loaded again.
        """
        verification_id = portal_request.visit.session.verification_id
        if verification_id is None:
            return web.Response(status=HTTPStatus.GONE.value)
        text = portal_request.request.query.get("revision", "")
        revision = int(text) if text.isascii() and text.isdigit() and len(text) < len(str(_HIGHEST_REVISION)) else 0
        verification = await self._services.verifications.wait(
            portal_request.visit.application, verification_id, revision, _WAIT_SECONDS
        )
        if verification.revision <= revision:
            return web.Response(status=HTTPStatus.NO_CONTENT.value)
        if is_continued(verification):
            return web.Response(status=HTTPStatus.GONE.value)
        page = self._page_model(portal_request, verification)
        response = self._portal_sessions.html_response(self._pages.render_state(page))
        response.headers["Poundkey-Revision"] = str(verification.revision)
        response.headers["Poundkey-Status"] = _STATUSES.get(verification.status, "ended")
        response.headers["Poundkey-Shape"] = page.shape
        return response

    async def check_code(self, portal_request: PortalRequest) -> web.StreamResponse:
        """Check the code that was typed."""
        visit = portal_request.visit
        if visit.session.verification_id is None:
            return self._portal_sessions.redirect(next_path(visit))
        if await self._is_overtaken(visit):
            return await self.cancel_verification(portal_request)
        typed = to_ascii_digits(portal_request.form.get("code", ""))
        if not typed.strip():
            return await self._verification_page(portal_request, FormError(FormErrorCode.CODE_MISSING, Field.CODE))
        try:
            verification, valid = await self._services.verifications.check(
                visit.application, visit.session.verification_id, typed
            )
        except Rejected as rejection:
            return await self._verification_page(portal_request, _code_error(rejection))
        if valid:
            return await self._finish_routes.finish_verification(
                portal_request, remember=portal_request.form.get("remember") == "on"
            )
        pending = verification.status is Status.PENDING
        return await self._verification_page(
            portal_request, FormError(FormErrorCode.CODE_WRONG, Field.CODE) if pending else None
        )

    async def resend(self, portal_request: PortalRequest) -> web.StreamResponse:
        """Text or call again; if the verification has ended, start a new one with the same phone."""
        visit = portal_request.visit
        channel = next((channel for channel in Channel if channel == portal_request.form.get("channel")), None)
        if visit.session.verification_id is None or channel is None:
            return self._portal_sessions.redirect(next_path(visit))
        if await self._is_overtaken(visit):
            return await self.cancel_verification(portal_request)
        verification = await self._services.verifications.show(visit.application, visit.session.verification_id)
        try:
            if verification.status is Status.PENDING:
                await self._services.verifications.resend(visit.application, verification.id, channel, None, None)
            else:
                await self._start_again(portal_request, verification, channel)
        except Rejected as rejection:
            return await self._verification_page(portal_request, _send_error(rejection))
        if all(attempt.channel is not channel for attempt in verification.attempts):
            return self._portal_sessions.redirect(VERIFY)  # the first text or call: "again" would be wrong
        banner = Banner.CODE_SENT_AGAIN if channel is Channel.SMS else Banner.CALLING_AGAIN
        return self._portal_sessions.redirect(f"{VERIFY}?notice={banner}")

    async def cancel_verification(self, portal_request: PortalRequest) -> web.StreamResponse:
        """Cancel the verification, and go back to the choice of a phone; finish it instead if it is approved."""
        visit = portal_request.visit
        verification_id = visit.session.verification_id
        if verification_id is None:
            return self._portal_sessions.redirect(next_path(visit))
        verification = await self._services.verifications.show(visit.application, verification_id)
        if verification.status is Status.APPROVED:
            return await self._finish_routes.finish_verification(portal_request, remember=False)
        visit = await self._services.portal.note(visit, verification_id=None)  # first: canceling wakes other tabs
        if verification.status is Status.PENDING:
            try:
                await self._services.verifications.cancel(visit.application, verification_id)
            except Rejected:
                verification = await self._services.verifications.show(visit.application, verification_id)
                if verification.status is Status.APPROVED:
                    return await self._finish_routes.finish_verification(
                        portal_request.with_visit(visit), remember=False, recognized_id=verification_id
                    )
        if verification.purpose is not Purpose.ENROLL:
            return self._portal_sessions.redirect(SIGN_IN)
        return self._portal_sessions.redirect(SETTINGS if visit.session.proven else ENROLL)

    async def _is_overtaken(self, visit: PortalVisit) -> bool:
        """Tell whether the person's first phone was proven in another visit, while this visit was proving another one.

        A visit that has not signed in may add no phone to a proven one: two people may have a link.
        """
        verification = await self._services.verifications.show(visit.application, str(visit.session.verification_id))
        phone = visit.enrollment.phone_at(verification.number, verification.extension)
        is_enrolling = verification.purpose is Purpose.ENROLL and (phone is None or phone.verified_at is None)
        return is_enrolling and not may_offer_phone(visit)

    async def _start_again(self, portal_request: PortalRequest, ended: Verification, channel: Channel) -> None:
        """Start a verification that replaces one that has ended."""
        visit = portal_request.visit
        phone = visit.enrollment.phone_at(ended.number, ended.extension)
        if ended.purpose is Purpose.ENROLL:
            kind = phone.kind if phone else PhoneKind.AUTHENTICATION
            replaces = phone.replaces if phone else None
            new_phone = NewPhone(
                kind, ended.number, channel, None, ended.extension, replaces, first=not visit.session.proven
            )
            created = await self._services.authentication.offer_phone(
                visit.application, visit.enrollment.id, new_phone, None, locale=portal_request.frame.locale
            )
        else:
            challenge = Challenge(ended.purpose, phone.id if phone else None, channel)
            created = await self._services.authentication.challenge(
                visit.application, visit.enrollment.id, challenge, None, locale=portal_request.frame.locale
            )
        await self._services.portal.note(visit, verification_id=created.change.verification.id)

    async def _verification_page(self, portal_request: PortalRequest, error: FormError | None = None) -> web.Response:
        application = portal_request.visit.application
        verification = await self._services.verifications.show(
            application, str(portal_request.visit.session.verification_id)
        )
        page = self._page_model(portal_request, verification, error)
        if verification.continues is not None:
            previous = await self._services.verifications.show(application, verification.continues)
            page = msgspec.structs.replace(page, previous_failure=_failure_code(previous))
        return self._portal_sessions.page_response(page)

    def _page_model(
        self, portal_request: PortalRequest, verification: Verification, error: FormError | None = None
    ) -> VerifyPage:
        visit, now = portal_request.visit, self._clock()
        attempt = verification.attempts[-1]
        pending = verification.status is Status.PENDING
        phone = visit.enrollment.phone_at(verification.number, verification.extension)
        kind = phone.kind if phone else PhoneKind.AUTHENTICATION
        code_was_sent = any(attempt.carries_code for attempt in verification.attempts)
        signing_in = verification.purpose is not Purpose.ENROLL
        asks_digits = attempt.mode is Mode.MATCH and pending
        asks_pin = attempt.mode is Mode.PIN
        refused_with = refusing_key(verification, self._keypad)
        page = VerifyPage(
            portal_request.frame,
            _purpose(visit, verification),
            verification.status,
            verification.revision,
            attempt.channel,
            mask_number(verification.number),
            delivery_state(attempt),
            mode=attempt.mode,
            call_phase=call_phase(verification) if attempt.channel is Channel.CALL else None,
            failure=_failure_code(verification),
            checks_left=verification.checks_left,
            code_length=verification.code_length if code_was_sent else None,
            code_was_texted=any(attempt.channel is Channel.SMS for attempt in verification.attempts),
            match_digits=verification.match_digits if asks_digits else None,
            asks_new_pin=asks_pin and visit.enrollment.pin is not None and visit.enrollment.pin.must_change,
            key=key_to_press(attempt, self._keypad),
            resend_options=() if refused_with else resend_options(visit, verification, kind, self._limits, now),
            expires_in=max(0, (verification.expires_at - now) // SECOND),
            errors=(error,) if error else (),
            remember_days=visit.policy.remember_device_days or None if signing_in else None,
            remember=portal_request.form.get("remember") == "on",
            other_methods=signing_in,
            steps=step_count(visit),
            refused_with=refused_with,
        )
        if pending and page.stage is not Stage.FAILED:
            return page
        return msgspec.structs.replace(page, frame=msgspec.structs.replace(page.frame, banner=None))


_STATUSES = {Status.PENDING: "pending", Status.APPROVED: "approved"}


def _failure_code(verification: Verification) -> FailureCode | None:
    failure = verification.failure or verification.attempts[-1].failure
    return failure.code if failure else None


def _purpose(visit: PortalVisit, verification: Verification) -> PortalPage:
    """Return which page the verification belongs to: a sign-in comes first, whatever the link is for."""
    if verification.purpose is not Purpose.ENROLL:
        return PortalPage.SIGN_IN
    return PortalPage.SETTINGS if visit.session.proven else PortalPage.ENROLL


def _send_error(rejection: Rejected) -> FormError | None:
    """Return why nothing was sent; None if the verification has ended, because the page shows its status."""
    match rejection.code:
        case ErrorCode.RATE_LIMITED:
            return FormError(FormErrorCode.SENDS_USED_UP, wait=rejection.retry_after)
        case ErrorCode.PIN_NOT_SET | ErrorCode.PIN_LOCKED:
            return FormError(FormErrorCode.DENIED, denial=MethodDenial(DenialReason(rejection.code.value)))
        case ErrorCode.VERIFICATION_FINISHED:
            return None
    raise rejection


def _code_error(rejection: Rejected) -> FormError | None:
    """Return what is wrong with a code; None if the verification has ended, because the page shows its status."""
    match rejection.code:
        case ErrorCode.CODE_MALFORMED:
            return FormError(FormErrorCode.CODE_MALFORMED, Field.CODE)
        case ErrorCode.RATE_LIMITED:
            return FormError(FormErrorCode.TRY_LATER, Field.CODE, wait=rejection.retry_after)
        case ErrorCode.VERIFICATION_FINISHED | ErrorCode.NO_CODE_SENT:
            return None
    raise rejection
