"""Who may see a page: the cookie, the form's proof of origin, headers that shut a page in, every error as a page."""

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
from gateway.pages.components import Banner, ErrorPage, Frame, Support
from gateway.pages.models import Page, ProblemPage
from gateway.pages.rendering import Pages
from gateway.services.portal import Portal, PortalVisit, PortalVisitChanged

HOME = "/portal"
_COOKIE = "poundkey"
_HOST_ONLY = "__Host-"  # a browser then takes it from this host alone, over TLS, for every path
_LONGEST_SECRET = 64
_DEVICE_SUFFIX = 12
_FORM_TYPE, _CHARSET = "application/x-www-form-urlencoded", "utf-8"
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
_PROBLEMS: Mapping[ErrorCode, tuple[ErrorPage, HTTPStatus]] = {
    ErrorCode.ENROLLMENT_BLOCKED: (ErrorPage.BLOCKED, HTTPStatus.FORBIDDEN),
    ErrorCode.NOT_FOUND: (ErrorPage.NOT_FOUND, HTTPStatus.NOT_FOUND),
    ErrorCode.NO_METHOD: (ErrorPage.NO_METHOD, HTTPStatus.CONFLICT),
    ErrorCode.NUMBER_STOPPED: (ErrorPage.NO_METHOD, HTTPStatus.FORBIDDEN),
    ErrorCode.FEATURE_OFF: (ErrorPage.FEATURE_OFF, HTTPStatus.FORBIDDEN),
    ErrorCode.RATE_LIMITED: (ErrorPage.TOO_MANY_TRIES, HTTPStatus.TOO_MANY_REQUESTS),
}

logger = logging.getLogger(__name__)

Form = Mapping[str, str]


class PortalRequest(msgspec.Struct, frozen=True):
    """A request that was let in: who visits, what surrounds their page, and what the form holds."""

    request: web.Request
    visit: PortalVisit
    frame: Frame
    form: Form

    def visited(self, visit: PortalVisit) -> "PortalRequest":
        """Return the same request, with what has become of the visit meanwhile."""
        return msgspec.structs.replace(self, visit=visit)


Handler = Callable[[PortalRequest], Awaitable[web.StreamResponse]]
AiohttpHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class PageError(Exception):
    """There is no page to show, and why."""

    def __init__(self, problem: ErrorPage, status: HTTPStatus, *, minutes: int | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.status = status
        self.minutes = minutes


class PortalSessions:
    """Lets people in, and lets nothing out of their pages."""

    def __init__(self, portal: Portal, applications: Applications, pages: Pages, clock: Clock, public_url: str) -> None:
        self._portal = portal
        self._applications = applications
        self._pages = pages
        self._clock = clock
        self._secure = public_url.startswith("https://")

    def authenticated(self, handler: Handler, *, even_blocked: bool = False) -> AiohttpHandler:
        """Return the handler as a route: it is told who visits. A POST must bring the visit's own form."""

        async def enter(request: web.Request) -> web.StreamResponse:
            # First: a form may come slowly, and what ends the visit meanwhile must not be missed.
            form = await _posted(request) if request.method == "POST" else {}
            visit = await self.visit(request)
            frame = self.frame(request, visit)
            try:
                answer = await handler(self._guest(request, visit, frame, form, even_blocked=even_blocked))
            except PortalVisitChanged:
                answer = self.go(HOME)
            except Exception as error:  # noqa: BLE001 - the last line of defence: a person gets a page
                answer = self.problem(error, frame, visit.enrollment if visit else None)
            return _shut_in(answer)

        return enter

    def _guest(
        self, request: web.Request, visit: PortalVisit | None, frame: Frame, form: Form | None, *, even_blocked: bool
    ) -> PortalRequest:
        """Return who comes; raises NoPage for who may not."""
        if visit is None:
            raise PageError(ErrorPage.SESSION_OVER, HTTPStatus.UNAUTHORIZED)
        if not even_blocked and visit.enrollment.blocked(self._clock()):
            raise PageError(ErrorPage.BLOCKED, HTTPStatus.FORBIDDEN)
        if form is None or (request.method == "POST" and not _is_of(form, visit)):
            raise PageError(ErrorPage.FOREIGN_FORM, HTTPStatus.FORBIDDEN)
        return PortalRequest(request, visit, frame, form)

    def open(self, handler: AiohttpHandler) -> AiohttpHandler:
        """Return a handler that anyone may reach as a route; what goes wrong becomes a page."""

        async def enter(request: web.Request) -> web.StreamResponse:
            try:
                answer = await handler(request)
            except Exception as error:  # noqa: BLE001 - the last line of defence: a person gets a page
                answer = self.problem(error, self.frame(request, None), None)
            return _shut_in(answer)

        return enter

    async def visit(self, request: web.Request) -> PortalVisit | None:
        """Return who comes with a good cookie."""
        secret = request.cookies.get(self.cookie_name(), "")
        if not 0 < len(secret) <= _LONGEST_SECRET:
            return None
        with contextlib.suppress(StoreUnavailable):
            return await self._portal.enter(secret)
        return None

    def frame(self, request: web.Request, visit: PortalVisit | None) -> Frame:
        """Return what surrounds a page: the language, the application's looks, the person's name."""
        header = request.headers.get("Accept-Language", "")
        texts = self._pages.texts
        if visit is None:
            return Frame(locale=texts.accepted(header), application="Poundkey", now=self._clock())
        chosen = visit.session.locale or visit.enrollment.locale
        frame = Frame(
            locale=texts.best(chosen) if chosen else texts.accepted(header),
            application=visit.application.name,
            now=self._clock(),
            csrf=visit.csrf,
            path=_place(request),
            person=visit.enrollment.display_name or visit.enrollment.user,
            notice=_notice(request),
        )
        return self.branded(frame, visit.application)

    def branded(self, frame: Frame, application: Application) -> Frame:
        """Return the frame in an application's looks."""
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

    def show(self, page: Page, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
        """Answer with a page."""
        return self.html(self._pages.render(page), status)

    def html(self, text: str, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
        """Answer with HTML."""
        return web.Response(text=text, status=status.value, content_type="text/html")

    def go(self, path: str) -> web.Response:
        """Send on to a page of ours."""
        return web.Response(status=HTTPStatus.SEE_OTHER.value, headers={"Location": path})

    def problem(self, error: Exception, frame: Frame, enrollment: Enrollment | None) -> web.Response:
        """Answer with the page for what went wrong."""
        match error:
            case PageError():
                problem, status, minutes = error.problem, error.status, error.minutes
            case Rejected():
                problem, status = _PROBLEMS.get(error.code, (ErrorPage.TRY_LATER, HTTPStatus.CONFLICT))
                minutes = None if error.retry_after is None else -(-error.retry_after // _MINUTE)
            case StoreUnavailable():
                logger.error("the store did not take a change: %s", error)
                problem, status, minutes = ErrorPage.TRY_LATER, HTTPStatus.SERVICE_UNAVAILABLE, None
            case web.HTTPException():
                raise error
            case _:
                logger.error("a page failed in a way that was not foreseen", exc_info=error)
                problem, status, minutes = ErrorPage.TRY_LATER, HTTPStatus.INTERNAL_SERVER_ERROR, None
        block = enrollment.block if enrollment is not None and problem is ErrorPage.BLOCKED else None
        page = ProblemPage(
            frame,
            problem,
            minutes=minutes,
            blocked_until=block.until if block else None,
            again=HOME if frame.csrf and problem is not ErrorPage.BLOCKED else None,
        )
        return self.show(page, status)

    def cookie_name(self, purpose: str = "") -> str:
        """Return the name of a cookie; over plain HTTP (`poundkey dev`) browsers refuse the safe form."""
        return f"{_HOST_ONLY if self._secure else ''}{_COOKIE}{purpose}"

    def trusted_device(self, request: web.Request, visit: PortalVisit) -> str | None:
        """Return the secret by which this browser says that this person trusts it."""
        secret = request.cookies.get(self.cookie_name(device_of(visit)), "")
        return secret if 0 < len(secret) <= _LONGEST_SECRET else None

    def set_cookie(self, response: web.Response, secret: str, purpose: str = "", seconds: int | None = None) -> None:
        """Give a secret to the browser, until it closes or for so many seconds."""
        response.set_cookie(
            self.cookie_name(purpose),
            secret,
            max_age=seconds,
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="Lax",
        )


def device_of(visit: PortalVisit) -> str:
    """Return what the cookie of a trusted browser is for: one person of possibly several at this browser."""
    return f"-device-{visit.enrollment.id[-_DEVICE_SUFFIX:]}"


def _shut_in(answer: web.StreamResponse) -> web.StreamResponse:
    """Let an answer neither be kept, nor framed, nor reach or tell anything but us."""
    answer.headers.update(_HEADERS)
    return answer


async def _posted(request: web.Request) -> Form | None:
    """Read a form; None for what no browser sends for a page of ours, and for what does not arrive in time."""
    if request.content_type != _FORM_TYPE or (request.charset or _CHARSET).lower() != _CHARSET:
        return None
    try:
        async with asyncio.timeout(_FORM_SECONDS):
            posted = await request.post()
    except (ValueError, web.HTTPRequestEntityTooLarge, web.RequestPayloadError, ConnectionError, TimeoutError):
        return None
    return {name: value for name, value in posted.items() if isinstance(value, str)}


def _is_of(form: Form, visit: PortalVisit) -> bool:
    """Tell whether this visit was given this form."""
    return hmac.compare_digest(form.get("csrf", "").encode(), visit.csrf.encode())


def _place(request: web.Request) -> str:
    """Return where the language menu comes back to: not to a link, whose address is a secret, nor to an old notice."""
    return HOME if request.path.startswith(f"{HOME}/links/") else str(request.rel_url.without_query_params("notice"))


def _notice(request: web.Request) -> Banner | None:
    with contextlib.suppress(ValueError):
        return Banner(request.query.get("notice", ""))
    return None
