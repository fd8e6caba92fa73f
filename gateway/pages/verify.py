"""Step 2 and the challenge at sign-in: the code is typed or # is pressed, and the page says how far it got."""

from http import HTTPStatus

import msgspec
from aiohttp import web

from gateway.clock import Clock
from gateway.domain.enrollment import PhoneKind
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.keypad import Keypad
from gateway.domain.limits import SECOND, Limits
from gateway.domain.portal import PortalPage
from gateway.domain.verification import Channel, FailureCode, Mode, Purpose, Status, Verification
from gateway.pages.components import Banner, DenialReason, Field, FormError, FormErrorCode, MethodDenied
from gateway.pages.finish import FinishRoutes
from gateway.pages.follow_continuation import FollowContinuation, has_gone_on
from gateway.pages.models import VerifyPage
from gateway.pages.navigation import ENROLL, SETTINGS, SIGN_IN, VERIFY, may_offer_phone, next_path
from gateway.pages.number_input import plain
from gateway.pages.portal_requests import PortalRequest, PortalSessions
from gateway.pages.rendering import Pages
from gateway.pages.views import delivery_of, key_of, masked, steps_of, ways_of
from gateway.services.authentication import Authentication, Challenge, NewPhone
from gateway.services.portal import Portal, PortalVisit
from gateway.services.verifications import Verifications

_LONGEST_WAIT = 25.0  # seconds; below the patience of every proxy
_HIGHEST_REVISION = 1_000_000_000


class VerifyRoutes:
    """Each handler makes one journey and shows, or leads to, the next page."""

    def __init__(
        self,
        doorstep: PortalSessions,
        portal: Portal,
        proofs: Authentication,
        verifications: Verifications,
        finishing: FinishRoutes,
        following: FollowContinuation,
        pages: Pages,
        limits: Limits,
        clock: Clock,
        keypad: Keypad,
    ) -> None:
        self._doorstep = doorstep
        self._portal = portal
        self._proofs = proofs
        self._verifications = verifications
        self._finishing = finishing
        self._following = following
        self._pages = pages
        self._limits = limits
        self._clock = clock
        self._keypad = keypad

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        then = self._following.then
        return [
            web.get(VERIFY, self._doorstep.authenticated(then(self.show))),
            web.get("/portal/verify/state", self._doorstep.authenticated(self.state)),
            web.post(VERIFY, self._doorstep.authenticated(then(self.check))),
            web.post("/portal/resend", self._doorstep.authenticated(then(self.resend))),
            web.post("/portal/cancel", self._doorstep.authenticated(then(self.cancel))),
        ]

    async def show(self, guest: PortalRequest) -> web.StreamResponse:
        """Show how far the text or the call got, and the field for the code."""
        if guest.visit.session.verification_id is None:
            return self._doorstep.go(next_path(guest.visit))
        return await self.cancel(guest) if await self._overtaken(guest.visit) else await self._page(guest)

    async def state(self, guest: PortalRequest) -> web.StreamResponse:
        """Answer with the page's live region once there is something new to tell, or with nothing after a while.

        Where another phone is called by now, there is another page to show, and this one is gone.
        """
        verification_id = guest.visit.session.verification_id
        if verification_id is None:
            return web.Response(status=HTTPStatus.GONE.value)
        seen = guest.request.query.get("revision", "")
        revision = int(seen) if seen.isascii() and seen.isdigit() and len(seen) < len(str(_HIGHEST_REVISION)) else 0
        verification = await self._verifications.wait(guest.visit.application, verification_id, revision, _LONGEST_WAIT)
        if verification.revision <= revision:
            return web.Response(status=HTTPStatus.NO_CONTENT.value)
        if has_gone_on(verification):
            return web.Response(status=HTTPStatus.GONE.value)
        page = self._model(guest, verification)
        response = self._doorstep.html(self._pages.render_state(page))
        response.headers["Poundkey-Revision"] = str(verification.revision)
        response.headers["Poundkey-Status"] = _STATES.get(verification.status, "ended")
        response.headers["Poundkey-Shape"] = page.shape
        return response

    async def check(self, guest: PortalRequest) -> web.StreamResponse:
        """Judge the code that was typed."""
        visit = guest.visit
        if visit.session.verification_id is None:
            return self._doorstep.go(next_path(visit))
        if await self._overtaken(visit):
            return await self.cancel(guest)
        typed = plain(guest.form.get("code", ""))
        if not typed.strip():
            return await self._page(guest, FormError(FormErrorCode.CODE_MISSING, Field.CODE))
        try:
            verification, valid = await self._verifications.check(
                visit.application, visit.session.verification_id, typed
            )
        except Rejected as refusal:
            return await self._page(guest, _code_error(refusal))
        if valid:
            return await self._finishing.finish(guest, remember=guest.form.get("remember") == "on")
        pending = verification.status is Status.PENDING
        return await self._page(guest, FormError(FormErrorCode.CODE_WRONG, Field.CODE) if pending else None)

    async def resend(self, guest: PortalRequest) -> web.StreamResponse:
        """Text or call again; where the verification has ended, begin anew with the same phone."""
        visit = guest.visit
        channel = next((channel for channel in Channel if channel == guest.form.get("channel")), None)
        if visit.session.verification_id is None or channel is None:
            return self._doorstep.go(next_path(visit))
        if await self._overtaken(visit):
            return await self.cancel(guest)
        verification = await self._verifications.show(visit.application, visit.session.verification_id)
        try:
            if verification.status is Status.PENDING:
                await self._verifications.resend(visit.application, verification.id, channel, None, None)
            else:
                await self._anew(guest, verification, channel)
        except Rejected as refusal:
            return await self._page(guest, _send_error(refusal))
        if all(attempt.channel is not channel for attempt in verification.attempts):
            return self._doorstep.go(VERIFY)  # the first of its kind: nothing is done again
        said = Banner.CODE_SENT_AGAIN if channel is Channel.SMS else Banner.CALLING_AGAIN
        return self._doorstep.go(f"{VERIFY}?notice={said}")

    async def cancel(self, guest: PortalRequest) -> web.StreamResponse:
        """Give up this verification, and go back to where a phone is named or chosen; what is approved is taken."""
        visit = guest.visit
        verification_id = visit.session.verification_id
        if verification_id is None:
            return self._doorstep.go(next_path(visit))
        verification = await self._verifications.show(visit.application, verification_id)
        if verification.status is Status.APPROVED:
            return await self._finishing.finish(guest, remember=False)
        visit = await self._portal.note(visit, verification_id=None)  # first: the cancel wakes the visit's other tabs
        if verification.status is Status.PENDING:
            try:
                await self._verifications.cancel(visit.application, verification_id)
            except Rejected:
                if (await self._verifications.show(visit.application, verification_id)).status is Status.APPROVED:
                    return await self._finishing.finish(
                        guest.visited(visit), remember=False, recognized=verification_id
                    )
        if verification.purpose is not Purpose.ENROLL:
            return self._doorstep.go(SIGN_IN)
        return self._doorstep.go(SETTINGS if visit.session.proven else ENROLL)

    async def _overtaken(self, visit: PortalVisit) -> bool:
        """Tell whether the person's first phone was proven elsewhere, while another was being proven here.

        Who has not shown in this visit who they are may add no phone to one that is there: a link can be in two hands.
        """
        verification = await self._verifications.show(visit.application, str(visit.session.verification_id))
        phone = visit.enrollment.phone_at(verification.number, verification.extension)
        begun = verification.purpose is Purpose.ENROLL and (phone is None or phone.verified_at is None)
        return begun and not may_offer_phone(visit)

    async def _anew(self, guest: PortalRequest, ended: Verification, channel: Channel) -> None:
        """Begin a verification that takes the place of one that has ended."""
        visit = guest.visit
        phone = visit.enrollment.phone_at(ended.number, ended.extension)
        if ended.purpose is Purpose.ENROLL:
            kind = phone.kind if phone else PhoneKind.AUTHENTICATION
            replaces = phone.replaces if phone else None
            offered = NewPhone(
                kind, ended.number, channel, None, ended.extension, replaces, first=not visit.session.proven
            )
            begun = await self._proofs.offer_phone(
                visit.application, visit.enrollment.id, offered, None, locale=guest.frame.locale
            )
        else:
            challenge = Challenge(ended.purpose, phone.id if phone else None, channel)
            begun = await self._proofs.challenge(
                visit.application, visit.enrollment.id, challenge, None, locale=guest.frame.locale
            )
        await self._portal.note(visit, verification_id=begun.change.verification.id)

    async def _page(self, guest: PortalRequest, error: FormError | None = None) -> web.Response:
        application = guest.visit.application
        verification = await self._verifications.show(application, str(guest.visit.session.verification_id))
        page = self._model(guest, verification, error)
        if verification.continues is not None:
            before = await self._verifications.show(application, verification.continues)
            page = msgspec.structs.replace(page, called_before=_failure(before))
        return self._doorstep.show(page)

    def _model(self, guest: PortalRequest, verification: Verification, error: FormError | None = None) -> VerifyPage:
        visit, now = guest.visit, self._clock()
        attempt = verification.attempts[-1]
        pending = verification.status is Status.PENDING
        phone = visit.enrollment.phone_at(verification.number, verification.extension)
        kind = phone.kind if phone else PhoneKind.AUTHENTICATION
        told_code = any(attempt.carries_code for attempt in verification.attempts)
        signing_in = verification.purpose is not Purpose.ENROLL
        matching = attempt.mode is Mode.MATCH and pending
        asking_pin = attempt.mode is Mode.PIN
        return VerifyPage(
            guest.frame,
            _shown_as(visit, verification),
            verification.status,
            verification.revision,
            attempt.channel,
            masked(verification.number),
            delivery_of(attempt),
            failure=_failure(verification),
            checks_left=verification.checks_left,
            code_length=verification.code_length if told_code else None,
            match_digits=verification.match_digits if matching else None,
            pin=asking_pin,
            new_pin=asking_pin and visit.enrollment.pin is not None and visit.enrollment.pin.must_change,
            key=key_of(attempt, self._keypad),
            ways=ways_of(visit, verification, kind, self._limits, now),
            expires_in=max(0, (verification.expires_at - now) // SECOND),
            errors=(error,) if error else (),
            remember_days=visit.policy.remember_device_days or None if signing_in else None,
            remember=guest.form.get("remember") == "on",
            other_ways=signing_in,
            steps=steps_of(visit),
        )


_STATES = {Status.PENDING: "pending", Status.APPROVED: "approved"}


def _failure(verification: Verification) -> FailureCode | None:
    failure = verification.failure or verification.attempts[-1].failure
    return failure.code if failure else None


def _shown_as(visit: PortalVisit, verification: Verification) -> PortalPage:
    """Return what the verification is for: whatever the link is, who has to prove who they are signs in first."""
    if verification.purpose is not Purpose.ENROLL:
        return PortalPage.SIGN_IN
    return PortalPage.SETTINGS if visit.session.proven else PortalPage.ENROLL


def _send_error(refusal: Rejected) -> FormError | None:
    """Say why nothing was sent; a verification that has just ended says so itself."""
    match refusal.code:
        case ErrorCode.RATE_LIMITED:
            return FormError(FormErrorCode.SENDS_USED_UP, wait=refusal.retry_after)
        case ErrorCode.PIN_NOT_SET | ErrorCode.PIN_LOCKED:
            return FormError(FormErrorCode.DENIED, denied=MethodDenied(DenialReason(refusal.code.value)))
        case ErrorCode.VERIFICATION_FINISHED:
            return None
    raise refusal


def _code_error(refusal: Rejected) -> FormError | None:
    """Say what was wrong with a code; a verification that has ended says so itself."""
    match refusal.code:
        case ErrorCode.CODE_MALFORMED:
            return FormError(FormErrorCode.CODE_MALFORMED, Field.CODE)
        case ErrorCode.RATE_LIMITED:
            return FormError(FormErrorCode.TRY_LATER, Field.CODE, wait=refusal.retry_after)
        case ErrorCode.VERIFICATION_FINISHED | ErrorCode.NO_CODE_SENT:
            return None
    raise refusal
