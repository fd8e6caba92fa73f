"""A running gateway with hosted pages: people of many groups, portal links, and the application they return to."""

import contextlib
import itertools
import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import msgspec
from aiohttp import web
from playwright.async_api import Browser, BrowserContext, Page, expect

from gateway.settings.settings import PortalSettings
from support.integrator import Integrator, Json
from support.network import PhoneNetwork
from support.world import LIMITS, World, world_at

QUICK = msgspec.structs.replace(LIMITS, resend_wait=0)
"""Limits under which a text can be sent again at once."""

POLICY = """
[applications."Example Bank"]
return_urls = ["{back}"]
[applications."Example Bank".branding]
name = "Example Bank"
colour = "#7a1f5c"
support_email = "help@bank.example"
support_url = "https://bank.example/help"
support_phone = "+1 425 555 0100"
[applications."Example Bank".groups]
contractors = {{ app_passwords = false }}
brief = {{ code_lifetime = 2 }}
matching = {{ call_proof = "match" }}
pinned = {{ call_proof = "pin" }}
listening = {{ fallback = [{{ channel = "call" }}, {{ channel = "call", mode = "code" }}] }}
called = {{ enroll = ["call"], sign_in = ["call"] }}
french = {{ text_countries = ["FR"] }}
trusting = {{ remember_device_days = 30, app_passwords = false }}
cached = {{ proof_cache = 600 }}
falling_back = {{ fallback = [{{ channel = "call" }}, {{ channel = "sms" }}] }}
"""
_numbers = itertools.count(1000)


class Person(msgspec.Struct, frozen=True):
    """A person with a phone: the id of their enrollment, their user name, their number."""

    id: str
    user: str
    number: str

    @property
    def national(self) -> str:
        """Return the number in national format."""
        return f"(425) 555-{self.number[-4:]}"


class Back(msgspec.Struct, frozen=True):
    """The application that people return to: its address, and the requests that it received."""

    url: str
    seen: list[web.BaseRequest]

    def outcome(self) -> dict[str, str]:
        """Return the query of the last request."""
        return dict(parse_qsl(self.seen[-1].query_string))


class Portal(msgspec.Struct, frozen=True):
    """The running gateway behind the pages, and the application that people return to."""

    world: World
    back: Back

    @property
    def integrator(self) -> Integrator:
        """Return the client of the REST API."""
        return self.world.integrator

    @property
    def network(self) -> PhoneNetwork:
        """Return the simulated phone network."""
        return self.world.network

    @property
    def url(self) -> str:
        """Return the URL of the gateway."""
        return self.world.settings.server.public_url

    async def person(self, *groups: str, **fields: object) -> Person:
        """Create an enrollment of a new person with a number of their own."""
        number = f"+1425555{next(_numbers)}"
        user = f"person{number[-4:]}@bank.example"
        body = {"user": user, "groups": groups, **fields}
        answer = await self.integrator.ask("POST", "/v1/enrollments", body)
        assert answer.status == 201, answer
        return Person(answer.body["id"], user, number)

    async def enrolled(self, *groups: str, channel: str = "sms", **fields: object) -> Person:
        """Create an enrollment with a proven phone; `channel` is that of the default method."""
        person = await self.person(*groups, **fields)
        phone = (await self.prove(person, person.number))["phones"][0]
        if channel != "sms":
            body = {"default_method": {"phone_id": phone["id"], "channel": channel}}
            answer = await self.integrator.ask("PATCH", f"/v1/enrollments/{person.id}", body)
            assert answer.status == 200, answer
        return person

    async def prove(self, person: Person, number: str, kind: str = "authentication") -> Json:
        """Prove another phone of a person, and return their enrollment."""
        body = {"kind": kind, "to": number, "channel": "sms"}
        answer = await self.integrator.ask("POST", f"/v1/enrollments/{person.id}/phones", body)
        assert answer.status == 201, answer
        code = await self.code(number, 1)
        checked = await self.integrator.check(answer.body["verification"]["id"], code)
        assert checked.body["valid"], checked
        return await self.record(person)

    async def record(self, person: Person) -> Json:
        """Return the enrollment of a person."""
        return await self.integrator.enrollment(person.id)

    async def link(self, person: Person, page: str = "enroll", *, back: bool = False) -> str:
        """Create a portal link for a person, and return its URL."""
        body = {"page": page, **({"return_url": self.back.url} if back else {})}
        answer = await self.integrator.ask("POST", f"/v1/enrollments/{person.id}/portal-links", body)
        assert answer.status == 201, answer
        url: str = answer.body["url"]
        return url

    async def codes(self, number: str) -> int:
        """Return how many texts with a code a phone has received."""
        return len(_codes(await self.network.handset(number)))

    async def code(self, number: str, texts: int) -> str:
        """Return the code of the latest text, once the phone has received so many texts with a code."""
        handset = await self.network.handset_when(lambda handset: len(_codes(handset)) >= texts, number)
        return _codes(handset)[-1]


@contextlib.asynccontextmanager
async def portal_at(folder: Path, policy: str = POLICY, **sections: msgspec.Struct) -> AsyncIterator[Portal]:
    """Start a gateway whose application has these policies and an address to return to.

    Args:
        folder: where files are created.
        policy: the applications file; `{back}` in it is replaced by the address to return to.
        **sections: sections of the settings that differ from the defaults; `limits` are QUICK unless given.
    """
    async with going_back() as back:
        file = folder / "applications.toml"
        file.write_text(policy.format(back=back.url))
        sections = {"limits": QUICK, "portal": PortalSettings(), **sections}
        sections["portal"] = msgspec.structs.replace(sections["portal"], applications=str(file))
        async with world_at(folder, **sections) as world:
            yield Portal(world, back)


@contextlib.asynccontextmanager
async def going_back() -> AsyncIterator[Back]:
    """Start the application that people return to, at another host, because cookies ignore ports."""
    seen: list[web.BaseRequest] = []

    async def welcome(request: web.BaseRequest) -> web.Response:
        if request.path == "/back":
            seen.append(request)
        return web.Response(text="<!doctype html><title>Example Bank</title><h1>Welcome</h1>", content_type="text/html")

    runner = web.ServerRunner(web.Server(welcome), shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield Back(f"http://localhost:{runner.addresses[0][1]}/back", seen)
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def at_browser(browser: Browser, **options: object) -> AsyncIterator[Page]:
    """Open a browser context; at the end, fail if a page logged an error."""
    context = await browser.new_context(**{"viewport": {"width": 1000, "height": 900}, **options})
    errors: list[str] = []

    def listen(page: Page) -> None:
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))

    context.on("page", listen)
    yield await context.new_page()
    await context.close()
    assert [text for text in errors if not text.startswith("Failed to load resource")] == []


async def handset_tab(context: BrowserContext, portal: Portal, number: str) -> Page:
    """Open the simulator's page of this handset in another tab."""
    page = await context.new_page()
    await page.goto(f"{portal.network.url}/#{number}")
    await expect(page.locator("#connection")).to_have_text("Live")
    return page


async def name_phone(page: Page, number: str, method: str = "Send me a code by text message") -> None:
    """Fill in Step 1 and send it."""
    await page.get_by_label("Phone number").fill(number)
    await page.get_by_label(method, exact=True).check()
    await page.get_by_role("button", name="Next").click()


async def enter_code(page: Page, code: str) -> None:
    """Type the code and press Verify."""
    await page.get_by_label("Code", exact=True).fill(code)
    await page.get_by_role("button", name="Verify").click()


async def sees(page: Page, words: str | re.Pattern[str]) -> None:
    """Wait until a heading with exactly this text is visible."""
    await expect(page.get_by_role("heading", name=words, exact=True)).to_be_visible()


def at(path: str) -> re.Pattern[str]:
    """Return a pattern for the URL of a hosted page with any query."""
    return re.compile(rf"^http://127\.0\.0\.1:\d+{re.escape(path)}(\?.*)?$")


def path_of(page: Page) -> str:
    """Return the path of a tab's URL."""
    return urlsplit(page.url).path


def _codes(handset: Json) -> list[str]:
    bodies = [message["body"] for message in handset["messages"]]
    return [body.rpartition("#")[2] for body in bodies if re.search(r"#\d+$", body)]
