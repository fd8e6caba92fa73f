"""A world with hosted pages: people of many groups, links for them, and the application they come back to."""

import contextlib
import itertools
import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import msgspec
from aiohttp import web
from playwright.async_api import Browser, BrowserContext, Page, expect

from gateway.settings.settings import Portal as PortalSettings
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
called = {{ enroll = ["call"], sign_in = ["call"] }}
french = {{ text_countries = ["FR"] }}
trusting = {{ remember_device_days = 30, app_passwords = false }}
cached = {{ proof_cache = 600 }}
falling_back = {{ fallback = [{{ channel = "call" }}, {{ channel = "sms" }}] }}
"""
_numbers = itertools.count(1000)


class Person(msgspec.Struct, frozen=True):
    """Somebody with a phone, and how their record is found."""

    id: str
    user: str
    number: str

    @property
    def national(self) -> str:
        """Return the number as its owner writes it."""
        return f"(425) 555-{self.number[-4:]}"


class Back(msgspec.Struct, frozen=True):
    """The application that people come back to: its address, and the requests that it saw."""

    url: str
    seen: list[web.BaseRequest]

    def outcome(self) -> dict[str, str]:
        """Return what the last person brought along."""
        return dict(parse_qsl(self.seen[-1].query_string))


class Portal(msgspec.Struct, frozen=True):
    """The world behind the pages."""

    world: World
    back: Back

    @property
    def integrator(self) -> Integrator:
        """Return who sends people to the pages."""
        return self.world.integrator

    @property
    def network(self) -> PhoneNetwork:
        """Return the phones."""
        return self.world.network

    @property
    def url(self) -> str:
        """Return where the gateway is."""
        return self.world.settings.server.public_url

    async def person(self, *groups: str, **fields: object) -> Person:
        """Make a record of somebody new; nobody else has their number."""
        number = f"+1425555{next(_numbers)}"
        user = f"person{number[-4:]}@bank.example"
        wish = {"user": user, "groups": groups, **fields}
        answer = await self.integrator.ask("POST", "/v1/enrollments", wish)
        assert answer.status == 201, answer
        return Person(answer.body["id"], user, number)

    async def enrolled(self, *groups: str, channel: str = "sms", **fields: object) -> Person:
        """Make a record of somebody whose phone is proven; `channel` is their default."""
        person = await self.person(*groups, **fields)
        phone = (await self.prove(person, person.number))["phones"][0]
        if channel != "sms":
            wish = {"default_method": {"phone_id": phone["id"], "channel": channel}}
            answer = await self.integrator.ask("PATCH", f"/v1/enrollments/{person.id}", wish)
            assert answer.status == 200, answer
        return person

    async def prove(self, person: Person, number: str, kind: str = "authentication") -> Json:
        """Prove one more phone of a person, and return their record."""
        wish = {"kind": kind, "to": number, "channel": "sms"}
        answer = await self.integrator.ask("POST", f"/v1/enrollments/{person.id}/phones", wish)
        assert answer.status == 201, answer
        code = await self.code(number, 1)
        checked = await self.integrator.check(answer.body["verification"]["id"], code)
        assert checked.body["valid"], checked
        return await self.record(person)

    async def record(self, person: Person) -> Json:
        """Return what is kept of a person."""
        return await self.integrator.enrollment(person.id)

    async def link(self, person: Person, page: str = "enroll", *, back: bool = False) -> str:
        """Return a new link for a person."""
        wish = {"page": page, **({"return_url": self.back.url} if back else {})}
        answer = await self.integrator.ask("POST", f"/v1/enrollments/{person.id}/portal-links", wish)
        assert answer.status == 201, answer
        url: str = answer.body["url"]
        return url

    async def codes(self, number: str) -> int:
        """Return how many texts with a code a phone has."""
        return len(_codes(await self.network.handset(number)))

    async def code(self, number: str, texts: int) -> str:
        """Return the code in the latest text with one, once there are so many of these."""
        handset = await self.network.handset_when(lambda kept: len(_codes(kept)) >= texts, number)
        return _codes(handset)[-1]


@contextlib.asynccontextmanager
async def portal_at(folder: Path, policy: str = POLICY, **sections: msgspec.Struct) -> AsyncIterator[Portal]:
    """Start a world whose application has these policies and an address to go back to.

    Args:
        folder: where files are made.
        policy: the applications file; `{back}` in it is the address to go back to.
        **sections: sections of the settings that the test wants otherwise; `limits` are quick ones unless given.
    """
    async with going_back() as back:
        file = folder / "applications.toml"
        file.write_text(policy.format(back=back.url))
        given = {"limits": QUICK, "portal": PortalSettings(), **sections}
        given["portal"] = msgspec.structs.replace(given["portal"], applications=str(file))
        async with world_at(folder, **given) as world:
            yield Portal(world, back)


@contextlib.asynccontextmanager
async def going_back() -> AsyncIterator[Back]:
    """Start the application that people come back to: at another host, because cookies know no ports."""
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
    """Open a browser as one person has it; at the end no page may have had anything to complain of."""
    context = await browser.new_context(**{"viewport": {"width": 1000, "height": 900}, **options})
    complaints: list[str] = []

    def listen(page: Page) -> None:
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))

    context.on("page", listen)
    yield await context.new_page()
    await context.close()
    assert [words for words in complaints if not words.startswith("Failed to load resource")] == []


async def open_link(page: Page, link: str) -> None:
    """Open a link as a person does: follow it, and press the button."""
    await page.goto(link)
    await page.get_by_role("main").get_by_role("button").click()


async def handset_tab(context: BrowserContext, portal: Portal, number: str) -> Page:
    """Open the handset page in another tab, with this phone picked."""
    page = await context.new_page()
    await page.goto(f"{portal.network.url}/#{number}")
    await expect(page.locator("#connection")).to_have_text("Live")
    return page


async def name_phone(page: Page, number: str, method: str = "Send me a code by text message") -> None:
    """Fill in Step 1 and go on."""
    await page.get_by_label("Phone number").fill(number)
    await page.get_by_label(method, exact=True).check()
    await page.get_by_role("button", name="Next").click()


async def enter_code(page: Page, code: str) -> None:
    """Type the code and press Verify."""
    await page.get_by_label("Code", exact=True).fill(code)
    await page.get_by_role("button", name="Verify").click()


async def sees(page: Page, words: str | re.Pattern[str]) -> None:
    """Wait until a person sees a heading of just these words."""
    await expect(page.get_by_role("heading", name=words, exact=True)).to_be_visible()


def at(path: str) -> re.Pattern[str]:
    """Return what the address of one of our pages looks like, whatever is behind its path."""
    return re.compile(rf"^http://127\.0\.0\.1:\d+{re.escape(path)}(\?.*)?$")


def path_of(page: Page) -> str:
    """Return where a tab is."""
    return urlsplit(page.url).path


def _codes(handset: Json) -> list[str]:
    bodies = [message["body"] for message in handset["messages"]]
    return [body.rpartition("#")[2] for body in bodies if re.search(r"#\d+$", body)]
