"""Signing in: by the default, another way, in a trusted browser, with the help desk's code, shortly after a proof."""

import re

import pytest
from playwright.async_api import Browser, Page, expect
from support.chromium import ABSENT, CHROMIUM
from support.integrator import wrong_for
from support.portal import Person, Portal, at_browser, enter_code, open_link, sees

pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason=ABSENT),
    pytest.mark.asyncio(loop_scope="module"),
]

TEXT_SENT = "We've sent a text message to your phone"
WAYS = "Sign in another way"


async def assert_back(portal: Portal, page: Page, person: Person, basis: str | None) -> None:
    await sees(page, "Welcome")
    outcome = portal.back.outcome()
    assert set(outcome) == {"enrollment_id", "verification_id"}
    verification = await portal.integrator.show(outcome["verification_id"])
    assert (verification["status"], verification["basis"]) == ("approved", basis)
    assert verification["enrollment_id"] == outcome["enrollment_id"] == person.id


async def test_by_the_default_method_and_back_at_once(portal: Portal, page: Page):
    person = await portal.enrolled()
    await open_link(page, await portal.link(person, "sign_in", back=True))
    await sees(page, TEXT_SENT)
    await expect(page.get_by_label(re.compile("Remember this device"))).to_have_count(0)
    await enter_code(page, await portal.code(person.number, 2))
    await assert_back(portal, page, person, None)


async def test_another_way_by_a_call(portal: Portal, page: Page):
    person = await portal.enrolled()
    await open_link(page, await portal.link(person, "sign_in", back=True))
    await sees(page, TEXT_SENT)
    await page.get_by_role("link", name=WAYS).click()
    await sees(page, WAYS)
    await page.get_by_role("button", name=f"Call •••• {person.number[-4:]}").click()
    await sees(page, "We're calling your phone. Answer it and press #")
    await portal.network.press(await portal.network.answered(person.number), "#", person.number)
    await assert_back(portal, page, person, None)


async def test_from_a_text_to_a_call_in_one_step(portal: Portal, page: Page):
    person = await portal.enrolled()
    await open_link(page, await portal.link(person, "sign_in", back=True))
    await page.get_by_role("button", name="Call me instead").click()
    await portal.network.press(await portal.network.answered(person.number), "#", person.number)
    await assert_back(portal, page, person, None)


async def test_a_browser_that_is_remembered_is_not_asked_again_until_the_person_says_so(portal: Portal, page: Page):
    person = await portal.enrolled("trusting")
    await open_link(page, await portal.link(person, "sign_in", back=True))
    await page.get_by_label("Remember this device for 30 days").check()
    code = await portal.code(person.number, 2)
    await enter_code(page, wrong_for(code))
    await expect(page.get_by_label("Remember this device for 30 days")).to_be_checked()
    await enter_code(page, code)
    await assert_back(portal, page, person, None)
    await open_link(page, await portal.link(person, "sign_in", back=True))
    await assert_back(portal, page, person, "trusted_device")
    [device] = [kept for kept in await page.context.cookies() if "device" in kept["name"]]
    assert (device["httpOnly"], device["sameSite"], device["path"]) == (True, "Lax", "/")
    assert 29 * 86_400 < device["expires"] - await page.evaluate("Date.now() / 1000") <= 30 * 86_400
    await open_link(page, await portal.link(person, "settings"))
    await enter_code(page, await portal.code(person.number, 3))
    await page.get_by_role("button", name=re.compile("previously trusted devices")).click()
    await expect(page.get_by_role("status")).to_contain_text("You will be asked again on every device.")
    await open_link(page, await portal.link(person, "sign_in"))
    await sees(page, TEXT_SENT)


async def test_a_call_remembers_the_browser_too(portal: Portal, page: Page):
    person = await portal.enrolled("trusting", channel="call")
    await open_link(page, await portal.link(person, "sign_in"))
    await page.get_by_label("Remember this device for 30 days").check()
    await portal.network.press(await portal.network.answered(person.number), "#", person.number)
    await sees(page, "It is you")
    await open_link(page, await portal.link(person, "sign_in"))
    await sees(page, "It is you")


async def test_another_person_is_not_recognized_by_this_persons_browser(portal: Portal, page: Page):
    person, other = await portal.enrolled("trusting"), await portal.enrolled("trusting")
    await open_link(page, await portal.link(person, "sign_in"))
    await page.get_by_label("Remember this device for 30 days").check()
    await enter_code(page, await portal.code(person.number, 2))
    await sees(page, "It is you")
    await open_link(page, await portal.link(other, "sign_in"))
    await sees(page, TEXT_SENT)


async def test_with_a_code_from_the_help_desk(portal: Portal, page: Page):
    person = await portal.enrolled()
    wish = {"seconds": 600, "reason": "lost phone"}
    code = (await portal.integrator.ask("POST", f"/v1/enrollments/{person.id}/bypass", wish)).body["code"]
    await open_link(page, await portal.link(person, "sign_in", back=True))
    await page.get_by_role("link", name=WAYS).click()
    await page.get_by_text("I have a code from my help desk").click()
    for typed in ("", "1", wrong_for(code)):
        await page.get_by_label("Code from the help desk").fill(typed)
        await page.get_by_role("button", name="Sign in", exact=True).click()
        await expect(page.get_by_role("alert")).to_contain_text("This code from the help desk is not good")
    await page.get_by_label("Code from the help desk").fill(f"{code[:4]} {code[4:]}")
    await page.get_by_role("button", name="Sign in", exact=True).dblclick()
    await assert_back(portal, page, person, "bypass")


async def test_shortly_after_a_proof_no_other_is_asked_for(portal: Portal, page: Page):
    person = await portal.enrolled("cached")
    await open_link(page, await portal.link(person, "sign_in", back=True))
    await assert_back(portal, page, person, "recent_proof")
    assert len(await portal.network.texts(person.number)) == 1
    await open_link(page, await portal.link(person, "settings"))
    await sees(page, TEXT_SENT)
    await page.get_by_role("link", name="Get help").click()
    await page.get_by_text("I am not asked for a second proof").click()
    await expect(page.get_by_text(re.compile("^You proved that it is you"))).to_be_visible()


async def test_who_is_blocked_reads_why_and_whom_to_ask(portal: Portal, page: Page):
    person = await portal.enrolled()
    await open_link(page, await portal.link(person, "sign_in"))
    await sees(page, TEXT_SENT)
    await portal.integrator.ask("POST", f"/v1/enrollments/{person.id}/block", {"reason": "reported"})
    tab = await page.context.new_page()  # the first one may be moving on by itself
    for path in ("/portal/sign-in", "/portal/settings", "/portal/verify", "/portal"):
        await tab.goto(portal.url + path)
        await sees(tab, "You are blocked at the moment")
        await expect(tab.get_by_role("main")).to_contain_text("You find how to reach your support below.")
        await expect(tab.get_by_role("link", name="help@bank.example")).to_be_visible()
    await tab.goto(f"{portal.url}/portal/help")
    await expect(tab.get_by_role("main")).to_contain_text("Your support can end the block.")


async def test_a_method_that_policy_forbids_by_now_says_who_decided(portal: Portal, browser: Browser):
    person = await portal.enrolled()
    await portal.integrator.ask("PATCH", f"/v1/enrollments/{person.id}", {"groups": ["called"]})
    async with at_browser(browser) as page:
        await open_link(page, await portal.link(person, "sign_in"))
        await sees(page, re.compile(f"{WAYS}|We're calling"))
        await page.goto(f"{portal.url}/portal/sign-in")
        text = page.get_by_role("button", name=f"Text •••• {person.number[-4:]}")
        await expect(text).to_be_disabled()
        await expect(text).to_have_accessible_description(re.compile("Decided by Example Bank for the group called"))
        await page.get_by_role("button", name=f"Call •••• {person.number[-4:]}").click()
        await portal.network.press(await portal.network.answered(person.number), "#", person.number)
        await sees(page, "It is you")
