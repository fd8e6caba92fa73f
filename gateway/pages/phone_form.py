"""Step 1: the person enters a phone and chooses a method; the same form adds and changes phones in the settings."""

from http import HTTPStatus

import msgspec
from aiohttp import web

from gateway.domain.enrollment import Phone, PhoneKind
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.verification import Channel, Purpose
from gateway.pages.components import DenialReason, Field, FormError, FormErrorCode, FormUse, MethodDenial
from gateway.pages.i18n import likely_region, preferred_tags
from gateway.pages.models import PhoneForm
from gateway.pages.navigation import ENROLL, VERIFY, may_manage, may_offer_phone, next_path
from gateway.pages.number_input import ParsedNumber, TypedNumber, channel_error, parse_typed_number
from gateway.pages.portal_requests import Form, PageServices, PortalRequest, PortalSessions
from gateway.pages.rendering import Pages
from gateway.pages.views import call_denial_of, mask_number, method_choices, step_count
from gateway.services.authentication import NewPhone
from gateway.services.portal import PortalVisit

_LONGEST_FIELD = 64
_DENIALS = {
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
    """Each handler calls one use case, and shows the next page or redirects to it."""

    def __init__(self, portal_sessions: PortalSessions, services: PageServices, pages: Pages) -> None:
        self._portal_sessions = portal_sessions
        self._services = services
        self._pages = pages

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [
            web.get(ENROLL, self._portal_sessions.authenticated(self.show_phone_form)),
            web.post(ENROLL, self._portal_sessions.authenticated(self.offer_phone)),
            web.get("/portal/settings/phones/new", self._portal_sessions.authenticated(self.show_phone_form)),
            web.post("/portal/settings/phones", self._portal_sessions.authenticated(self.offer_phone)),
            web.post("/portal/number", self._portal_sessions.authenticated(self.check_number)),
        ]

    async def show_phone_form(self, portal_request: PortalRequest) -> web.StreamResponse:
        """Show the empty form."""
        if not self._may_enter_phone(portal_request):
            return self._portal_sessions.redirect(next_path(portal_request.visit))
        kind = _kind(portal_request.visit, portal_request.request.query.get("kind"))
        typed = TypedNumber(kind, self._usual_country(portal_request), "")
        return self._form_page(
            portal_request, typed, _replaced(portal_request.visit, portal_request.request.query.get("replaces"))
        )

    async def offer_phone(self, portal_request: PortalRequest) -> web.StreamResponse:
        """Text or call the phone that was entered; show errors beside the fields."""
        if not self._may_enter_phone(portal_request):
            return self._portal_sessions.redirect(next_path(portal_request.visit))
        typed = _typed_number(portal_request.visit, portal_request.form)
        replaced = _replaced(portal_request.visit, portal_request.form.get("replaces"))
        channel = next((channel for channel in Channel if channel == portal_request.form.get("channel")), None)
        parsed = parse_typed_number(typed, portal_request.visit.policy, _call_denial(portal_request))
        wrong_channel = channel_error(parsed, channel)
        errors = (*parsed.errors, *((wrong_channel,) if wrong_channel else ()))
        if errors or parsed.number is None or channel is None:
            return self._form_page(portal_request, typed, replaced, parsed, channel, errors)
        phone = NewPhone(
            typed.kind,
            parsed.number,
            channel,
            extension=parsed.extension,
            replaces=replaced.id if replaced else None,
            first=not portal_request.visit.session.proven,
        )
        try:
            created = await self._services.authentication.offer_phone(
                portal_request.visit.application,
                portal_request.visit.enrollment.id,
                phone,
                None,
                locale=portal_request.frame.locale,
            )
        except Rejected as rejection:
            return self._form_page(portal_request, typed, replaced, parsed, channel, (_form_error(rejection),))
        await self._services.portal.note(
            portal_request.visit, verification_id=created.change.verification.id, changing=replaced is not None
        )
        return self._portal_sessions.redirect(VERIFY)

    async def check_number(self, portal_request: PortalRequest) -> web.StreamResponse:
        """Answer while the person types, as JSON: what is wrong with the number, and which methods can reach it."""
        if not may_offer_phone(portal_request.visit):
            return web.Response(status=HTTPStatus.FORBIDDEN.value)
        parsed = parse_typed_number(
            _typed_number(portal_request.visit, portal_request.form),
            portal_request.visit.policy,
            _call_denial(portal_request),
        )
        number_check = self._pages.number_check(
            portal_request.frame, parsed.formatted, parsed.errors[0] if parsed.errors else None, parsed.methods
        )
        return web.Response(body=msgspec.json.encode(number_check), content_type="application/json")

    def _may_enter_phone(self, portal_request: PortalRequest) -> bool:
        visit = portal_request.visit
        if portal_request.request.path != ENROLL:
            return may_manage(visit)
        return may_offer_phone(visit) and not visit.session.at_end

    def _form_page(
        self,
        portal_request: PortalRequest,
        typed: TypedNumber,
        replaced: Phone | None,
        parsed: ParsedNumber | None = None,
        channel: Channel | None = Channel.SMS,
        errors: tuple[FormError, ...] = (),
    ) -> web.Response:
        policy = portal_request.visit.policy
        methods = (
            parsed.methods
            if parsed
            else method_choices(
                policy, Purpose.ENROLL, None, typed.kind, extended=False, call_denial=_call_denial(portal_request)
            )
        )
        allowed = [choice.channel for choice in methods if choice.denial is None]
        use = FormUse.ENROLL
        if portal_request.request.path != ENROLL:
            use = FormUse.CHANGE if replaced else FormUse.ADD
        form = PhoneForm(
            portal_request.frame,
            use,
            typed.kind,
            typed.country,
            kinds=(replaced.kind,) if replaced else policy.phone_kinds,
            countries=_countries(portal_request.visit),
            number=typed.number,
            extension=typed.extension,
            channel=channel if channel in allowed else next(iter(allowed), None),
            methods=methods,
            errors=errors,
            replaces=replaced.id if replaced else None,
            old_number=mask_number(replaced.number) if replaced else None,
            steps=step_count(portal_request.visit),
        )
        return self._portal_sessions.page_response(form, HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK)

    def _usual_country(self, portal_request: PortalRequest) -> str:
        """Return the region that the person's languages make likely; if policy forbids it, the first allowed one."""
        header = portal_request.request.headers.get("Accept-Language", "")
        region = likely_region(
            portal_request.visit.enrollment.language, *preferred_tags(header), portal_request.visit.session.locale
        )
        allowed = _countries(portal_request.visit)
        return region if not allowed or region in allowed else allowed[0]


def _call_denial(portal_request: PortalRequest) -> MethodDenial | None:
    return call_denial_of(portal_request.visit.policy, portal_request.visit.enrollment, portal_request.frame.now)


def _countries(visit: PortalVisit) -> tuple[str, ...]:
    """Return the ISO codes of the regions that policy allows by text or by call; empty: all."""
    sms, call = visit.policy.text_countries, visit.policy.call_countries
    return tuple(dict.fromkeys((*sms, *call))) if sms and call else ()


def _kind(visit: PortalVisit, value: str | None) -> PhoneKind:
    kinds = visit.policy.phone_kinds
    return next((kind for kind in kinds if kind == value), kinds[0] if kinds else PhoneKind.AUTHENTICATION)


def _replaced(visit: PortalVisit, phone_id: str | None) -> Phone | None:
    return visit.enrollment.phone(phone_id) if phone_id else None


def _typed_number(visit: PortalVisit, form: Form) -> TypedNumber:
    fields = (form.get(name, "")[:_LONGEST_FIELD] for name in ("country", "number", "extension"))
    return TypedNumber(_kind(visit, form.get("kind")), *fields)


def _form_error(rejection: Rejected) -> FormError:
    match rejection.code:
        case ErrorCode.RATE_LIMITED:
            return FormError(FormErrorCode.SENDS_USED_UP, wait=rejection.retry_after)
        case ErrorCode.PHONES_FULL:
            return FormError(FormErrorCode.PHONES_FULL)
        case code if code in _DENIALS:
            return FormError(FormErrorCode.DENIED, Field.NUMBER, MethodDenial(DenialReason(code.value)))
    raise rejection
