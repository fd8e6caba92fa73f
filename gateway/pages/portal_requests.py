"""Authenticates requests to the hosted pages: session cookie, CSRF token, security headers, errors as pages."""

import asyncio
import contextlib
import hmac
import logging
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

import msgspec
from aiohttp import web

from gateway.clock import Clock
from gateway.domain.api_keys import Application
from gateway.domain.applications import Applications
from gateway.domain.enrollment import Enrollment
from gateway.domain.errors import ErrorCode, Rejected, StoreUnavailable
from gateway.pages.components import Banner, Frame, PageProblem, Support
from gateway.pages.models import Page, ProblemPage
from gateway.pages.navigation import HOME, is_continued
from gateway.pages.rendering import Pages
from gateway.services.app_passwords import AppPasswords
from gateway.services.authentication import Authentication
from gateway.services.enrollments import Enrollments
from gateway.services.pins import Pins
from gateway.services.portal import EndedVisit, Portal, PortalVisit, PortalVisitChanged
from gateway.services.verifications import Verifications

_COOKIE = "poundkey"
_HOST_ONLY = "__Host-"  # browsers accept such a cookie over TLS only, for this host and every path (RFC 6265bis)
_LONGEST_SECRET = 64
_DEVICE_SUFFIX = 12
_FORM_CONTENT_TYPE, _CHARSET = "application/x-www-form-urlencoded", "utf-8"
_FORM_SECONDS = 10.0
_MINUTE = 60
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), otp-credentials=(self)",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_PROBLEMS: Mapping[ErrorCode, tuple[PageProblem, HTTPStatus]] = {
    ErrorCode.ENROLLMENT_BLOCKED: (PageProblem.BLOCKED, HTTPStatus.FORBIDDEN),
    ErrorCode.NOT_FOUND: (PageProblem.NOT_FOUND, HTTPStatus.NOT_FOUND),
    ErrorCode.NO_METHOD: (PageProblem.NO_METHOD, HTTPStatus.CONFLICT),
    ErrorCode.NUMBER_STOPPED: (PageProblem.NO_METHOD, HTTPStatus.FORBIDDEN),
    ErrorCode.FEATURE_OFF: (PageProblem.FEATURE_OFF, HTTPStatus.FORBIDDEN),
    ErrorCode.RATE_LIMITED: (PageProblem.TOO_MANY_TRIES, HTTPStatus.TOO_MANY_REQUESTS),
}

logger = logging.getLogger(__name__)

Form = Mapping[str, str]


class PageServices(msgspec.Struct, frozen=True, kw_only=True):
    """The services that the pages call."""

    portal: Portal
    enrollments: Enrollments
    authentication: Authentication
    app_passwords: AppPasswords
    pins: Pins
    verifications: Verifications


class PortalRequest(msgspec.Struct, frozen=True):
    """An authenticated request: the person's visit, the frame of the answer, and the fields of the posted form."""

    request: web.Request
    visit: PortalVisit
    frame: Frame
    form: Form

    def with_visit(self, visit: PortalVisit) -> "PortalRequest":
        """Return the request with an updated visit."""
        return msgspec.structs.replace(self, visit=visit)


Handler = Callable[[PortalRequest], Awaitable[web.StreamResponse]]
AiohttpHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class PageError(Exception):
    """The page cannot be shown; `minutes` is how long to wait, where that is known, and `back` a URL that leads on."""

    def __init__(
        self, problem: PageProblem, status: HTTPStatus, *, minutes: int | None = None, back: str | None = None
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.status = status
        self.minutes = minutes
        self.back = back


class PortalSessions:
    """Authenticates requests by their cookie, and builds the responses of all pages."""

    def __init__(
        self, services: PageServices, applications: Applications, pages: Pages, clock: Clock, public_url: str
    ) -> None:
        self._portal = services.portal
        self._verifications = services.verifications
        self._applications = applications
        self._pages = pages
        self._clock = clock
        self._secure = public_url.startswith("https://")

    def authenticated(
        self, handler: Handler, *, even_blocked: bool = False, follow_continuation: bool = False
    ) -> AiohttpHandler:
        """Return the handler of a page as an aiohttp handler. A POST must carry the visit's CSRF token.

        Args:
            handler: the handler of the page.
            even_blocked: also answer people who are blocked.
            follow_continuation: first move the visit to the verification that continued its own.
        """

        async def handle(request: web.Request) -> web.StreamResponse:
            # Read the form first: it may arrive slowly, and the visit may end meanwhile.
            form = await _read_form(request) if request.method == "POST" else {}
            visit = await self.visit(request)
            if visit is None:
                return _with_security_headers(await self._session_over(request))
            frame = self.frame(request, visit)
            try:
                portal_request = self._authenticate(request, visit, frame, form, even_blocked=even_blocked)
                if follow_continuation:
                    portal_request = await self._follow_continuation(portal_request)
                response = await handler(portal_request)
            except PortalVisitChanged:
                response = self.redirect(HOME)
            except Exception as error:  # noqa: BLE001 - the last line of defence: a person gets a page
                response = self.problem_response(error, frame, visit.enrollment)
            return _with_security_headers(response)

        return handle

    def _authenticate(
        self, request: web.Request, visit: PortalVisit, frame: Frame, form: Form | None, *, even_blocked: bool
    ) -> PortalRequest:
        """Return the authenticated request; raises PageError."""
        if not even_blocked and visit.enrollment.blocked(self._clock()):
            raise PageError(PageProblem.BLOCKED, HTTPStatus.FORBIDDEN)
        if form is None or (request.method == "POST" and not _has_csrf_token(form, visit)):
            raise PageError(PageProblem.FOREIGN_FORM, HTTPStatus.FORBIDDEN)
        return PortalRequest(request, visit, frame, form)

    async def _follow_continuation(self, portal_request: PortalRequest) -> PortalRequest:
        """Move the visit to the last verification of the chain that continued its own on the person's next phones."""
        visit = portal_request.visit
        verification_id = visit.session.verification_id
        while verification_id is not None:
            verification = await self._verifications.show(visit.application, verification_id)
            if not is_continued(verification):
                break
            verification_id = verification.continued_by
        if verification_id == visit.session.verification_id:
            return portal_request
        return portal_request.with_visit(await self._portal.note(visit, verification_id=verification_id))

    def public(self, handler: AiohttpHandler) -> AiohttpHandler:
        """Return a handler that needs no session; its errors become pages."""

        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                response = await handler(request)
            except Exception as error:  # noqa: BLE001 - the last line of defence: a person gets a page
                response = self.problem_response(error, self.frame(request, None), None)
            return _with_security_headers(response)

        return handle

    async def visit(self, request: web.Request) -> PortalVisit | None:
        """Return the visit that the session cookie belongs to; None without a valid cookie."""
        secret = self._session_secret(request)
        with contextlib.suppress(StoreUnavailable):
            return await self._portal.enter(secret) if secret else None
        return None

    def _session_secret(self, request: web.Request) -> str | None:
        secret = request.cookies.get(self.cookie_name(), "")
        return secret if 0 < len(secret) <= _LONGEST_SECRET else None

    async def _session_over(self, request: web.Request) -> web.Response:
        """Answer a request without a visit; while it is known whose visit ended, with branding and a way back."""
        secret, ended = self._session_secret(request), None
        with contextlib.suppress(StoreUnavailable):
            ended = await self._portal.ended(secret) if secret else None
        frame = self.frame(request, None)
        if ended is not None:
            frame = self._frame_of_ended(frame, ended)
        back = None if ended is None else ended.return_url
        return self.problem_response(
            PageError(PageProblem.SESSION_OVER, HTTPStatus.UNAUTHORIZED, back=back), frame, None
        )

    def _frame_of_ended(self, frame: Frame, ended: EndedVisit) -> Frame:
        locale = self._pages.translations.locale_for_tag(ended.locale) if ended.locale else frame.locale
        return self.branded(msgspec.structs.replace(frame, locale=locale), ended.application)

    def frame(self, request: web.Request, visit: PortalVisit | None) -> Frame:
        """Return the frame of a page: the language, the application's branding, the person's name."""
        header = request.headers.get("Accept-Language", "")
        translations = self._pages.translations
        if visit is None:
            return Frame(locale=translations.locale_for_header(header), application="Poundkey", now=self._clock())
        preferred = visit.session.locale or visit.enrollment.language
        frame = Frame(
            locale=translations.locale_for_tag(preferred) if preferred else translations.locale_for_header(header),
            application=visit.application.name,
            now=self._clock(),
            csrf=visit.csrf,
            path=_return_path(request),
            person=visit.enrollment.display_name or visit.enrollment.user,
            banner=_banner(request),
        )
        return self.branded(frame, visit.application)

    def branded(self, frame: Frame, application: Application) -> Frame:
        """Return the frame with an application's branding."""
        branding = self._applications.branding(application.name)
        brand = f"/portal/brand/{application.id}"
        return msgspec.structs.replace(
            frame,
            application=branding.name or application.name,
            logo_url=f"{brand}/logo" if branding.logo else None,
            brand_css_url=f"{brand}.css",
            support=Support(
                branding.support_email or None, branding.support_url or None, branding.support_phone or None
            ),
        )

    def page_response(self, page: Page, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
        """Answer with a page."""
        return self.html_response(self._pages.render(page), status)

    def html_response(self, text: str, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
        """Answer with HTML."""
        return web.Response(text=text, status=status.value, content_type="text/html")

    def redirect(self, path: str) -> web.Response:
        """Redirect to another page (303)."""
        return web.Response(status=HTTPStatus.SEE_OTHER.value, headers={"Location": path})

    def problem_response(self, error: Exception, frame: Frame, enrollment: Enrollment | None) -> web.Response:
        """Answer with the page for an error; raises HTTPException for aiohttp's own."""
        back = None
        match error:
            case PageError():
                back = error.back
                problem, status, minutes = error.problem, error.status, error.minutes
            case Rejected():
                problem, status = _PROBLEMS.get(error.code, (PageProblem.TRY_LATER, HTTPStatus.CONFLICT))
                minutes = None if error.retry_after is None else -(-error.retry_after // _MINUTE)
            case StoreUnavailable():
                logger.error("the store is unavailable: %s", error)
                problem, status, minutes = PageProblem.TRY_LATER, HTTPStatus.SERVICE_UNAVAILABLE, None
            case web.HTTPException():
                raise error
            case _:
                logger.error("unexpected error on a page", exc_info=error)
                problem, status, minutes = PageProblem.TRY_LATER, HTTPStatus.INTERNAL_SERVER_ERROR, None
        block = enrollment.block if enrollment is not None and problem is PageProblem.BLOCKED else None
        page = ProblemPage(
            frame,
            problem,
            minutes=minutes,
            blocked_until=block.until if block else None,
            again=back or (HOME if frame.csrf and problem is not PageProblem.BLOCKED else None),
        )
        return self.page_response(page, status)

    def cookie_name(self, purpose: str = "") -> str:
        """Return the name of a cookie; over plain HTTP (`poundkey dev`) browsers refuse the `__Host-` prefix."""
        return f"{_HOST_ONLY if self._secure else ''}{_COOKIE}{purpose}"

    def trusted_device(self, request: web.Request, visit: PortalVisit) -> str | None:
        """Return the secret of the trusted-device cookie of this person; None without one."""
        secret = request.cookies.get(self.cookie_name(device_cookie(visit)), "")
        return secret if 0 < len(secret) <= _LONGEST_SECRET else None

    def set_cookie(self, response: web.Response, secret: str, purpose: str = "", seconds: int | None = None) -> None:
        """Store a secret in a cookie, for so many seconds or until the browser closes."""
        response.set_cookie(
            self.cookie_name(purpose),
            secret,
            max_age=seconds,
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="Lax",
        )


def device_cookie(visit: PortalVisit) -> str:
    """Return the purpose of the trusted-device cookie: one per person, because several may share a browser."""
    return f"-device-{visit.enrollment.id[-_DEVICE_SUFFIX:]}"


def _with_security_headers(response: web.StreamResponse) -> web.StreamResponse:
    """Forbid caching, framing, referrers, and content from other origins."""
    response.headers.update(_HEADERS)
    return response


async def _read_form(request: web.Request) -> Form | None:
    """Read a posted form; None if it has another content type, is malformed, or does not arrive in time."""
    if request.content_type != _FORM_CONTENT_TYPE or (request.charset or _CHARSET).lower() != _CHARSET:
        return None
    try:
        async with asyncio.timeout(_FORM_SECONDS):
            fields = await request.post()
    except (ValueError, web.HTTPRequestEntityTooLarge, web.RequestPayloadError, ConnectionError, TimeoutError):
        return None
    return {name: value for name, value in fields.items() if isinstance(value, str)}


def _has_csrf_token(form: Form, visit: PortalVisit) -> bool:
    return hmac.compare_digest(form.get("csrf", "").encode(), visit.csrf.encode())


def _return_path(request: web.Request) -> str:
    """Return where the language menu comes back to: not to a link, whose path is a secret, nor to an old banner."""
    return HOME if request.path.startswith(f"{HOME}/links/") else str(request.rel_url.without_query_params("notice"))


def _banner(request: web.Request) -> Banner | None:
    with contextlib.suppress(ValueError):
        return Banner(request.query.get("notice", ""))
    return None
