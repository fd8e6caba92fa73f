"""Where a visit stands and where it goes next: one place that knows the order of the pages."""

from gateway.domain.portal import PortalPage
from gateway.services.portal import PortalVisit

ENROLL = "/portal/enroll"
VERIFY = "/portal/verify"
STEP_3 = "/portal/finish"
SIGN_IN = "/portal/sign-in"
SETTINGS = "/portal/settings"
DONE = "/portal/done"


def next_path(visit: PortalVisit) -> str:
    """Return the page that is this visit's turn.

    An enrolled person proves who they are before anything of theirs can be seen or changed, whatever the link is for.
    """
    session = visit.session
    if session.owes_password:
        return STEP_3
    if session.finished:
        return DONE
    if session.verification_id is not None:
        return VERIFY
    if session.page is PortalPage.SIGN_IN:
        return SIGN_IN
    if not visit.enrollment.proven_phones:
        return ENROLL
    return SETTINGS if session.proven else SIGN_IN


def must_prove(visit: PortalVisit) -> bool:
    """Tell whether this visit begins, or goes on, with a sign-in."""
    return next_path(visit) == SIGN_IN


def may_settle(visit: PortalVisit) -> bool:
    """Tell whether the person may see and change their record now."""
    session = visit.session
    return session.proven and not session.finished and session.page is not PortalPage.SIGN_IN


def may_offer_phone(visit: PortalVisit) -> bool:
    """Tell whether the person may name a phone now: their first, or another once they have proven who they are."""
    if visit.session.finished or visit.session.page is PortalPage.SIGN_IN:
        return False
    return visit.session.proven or not visit.enrollment.proven_phones
