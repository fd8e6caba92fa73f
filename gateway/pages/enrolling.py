"""Step 1: the person names a phone and how to reach it; the same form adds and changes phones in the settings."""

from http import HTTPStatus

import msgspec
from aiohttp import web

from gateway.domain.enrollment import Phone, PhoneKind
from gateway.domain.refusals import RefusalCode, Refused
from gateway.domain.verification import Channel, Purpose
from gateway.enrollments.portal import Portal, Visit
from gateway.enrollments.proofs import NewPhone, Proofs
from gateway.pages.courses import ENROLL, VERIFY, may_offer_phone, may_settle, next_path
from gateway.pages.doorstep import Doorstep, Form, Guest
from gateway.pages.models import PhoneForm
from gateway.pages.numbers import Judged, Typed, channel_error, judge
from gateway.pages.parts import Barrier, Denied, Fault, Field, FieldError, FormUse
from gateway.pages.rendering import Pages
from gateway.pages.texts import likely_region, preferred_tags
from gateway.pages.views import calls_denied, masked, method_choices, steps_of
from gateway.ports import Replay

_LONGEST_FIELD = 64
_FORBIDDEN = {
    RefusalCode.METHOD_FORBIDDEN,
    RefusalCode.COUNTRY_FORBIDDEN,
    RefusalCode.LINE_TYPE_FORBIDDEN,
    RefusalCode.PHONE_KIND_FORBIDDEN,
    RefusalCode.NUMBER_SHARED_TOO_OFTEN,
    RefusalCode.NUMBER_STOPPED,
    RefusalCode.PIN_NOT_SET,
    RefusalCode.PIN_LOCKED,
}


class Enrolling:
    """Each handler makes one journey and shows, or leads to, the next page."""

    def __init__(self, doorstep: Doorstep, portal: Portal, proofs: Proofs, pages: Pages) -> None:
        self._doorstep = doorstep
        self._portal = portal
        self._proofs = proofs
        self._pages = pages

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [
            web.get(ENROLL, self._doorstep.opens_to(self.show)),
            web.post(ENROLL, self._doorstep.opens_to(self.offer)),
            web.get("/portal/settings/phones/new", self._doorstep.opens_to(self.show)),
            web.post("/portal/settings/phones", self._doorstep.opens_to(self.offer)),
            web.post("/portal/number", self._doorstep.opens_to(self.check_number)),
        ]

    async def show(self, guest: Guest) -> web.StreamResponse:
        """Show the empty form."""
        if not self._is_open(guest):
            return self._doorstep.go(next_path(guest.visit))
        kind = _kind(guest.visit, guest.request.query.get("kind"))
        typed = Typed(kind, self._usual_country(guest), "")
        return self._form(guest, typed, _replaced(guest.visit, guest.request.query.get("replaces")))

    async def offer(self, guest: Guest) -> web.StreamResponse:
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
        except Refused as refusal:
            return self._form(guest, typed, replaced, judged, channel, (_error(refusal),))
        if isinstance(begun, Replay):
            raise TypeError("a replay without a receipt")
        await self._portal.note(
            guest.visit, verification_id=begun.change.verification.id, changing=replaced is not None
        )
        return self._doorstep.go(VERIFY)

    async def check_number(self, guest: Guest) -> web.StreamResponse:
        """Say, while the person types, what is wrong with a number and how it can be reached."""
        if not may_offer_phone(guest.visit):
            return web.Response(status=HTTPStatus.FORBIDDEN.value)
        judged = judge(_typed(guest.visit, guest.form), guest.visit.policy, _no_calls(guest))
        answer = self._pages.number_check(
            guest.frame, judged.formatted, judged.errors[0] if judged.errors else None, judged.methods
        )
        return web.Response(body=msgspec.json.encode(answer), content_type="application/json")

    def _is_open(self, guest: Guest) -> bool:
        settling = guest.request.path != ENROLL
        return may_settle(guest.visit) if settling else may_offer_phone(guest.visit)

    def _form(
        self,
        guest: Guest,
        typed: Typed,
        replaced: Phone | None,
        judged: Judged | None = None,
        channel: Channel | None = Channel.SMS,
        errors: tuple[FieldError, ...] = (),
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

    def _usual_country(self, guest: Guest) -> str:
        """Return the region that the person's languages make likely, or the first one that policy allows."""
        header = guest.request.headers.get("Accept-Language", "")
        region = likely_region(guest.visit.enrollment.locale, *preferred_tags(header), guest.visit.session.locale)
        offered = _countries(guest.visit)
        return region if not offered or region in offered else offered[0]


def _no_calls(guest: Guest) -> Denied | None:
    return calls_denied(guest.visit.policy, guest.visit.enrollment, guest.frame.now)


def _countries(visit: Visit) -> tuple[str, ...]:
    """Return the regions that can be reached by text or by call; empty: all."""
    text, call = visit.policy.text_countries, visit.policy.call_countries
    return tuple(dict.fromkeys((*text, *call))) if text and call else ()


def _kind(visit: Visit, word: str | None) -> PhoneKind:
    kinds = visit.policy.phone_kinds
    return next((kind for kind in kinds if kind == word), kinds[0] if kinds else PhoneKind.AUTHENTICATION)


def _replaced(visit: Visit, phone_id: str | None) -> Phone | None:
    return visit.enrollment.phone(phone_id) if phone_id else None


def _typed(visit: Visit, form: Form) -> Typed:
    fields = (form.get(name, "")[:_LONGEST_FIELD] for name in ("country", "number", "extension"))
    return Typed(_kind(visit, form.get("kind")), *fields)


def _error(refusal: Refused) -> FieldError:
    match refusal.code:
        case RefusalCode.RATE_LIMITED:
            return FieldError(Fault.SENDS_USED_UP, wait=refusal.retry_after)
        case RefusalCode.PHONES_FULL:
            return FieldError(Fault.PHONES_FULL)
        case code if code in _FORBIDDEN:
            return FieldError(Fault.DENIED, Field.NUMBER, Denied(Barrier(code.value)))
    raise refusal
