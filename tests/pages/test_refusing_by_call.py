"""A person says no on the phone: the page stops, and a number that wants no calls is not asked for again."""

import re

import pytest
from playwright.async_api import Page, expect
from support.chromium import ABSENT, CHROMIUM
from support.portal import Portal, name_phone, open_link, sees

from gateway.domain.phone_number import PhoneNumber

pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason=ABSENT),
    pytest.mark.asyncio(loop_scope="module"),
]


async def test_a_report_of_fraud_stops_the_page_and_locks_the_person_out(portal: Portal, page: Page):
    person = await portal.person()
    await open_link(page, await portal.link(person))
    await name_phone(page, person.national, "Call me")
    await sees(page, re.compile("We're calling your phone"))
    sid = await portal.network.answered(person.number)
    await portal.network.press(sid, "0", person.number)
    await portal.network.asked(2, person.number)
    await portal.network.press(sid, "#", person.number)
    await expect(page.get_by_text(re.compile("You said no|You are blocked"))).to_be_visible()
    assert (await portal.record(person))["status"] == "blocked"


async def test_who_wants_no_more_calls_reads_what_happened_and_names_another_number(portal: Portal, page: Page):
    person = await portal.person()
    await open_link(page, await portal.link(person))
    await name_phone(page, person.national, "Call me")
    await sees(page, re.compile("We're calling your phone"))
    sid = await portal.network.answered(person.number)
    await portal.network.press(sid, "9", person.number)
    await portal.network.asked(2, person.number)
    await portal.network.press(sid, "#", person.number)
    await sees(page, "Somebody said no on the phone")
    alert = page.get_by_role("alert")
    await expect(alert).to_contain_text("Somebody pressed 9 on this phone: it gets no more calls or texts.")
    await expect(page.get_by_role("button", name=re.compile("^(Call me|Send)"))).to_have_count(0)
    await page.get_by_role("button", name="Use another number").click()
    await sees(page, "Step 1: How should we contact you?")


async def test_a_number_that_wants_no_calls_is_refused_with_a_way_on(portal: Portal, page: Page):
    person = await portal.person()
    await portal.world.gateway.store.suppressions.add(PhoneNumber(person.number), "asked by letter")
    await open_link(page, await portal.link(person))
    await name_phone(page, person.national)
    alert = page.get_by_role("alert")
    await expect(alert).to_contain_text("This number cannot be used for verification.")
    await expect(alert).to_contain_text("Use another phone.")
    await expect(page.get_by_label("Phone number")).to_have_value(person.national)


async def test_who_signs_in_with_a_stopped_phone_is_shown_the_ways_there_are(portal: Portal, page: Page):
    person = await portal.enrolled()
    await portal.world.gateway.store.suppressions.add(PhoneNumber(person.number), "asked by letter")
    await open_link(page, await portal.link(person, "sign_in"))
    await expect(page.get_by_text("This number cannot be used for verification.")).to_be_visible()
