"""The settings: phones, the default method, trusted browsers, the PIN, app passwords."""

from http import HTTPStatus

from aiohttp import web

from gateway.domain.app_passwords import APP_PASSWORD_LIMIT, NAME_LIMIT
from gateway.domain.enrollment import AppPassword, DefaultMethod, Phone, Pin
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.phones import PHONE_LIMIT
from gateway.domain.pins import reject_unsuitable_pin
from gateway.domain.policy import Feature, feature_denial
from gateway.domain.verification import Mode
from gateway.pages.components import Banner, Field, FormError, FormErrorCode, NewAppPassword, SignInMethod
from gateway.pages.models import AppPasswordRow, AppPasswordsPage, PhoneRow, PinState, SettingsPage
from gateway.pages.navigation import SETTINGS, may_manage, next_path
from gateway.pages.number_input import to_ascii_digits
from gateway.pages.portal_requests import AiohttpHandler, Handler, PageServices, PortalRequest, PortalSessions
from gateway.pages.views import mask_number, sign_in_methods
from gateway.services.enrollments import Amendment
from gateway.services.portal import PortalVisit

APP_PASSWORDS = "/portal/app-passwords"
_PIN_ERRORS = {
    ErrorCode.PIN_MALFORMED: FormErrorCode.PIN_MALFORMED,
    ErrorCode.PIN_TOO_SIMPLE: FormErrorCode.PIN_TOO_SIMPLE,
}
_EXPIRY_DAYS = {"": None, "30": 30, "90": 90, "365": 365}


class SettingsRoutes:
    """Each handler changes one thing and redirects to the settings, with a banner about the change."""

    def __init__(self, portal_sessions: PortalSessions, services: PageServices) -> None:
        self._portal_sessions = portal_sessions
        self._services = services

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [
            web.get(SETTINGS, self._managed(self.show_settings)),
            web.post("/portal/settings/default", self._managed(self.choose_default)),
            web.post("/portal/settings/phones/remove", self._managed(self.remove_phone)),
            web.post("/portal/settings/devices/forget", self._managed(self.forget_devices)),
            web.post("/portal/settings/pin", self._managed(self.set_pin)),
            web.get(APP_PASSWORDS, self._managed(self.show_app_passwords)),
            web.post(APP_PASSWORDS, self._managed(self.create_app_password)),
            web.post(f"{APP_PASSWORDS}/delete", self._managed(self.delete_app_password)),
        ]

    async def show_settings(self, portal_request: PortalRequest) -> web.StreamResponse:
        """Show the settings."""
        return self._settings_page(portal_request)

    async def choose_default(self, portal_request: PortalRequest) -> web.StreamResponse:
        """Set the default method."""
        value = portal_request.form.get("method", "")
        method = next((method for method in self._methods(portal_request) if method.value == value), None)
        if method is None:
            return self._settings_page(portal_request, FormError(FormErrorCode.METHOD_MISSING, Field.METHOD))
        if method.denial is not None:
            return self._settings_page(portal_request, FormError(FormErrorCode.DENIED, Field.METHOD, method.denial))
        amendment = Amendment(default_method=DefaultMethod(method.phone_id, method.channel))
        await self._services.enrollments.amend(
            portal_request.visit.application, portal_request.visit.enrollment.id, amendment
        )
        return self._back_to_settings(Banner.DEFAULT_SAVED)

    async def remove_phone(self, portal_request: PortalRequest) -> web.StreamResponse:
        """Remove a phone, unless it is the last proven one."""
        visit = portal_request.visit
        phone = visit.enrollment.phone(portal_request.form.get("phone_id", ""))
        if phone is None or not _removable(visit, phone):
            return self._back_to_settings()
        lost = portal_request.form.get("lost") == "on"
        enrollment = await self._services.enrollments.remove_phone(
            visit.application, visit.enrollment.id, phone.id, lost=lost, even_last=False
        )
        if enrollment.phone(phone.id) is not None:  # another tab has removed the others: it is the last one
            return self._back_to_settings()
        return self._back_to_settings(Banner.PHONE_LOST if lost else Banner.PHONE_REMOVED)

    async def forget_devices(self, portal_request: PortalRequest) -> web.StreamResponse:
        """End the trust in all browsers."""
        await self._services.authentication.forget_devices(
            portal_request.visit.application, portal_request.visit.enrollment.id
        )
        return self._back_to_settings(Banner.DEVICES_FORGOTTEN)

    async def set_pin(self, portal_request: PortalRequest) -> web.StreamResponse:
        """Set the person's PIN; they type it twice because the fields show no digits."""
        visit = portal_request.visit
        pin, repeated = (
            to_ascii_digits(portal_request.form.get(name, "")).strip() for name in (Field.PIN, Field.PIN_AGAIN)
        )
        try:
            reject_unsuitable_pin(pin, visit.enrollment.phones)
            if pin != repeated:
                return self._settings_page(portal_request, FormError(FormErrorCode.PIN_MISMATCH, Field.PIN_AGAIN))
            await self._services.pins.choose(visit.application, visit.enrollment.id, pin)
        except Rejected as rejection:
            if rejection.code not in _PIN_ERRORS:
                raise
            return self._settings_page(portal_request, FormError(_PIN_ERRORS[rejection.code], Field.PIN))
        return self._back_to_settings(Banner.PIN_SET)

    async def show_app_passwords(self, portal_request: PortalRequest) -> web.StreamResponse:
        """Show the app passwords."""
        return self._app_passwords_page(portal_request, portal_request.visit.enrollment.app_passwords)

    async def create_app_password(self, portal_request: PortalRequest) -> web.StreamResponse:
        """Create an app password, and show it once."""
        visit, existing = portal_request.visit, portal_request.visit.enrollment.app_passwords
        name = " ".join(portal_request.form.get("name", "").split())
        days = _EXPIRY_DAYS.get(portal_request.form.get("expires_in_days", ""))
        if not name or len(name) > NAME_LIMIT or not name.isprintable():
            code = FormErrorCode.NAME_MISSING if not name else FormErrorCode.NAME_TOO_LONG
            return self._app_passwords_page(portal_request, existing, error=FormError(code, Field.NAME), days=days)
        try:
            created = await self._services.app_passwords.create(
                visit.application, visit.enrollment.id, name, None, days, None, visit.session.opened_at
            )
        except Rejected as rejection:
            if rejection.code is not ErrorCode.APP_PASSWORDS_FULL:
                raise
            error = FormError(FormErrorCode.APP_PASSWORDS_FULL)
            return self._app_passwords_page(portal_request, existing, error=error, days=days)
        app_password, password = created
        return self._app_passwords_page(portal_request, (*existing, app_password), new=NewAppPassword(name, password))

    async def delete_app_password(self, portal_request: PortalRequest) -> web.StreamResponse:
        """Delete an app password."""
        visit = portal_request.visit
        try:
            await self._services.app_passwords.delete(
                visit.application, visit.enrollment.id, portal_request.form.get("id", "")
            )
        except Rejected as rejection:
            if rejection.code is not ErrorCode.NOT_FOUND:  # deleted in another tab
                raise
        return self._portal_sessions.redirect(f"{APP_PASSWORDS}?notice={Banner.APP_PASSWORD_DELETED}")

    def _managed(self, handler: Handler) -> AiohttpHandler:
        """Return the handler for people who may manage their settings; others are redirected to their next page."""

        async def handle(portal_request: PortalRequest) -> web.StreamResponse:
            return (
                await handler(portal_request)
                if may_manage(portal_request.visit)
                else self._portal_sessions.redirect(next_path(portal_request.visit))
            )

        return self._portal_sessions.authenticated(handle)

    def _settings_page(self, portal_request: PortalRequest, error: FormError | None = None) -> web.Response:
        visit = portal_request.visit
        enrollment = visit.enrollment
        pin = enrollment.pin
        app_passwords_off = feature_denial(visit.policy, Feature.APP_PASSWORDS) is not None
        page = SettingsPage(
            portal_request.frame,
            phones=tuple(_phone_row(visit, phone) for phone in enrollment.phones),
            methods=self._methods(portal_request),
            addable=visit.policy.phone_kinds if len(enrollment.phones) < PHONE_LIMIT else (),
            trusted_devices=sum(portal_request.frame.now < device.expires_at for device in enrollment.devices),
            app_passwords=None if app_passwords_off and not enrollment.app_passwords else len(enrollment.app_passwords),
            pin=None
            if pin is None and visit.policy.call_proof is not Mode.PIN
            else _pin_state(pin, portal_request.frame.now),
            errors=(error,) if error else (),
        )
        return self._portal_sessions.page_response(page, HTTPStatus.UNPROCESSABLE_ENTITY if error else HTTPStatus.OK)

    def _app_passwords_page(
        self,
        portal_request: PortalRequest,
        app_passwords: tuple[AppPassword, ...],
        *,
        new: NewAppPassword | None = None,
        error: FormError | None = None,
        days: int | None = None,
    ) -> web.Response:
        page = AppPasswordsPage(
            portal_request.frame,
            rows=tuple(
                AppPasswordRow(row.id, row.name, row.created_at, row.last_used_at, row.expires_at, row.scope)
                for row in app_passwords
            ),
            user=portal_request.visit.enrollment.user,
            new=new,
            enabled=feature_denial(portal_request.visit.policy, Feature.APP_PASSWORDS) is None,
            limit=APP_PASSWORD_LIMIT,
            name=portal_request.form.get("name", "") if error else "",
            expires_in_days=days,
            errors=(error,) if error else (),
        )
        return self._portal_sessions.page_response(page, HTTPStatus.UNPROCESSABLE_ENTITY if error else HTTPStatus.OK)

    def _methods(self, portal_request: PortalRequest) -> tuple[SignInMethod, ...]:
        visit = portal_request.visit
        return sign_in_methods(visit.policy, visit.enrollment, visit.enrollment.proven_phones, portal_request.frame.now)

    def _back_to_settings(self, banner: Banner | None = None) -> web.Response:
        return self._portal_sessions.redirect(f"{SETTINGS}?notice={banner}" if banner else SETTINGS)


def _pin_state(pin: Pin | None, now: int) -> PinState:
    return PinState() if pin is None else PinState(is_set=True, must_change=pin.must_change, locked=pin.locked(now))


def _phone_row(visit: PortalVisit, phone: Phone) -> PhoneRow:
    return PhoneRow(
        phone.id, phone.kind, mask_number(phone.number), phone.verified_at, phone.extension, _removable(visit, phone)
    )


def _removable(visit: PortalVisit, phone: Phone) -> bool:
    """Tell whether a phone may be removed: the last proven one may only be changed, as signing in needs it."""
    return phone.verified_at is None or len(visit.enrollment.proven_phones) > 1
