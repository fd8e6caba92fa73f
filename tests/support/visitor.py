"""A person at the hosted pages without a browser: plain HTTP with cookies, and the hidden fields of forms."""

import contextlib
import re
from collections.abc import AsyncIterator, Mapping
from urllib.parse import urlsplit

import aiohttp
import msgspec

from support.portal import Portal

_CSRF = re.compile(r'name="csrf" value="([0-9a-f]+)"')


class Seen(msgspec.Struct, frozen=True):
    """What the gateway answered; `headers` has the last one of each name."""

    status: int
    text: str
    headers: Mapping[str, str]
    cookies: tuple[str, ...]

    @property
    def location(self) -> str:
        """Return where it sends on to."""
        return self.headers.get("Location", "")

    @property
    def title(self) -> str:
        """Return the title of the page."""
        found = re.search(r"<title>(.*?)</title>", self.text)
        return found[1] if found else ""


class Visitor:
    """One browser, as far as HTTP sees it; no redirect is followed by itself."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session = session
        self.url = url
        self.csrf = ""

    async def ask(self, method: str, path: str, **given: object) -> Seen:
        """Send any request; the hidden field of the page that comes back is kept."""
        async with self.session.request(method, self.url + path, allow_redirects=False, **given) as answer:
            content = await answer.read()
            cookies = tuple(answer.headers.getall("Set-Cookie", ()))
            seen = Seen(answer.status, content.decode(errors="replace"), dict(answer.headers), cookies)
        if found := _CSRF.search(seen.text):
            self.csrf = found[1]
        return seen

    async def get(self, path: str) -> Seen:
        return await self.ask("GET", path)

    async def post(self, path: str, **fields: str) -> Seen:
        """Send a form with the hidden field of the latest page, unless another `csrf` is given."""
        return await self.ask("POST", path, data={"csrf": self.csrf, **fields})

    async def open(self, link: str) -> Seen:
        """Open a link as a person does, and go to where it leads."""
        opened = await self.post(urlsplit(link).path)
        assert opened.status == 303, opened
        while opened.location:
            opened = await self.get(opened.location)
        return opened


@contextlib.asynccontextmanager
async def visitor(portal: Portal) -> AsyncIterator[Visitor]:
    """Let somebody in with no cookies yet."""
    jar = aiohttp.CookieJar(unsafe=True)  # cookies of an address of numbers, too
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        yield Visitor(session, portal.url)


async def at_settings(portal: Portal, guest: Visitor, person: object) -> None:
    """Open a link to the settings of an enrolled person, and prove who comes."""
    number = person.number
    texts = await portal.codes(number)
    await guest.open(await portal.link(person, "settings"))
    assert (
        await guest.post("/portal/verify", code=await portal.code(number, texts + 1))
    ).location == "/portal/settings"
    await guest.get("/portal/settings")
