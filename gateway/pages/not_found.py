"""Addresses that lead to no page: those of forms lead back to where the visit stands, of all others it is said."""

from http import HTTPStatus

from aiohttp import web

from gateway.pages.components import ErrorPage
from gateway.pages.portal_requests import HOME, PageError, PortalSessions


class NotFoundRoutes:
    """Whatever is asked for by GET and is no page."""

    def __init__(self, doorstep: PortalSessions, forms: frozenset[str]) -> None:
        """Take the addresses that forms are sent to: a browser keeps them, where what came of a form was shown."""
        self._doorstep = doorstep
        self._forms = forms

    async def show(self, request: web.Request) -> web.Response:
        """Lead back to the visit, or say that there is nothing here."""
        visit = await self._doorstep.visit(request)
        if visit is not None and request.path in self._forms:
            return self._doorstep.go(HOME)
        frame = self._doorstep.frame(request, visit)
        return self._doorstep.problem(PageError(ErrorPage.NOT_FOUND, HTTPStatus.NOT_FOUND), frame, None)
