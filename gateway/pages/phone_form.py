"""Step 1: the person names a phone and how to reach it; the same form adds and changes phones in the settings."""

from http import HTTPStatus

import msgspec
from aiohttp import web

from gateway.domain.enrollment import Phone, PhoneKind
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.verification import Channel, Purpose
from gateway.pages.components import DenialReason, Field, FormError, FormErrorCode, FormUse, MethodDenied
from gateway.pages.models import PhoneForm
from gateway.pages.navigation import ENROLL, VERIFY, may_offer_phone, may_settle, next_path
from gateway.pages.number_input import ParsedNumber, TypedNumber, channel_error, judge
from gateway.pages.portal_requests import Form, PortalRequest, PortalSessions
from gateway.pages.rendering import Pages
from gateway.pages.translations import likely_region, preferred_tags
from gateway.pages.views import calls_denied, masked, method_choices, steps_of
from gateway.services.authentication import Authentication, NewPhone
from gateway.services.portal import Portal, PortalVisit

_LONGEST_FIELD = 64
_FORBIDDEN = {
    ErrorCode.METHOD_FORBIDDEN,
    ErrorCode.COUNTRY_FORBIDDEN,
    ErrorCode.LINE_TYPE_FORBIDDEN,
    ErrorCode.PHONE_KIND_FORBIDDEN,
    ErrorCode.NUMBER_SHARED_TOO_OFTEN,
    ErrorCode.NUMBER_STOPPED,
    ErrorCode.PIN_NOT_SET,
    ErrorCode.PIN_LOCKED,
}


class PhoneFormRoutes:
    """Each handler makes one journey and shows, or leads to, the next page."""

    def __init__(self, doorstep: PortalSessions, portal: Portal, proofs: Authentication, pages: Pages) -> None:
        self._doorstep = doorstep
        self._portal = portal
        self._proofs = proofs
        self._pages = pages

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [
            web.get(ENROLL, self._doorstep.authenticated(self.show)),
            web.post(ENROLL, self._doorstep.authenticated(self.offer)),
            web.get("/portal/settings/phones/new", self._doorstep.authenticated(self.show)),
            web.post("/portal/settings/phones", self._doorstep.authenticated(self.offer)),
            web.post("/portal/number", self._doorstep.authenticated(self.check_number)),
        ]

    async def show(self, guest: PortalRequest) -> web.StreamResponse:
        """Show the empty form."""
        if not self._is_open(guest):
            return self._doorstep.go(next_path(guest.visit))
        kind = _kind(guest.visit, guest.request.query.get("kind"))
        typed = TypedNumber(kind, self._usual_country(guest), "")
        return self._form(guest, typed, _replaced(guest.visit, guest.request.query.get("replaces")))

    async def offer(self, guest: PortalRequest) -> web.StreamResponse:
        """Take a phone and text or call it; what is wrong is said beside what was typed."""
        if not self._is_open(guest):
            return self._doorstep.go(next_path(guest.visit))
        typed = _typed(guest.visit, guest.form)
        replaced = _replaced(guest.visit, guest.form.get("replaces"))
        channel = next((channel for channel in Channel if channel == guest.form.get("channel")), None)
        judged = judge(typed, guest.visit.policy, _no_calls(guest))
        wrong = channel_error(judged, channel)
        errors = (*judged.errors, *((wrong,) if wrong else ()))
        if errors or judged.number is None or channel is None:
            return self._form(guest, typed, replaced, judged, channel, errors)
        phone = NewPhone(
            typed.kind,
            judged.number,
            channel,
            extension=judged.extension,
            replaces=replaced.id if replaced else None,
            first=not guest.visit.session.proven,
        )
        try:
            begun = await self._proofs.offer_phone(
                guest.visit.application, guest.visit.enrollment.id, phone, None, locale=guest.frame.locale
            )
        except Rejected as refusal:
            return self._form(guest, typed, replaced, judged, channel, (_error(refusal),))
        await self._portal.note(
            guest.visit, verification_id=begun.change.verification.id, changing=replaced is not None
        )
        return self._doorstep.go(VERIFY)

    async def check_number(self, guest: PortalRequest) -> web.StreamResponse:
        """Say, while the person types, what is wrong with a number and how it can be reached."""
        if not may_offer_phone(guest.visit):
            return web.Response(status=HTTPStatus.FORBIDDEN.value)
        judged = judge(_typed(guest.visit, guest.form), guest.visit.policy, _no_calls(guest))
        answer = self._pages.number_check(
            guest.frame, judged.formatted, judged.errors[0] if judged.errors else None, judged.methods
        )
        return web.Response(body=msgspec.json.encode(answer), content_type="application/json")

    def _is_open(self, guest: PortalRequest) -> bool:
        settling = guest.request.path != ENROLL
        return may_settle(guest.visit) if settling else may_offer_phone(guest.visit)

    def _form(
        self,
        guest: PortalRequest,
        typed: TypedNumber,
        replaced: Phone | None,
        judged: ParsedNumber | None = None,
        channel: Channel | None = Channel.SMS,
        errors: tuple[FormError, ...] = (),
    ) -> web.Response:
        policy = guest.visit.policy
        methods = (
            judged.methods
            if judged
            else method_choices(policy, Purpose.ENROLL, None, typed.kind, extended=False, no_calls=_no_calls(guest))
        )
        allowed = [choice.channel for choice in methods if choice.denied is None]
        use = FormUse.ENROLL
        if guest.request.path != ENROLL:
            use = FormUse.CHANGE if replaced else FormUse.ADD
        form = PhoneForm(
            guest.frame,
            use,
            typed.kind,
            typed.country,
            kinds=(replaced.kind,) if replaced else policy.phone_kinds,
            countries=_countries(guest.visit),
            number=typed.number,
            extension=typed.extension,
            channel=channel if channel in allowed else next(iter(allowed), None),
            methods=methods,
            errors=errors,
            replaces=replaced.id if replaced else None,
            old_number=masked(replaced.number) if replaced else None,
            steps=steps_of(guest.visit),
        )
        return self._doorstep.show(form, HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK)

    def _usual_country(self, guest: PortalRequest) -> str:
        """Return the region that the person's languages make likely, or the first one that policy allows."""
        header = guest.request.headers.get("Accept-Language", "")
        region = likely_region(guest.visit.enrollment.locale, *preferred_tags(header), guest.visit.session.locale)
        offered = _countries(guest.visit)
        return region if not offered or region in offered else offered[0]


def _no_calls(guest: PortalRequest) -> MethodDenied | None:
    return calls_denied(guest.visit.policy, guest.visit.enrollment, guest.frame.now)


def _countries(visit: PortalVisit) -> tuple[str, ...]:
    """Return the regions that can be reached by text or by call; empty: all."""
    text, call = visit.policy.text_countries, visit.policy.call_countries
    return tuple(dict.fromkeys((*text, *call))) if text and call else ()


def _kind(visit: PortalVisit, word: str | None) -> PhoneKind:
    kinds = visit.policy.phone_kinds
    return next((kind for kind in kinds if kind == word), kinds[0] if kinds else PhoneKind.AUTHENTICATION)


def _replaced(visit: PortalVisit, phone_id: str | None) -> Phone | None:
    return visit.enrollment.phone(phone_id) if phone_id else None


def _typed(visit: PortalVisit, form: Form) -> TypedNumber:
    fields = (form.get(name, "")[:_LONGEST_FIELD] for name in ("country", "number", "extension"))
    return TypedNumber(_kind(visit, form.get("kind")), *fields)


def _error(refusal: Rejected) -> FormError:
    match refusal.code:
        case ErrorCode.RATE_LIMITED:
            return FormError(FormErrorCode.SENDS_USED_UP, wait=refusal.retry_after)
        case ErrorCode.PHONES_FULL:
            return FormError(FormErrorCode.PHONES_FULL)
        case code if code in _FORBIDDEN:
            return FormError(FormErrorCode.DENIED, Field.NUMBER, MethodDenied(DenialReason(code.value)))
    raise refusal
