"""The settings: first the proof, then the phones, the preferred option, the app passwords and the trusted devices."""

import asyncio
import re

import pytest
from playwright.async_api import Locator, Page, expect
from support.chromium import ABSENT, CHROMIUM
from support.portal import Person, Portal, at, enter_code, name_phone, open_link, sees

from gateway.domain.app_passwords import APP_PASSWORD_LIMIT

pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason=ABSENT),
    pytest.mark.asyncio(loop_scope="module"),
]

SETTINGS = "Your security settings"
SHOWN = re.compile(r"[a-z3-8]{4}(-[a-z3-8]{4}){5}")


async def at_settings(portal: Portal, page: Page, person: Person, *, back: bool = False) -> None:
    """Open a link to the settings and prove who comes, by a text as yet the person's default."""
    texts = await portal.codes(person.number)
    await open_link(page, await portal.link(person, "settings", back=back))
    await sees(page, "We've sent a text message to your phone")
    await enter_code(page, await portal.code(person.number, texts + 1))
    await sees(page, SETTINGS)


def phone_row(page: Page, number: str) -> Locator:
    return page.locator("ul.rows > li").filter(has_text=number[-4:])


async def test_nothing_is_seen_or_changed_before_the_proof(portal: Portal, page: Page):
    person = await portal.enrolled()
    await open_link(page, await portal.link(person, "settings"))
    await sees(page, "We've sent a text message to your phone")
    for path in (
        "/portal/settings",
        "/portal/app-passwords",
        "/portal/enroll",
        "/portal/settings/phones/new",
        "/portal",
    ):
        await page.goto(portal.url + path)
        await expect(page).to_have_url(at("/portal/verify"))
    await enter_code(page, await portal.code(person.number, 2))
    await sees(page, SETTINGS)


async def test_the_preferred_option(portal: Portal, page: Page):
    person = await portal.enrolled()
    await at_settings(portal, page, person, back=True)
    await page.get_by_label(f"Call •••• {person.number[-4:]}").check()
    await expect(page.get_by_text("Your preferred option has been saved.")).to_be_visible()
    await expect(page.get_by_role("button", name="Save")).to_be_hidden()
    await page.reload()
    await expect(page.get_by_label(f"Call •••• {person.number[-4:]}")).to_be_checked()
    assert (await portal.record(person))["default_method"]["channel"] == "call"
    await page.get_by_role("button", name="Done").click()
    await sees(page, "Welcome")
    assert portal.back.outcome()["enrollment_id"] == person.id


async def test_a_phone_is_added_once_it_is_proven_and_removed(portal: Portal, page: Page):
    person, other = await portal.enrolled(), await portal.person()
    await at_settings(portal, page, person)
    await expect(page.get_by_text("Remove", exact=True)).to_have_count(0)
    await page.get_by_role("link", name="Add an alternate phone").click()
    await sees(page, "Add a phone")
    await name_phone(page, other.national)
    await sees(page, "We've sent a text message to your phone")
    await page.get_by_role("button", name="Back").click()
    await sees(page, SETTINGS)
    row = phone_row(page, other.number)
    await expect(row).to_contain_text("Not verified yet")
    await expect(page.get_by_label(f"Text •••• {other.number[-4:]}")).to_have_count(0)
    await page.get_by_role("link", name="Add an alternate phone").click()
    await name_phone(page, other.national)
    await enter_code(page, await portal.code(other.number, 2))
    await expect(page.get_by_role("status")).to_contain_text("The phone has been added.")
    await expect(row).to_contain_text("Verified on")
    await row.get_by_text("Remove", exact=True).click()
    await row.get_by_role("button", name="Remove this phone").click()
    await expect(page.get_by_role("status")).to_contain_text("The phone has been removed.")
    assert [phone["number"] for phone in (await portal.record(person))["phones"]] == [person.number]


async def test_a_changed_phone_takes_the_old_ones_place_and_the_old_one_is_told(portal: Portal, page: Page):
    person, new = await portal.enrolled(), await portal.person()
    await at_settings(portal, page, person)
    await phone_row(page, person.number).get_by_role("link", name="Change").click()
    await sees(page, "Change your phone")
    await expect(page.get_by_text(f"takes the place of •••• {person.number[-4:]}")).to_be_visible()
    await name_phone(page, "12")
    await expect(page.get_by_text(f"takes the place of •••• {person.number[-4:]}")).to_be_visible()
    await name_phone(page, new.national)
    await enter_code(page, await portal.code(new.number, 1))
    await sees(page, SETTINGS)
    await expect(page.get_by_role("status")).to_contain_text("The new phone has taken the old one's place.")
    record = await portal.record(person)
    assert [phone["number"] for phone in record["phones"]] == [new.number]
    assert record["default_method"]["phone_id"] == record["phones"][0]["id"]
    told = await portal.network.handset_when(lambda kept: "replaced" in kept["messages"][-1]["body"], person.number)
    assert "Example Bank" in told["messages"][-1]["body"]


async def test_the_language_of_a_form_can_be_changed_without_losing_what_it_is_for(portal: Portal, page: Page):
    person = await portal.enrolled()
    await at_settings(portal, page, person)
    await phone_row(page, person.number).get_by_role("link", name="Change").click()
    for wrong in ("", "12"):
        if wrong:
            await name_phone(page, wrong)
        await page.locator("details.languages summary").click()
        await page.get_by_role("button", name="English").click()
        await expect(page.locator("main h1")).to_be_visible()
    await sees(page, SETTINGS)


async def test_a_lost_phone_takes_app_passwords_and_trusted_devices_with_it(portal: Portal, page: Page):
    person, other = await portal.enrolled(), await portal.person()
    await portal.prove(person, other.number, "alternate")
    await portal.integrator.ask("POST", f"/v1/enrollments/{person.id}/app-passwords", {"name": "Mail"})
    await at_settings(portal, page, person)
    await expect(page.get_by_text("You have one app password.")).to_be_visible()
    row = phone_row(page, other.number)
    await row.get_by_text("Remove", exact=True).click()
    await row.get_by_label("I have lost this phone, or it was stolen").check()
    await row.get_by_role("button", name="Remove this phone").click()
    await expect(page.get_by_role("status")).to_contain_text("All app passwords and trusted devices went with it.")
    await expect(page.get_by_text("You have no app passwords.")).to_be_visible()
    assert (await portal.record(person))["app_password_count"] == 0


async def test_app_passwords_are_made_shown_once_and_deleted(portal: Portal, page: Page):
    person = await portal.enrolled()
    await at_settings(portal, page, person)
    await page.get_by_role("link", name="Manage app passwords").click()
    await page.get_by_label("Good for").select_option("90")
    for name, said in (("", "Enter a name"), ("n" * 41, "This name is too long.")):
        await page.get_by_label("Name").fill(name)
        await page.get_by_role("button", name="Create").click()
        await expect(page.get_by_role("alert")).to_contain_text(said)
        await expect(page.get_by_label("Name")).to_have_value(name)
        await expect(page.get_by_label("Good for")).to_have_value("90")
    await page.get_by_label("Name").fill("Mail on my <tablet>")
    await page.get_by_role("button", name="Create").dblclick()
    password = await page.locator("#secret").inner_text()
    assert SHOWN.fullmatch(password)
    wish = {"user": person.user, "password": password}
    assert (await portal.integrator.ask("POST", "/v1/app-passwords/check", wish)).body["valid"]
    await page.goto(f"{portal.url}/portal/app-passwords")
    [row] = await page.locator("ul.rows > li").all()
    await expect(row).to_contain_text("Mail on my <tablet>")
    await expect(row).to_contain_text("Ends on")
    await expect(row).to_contain_text("Last used")
    assert password not in await page.content()
    await row.get_by_role("button", name="Delete").click()
    await expect(page.get_by_role("status")).to_contain_text("It no longer works anywhere.")
    assert not (await portal.integrator.ask("POST", "/v1/app-passwords/check", wish)).body["valid"]


async def test_there_is_no_more_than_the_limit_of_app_passwords(portal: Portal, page: Page):
    person = await portal.enrolled()
    path = f"/v1/enrollments/{person.id}/app-passwords"
    made = [portal.integrator.ask("POST", path, {"name": f"App {number}"}) for number in range(APP_PASSWORD_LIMIT - 1)]
    assert {answer.status for answer in await asyncio.gather(*made)} == {201}
    await at_settings(portal, page, person)
    await page.get_by_role("link", name="Manage app passwords").click()
    await page.get_by_label("Name").fill("The last")
    await portal.integrator.ask("POST", path, {"name": "A faster one"})
    await page.get_by_role("button", name="Create").click()
    await expect(page.get_by_role("alert")).to_contain_text("You have as many app passwords as you may have.")
    await expect(page.get_by_label("Name")).to_have_count(0)
    await expect(page.get_by_role("button", name="Delete")).to_have_count(APP_PASSWORD_LIMIT)


async def test_where_app_passwords_were_switched_off_old_ones_can_only_be_deleted(portal: Portal, page: Page):
    person = await portal.enrolled()
    await portal.integrator.ask("POST", f"/v1/enrollments/{person.id}/app-passwords", {"name": "Mail"})
    await portal.integrator.ask("PATCH", f"/v1/enrollments/{person.id}", {"groups": ["contractors"]})
    await at_settings(portal, page, person)
    await page.get_by_role("link", name="Manage app passwords").click()
    await expect(page.get_by_role("main")).to_contain_text("Example Bank has switched app passwords off")
    await expect(page.get_by_role("button", name="Create")).to_have_count(0)
    await page.get_by_role("button", name="Delete").click()
    await expect(page.get_by_text("You have no app passwords.")).to_be_visible()
    await page.goto(f"{portal.url}/portal/settings")
    await expect(page.get_by_role("heading", name="App passwords")).to_have_count(0)


async def test_an_enrolled_person_with_an_enrollment_link_proves_first_and_comes_to_the_settings(
    portal: Portal, page: Page
):
    person = await portal.enrolled()
    await open_link(page, await portal.link(person, "enroll"))
    await sees(page, "We've sent a text message to your phone")
    await enter_code(page, await portal.code(person.number, 2))
    await sees(page, SETTINGS)
