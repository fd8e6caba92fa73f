"""A person texts back while the page is open: it moves on, says no, or offers a call, by itself."""

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect
from support.chromium import ABSENT, CHROMIUM
from support.portal import Portal, at_browser, name_phone, open_link, portal_at, sees

pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason=ABSENT),
    pytest.mark.asyncio(loop_scope="module"),
]

POLICY = '[applications."Example Bank"]\nreply_with_code = true\napp_passwords = false\nreturn_urls = ["{back}"]\n'


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def portal(tmp_path_factory):
    async with portal_at(tmp_path_factory.mktemp("portal"), POLICY) as portal:
        yield portal


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser):
    async with at_browser(browser) as page:
        yield page


async def test_the_code_texted_back_moves_the_page_on(portal: Portal, page: Page):
    person = await portal.person()
    await open_link(page, await portal.link(person))
    await name_phone(page, person.national)
    await sees(page, "Step 2: We've sent a text message to your phone")
    await portal.network.text_back(await portal.code(person.number, 1), person.number)
    await sees(page, "You're all set")
    record = await portal.record(person)
    assert (record["status"], record["phones"][0]["status"]) == ("enrolled", "verified")


async def test_the_fraud_word_ends_it_on_the_page(portal: Portal, page: Page):
    person = await portal.person()
    await open_link(page, await portal.link(person))
    await name_phone(page, person.national)
    await portal.code(person.number, 1)
    await portal.network.text_back("FRAUD", person.number)
    await expect(page.get_by_label("Code", exact=True)).to_have_count(0)
    record = await portal.record(person)
    assert (record["status"], record["last_outcome"]["status"]) == ("blocked", "denied")


async def test_a_number_that_said_stop_is_offered_a_call(portal: Portal, page: Page):
    person = await portal.person()
    await portal.network.text_back("STOP", person.number)
    await open_link(page, await portal.link(person))
    await name_phone(page, person.national)
    await sees(page, "That did not work")
    alert = page.get_by_role("alert")
    await expect(alert).to_contain_text("This number has asked us not to contact it.")
    await expect(alert).to_contain_text("Reply START")
    await portal.network.persona("presses_pound", person.number)
    await page.get_by_role("button", name="Call me").click()
    await sees(page, "You're all set")
