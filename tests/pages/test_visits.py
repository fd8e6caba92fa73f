"""What people do with a browser that no journey foresees: reload, back, two tabs, two clicks, old links."""

import asyncio
import re

import pytest
from playwright.async_api import Browser, Page, Route, expect
from support.chromium import ABSENT, CHROMIUM
from support.portal import Portal, at, at_browser, enter_code, name_phone, open_link, sees

pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason=ABSENT),
    pytest.mark.asyncio(loop_scope="module"),
]

STEP_1 = "Step 1: How should we contact you?"
STEP_2 = re.compile("^Step 2: We've sent")
STEP_3 = re.compile("^Step 3")


async def test_reload_sends_nothing_again(portal: Portal, page: Page):
    person = await portal.person()
    await open_link(page, await portal.link(person))
    await page.reload()
    await sees(page, STEP_1)
    await name_phone(page, person.national)
    await sees(page, STEP_2)
    for _ in range(3):
        await page.reload()
    await sees(page, STEP_2)
    assert len(await portal.network.texts(person.number)) == 1


async def test_back_from_step_2_is_step_1_and_forward_is_step_2(portal: Portal, page: Page):
    person = await portal.person()
    await open_link(page, await portal.link(person))
    await sees(page, STEP_1)
    await name_phone(page, person.national)
    await sees(page, STEP_2)
    await page.go_back()
    await sees(page, STEP_1)
    await page.go_forward()
    await sees(page, STEP_2)
    await enter_code(page, await portal.code(person.number, 1))
    await sees(page, STEP_3)
    await page.go_back()
    await expect(page).to_have_url(at("/portal/finish"))


async def test_back_to_step_1_and_another_number_leaves_the_first_behind(portal: Portal, page: Page):
    person, other = await portal.person("contractors"), await portal.person()
    await open_link(page, await portal.link(person))
    await name_phone(page, other.national)
    await sees(page, STEP_2)
    await page.go_back()
    await name_phone(page, person.national)
    await sees(page, STEP_2)
    await expect(page.get_by_text(f"•••• {person.number[-4:]}")).to_be_visible()
    await enter_code(page, await portal.code(person.number, 1))
    await sees(page, "You're all set")
    assert [phone["number"] for phone in (await portal.record(person))["phones"]] == [person.number]


async def test_two_tabs_of_one_visit_see_the_same_end(portal: Portal, page: Page):
    person = await portal.person()
    await open_link(page, await portal.link(person))
    await name_phone(page, person.national)
    await sees(page, STEP_2)
    other = await page.context.new_page()
    await other.goto(f"{portal.url}/portal")
    await sees(other, STEP_2)
    await enter_code(other, await portal.code(person.number, 1))
    await sees(other, STEP_3)
    await sees(page, STEP_3)
    await other.get_by_role("button", name="Skip").click()
    await sees(other, "You're all set")
    await page.reload()
    await sees(page, "You're all set")


async def test_a_number_given_up_in_one_tab_is_given_up_in_the_other(portal: Portal, page: Page):
    person, other_number = await portal.person("contractors"), await portal.person()
    await open_link(page, await portal.link(person))
    await name_phone(page, other_number.national)
    await sees(page, STEP_2)
    other = await page.context.new_page()
    await other.goto(f"{portal.url}/portal/verify")
    await other.get_by_role("button", name="Use another number").click()
    await name_phone(other, person.national)
    await sees(other, STEP_2)
    await sees(page, STEP_1)
    await page.goto(f"{portal.url}/portal")
    await sees(page, STEP_2)
    await enter_code(page, await portal.code(person.number, 1))
    await sees(page, "You're all set")


async def test_two_links_of_one_person_in_one_browser_are_one_visit_after_the_other(portal: Portal, page: Page):
    person = await portal.person("contractors")
    await open_link(page, await portal.link(person))
    await sees(page, STEP_1)
    other = await page.context.new_page()
    await open_link(other, await portal.link(person))
    await sees(other, STEP_1)
    await name_phone(page, person.national)
    await sees(page, "We did not accept this form")
    await page.get_by_role("link", name="Go back").click()
    await name_phone(page, person.national)
    await enter_code(page, await portal.code(person.number, 1))
    await sees(page, "You're all set")


async def test_two_links_of_one_person_in_two_browsers_do_not_undo_each_other(
    portal: Portal, browser: Browser, page: Page
):
    person, thief = await portal.person("contractors"), await portal.person()
    await open_link(page, await portal.link(person))
    await sees(page, STEP_1)
    async with at_browser(browser) as elsewhere:
        await open_link(elsewhere, await portal.link(person))
        await name_phone(elsewhere, thief.national)
        await sees(elsewhere, STEP_2)
        await name_phone(page, person.national)
        await enter_code(page, await portal.code(person.number, 1))
        await sees(page, "You're all set")
        await enter_code(elsewhere, await portal.code(thief.number, 1))
        await sees(elsewhere, "Sign in another way")
    proven = [phone["number"] for phone in (await portal.record(person))["phones"] if phone["status"] == "verified"]
    assert proven == [person.number]


async def test_a_phone_that_was_just_proven_is_not_given_up_by_a_late_click(portal: Portal, browser: Browser):
    person = await portal.person()
    async with at_browser(browser, java_script_enabled=False) as page:
        await open_link(page, await portal.link(person))
        await name_phone(page, person.national, "Call me")
        await portal.network.press(await portal.network.answered(person.number), "#", person.number)
        await portal.network.call_over(person.number)
        await page.get_by_role("button", name="Use another number").click()
        await sees(page, STEP_3)


async def test_a_double_click_sends_once(portal: Portal, page: Page):
    person = await portal.person()
    await open_link(page, await portal.link(person))
    await page.get_by_label("Phone number").fill(person.national)
    await page.get_by_role("button", name="Next").dblclick()
    await sees(page, STEP_2)
    await page.get_by_role("button", name="Send the text message again").dblclick()
    await expect(page.get_by_text("We've sent the text message again.")).to_be_visible()
    code = await portal.code(person.number, 2)
    assert len(await portal.network.texts(person.number)) == 2
    await page.get_by_label("Code", exact=True).fill(code)
    await page.get_by_role("button", name="Verify").dblclick()
    await sees(page, STEP_3)
    await page.get_by_role("button", name="I use an app that cannot ask for a code").dblclick()
    await expect(page.locator("#secret")).to_be_visible()
    assert (await portal.record(person))["app_password_count"] == 1


async def test_a_link_works_once(portal: Portal, browser: Browser, page: Page):
    link = await portal.link(await portal.person())
    for runs_scripts in (False, True):
        async with at_browser(browser, java_script_enabled=runs_scripts) as scanner:
            for _ in range(3):
                await scanner.goto(link, wait_until="networkidle")
                await sees(scanner, "Additional security verification")
                assert await scanner.context.cookies() == []
    await open_link(page, link)
    await sees(page, STEP_1)
    await page.goto(link)
    await sees(page, STEP_1)
    async with at_browser(browser) as stranger:
        await open_link(stranger, link)
        await sees(stranger, "This link no longer works")


async def test_news_do_not_overtake_a_form_that_is_on_its_way(portal: Portal, page: Page):
    person = await portal.person()
    await open_link(page, await portal.link(person))
    await name_phone(page, person.national)
    await sees(page, STEP_2)
    await page.evaluate("document.querySelector('form[action$=cancel]').dataset.sent = 'yes'")
    [made] = (await portal.integrator.ask("GET", f"/v1/verifications?to=%2B{person.number[1:]}")).body["data"]
    await portal.integrator.cancel(made["id"])
    await expect(page.locator("#state")).to_contain_text("This verification was canceled")
    await sees(page, STEP_2)


async def test_the_countdown_to_another_text_is_shown_and_ends(portal: Portal, page: Page):
    """The server's wait is the page's: here it is told another one, as the live region would, and no other news."""
    await page.route("**/portal/verify/state*", lambda route: route.fulfill(status=204))
    person = await portal.person()
    await open_link(page, await portal.link(person))
    await name_phone(page, person.national)
    await sees(page, STEP_2)
    again = page.get_by_role("button", name="Send the text message again")
    await page.wait_for_load_state()  # its scripts listen by then
    await page.evaluate("document.dispatchEvent(new CustomEvent('waits', { detail: 'sms:8 call:0 ' }))")
    await expect(again).to_be_disabled()
    await expect(again.locator(".countdown")).to_have_text(re.compile("0:0[1-8]"))
    await expect(again).to_be_enabled(timeout=20_000)
    await expect(again.locator(".countdown")).to_have_text("")


async def test_the_time_of_a_code_is_counted_down_in_the_language_of_the_page(portal: Portal, page: Page):
    person = await portal.person(locale="de")
    await page.clock.install()
    await open_link(page, await portal.link(person))
    await page.get_by_label("Telefonnummer").fill(person.national)
    await page.get_by_label("Land").select_option("US")
    await page.locator("main button.main").click()
    time = page.locator("[data-expires]")
    await expect(time).to_have_text("9 Minuten")
    await page.clock.fast_forward("08:30")
    await expect(time).to_have_text("1 Minute")
    await page.clock.fast_forward("01:00")
    await expect(time).to_have_text(re.compile("^[0-9]{1,2} Sekunden?$"))


async def test_the_live_page_outlives_a_connection_that_is_lost(portal: Portal, page: Page):
    person = await portal.person()
    await open_link(page, await portal.link(person))
    failed = asyncio.Event()

    async def fail(route: Route) -> None:
        failed.set()
        await route.abort()

    await page.route("**/portal/verify/state*", fail, times=1)
    await name_phone(page, person.national, "Call me")
    await failed.wait()
    sid = await portal.network.answered(person.number)
    await expect(page.locator("#state")).to_contain_text("Listen to the call, then press # on your phone.")
    await portal.network.press(sid, "#", person.number)
    await sees(page, STEP_3)
