"""Takes a visit along where its verification has gone on to the person's next phone."""

from aiohttp import web

from gateway.domain.verification import Status, Verification
from gateway.pages.portal_requests import Handler, PortalRequest
from gateway.services.portal import Portal, PortalVisit
from gateway.services.verifications import Verifications


class FollowContinuation:
    """Before a handler acts on the verification of a visit, this one makes it the latest of its row."""

    def __init__(self, portal: Portal, verifications: Verifications) -> None:
        self._portal = portal
        self._verifications = verifications

    def then(self, handler: Handler) -> Handler:
        """Return a handler for who may have been left behind."""

        async def follow(guest: PortalRequest) -> web.StreamResponse:
            return await handler(guest.visited(await self._caught_up(guest.visit)))

        return follow

    async def _caught_up(self, visit: PortalVisit) -> PortalVisit:
        latest = begun = visit.session.verification_id
        while latest is not None:
            verification = await self._verifications.show(visit.application, latest)
            if not has_gone_on(verification):
                break
            latest = verification.continued_by
        return visit if latest == begun else await self._portal.note(visit, verification_id=latest)


def has_gone_on(verification: Verification) -> bool:
    """Tell whether another verification decides now; one that was approved after all has decided."""
    return verification.continued_by is not None and verification.status is not Status.APPROVED
