"""The hosted pages put together: every route of them."""

from aiohttp import web

from gateway.applications import Applications
from gateway.domain.keypad import Keypad
from gateway.domain.policy import Limits
from gateway.enrollments.app_passwords import AppPasswords
from gateway.enrollments.pins import Pins
from gateway.enrollments.portal import Portal
from gateway.enrollments.proofs import Proofs
from gateway.enrollments.records import Records
from gateway.pages.assets import Assets
from gateway.pages.doorstep import HOME, Doorstep
from gateway.pages.elsewhere import Elsewhere
from gateway.pages.enrolling import Enrolling
from gateway.pages.finishing import Finishing
from gateway.pages.following import Following
from gateway.pages.helping import Helping
from gateway.pages.links import Links
from gateway.pages.rendering import Pages
from gateway.pages.settling import Settling
from gateway.pages.signing_in import SigningIn
from gateway.pages.verifying import Verifying
from gateway.person_ports import PortalStore
from gateway.ports import Clock, NewToken
from gateway.verifications import Verifications


def page_routes(
    *,
    pages: Pages,
    portal: Portal,
    visits: PortalStore,
    applications: Applications,
    records: Records,
    proofs: Proofs,
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
    doorstep = Doorstep(portal, applications, pages, clock, public_url)
    finishing = Finishing(doorstep, portal, proofs, app_passwords, verifications, pages, new_token)
    following = Following(portal, verifications)
    signing_in = SigningIn(doorstep, portal, proofs, verifications, finishing, following)
    parts = (
        Links(doorstep, portal, pages, signing_in),
        Enrolling(doorstep, portal, proofs, pages),
        Verifying(doorstep, portal, proofs, verifications, finishing, following, pages, limits, clock, keypad),
        finishing,
        signing_in,
        Settling(doorstep, records, proofs, app_passwords, pins),
        Helping(doorstep, proofs, verifications, keypad),
        Assets(pages, applications, visits),
    )
    routes = [route for part in parts for route in part.routes()]
    forms = frozenset(route.path for route in routes if route.method == "POST")
    return [*routes, web.get(f"{HOME}/{{rest:.*}}", doorstep.open(Elsewhere(doorstep, forms).show))]
