"""The settings: phones, how the person is reached, trusted browsers, the PIN, app passwords."""

from http import HTTPStatus

from aiohttp import web

from gateway.domain.app_passwords import APP_PASSWORD_LIMIT, NAME_LIMIT
from gateway.domain.enrollment import AppPassword, DefaultMethod, Phone, Pin
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.phones import PHONE_LIMIT
from gateway.domain.pins import reject_unsuitable_pin
from gateway.domain.policy import Feature, feature_denial
from gateway.domain.verification import Channel, Mode
from gateway.pages.components import Banner, Field, FormError, FormErrorCode, NewAppPassword, SignInMethod
from gateway.pages.models import AppPasswordRow, AppPasswordsPage, PhoneRow, PinFacts, SettingsPage
from gateway.pages.navigation import SETTINGS, may_settle, next_path
from gateway.pages.number_input import plain
from gateway.pages.portal_requests import AiohttpHandler, Handler, PortalRequest, PortalSessions
from gateway.pages.views import masked, methods_of
from gateway.services.app_passwords import AppPasswords
from gateway.services.authentication import Authentication
from gateway.services.enrollments import Amendment, Enrollments
from gateway.services.pins import Pins
from gateway.services.portal import PortalVisit

APP_PASSWORDS = "/portal/app-passwords"
_PIN_FAULTS = {
    ErrorCode.PIN_MALFORMED: FormErrorCode.PIN_MALFORMED,
    ErrorCode.PIN_TOO_SIMPLE: FormErrorCode.PIN_TOO_SIMPLE,
}
_EXPIRIES = {"": None, "30": 30, "90": 90, "365": 365}


class SettingsRoutes:
    """Each handler changes one thing and leads back to the settings, which say what was done."""

    def __init__(
        self,
        doorstep: PortalSessions,
        records: Enrollments,
        proofs: Authentication,
        app_passwords: AppPasswords,
        pins: Pins,
    ) -> None:
        self._doorstep = doorstep
        self._records = records
        self._proofs = proofs
        self._app_passwords = app_passwords
        self._pins = pins

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [
            web.get(SETTINGS, self._settled(self.show)),
            web.post("/portal/settings/default", self._settled(self.choose_default)),
            web.post("/portal/settings/phones/remove", self._settled(self.remove_phone)),
            web.post("/portal/settings/devices/forget", self._settled(self.forget_devices)),
            web.post("/portal/settings/pin", self._settled(self.set_pin)),
            web.get(APP_PASSWORDS, self._settled(self.show_app_passwords)),
            web.post(APP_PASSWORDS, self._settled(self.create_app_password)),
            web.post(f"{APP_PASSWORDS}/delete", self._settled(self.delete_app_password)),
        ]

    async def show(self, guest: PortalRequest) -> web.StreamResponse:
        """Show the settings."""
        return self._page(guest)

    async def choose_default(self, guest: PortalRequest) -> web.StreamResponse:
        """Choose how the person is reached."""
        phone_id, _, word = guest.form.get("method", "").partition(":")
        channel = next((channel for channel in Channel if channel == word), None)
        offered = next((way for way in self._methods(guest) if way.value == guest.form.get("method")), None)
        if channel is None or offered is None:
            return self._page(guest, FormError(FormErrorCode.METHOD_MISSING, Field.METHOD))
        if offered.denied is not None:
            return self._page(guest, FormError(FormErrorCode.DENIED, Field.METHOD, offered.denied))
        amendment = Amendment(default_method=DefaultMethod(phone_id, channel))
        await self._records.amend(guest.visit.application, guest.visit.enrollment.id, amendment)
        return self._back(Banner.DEFAULT_SAVED)

    async def remove_phone(self, guest: PortalRequest) -> web.StreamResponse:
        """Take a phone away, unless it is the last one that proves the person."""
        visit = guest.visit
        phone = visit.enrollment.phone(guest.form.get("phone_id", ""))
        if phone is None or not _removable(visit, phone):
            return self._back()
        lost = guest.form.get("lost") == "on"
        left = await self._records.remove_phone(
            visit.application, visit.enrollment.id, phone.id, lost=lost, even_last=False
        )
        if left.phone(phone.id) is not None:  # another tab has removed the others
            return self._back()
        return self._back(Banner.PHONE_LOST if lost else Banner.PHONE_REMOVED)

    async def forget_devices(self, guest: PortalRequest) -> web.StreamResponse:
        """Trust no browser any more."""
        await self._proofs.forget_devices(guest.visit.application, guest.visit.enrollment.id)
        return self._back(Banner.DEVICES_FORGOTTEN)

    async def set_pin(self, guest: PortalRequest) -> web.StreamResponse:
        """Set the PIN that the person has chosen, typed twice because nobody sees what they type."""
        visit = guest.visit
        pin, again = (plain(guest.form.get(name, "")).strip() for name in (Field.PIN, Field.PIN_AGAIN))
        try:
            reject_unsuitable_pin(pin, visit.enrollment.phones)
            if pin != again:
                return self._page(guest, FormError(FormErrorCode.PIN_MISMATCH, Field.PIN_AGAIN))
            await self._pins.choose(visit.application, visit.enrollment.id, pin)
        except Rejected as refusal:
            if refusal.code not in _PIN_FAULTS:
                raise
            return self._page(guest, FormError(_PIN_FAULTS[refusal.code], Field.PIN))
        return self._back(Banner.PIN_SET)

    async def show_app_passwords(self, guest: PortalRequest) -> web.StreamResponse:
        """Show the app passwords."""
        return self._app_passwords_page(guest, guest.visit.enrollment.app_passwords)

    async def create_app_password(self, guest: PortalRequest) -> web.StreamResponse:
        """Make an app password, and show it this once."""
        visit, kept = guest.visit, guest.visit.enrollment.app_passwords
        name = " ".join(guest.form.get("name", "").split())
        days = _EXPIRIES.get(guest.form.get("expires_in_days", ""))
        if not name or len(name) > NAME_LIMIT or not name.isprintable():
            fault = FormErrorCode.NAME_MISSING if not name else FormErrorCode.NAME_TOO_LONG
            return self._app_passwords_page(guest, kept, error=FormError(fault, Field.NAME), days=days)
        try:
            made = await self._app_passwords.create(
                visit.application, visit.enrollment.id, name, None, days, None, visit.session.opened_at
            )
        except Rejected as refusal:
            if refusal.code is not ErrorCode.APP_PASSWORDS_FULL:
                raise
            return self._app_passwords_page(guest, kept, error=FormError(FormErrorCode.APP_PASSWORDS_FULL), days=days)
        password, shown = made
        return self._app_passwords_page(guest, (*kept, password), new=NewAppPassword(name, shown))

    async def delete_app_password(self, guest: PortalRequest) -> web.StreamResponse:
        """Delete an app password."""
        visit = guest.visit
        try:
            await self._app_passwords.delete(visit.application, visit.enrollment.id, guest.form.get("id", ""))
        except Rejected as refusal:
            if refusal.code is not ErrorCode.NOT_FOUND:  # deleted in another tab
                raise
        return self._doorstep.go(f"{APP_PASSWORDS}?notice={Banner.APP_PASSWORD_DELETED}")

    def _settled(self, handler: Handler) -> AiohttpHandler:
        """Return the handler as a route for who has proven who they are; anyone else is led there."""

        async def enter(guest: PortalRequest) -> web.StreamResponse:
            return await handler(guest) if may_settle(guest.visit) else self._doorstep.go(next_path(guest.visit))

        return self._doorstep.authenticated(enter)

    def _page(self, guest: PortalRequest, error: FormError | None = None) -> web.Response:
        visit = guest.visit
        enrollment = visit.enrollment
        pin = enrollment.pin
        off = feature_denial(visit.policy, Feature.APP_PASSWORDS) is not None
        page = SettingsPage(
            guest.frame,
            phones=tuple(_row(visit, phone) for phone in enrollment.phones),
            methods=self._methods(guest),
            addable=visit.policy.phone_kinds if len(enrollment.phones) < PHONE_LIMIT else (),
            trusted_devices=sum(guest.frame.now < device.expires_at for device in enrollment.devices),
            app_passwords=None if off and not enrollment.app_passwords else len(enrollment.app_passwords),
            pin=None if pin is None and visit.policy.call_proof is not Mode.PIN else _pin_facts(pin, guest.frame.now),
            errors=(error,) if error else (),
        )
        return self._doorstep.show(page, HTTPStatus.UNPROCESSABLE_ENTITY if error else HTTPStatus.OK)

    def _app_passwords_page(
        self,
        guest: PortalRequest,
        kept: tuple[AppPassword, ...],
        *,
        new: NewAppPassword | None = None,
        error: FormError | None = None,
        days: int | None = None,
    ) -> web.Response:
        page = AppPasswordsPage(
            guest.frame,
            rows=tuple(
                AppPasswordRow(one.id, one.name, one.created_at, one.last_used_at, one.expires_at, one.scope)
                for one in kept
            ),
            user=guest.visit.enrollment.user,
            new=new,
            enabled=feature_denial(guest.visit.policy, Feature.APP_PASSWORDS) is None,
            limit=APP_PASSWORD_LIMIT,
            name=guest.form.get("name", "") if error else "",
            expires_in_days=days,
            errors=(error,) if error else (),
        )
        return self._doorstep.show(page, HTTPStatus.UNPROCESSABLE_ENTITY if error else HTTPStatus.OK)

    def _methods(self, guest: PortalRequest) -> tuple[SignInMethod, ...]:
        visit = guest.visit
        return methods_of(visit.policy, visit.enrollment, visit.enrollment.proven_phones, guest.frame.now)

    def _back(self, notice: Banner | None = None) -> web.Response:
        return self._doorstep.go(f"{SETTINGS}?notice={notice}" if notice else SETTINGS)


def _pin_facts(pin: Pin | None, now: int) -> PinFacts:
    return PinFacts() if pin is None else PinFacts(there=True, must_change=pin.must_change, locked=pin.locked(now))


def _row(visit: PortalVisit, phone: Phone) -> PhoneRow:
    return PhoneRow(
        phone.id, phone.kind, masked(phone.number), phone.verified_at, phone.extension, _removable(visit, phone)
    )


def _removable(visit: PortalVisit, phone: Phone) -> bool:
    """The last proven phone can be changed, but not removed: without one, a person could not sign in any more."""
    return phone.verified_at is None or len(visit.enrollment.proven_phones) > 1
