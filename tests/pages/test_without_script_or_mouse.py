"""Every way in is open without scripts, and without a mouse."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect
from support.chromium import ABSENT, CHROMIUM
from support.integrator import wrong_for
from support.portal import Portal, at, at_browser, enter_code, name_phone, open_link, sees

pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason=ABSENT),
    pytest.mark.asyncio(loop_scope="module"),
]

RINGED = """element => [element, element.nextElementSibling].some(
    shown => shown && getComputedStyle(shown).outlineStyle !== "none")"""


@pytest_asyncio.fixture(loop_scope="module")
async def plain(browser: Browser) -> AsyncIterator[Page]:
    """A browser that runs no scripts."""
    async with at_browser(browser, java_script_enabled=False) as page:
        yield page


async def test_a_text_enrollment_without_scripts(portal: Portal, plain: Page):
    person = await portal.person()
    await open_link(plain, await portal.link(person, back=True))
    await expect(plain.get_by_label("Extension")).to_be_visible()
    await name_phone(plain, person.national)
    await sees(plain, "Step 2: We've sent a text message to your phone")
    code = await portal.code(person.number, 1)
    await enter_code(plain, wrong_for(code))
    await expect(plain.get_by_role("alert")).to_contain_text("You have 4 tries left.")
    await plain.get_by_role("button", name="Send the text message again").click()
    await expect(plain.get_by_text("We've sent the text message again.")).to_be_visible()
    await enter_code(plain, await portal.code(person.number, 2))
    await sees(plain, "Step 3: Keep using your existing applications")
    await expect(plain.get_by_role("button", name="Copy")).to_be_hidden()
    await plain.get_by_role("button", name="Skip").click()
    await sees(plain, "You're all set")
    await plain.get_by_role("link", name="Back to Example Bank").click()
    await sees(plain, "Welcome")
    assert (await portal.record(person))["status"] == "enrolled"


async def test_a_call_enrollment_without_scripts(portal: Portal, plain: Page):
    person = await portal.person()
    await open_link(plain, await portal.link(person))
    await name_phone(plain, person.national, "Call me")
    await sees(plain, "Step 2: We're calling your phone. Answer it and press #")
    await plain.get_by_role("link", name="I have pressed #").click()
    await sees(plain, "Step 2: We're calling your phone. Answer it and press #")
    await portal.network.press(await portal.network.answered(person.number), "#", person.number)
    await portal.network.call_over(person.number)
    await plain.get_by_role("link", name="I have pressed #").click()
    await sees(plain, "Step 2: Your phone is verified")
    await plain.get_by_role("button", name="Continue").click()
    await sees(plain, "Step 3: Keep using your existing applications")


async def test_a_call_after_a_text_without_scripts(portal: Portal, plain: Page):
    person = await portal.person("contractors")
    await open_link(plain, await portal.link(person))
    await name_phone(plain, person.national)
    await plain.get_by_role("button", name="Call me instead").click()
    await portal.network.press(await portal.network.answered(person.number), "#", person.number)
    await portal.network.call_over(person.number)
    await plain.get_by_role("link", name="I have pressed #").click()
    await plain.get_by_role("button", name="Continue").click()
    await sees(plain, "You're all set")


async def test_another_language_without_scripts_and_back(portal: Portal, plain: Page):
    person = await portal.person()
    await open_link(plain, await portal.link(person))
    await name_phone(plain, "1")
    await plain.locator("details.languages summary").click()
    await plain.get_by_role("button", name="English").click()
    await expect(plain).to_have_url(at("/portal/enroll"))


async def test_a_text_enrollment_by_keyboard_alone(portal: Portal, page: Page):
    person = await portal.person()
    await open_link(page, await portal.link(person))
    await sees(page, "Step 1: How should we contact you?")
    await _tab_to(page, "kind")
    await page.keyboard.press("ArrowDown")
    await expect(page.locator("#kind")).to_have_value("alternate")
    await _tab_to(page, "country")
    await page.keyboard.type("United States")
    await _tab_to(page, "number")
    await page.keyboard.type(person.national)
    await expect(page.locator("#number-state")).to_contain_text("+1 425")
    await _tab_to(page, "channel-sms")
    await page.keyboard.press("ArrowDown")
    await expect(page.get_by_label("Call me")).to_be_checked()
    await page.keyboard.press("ArrowUp")
    await expect(page.get_by_label("Send me a code by text message")).to_be_checked()
    await page.keyboard.press("Enter")
    await sees(page, "Step 2: We've sent a text message to your phone")
    await expect(page.get_by_label("Code", exact=True)).to_be_focused()
    code = await portal.code(person.number, 1)
    await page.keyboard.type(wrong_for(code))
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_be_focused()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Code", exact=True)).to_be_focused()
    await page.keyboard.type(code)
    await page.keyboard.press("Tab")
    await page.keyboard.press("Space")
    await sees(page, "Step 3: Keep using your existing applications")
    while await page.evaluate("document.activeElement.textContent.trim()") != "Skip":
        await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await sees(page, "You're all set")


async def _tab_to(page: Page, element_id: str) -> None:
    """Press Tab until the focus is there; what has it on the way must show it."""
    for _ in range(20):
        await page.keyboard.press("Tab")
        focused = page.locator(":focus")
        assert await focused.evaluate(RINGED)
        if await focused.get_attribute("id") == element_id:
            return
    raise AssertionError(f"Tab never comes to {element_id}")
