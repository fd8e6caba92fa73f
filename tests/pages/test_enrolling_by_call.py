"""A person sets up their phone by a call: # at the handset, digits from the page, and every way it can fail."""

import re

import pytest
from playwright.async_api import Page, expect
from support.chromium import ABSENT, CHROMIUM
from support.network import said as spoken
from support.portal import Portal, handset_tab, name_phone, open_link, sees

pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason=ABSENT),
    pytest.mark.asyncio(loop_scope="module"),
]

CALLING = "Step 2: We're calling your phone. Answer it and press #"
FAILURES = [
    ("busy", "Your line was busy.", "End your other call, then let us call again."),
    ("no_answer", "Nobody answered the call.", "Have your phone at hand and let us call again."),
    ("rejects", "The call was declined.", "Some phones decline unknown callers by themselves."),
    ("voicemail", "Your voicemail answered the call.", "Let us call again and answer yourself."),
    ("hangs_up", "The call ended before you pressed #.", "press # when you are asked to."),
    ("unreachable", "We could not reach your phone.", "Check that it is switched on and has reception"),
]


async def test_pound_pressed_on_the_handset_leads_to_the_green_record(portal: Portal, page: Page):
    person = await portal.person()
    await open_link(page, await portal.link(person, back=True))
    await name_phone(page, person.national, "Call me")
    await sees(page, CALLING)
    state = page.locator("#state")
    await expect(state).to_contain_text("Your phone is ringing. Please answer it.")
    handset = await handset_tab(page.context, portal, person.number)
    await handset.get_by_role("button", name="Answer", exact=True).click()
    await expect(handset.get_by_text("Waiting for your key")).to_be_visible()
    await expect(state).to_contain_text("Listen to the call, then press # on your phone.")
    await handset.keyboard.press("#")
    await sees(page, "Step 3: Keep using your existing applications")
    await page.get_by_role("button", name="Skip").click()
    await sees(page, "Welcome")
    record = await portal.record(person)
    [phone] = record["phones"]
    assert (record["status"], phone["status"], phone["number"]) == ("enrolled", "verified", person.number)
    assert record["default_method"] == {"phone_id": phone["id"], "channel": "call"}
    assert record["last_outcome"]["assurance"] == "presence"
    assert portal.back.outcome()["enrollment_id"] == person.id


async def test_where_policy_wants_it_the_digits_on_the_page_are_keyed_in(portal: Portal, page: Page):
    person = await portal.person("matching")
    await open_link(page, await portal.link(person))
    await name_phone(page, person.national, "Call me")
    await sees(page, "Step 2: We're calling your phone. Answer it and key in the digits below")
    digits = "".join(await page.locator(".keys kbd:not(.pound)").all_inner_texts())
    handset = await handset_tab(page.context, portal, person.number)
    await handset.get_by_role("button", name="Answer", exact=True).click()
    await expect(handset.get_by_text("Waiting for your key")).to_be_visible()
    await expect(page.locator("#state")).to_contain_text(f"Key in {digits} on your phone, then press #.")
    await handset.keyboard.type(f"{digits}#")
    await sees(page, "Step 3: Keep using your existing applications")
    assert (await portal.record(person))["last_outcome"]["assurance"] == "possession"


async def test_a_call_that_tells_the_code_asks_for_a_key_first_and_then_for_the_code(portal: Portal, page: Page):
    person = await portal.person("listening")
    await open_link(page, await portal.link(person))
    await name_phone(page, person.national, "Call me")
    await portal.network.decline(await portal.network.ringing(person.number), person.number)
    await sees(page, "Step 2: We're calling your phone. Answer it and press # to hear your code")
    sid = await portal.network.answered(person.number)
    await expect(page.locator("#state")).to_contain_text("Listen to the call, then press # to hear your code.")
    await portal.network.press(sid, "#", person.number)
    digits = [one for one in spoken(await portal.network.call_over(person.number)) if len(one) == 1]
    await sees(page, "Step 2: Enter the code from the call")
    await expect(page.locator("#state")).to_contain_text("Enter the code that it told you.")
    await page.get_by_label("Code", exact=True).fill("".join(digits[: len(digits) // 2]))
    await page.get_by_role("button", name="Verify").click()
    await sees(page, "Step 3: Keep using your existing applications")


async def test_the_page_asks_what_the_call_asks_and_goes_back_with_it(portal: Portal, page: Page):
    person = await portal.person()
    await open_link(page, await portal.link(person))
    await name_phone(page, person.national, "Call me")
    sid = await portal.network.answered(person.number)
    state = page.locator("#state")
    await expect(state).to_contain_text("Listen to the call, then press # on your phone.")
    await portal.network.press(sid, "9", person.number)
    await expect(state).to_contain_text("The call asks whether you never want a call or text from us again.")
    await portal.network.asked(2, person.number)
    await portal.network.press(sid, "4", person.number)
    await expect(state).to_contain_text("Listen to the call, then press # on your phone.")


@pytest.mark.parametrize(("persona", "said", "next_step"), FAILURES, ids=[persona for persona, *_ in FAILURES])
async def test_a_call_that_fails_says_why_and_the_next_one_can_be_had_at_once(
    portal: Portal, page: Page, persona: str, said: str, next_step: str
):
    person = await portal.person("contractors")
    await portal.network.persona(persona, person.number)
    await open_link(page, await portal.link(person))
    await name_phone(page, person.national, "Call me")
    await sees(page, "That did not work")
    alert = page.get_by_role("alert")
    await expect(alert).to_contain_text(said)
    await expect(alert).to_contain_text(next_step)
    await expect(page.get_by_role("button", name="Send me a code by text message")).to_be_enabled()
    await expect(page.get_by_role("button", name="Use another number")).to_be_visible()
    await portal.network.persona("presses_pound", person.number)
    await page.get_by_role("button", name="Call me again").click()
    await sees(page, "You're all set")


async def test_who_hangs_up_or_declines_reads_so_and_gets_a_text_instead(portal: Portal, page: Page):
    person = await portal.person("contractors")
    await open_link(page, await portal.link(person))
    await name_phone(page, person.national, "Call me")
    await portal.network.decline(await portal.network.ringing(person.number), person.number)
    await expect(page.get_by_role("alert")).to_contain_text("The call was declined.")
    await page.get_by_role("button", name="Call me again").click()
    await sees(page, CALLING)
    await expect(page.get_by_text("We're calling you again.")).to_be_visible()
    await portal.network.hang_up(await portal.network.answered(person.number), person.number)
    await expect(page.get_by_role("alert")).to_contain_text("The call ended before you pressed #.")
    await page.get_by_role("button", name="Send me a code by text message").click()
    await sees(page, "Step 2: We've sent a text message to your phone")
    await page.get_by_label("Code", exact=True).fill(await portal.code(person.number, 1))
    await page.keyboard.press("Enter")
    await sees(page, "You're all set")


async def test_keys_that_are_not_asked_for_prove_nothing(portal: Portal, page: Page):
    person = await portal.person("matching")
    await open_link(page, await portal.link(person))
    await name_phone(page, person.national, "Call me")
    digits = "".join(await page.locator(".keys kbd:not(.pound)").all_inner_texts())
    wrong = str(int(digits[0]) % 9 + 1) + digits[1:]
    sid = await portal.network.answered(person.number)
    for turn in (2, 3, None):
        await portal.network.press(sid, f"{wrong}#", person.number)
        if turn:
            await portal.network.asked(turn, person.number)
    await expect(page.get_by_role("alert")).to_contain_text("Those were not the right keys.")
    assert (await portal.record(person))["status"] == "pending"


async def test_while_it_rings_no_second_call_is_offered(portal: Portal, page: Page):
    person = await portal.person()
    await open_link(page, await portal.link(person))
    await name_phone(page, person.national, "Call me")
    await expect(page.locator("#state")).to_contain_text("ringing")
    await page.reload()
    await expect(page.get_by_role("button", name=re.compile("^Call me"))).to_have_count(0)
    await expect(page.get_by_role("button", name="Send me a code by text message")).to_be_enabled()
    await portal.network.hang_up(await portal.network.answered(person.number), person.number)
    await sees(page, "That did not work")


async def test_a_text_that_follows_a_busy_line_by_itself_brings_its_field_along(portal: Portal, page: Page):
    person = await portal.person("falling_back")
    await portal.network.persona("busy", person.number)
    await open_link(page, await portal.link(person))
    await name_phone(page, person.national, "Call me")
    await sees(page, "Step 2: We've sent a text message to your phone")
    await page.get_by_label("Code").fill(await portal.code(person.number, 1))
    await page.get_by_role("button", name="Verify").click()
    await sees(page, "Step 3: Keep using your existing applications")
