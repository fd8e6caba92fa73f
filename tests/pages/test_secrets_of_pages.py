"""No secret stays where others may look: address, history, document, referrer, log, what the application gets."""

import asyncio
import contextlib
import logging
import re
from urllib.parse import unquote_plus

import pytest
from playwright.async_api import Browser, Error, Page, Request, expect
from support.chromium import ABSENT, CHROMIUM
from support.integrator import PATIENCE, wrong_for
from support.portal import Portal, at_browser, enter_code, name_phone, open_link, sees
from support.world import LIMITS

pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason=ABSENT),
    pytest.mark.asyncio(loop_scope="module"),
]


class Witness:
    """Keeps what others may read: every address and referrer, the application's requests, the log."""

    def __init__(self, portal: Portal, page: Page, caplog: pytest.LogCaptureFixture) -> None:
        self.portal = portal
        self.page = page
        self.caplog = caplog
        self.secrets: set[str] = set()
        self.addresses: list[str] = []
        page.context.on("request", self._note)

    def _note(self, request: Request) -> None:
        self.addresses += [unquote_plus(request.url), request.headers.get("referer", "")]

    def learns(self, *secrets: str) -> None:
        self.secrets |= set(secrets)

    async def learns_cookies(self) -> None:
        self.learns(*[kept["value"] for kept in await self.page.context.cookies()])

    async def finds_nothing_in_the_document(self) -> None:
        html = await document_of(self.page)
        assert {secret for secret in self.secrets if secret in html} == set()

    def finds_nothing_elsewhere(self) -> None:
        """The link's own secret is in the address that opens it, and in no other."""
        logged = [logging.Formatter().format(record) for record in self.caplog.records]
        told = [f"{request.path_qs} {dict(request.headers)}" for request in self.portal.back.seen]
        read = "\n".join([*(url for url in self.addresses if "/portal/links/" not in url), *logged, *told])
        assert len(read) > 1000
        assert {secret for secret in self.secrets if secret in read} == set()
        referrers = self.addresses[1::2]
        assert {referrer for referrer in referrers if "/portal" in referrer} == set()
        assert all(not request.headers.get("Referer") for request in self.portal.back.seen)


async def document_of(page: Page) -> str:
    """Return what is in a tab, once it stays where it is."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with contextlib.suppress(Error):
                await page.wait_for_load_state()
                return await page.content()


async def goes_back(page: Page) -> None:
    """Go back; what came of a form cannot be shown again, and the browser says so."""
    try:
        await page.go_back()
    except Error as error:
        assert "ERR_CACHE_MISS" in error.message


async def test_an_enrollment_leaves_no_secret_behind(portal: Portal, page: Page, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    logging.getLogger("asyncio").setLevel(logging.INFO)
    person = await portal.person()
    witness = Witness(portal, page, caplog)
    witness.learns(person.number, person.number[1:], person.number[2:], person.national)
    link = await portal.link(person, back=True)
    await open_link(page, link)
    await sees(page, "Step 1: How should we contact you?")
    witness.learns(link.rpartition("/")[2])
    await witness.learns_cookies()
    await name_phone(page, person.national)
    await sees(page, re.compile("^Step 2"))
    await witness.finds_nothing_in_the_document()
    code = await portal.code(person.number, 1)
    witness.learns(code, wrong_for(code))
    await enter_code(page, wrong_for(code))
    await expect(page.get_by_role("alert")).to_be_visible()
    await witness.finds_nothing_in_the_document()
    await enter_code(page, code)
    await sees(page, re.compile("^Step 3"))
    await witness.finds_nothing_in_the_document()
    assert await page.evaluate("localStorage.length + sessionStorage.length") == 0
    await page.get_by_role("button", name="I use an app that cannot ask for a code").click()
    password = await page.locator("#secret").inner_text()
    witness.learns(password, password.replace("-", ""))
    await page.get_by_role("button", name="Done").click()
    await sees(page, "Welcome")
    await witness.finds_nothing_in_the_document()
    for _ in range(await page.evaluate("history.length") - 1):
        await goes_back(page)
        await witness.finds_nothing_in_the_document()
    witness.finds_nothing_elsewhere()


async def test_settings_and_sign_in_leave_no_secret_behind(
    portal: Portal, page: Page, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    logging.getLogger("asyncio").setLevel(logging.INFO)
    person, other = await portal.enrolled(), await portal.person()
    witness = Witness(portal, page, caplog)
    witness.learns(*[secret for one in (person, other) for secret in (one.number[1:], one.number[2:], one.national)])
    await open_link(page, await portal.link(person, "settings", back=True))
    await enter_code(page, await portal.code(person.number, 2))
    await sees(page, "Your security settings")
    await witness.learns_cookies()
    await page.get_by_role("link", name="Add an alternate phone").click()
    await name_phone(page, other.national)
    await sees(page, "We've sent a text message to your phone")
    await enter_code(page, await portal.code(other.number, 1))
    await sees(page, "Your security settings")
    await page.get_by_role("link", name="Manage app passwords").click()
    await page.get_by_label("Name").fill("Mail")
    await page.get_by_role("button", name="Create").click()
    witness.learns(await page.locator("#secret").inner_text())
    await page.get_by_role("link", name="Back to the settings").click()
    await sees(page, "Your security settings")
    await witness.finds_nothing_in_the_document()
    await goes_back(page)
    await witness.finds_nothing_in_the_document()
    wish = {"seconds": 600, "reason": "lost phone"}
    bypass = (await portal.integrator.ask("POST", f"/v1/enrollments/{person.id}/bypass", wish)).body["code"]
    witness.learns(bypass, wrong_for(bypass))
    await open_link(page, await portal.link(person, "sign_in", back=True))
    await page.get_by_role("link", name="Sign in another way").click()
    await page.get_by_text("I have a code from my help desk").click()
    for typed in (wrong_for(bypass), bypass):
        await page.get_by_label("Code from the help desk").fill(typed)
        await page.get_by_role("button", name="Sign in", exact=True).click()
        if typed != bypass:
            await expect(page.get_by_role("alert")).to_be_visible()
            await witness.finds_nothing_in_the_document()
    await sees(page, "Welcome")
    for _ in range(await page.evaluate("history.length") - 1):
        await goes_back(page)
        await witness.finds_nothing_in_the_document()
    witness.finds_nothing_elsewhere()


async def test_a_link_that_cannot_open_anything_leaves_no_trace_of_itself_in_the_page(portal: Portal, browser: Browser):
    person = await portal.enrolled()
    for _ in range(LIMITS.sends_per_number):
        wish = {"channel": "sms", "purpose": "sign_in"}
        await portal.integrator.ask("POST", f"/v1/enrollments/{person.id}/verifications", wish)
    link = await portal.link(person, "sign_in")
    async with at_browser(browser) as page:
        await open_link(page, link)
        await expect(page.get_by_role("alert")).to_contain_text("There were too many text messages and calls.")
        assert link.rpartition("/")[2] not in await page.content()
        await page.locator("details.languages summary").click()
        await page.get_by_role("button", name="English").click()
        await sees(page, "Sign in another way")
