"""The hosted pages put together: every route of them."""

from aiohttp import web

from gateway.clock import Clock
from gateway.domain.applications import Applications
from gateway.domain.keypad import Keypad
from gateway.domain.limits import Limits
from gateway.pages.assets import AssetRoutes
from gateway.pages.finish import FinishRoutes
from gateway.pages.follow_continuation import FollowContinuation
from gateway.pages.help import HelpRoutes
from gateway.pages.links import LinkRoutes
from gateway.pages.not_found import NotFoundRoutes
from gateway.pages.phone_form import PhoneFormRoutes
from gateway.pages.portal_requests import HOME, PortalSessions
from gateway.pages.rendering import Pages
from gateway.pages.settings import SettingsRoutes
from gateway.pages.sign_in import SignInRoutes
from gateway.pages.verify import VerifyRoutes
from gateway.security.generators import NewToken
from gateway.services.app_passwords import AppPasswords
from gateway.services.authentication import Authentication
from gateway.services.enrollments import Enrollments
from gateway.services.pins import Pins
from gateway.services.portal import Portal
from gateway.services.verifications import Verifications


def page_routes(
    *,
    pages: Pages,
    portal: Portal,
    applications: Applications,
    records: Enrollments,
    proofs: Authentication,
    app_passwords: AppPasswords,
    pins: Pins,
    verifications: Verifications,
    limits: Limits,
    clock: Clock,
    new_token: NewToken,
    public_url: str,
    keypad: Keypad,
) -> list[web.RouteDef]:
    """Return the routes of the hosted pages."""
    doorstep = PortalSessions(portal, applications, pages, clock, public_url)
    finishing = FinishRoutes(doorstep, portal, proofs, app_passwords, verifications, pages, new_token)
    following = FollowContinuation(portal, verifications)
    signing_in = SignInRoutes(doorstep, portal, proofs, verifications, finishing, following)
    parts = (
        LinkRoutes(doorstep, portal, pages, signing_in),
        PhoneFormRoutes(doorstep, portal, proofs, pages),
        VerifyRoutes(doorstep, portal, proofs, verifications, finishing, following, pages, limits, clock, keypad),
        finishing,
        signing_in,
        SettingsRoutes(doorstep, records, proofs, app_passwords, pins),
        HelpRoutes(doorstep, proofs, verifications, keypad),
        AssetRoutes(pages, applications, portal),
    )
    routes = [route for part in parts for route in part.routes()]
    forms = frozenset(route.path for route in routes if route.method == "POST")
    return [*routes, web.get(f"{HOME}/{{rest:.*}}", doorstep.open(NotFoundRoutes(doorstep, forms).show))]
