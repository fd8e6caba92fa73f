"""A client of the hosted pages without a browser: HTTP with cookies and the CSRF tokens of forms."""

import contextlib
import re
from collections.abc import AsyncIterator, Mapping
from urllib.parse import urlsplit

import aiohttp
import msgspec

from support.portal import Portal

_CSRF = re.compile(r'name="csrf" value="([0-9a-f]+)"')


class Seen(msgspec.Struct, frozen=True):
    """A response of the gateway; `headers` has the last one of each name."""

    status: int
    text: str
    headers: Mapping[str, str]
    cookies: tuple[str, ...]

    @property
    def location(self) -> str:
        """Return where it redirects to."""
        return self.headers.get("Location", "")

    @property
    def title(self) -> str:
        """Return the title of the page."""
        match = re.search(r"<title>(.*?)</title>", self.text)
        return match[1] if match else ""


class Visitor:
    """An HTTP client with cookies; it follows no redirects."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session = session
        self.url = url
        self.csrf = ""

    async def ask(self, method: str, path: str, **options: object) -> Seen:
        """Send a request; store the CSRF token of the page that is returned."""
        async with self.session.request(method, self.url + path, allow_redirects=False, **options) as answer:
            content = await answer.read()
            cookies = tuple(answer.headers.getall("Set-Cookie", ()))
            seen = Seen(answer.status, content.decode(errors="replace"), dict(answer.headers), cookies)
        if match := _CSRF.search(seen.text):
            self.csrf = match[1]
        return seen

    async def get(self, path: str) -> Seen:
        return await self.ask("GET", path)

    async def post(self, path: str, **fields: str) -> Seen:
        """Send a form with the CSRF token of the last page, unless `csrf` is among the fields."""
        return await self.ask("POST", path, data={"csrf": self.csrf, **fields})

    async def open(self, link: str) -> Seen:
        """Open a portal link, and follow its redirects."""
        opened = await self.post(urlsplit(link).path)
        assert opened.status == 303, opened
        while opened.location:
            opened = await self.get(opened.location)
        return opened


@contextlib.asynccontextmanager
async def visitor(portal: Portal) -> AsyncIterator[Visitor]:
    """Open a client without cookies."""
    jar = aiohttp.CookieJar(unsafe=True)  # accept cookies of IP addresses
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        yield Visitor(session, portal.url)


async def at_settings(portal: Portal, visitor: Visitor, person: object) -> None:
    """Open a link to the settings of an enrolled person, and sign in with the code."""
    number = person.number
    texts = await portal.codes(number)
    await visitor.open(await portal.link(person, "settings"))
    checked = await visitor.post("/portal/verify", code=await portal.code(number, texts + 1))
    assert checked.location == "/portal/settings"
    await visitor.get("/portal/settings")
