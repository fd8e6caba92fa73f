"""Step 3 and the end: one app password, seen until the person is done with it, and afterwards nowhere."""

import asyncio
import re

import pytest
from playwright.async_api import BrowserContext, Page, expect
from support.chromium import ABSENT, CHROMIUM
from support.integrator import PATIENCE
from support.portal import Person, Portal, at, enter_code, name_phone, open_link, sees

pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason=ABSENT),
    pytest.mark.asyncio(loop_scope="module"),
]

STEP_3 = "Step 3: Keep using your existing applications"
WANTED = "I use an app that cannot ask for a code"
SHOWN = re.compile(r"[a-z3-8]{4}(-[a-z3-8]{4}){5}")


async def at_step_3(portal: Portal, page: Page, *, back: bool = False) -> tuple[Person, str]:
    """Go through steps 1 and 2; return who did, and the app password on the page."""
    person = await portal.person()
    await open_link(page, await portal.link(person, back=back))
    await name_phone(page, person.national)
    await enter_code(page, await portal.code(person.number, 1))
    await sees(page, STEP_3)
    assert (await portal.record(person))["app_password_count"] == 0
    await page.get_by_role("button", name=WANTED).click()
    await expect(page.get_by_text("keep it somewhere safe: it is shown once")).to_be_visible()
    await expect(page.get_by_role("link", name="Manage app passwords")).to_be_visible()
    return person, await page.locator("#secret").inner_text()


async def test_the_password_is_shown_again_until_done_and_then_nowhere(portal: Portal, page: Page):
    person, password = await at_step_3(portal, page)
    assert SHOWN.fullmatch(password)
    await page.reload()
    assert await page.locator("#secret").inner_text() == password
    await page.goto(f"{portal.url}/portal")
    assert await page.locator("#secret").inner_text() == password
    checked = await portal.integrator.ask(
        "POST", "/v1/app-passwords/check", {"user": person.user, "password": password.upper().replace("-", " ")}
    )
    assert checked.body["valid"]
    await page.get_by_role("button", name="Done").click()
    await sees(page, "You're all set")
    for path in (
        "/portal/finish",
        "/portal",
        "/portal/done",
        "/portal/help",
        "/portal/verify",
        "/portal/app-passwords",
    ):
        await page.goto(portal.url + path)
        assert password not in await page.content()
    for _ in range(3):
        await page.go_back()
        assert password not in await page.content()
    assert (await portal.record(person))["app_password_count"] == 1


async def test_back_after_done_shows_no_password(portal: Portal, page: Page):
    _, password = await at_step_3(portal, page, back=True)
    await page.get_by_role("button", name="Done").click()
    await sees(page, "Welcome")
    for _ in range(4):
        await page.go_back()
        assert password not in await page.content()
    await expect(page.locator("#secret")).to_have_count(0)


async def test_the_copy_button_copies_it_without_what_is_there_to_read_it_by(portal: Portal, page: Page):
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    _, password = await at_step_3(portal, page)
    await page.get_by_role("button", name="Copy").click()
    await expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert (await page.evaluate("navigator.clipboard.readText()")) in {password, password.replace("-", "")}


async def test_one_password_is_made_when_the_form_and_the_live_page_race(portal: Portal, page: Page):
    person = await portal.person()
    await open_link(page, await portal.link(person))
    await name_phone(page, person.national)
    await sees(page, re.compile("^Step 2"))
    await page.get_by_role("button", name="Call me instead").click()
    other = await page.context.new_page()
    await other.goto(f"{portal.url}/portal/verify")
    code = await portal.code(person.number, 1)
    sid = await portal.network.answered(person.number)
    for tab in (page, other):
        await tab.get_by_label("Or enter the code from the text message").fill(code)
    pressed = portal.network.press(sid, "#", person.number)
    sent = (tab.evaluate("document.getElementById('verify')?.requestSubmit()") for tab in (page, other))
    await asyncio.gather(pressed, *sent, return_exceptions=True)  # a tab that moved on by itself sends nothing
    for tab in (page, other):
        await sees(tab, STEP_3)
    pressed = (tab.get_by_role("button", name=WANTED).click() for tab in (page, other))
    await asyncio.gather(*pressed)
    passwords = {await tab.locator("#secret").inner_text() for tab in (page, other)}
    assert len(passwords) == 1
    assert (await portal.record(person))["app_password_count"] == 1


async def test_many_requests_for_step_3_at_once_make_one_password(portal: Portal, page: Page):
    person = await portal.person()
    await open_link(page, await portal.link(person))
    await name_phone(page, person.national)
    code = await portal.code(person.number, 1)
    await page.get_by_label("Code", exact=True).fill(code)
    await page.get_by_role("button", name="Verify").click()
    await sees(page, STEP_3)
    csrf = await page.locator("input[name=csrf]").first.get_attribute("value")
    form = {"csrf": csrf or "", "app_password": "on"}
    wishes = (page.context.request.post(f"{portal.url}/portal/finish", form=form) for _ in range(8))
    await asyncio.gather(*wishes)
    answers = await asyncio.gather(*(_step_3(page.context, portal) for _ in range(8)))
    shown = {found[0] for text in answers if (found := SHOWN.search(text))}
    assert len(shown) <= 1
    assert SHOWN.search(await _step_3(page.context, portal))
    # The browser's own request for the page may be the last to take its own password back.
    async with asyncio.timeout(PATIENCE):
        while (await portal.record(person))["app_password_count"] != 1:
            await portal.integrator.ask("GET", "/healthz")


async def test_where_policy_has_no_app_passwords_there_are_two_steps(portal: Portal, page: Page):
    person = await portal.person("contractors")
    await open_link(page, await portal.link(person, back=True))
    await expect(page.get_by_text("Step 1 of 2")).to_be_visible()
    await name_phone(page, person.national)
    await expect(page.get_by_text("Step 2 of 2")).to_be_visible()
    await enter_code(page, await portal.code(person.number, 1))
    await sees(page, "You're all set")
    await page.get_by_role("link", name="Back to Example Bank").click()
    await sees(page, "Welcome")
    assert set(portal.back.outcome()) == {"enrollment_id", "verification_id"}
    record = await portal.record(person)
    assert record["app_password_count"] == 0
    assert portal.back.outcome()["verification_id"] == record["last_outcome"]["verification_id"]


async def test_the_end_leads_to_the_next_steps_and_back_to_them(portal: Portal, page: Page):
    await at_step_3(portal, page)
    await page.get_by_role("button", name="Done").click()
    for name, heading in {
        "Add a second phone": "Add a phone",
        "Choose your preferred option": "Your security settings",
        "Manage app passwords": "App passwords",
        "Get help": "Help",
    }.items():
        await page.get_by_role("main").get_by_role("link", name=name).click()
        await sees(page, heading)
        await page.goto(f"{portal.url}/portal")
        await sees(page, "Next steps")
    for path in ("/portal/enroll", "/portal/sign-in"):
        await page.goto(portal.url + path)
        await expect(page).to_have_url(at("/portal/done"))


async def test_who_needs_no_app_password_skips_it(portal: Portal, page: Page):
    person = await portal.person()
    await open_link(page, await portal.link(person))
    await name_phone(page, person.national)
    await enter_code(page, await portal.code(person.number, 1))
    await sees(page, STEP_3)
    await page.get_by_role("button", name="Skip").click()
    await sees(page, "You're all set")
    assert (await portal.record(person))["app_password_count"] == 0


async def test_who_goes_back_to_the_application_has_ended_the_visit(portal: Portal, page: Page):
    await at_step_3(portal, page, back=True)
    await page.get_by_role("button", name="Done").click()
    await sees(page, "Welcome")
    for path in ("/portal/enroll", "/portal/settings", "/portal/sign-in", "/portal/settings/phones/new"):
        await page.goto(portal.url + path)
        await expect(page).to_have_url(at("/portal/done"))
        await expect(page.get_by_role("main").get_by_role("link")).to_have_text(["Back to Example Bank", "Get help"])


async def _step_3(context: BrowserContext, portal: Portal) -> str:
    return await (await context.request.get(f"{portal.url}/portal/finish")).text()
