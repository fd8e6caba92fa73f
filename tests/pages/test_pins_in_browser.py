"""A person and their PIN: chosen in the settings, keyed in on calls that sign them in, and said when there is none."""

import re

import pytest
from playwright.async_api import Page, expect
from support.chromium import ABSENT, CHROMIUM
from support.portal import Person, Portal, enter_code, handset_tab, open_link, sees
from support.visitor import at_settings, visitor

pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason=ABSENT),
    pytest.mark.asyncio(loop_scope="module"),
]

SETTINGS = "Your security settings"
CALLING = "We're calling your phone. Answer it and key in your PIN"
GIVEN, OWN = "583017", "40962"


async def given(portal: Portal, person: Person, pin: str = GIVEN) -> None:
    answer = await portal.integrator.ask("PUT", f"/v1/enrollments/{person.id}/pin", {"pin": pin})
    assert answer.status == 200, answer


async def pin_of(portal: Portal, person: Person) -> dict[str, bool]:
    return (await portal.record(person))["pin"]


async def set_pin(page: Page, pin: str, again: str) -> None:
    await page.get_by_label("New PIN", exact=True).fill(pin)
    await page.get_by_label("New PIN once more").fill(again)
    await page.get_by_role("button", name="Set PIN").click()


async def test_a_pin_is_chosen_in_the_settings_and_what_is_wrong_is_said(portal: Portal, page: Page):
    person = await portal.enrolled("pinned")
    await open_link(page, await portal.link(person, "settings"))
    await enter_code(page, await portal.code(person.number, 2))
    await sees(page, SETTINGS)
    await expect(page.get_by_text("You have no PIN yet.")).to_be_visible()
    await expect(page.get_by_label(re.compile("^Call "))).to_be_disabled()
    for pin, again, said in (
        ("12", "12", "A PIN has 4 to 10 digits."),
        (person.number[-4:], person.number[-4:], "This PIN is too easy to guess."),
        (OWN, "40963", "The two PINs are not the same."),
    ):
        await set_pin(page, pin, again)
        await expect(page.locator(".field-error")).to_contain_text(said)
    await set_pin(page, OWN, OWN)
    await expect(page.get_by_role("status")).to_contain_text("Your new PIN has been set.")
    await expect(page.get_by_text("You have a PIN.")).to_be_visible()
    await expect(page.get_by_label(re.compile("^Call "))).to_be_enabled()
    assert await pin_of(portal, person) == {"set": True, "must_change": False, "locked": False}


async def test_signing_in_by_a_call_asks_for_the_pin_and_has_a_given_one_changed(portal: Portal, page: Page):
    person = await portal.enrolled("pinned")
    await given(portal, person)
    await portal.world.integrator.ask(
        "PATCH",
        f"/v1/enrollments/{person.id}",
        {"default_method": {"phone_id": (await portal.record(person))["phones"][0]["id"], "channel": "call"}},
    )
    await open_link(page, await portal.link(person, "sign_in", back=True))
    await sees(page, CALLING)
    await expect(page.get_by_text("Then the call lets you choose a PIN of your own.")).to_be_visible()
    handset = await handset_tab(page.context, portal, person.number)
    await handset.get_by_role("button", name="Answer", exact=True).click()
    await expect(page.locator("#state")).to_contain_text("Key in your PIN on your phone, then press #.")
    for times, digits in enumerate((GIVEN, OWN, OWN), start=1):
        await portal.network.asked(times, person.number)
        await expect(handset.get_by_text("Waiting for your key")).to_be_visible()
        await handset.keyboard.type(f"{digits}#")
    await sees(page, "Welcome")
    record = await portal.record(person)
    assert (record["last_outcome"]["assurance"], record["pin"]["must_change"]) == ("possession", False)


async def test_a_locked_pin_is_said_and_another_way_offered(portal: Portal, page: Page):
    person = await portal.enrolled("pinned")
    await given(portal, person)
    for tries in (3, 2):
        path = f"/v1/enrollments/{person.id}/verifications"
        made = (await portal.integrator.ask("POST", path, {"channel": "call"})).body
        sid = await portal.network.answered(person.number)
        for times in range(1, tries + 1):
            await portal.network.asked(times, person.number)
            await portal.network.press(sid, "111222#", person.number)
        await portal.integrator.finished(made["id"])
    assert (await pin_of(portal, person))["locked"]
    await open_link(page, await portal.link(person, "sign_in"))
    await sees(page, re.compile("We've sent a text message"))
    await expect(page.get_by_text("Too many wrong PINs were keyed in, so your PIN is locked for now.")).to_be_visible()
    await expect(page.get_by_text("Decided by Example Bank for the group pinned.")).to_be_visible()


async def test_a_phone_is_enrolled_by_a_pin_call_only_where_a_pin_is_set(portal: Portal, page: Page):
    person = await portal.person("pinned")
    await open_link(page, await portal.link(person))
    await expect(page.get_by_label("Call me", exact=True)).to_be_disabled()
    await expect(page.get_by_text("A call would ask for your PIN, and you have none yet.")).to_be_visible()
    await given(portal, person)
    await page.reload()
    await expect(page.get_by_label("Call me", exact=True)).to_be_enabled()


async def test_without_script_a_pin_is_set_by_the_same_form(portal: Portal):
    person = await portal.enrolled("pinned")
    async with visitor(portal) as guest:
        await at_settings(portal, guest, person)
        wrong = await guest.post("/portal/settings/pin", pin=OWN, pin_again=GIVEN)
        assert (wrong.status, OWN in wrong.text, GIVEN in wrong.text) == (422, False, False)
        done = await guest.post("/portal/settings/pin", pin=f" {OWN} ", pin_again=OWN)
        assert (done.status, done.location) == (303, "/portal/settings?notice=pin_set")
    told = "A new PIN was set for your Example Bank account.\nNot you? Contact +1 425 555 0100."
    await portal.network.handset_when(lambda kept: kept["messages"][-1]["body"] == told, person.number)
    assert await pin_of(portal, person) == {"set": True, "must_change": False, "locked": False}


async def test_who_has_not_proven_who_they_are_sets_no_pin(portal: Portal):
    person = await portal.enrolled("pinned")
    async with visitor(portal) as guest:
        await guest.open(await portal.link(person, "settings"))
        assert (await guest.post("/portal/settings/pin", pin=OWN, pin_again=OWN)).location == "/portal/verify"
    assert not (await pin_of(portal, person))["set"]


async def test_where_no_call_asks_for_one_the_settings_say_nothing_of_it(portal: Portal):
    person = await portal.enrolled()
    async with visitor(portal) as guest:
        await at_settings(portal, guest, person)
        assert 'name="pin"' not in (await guest.get("/portal/settings")).text
        await given(portal, person)
        assert 'name="pin"' in (await guest.get("/portal/settings")).text
