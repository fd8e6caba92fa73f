"""A person sets up their phone by text, and whatever goes wrong on the way has its own words and a way on."""

import re

import pytest
from playwright.async_api import Page, expect
from support.chromium import ABSENT, CHROMIUM
from support.integrator import wrong_for
from support.portal import Portal, at, enter_code, handset_tab, name_phone, open_link, sees

pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason=ABSENT),
    pytest.mark.asyncio(loop_scope="module"),
]

PASTE = """(field, text) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text", text);
    field.dispatchEvent(new ClipboardEvent("paste", { clipboardData, cancelable: true }));
}"""
TEXT_SENT = "Step 2: We've sent a text message to your phone"


async def test_from_the_link_to_the_green_record_and_back_to_the_application(portal: Portal, page: Page):
    person = await portal.person()
    await open_link(page, await portal.link(person, back=True))
    await sees(page, "Step 1: How should we contact you?")
    await expect(page.get_by_label("Country or region")).to_have_value("US")
    await name_phone(page, person.national)
    await sees(page, TEXT_SENT)
    handset = await handset_tab(page.context, portal, person.number)
    code = await handset.locator(".bubble strong").first.inner_text()
    await page.bring_to_front()
    await expect(page.get_by_role("status")).to_contain_text("has been delivered to your phone")
    await enter_code(page, code)
    await sees(page, "Step 3: Keep using your existing applications")
    await page.get_by_role("button", name="I use an app that cannot ask for a code").click()
    await page.get_by_role("button", name="Done").click()
    await sees(page, "Welcome")
    record = await portal.record(person)
    [phone] = record["phones"]
    assert (record["status"], phone["status"], phone["number"]) == ("enrolled", "verified", person.number)
    assert record["default_method"] == {"phone_id": phone["id"], "channel": "sms"}
    assert (record["last_outcome"]["assurance"], record["app_password_count"]) == ("possession", 1)
    verification_id = record["last_outcome"]["verification_id"]
    assert portal.back.outcome() == {"enrollment_id": person.id, "verification_id": verification_id}


async def test_wrong_codes_lead_to_the_end_page_and_from_there_one_begins_anew(portal: Portal, page: Page):
    person = await portal.person()
    await open_link(page, await portal.link(person))
    await name_phone(page, person.national)
    wrong = wrong_for(await portal.code(person.number, 1))
    for left in (
        "You have 4 tries left.",
        "You have 3 tries left.",
        "You have 2 tries left.",
        "You have one try left.",
    ):
        await enter_code(page, wrong)
        await expect(page.get_by_role("alert")).to_contain_text(f"That is not the code we sent. {left}")
        await expect(page.get_by_label("Code", exact=True)).to_have_attribute("aria-invalid", "true")
        await expect(page).to_have_title(re.compile("^Error:"))
    await enter_code(page, wrong)
    await sees(page, "Too many wrong codes")
    await expect(page.get_by_label("Code", exact=True)).to_have_count(0)
    await page.get_by_role("button", name="Send the text message again").click()
    await sees(page, TEXT_SENT)
    await expect(page.get_by_text("You have 5 tries left.")).to_be_visible()
    await enter_code(page, await portal.code(person.number, 2))
    await sees(page, "Step 3: Keep using your existing applications")


async def test_a_code_that_cannot_be_one_costs_no_try_and_one_with_spaces_is_right(portal: Portal, page: Page):
    person = await portal.person()
    await open_link(page, await portal.link(person))
    await name_phone(page, person.national)
    code = await portal.code(person.number, 1)
    await enter_code(page, "")
    await expect(page.get_by_role("alert")).to_contain_text("Enter the code.")
    await enter_code(page, code[:-1])
    await expect(page.get_by_role("alert")).to_contain_text("6 digits. Check what you typed: this did not count")
    [verification] = (await portal.integrator.ask("GET", "/v1/verifications?limit=1")).body["data"]
    assert verification["checks_left"] == 5
    await page.get_by_label("Code", exact=True).evaluate(PASTE, f"Example Bank: {code[:3]} {code[3:]} is your code.")
    await page.get_by_role("button", name="Verify").click()
    await sees(page, "Step 3: Keep using your existing applications")


async def test_the_time_of_a_code_runs_out_before_the_persons_eyes(portal: Portal, page: Page):
    person = await portal.person("brief")
    await open_link(page, await portal.link(person))
    await name_phone(page, person.national)
    await sees(page, TEXT_SENT)
    await sees(page, "This took too long")
    await page.get_by_role("button", name="Send the text message again").click()
    await sees(page, TEXT_SENT)
    await enter_code(page, await portal.code(person.number, 2))
    await sees(page, "Step 3: Keep using your existing applications")


async def test_call_me_instead_after_a_text(portal: Portal, page: Page):
    person = await portal.person("contractors")
    await open_link(page, await portal.link(person))
    await name_phone(page, person.national)
    await sees(page, TEXT_SENT)
    await page.get_by_role("button", name="Call me instead").click()
    await sees(page, "Step 2: We're calling your phone. Answer it and press #")
    await expect(page.get_by_text("We're calling you again.")).to_have_count(0)
    sid = await portal.network.answered(person.number)
    await expect(page.locator("#state")).to_contain_text("Listen to the call, then press # on your phone.")
    await portal.network.press(sid, "#", person.number)
    await sees(page, "You're all set")
    assert (await portal.record(person))["last_outcome"]["assurance"] == "presence"


async def test_after_a_call_was_asked_for_the_code_of_the_text_is_still_good(portal: Portal, page: Page):
    person = await portal.person("contractors")
    await open_link(page, await portal.link(person))
    await name_phone(page, person.national)
    code = await portal.code(person.number, 1)
    await page.get_by_role("button", name="Call me instead").click()
    await page.get_by_label("Or enter the code from the text message").fill(code)
    await page.get_by_role("button", name="Verify").click()
    await sees(page, "You're all set")


async def test_another_number_can_be_used_instead(portal: Portal, page: Page):
    person = await portal.person("contractors")
    other = await portal.person()
    await open_link(page, await portal.link(person))
    await name_phone(page, other.national)
    await sees(page, TEXT_SENT)
    await page.get_by_role("button", name="Use another number").click()
    await sees(page, "Step 1: How should we contact you?")
    await name_phone(page, person.national)
    await enter_code(page, await portal.code(person.number, 1))
    await sees(page, "You're all set")
    assert [phone["number"] for phone in (await portal.record(person))["phones"]] == [person.number]


async def test_a_text_that_does_not_arrive_offers_a_call(portal: Portal, page: Page):
    person = await portal.person("contractors")
    await portal.network.persona("unreachable", person.number)
    await open_link(page, await portal.link(person))
    await name_phone(page, person.national)
    await expect(page.get_by_text("We could not reach your phone.")).to_be_visible()
    await expect(page.get_by_role("button", name=re.compile("Call me"))).to_be_visible()
    await expect(page).to_have_url(at("/portal/verify"))
