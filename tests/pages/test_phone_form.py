"""Step 1 as people fill it in: greyed-out methods say why, numbers are judged while they are typed, nothing is lost."""

import re

import pytest
from playwright.async_api import Browser, Page, expect
from support.chromium import ABSENT, CHROMIUM
from support.portal import Portal, at, at_browser, name_phone, open_link, sees

pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason=ABSENT),
    pytest.mark.asyncio(loop_scope="module"),
]

TEXT = "Send me a code by text message"
CALLS_ONLY = "Text messages are not allowed here. Decided by Example Bank for the group called. Choose a call."


@pytest.mark.parametrize("scripts", [True, False], ids=["live", "without scripts"])
async def test_a_method_that_policy_forbids_is_greyed_out_and_says_who_decided(
    portal: Portal, browser: Browser, *, scripts: bool
):
    person = await portal.person("called")
    async with at_browser(browser, java_script_enabled=scripts) as page:
        await open_link(page, await portal.link(person))
        text = page.get_by_label(TEXT)
        await expect(text).to_be_disabled()
        await expect(text).to_have_accessible_description(CALLS_ONLY)
        await expect(page.get_by_label("Call me")).to_be_checked()
        await page.get_by_label("Phone number").fill(person.national)
        if scripts:
            await expect(page.locator("#number-state")).to_have_text(f"+1 425-555-{person.number[-4:]}")
        await expect(text).to_be_disabled()
        await page.get_by_role("button", name="Next").click()
        await sees(page, re.compile("We're calling your phone"))


async def test_a_method_that_this_number_cannot_have_is_greyed_out_while_it_is_typed(portal: Portal, page: Page):
    await open_link(page, await portal.link(await portal.person()))
    await page.get_by_label("Country or region").select_option("DE")
    number, text, call = (page.get_by_label(label, exact=True) for label in ("Phone number", TEXT, "Call me"))
    await expect(text).to_be_checked()
    await number.fill("030 123456")
    await expect(text).to_be_disabled()
    await expect(text).to_have_accessible_description(re.compile("^This line cannot receive text messages."))
    await expect(call).to_be_checked()
    await number.fill("0151 23456789")
    await expect(page.locator("#number-state")).to_have_text("+49 1512 3456789")
    await expect(text).to_be_enabled()
    await expect(text).to_be_checked()


async def test_without_scripts_the_server_says_the_same_and_keeps_what_was_typed(portal: Portal, browser: Browser):
    async with at_browser(browser, java_script_enabled=False) as page:
        await open_link(page, await portal.link(await portal.person()))
        await page.get_by_label("Country or region").select_option("DE")
        await name_phone(page, "030 123456")
        alert = page.get_by_role("alert")
        await expect(alert).to_contain_text("This line cannot receive text messages.")
        await expect(page.get_by_label("Phone number")).to_have_value("030 123456")
        await expect(page.get_by_label("Country or region")).to_have_value("DE")
        await expect(page.get_by_label(TEXT)).to_be_disabled()
        await expect(page.get_by_label("Call me")).to_be_checked()


async def test_where_texts_may_not_go_to_a_country_the_page_says_so(portal: Portal, page: Page):
    person = await portal.person("french")
    await open_link(page, await portal.link(person))
    await page.get_by_label("Phone number").fill(person.national)
    await expect(page.get_by_label(TEXT)).to_have_accessible_description(
        "Text messages to this country or region are not allowed. Decided by Example Bank for the group french."
        " Choose a call, or use another number."
    )
    await expect(page.get_by_label("Call me")).to_be_checked()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Enter your phone number."),
        ("call me maybe", "A phone number may have digits, spaces and + - . / ( ) only."),
        ("425555", "This number is too short."),
        ("42555501234567", "This number is too long."),
        ("1234567890", "This is not a valid number in the chosen country or region."),
        ("900 555 0123", "Premium-rate, shared-cost and satellite numbers cannot be used."),
    ],
)
async def test_what_is_wrong_with_a_number_is_said_and_nothing_typed_is_lost(
    portal: Portal, page: Page, typed: str, said: str
):
    await open_link(page, await portal.link(await portal.person()))
    await page.get_by_label("Kind of phone").select_option("alternate")
    number = page.get_by_label("Phone number")
    await number.fill(typed)
    if len(re.findall(r"\d", typed)) > 3:
        await expect(page.locator("#number-state")).to_contain_text(said)
    await page.get_by_label("Call me").check()
    await page.get_by_role("button", name="Next").click()
    summary = page.get_by_role("alert")
    await expect(summary).to_contain_text(said)
    await expect(summary).to_be_focused()
    await expect(number).to_have_value(typed)
    await expect(number).to_have_attribute("aria-invalid", "true")
    await expect(number).to_have_accessible_description(re.compile(re.escape(said)))
    await expect(page.get_by_label("Kind of phone")).to_have_value("alternate")
    await expect(page.get_by_label("Call me")).to_be_checked()
    await summary.get_by_role("link").click()
    await expect(number).to_be_focused()


async def test_an_office_phone_has_an_extension_and_is_called(portal: Portal, page: Page):
    person = await portal.person("contractors")
    await open_link(page, await portal.link(person))
    await expect(page.get_by_label("Extension")).to_be_hidden()
    await page.get_by_label("Kind of phone").select_option("office")
    await page.get_by_label("Phone number").fill(person.national)
    await page.get_by_label("Extension").fill("12x")
    await expect(page.get_by_label("Call me")).to_be_checked()
    await expect(page.get_by_label(TEXT)).to_have_accessible_description(
        re.compile("^Text messages do not reach an extension.")
    )
    await page.get_by_role("button", name="Next").click()
    await expect(page.get_by_role("alert")).to_contain_text("An extension has 1 to 12 digits.")
    await expect(page.get_by_label("Extension")).to_have_value("12x")
    await page.get_by_label("Extension").fill("12")
    await page.get_by_role("button", name="Next").click()
    await expect(page.locator("#state")).to_contain_text("ringing")
    [order] = [order for order in await portal.network.orders() if order["To"] == person.number]
    assert order["SendDigits"].endswith("12")
    await portal.network.press(await portal.network.answered(person.number), "#", person.number)
    await sees(page, "You're all set")
    [phone] = (await portal.record(person))["phones"]
    assert (phone["kind"], phone["extension"]) == ("office", "12")


async def test_numbers_are_taken_as_people_write_them_in_their_country(portal: Portal, page: Page):
    person = await portal.person(locale="de")
    await open_link(page, await portal.link(person))
    number, country = page.locator("#number"), page.locator("#country")
    await expect(country).to_have_value("DE")
    for written in ("0151/234 567-89", "(0151) 23456789", "+49 151 23456789", "٠١٥١ ٢٣٤٥٦٧٨٩", "\u200e0151 23456789"):
        await number.fill(written)
        await expect(page.locator("#number-state")).to_have_text("+49 1512 3456789")
        await number.fill("")
        await expect(page.locator("#number-state")).to_have_text("")


async def test_too_many_texts_leave_the_form_as_it_was_and_say_how_long_to_wait(portal: Portal, page: Page):
    person = await portal.person()
    await open_link(page, await portal.link(person))
    for _ in range(5):
        await name_phone(page, person.national)
        await page.get_by_role("button", name="Use another number").click()
        await expect(page).to_have_url(at("/portal/enroll"))
    await name_phone(page, person.national)
    await expect(page.get_by_role("alert")).to_contain_text(
        re.compile(r"There were too many text messages and calls.* Try again in (10|9) minutes\.")
    )
    await expect(page.get_by_label("Phone number")).to_have_value(person.national)
