"""The order of the pages: which one is next, and what the person may do now."""

from gateway.domain.portal import PortalPage
from gateway.domain.verification import Status, Verification
from gateway.services.portal import PortalVisit

HOME = "/portal"
ENROLL = "/portal/enroll"
VERIFY = "/portal/verify"
FINISH = "/portal/finish"
SIGN_IN = "/portal/sign-in"
SETTINGS = "/portal/settings"
DONE = "/portal/done"


def next_path(visit: PortalVisit) -> str:
    """Return the path of the next page of this visit.

    An enrolled person signs in before they see or change anything, whatever the link is for.
    """
    session = visit.session
    if session.owes_password:
        return FINISH
    if session.finished:
        return DONE
    if session.verification_id is not None:
        return VERIFY
    if session.page is not PortalPage.SIGN_IN and not visit.enrollment.proven_phones:
        return ENROLL
    if session.proven and session.page is not PortalPage.SIGN_IN:
        return DONE if session.at_end else SETTINGS
    return SIGN_IN


def must_sign_in(visit: PortalVisit) -> bool:
    """Tell whether signing in is the next step of this visit."""
    return next_path(visit) == SIGN_IN


def may_manage(visit: PortalVisit) -> bool:
    """Tell whether the person may see and change their settings now."""
    session = visit.session
    return session.proven and not session.finished and session.page is not PortalPage.SIGN_IN


def may_offer_phone(visit: PortalVisit) -> bool:
    """Tell whether the person may enter a phone now: their first one, or another one once they have signed in."""
    if visit.session.finished or visit.session.page is PortalPage.SIGN_IN:
        return False
    return visit.session.proven or not visit.enrollment.proven_phones


def is_continued(verification: Verification) -> bool:
    """Tell whether a later verification decides; an approved one has decided itself."""
    return verification.continued_by is not None and verification.status is not Status.APPROVED
