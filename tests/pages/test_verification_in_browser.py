"""A person at the handset page presses # or digits on a call, or reads the code in the inbox, and is approved."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, Route, expect
from support.chromium import ABSENT, CHROMIUM, chromium, handset_page
from support.network import said
from support.world import World, world_at

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=ABSENT)


@pytest.fixture
async def world(tmp_path) -> AsyncIterator[World]:
    async with world_at(tmp_path) as world:
        yield world


@pytest.fixture
async def page(world: World) -> AsyncIterator[Page]:
    async with chromium() as browser, handset_page(browser, world.network.url) as page:
        yield page


async def test_pound_on_the_handset_page_approves(world: World, page: Page):
    made = await world.integrator.create(channel="call")
    await page.get_by_role("button", name="Answer").click()
    await expect(page.get_by_text("Waiting for your key")).to_be_visible()
    await expect(page.get_by_role("log", name="What is said")).to_contain_text("Example Bank is calling")
    assert (await world.integrator.show(made["id"]))["status"] == "pending"
    await page.keyboard.press("#")
    ended = await world.integrator.finished(made["id"])
    assert (ended["status"], ended["assurance"]) == ("approved", "presence")
    await expect(page.get_by_role("log", name="What is said")).to_contain_text("The verification is complete.")


async def test_digits_typed_fast_on_the_handset_page_arrive_in_their_order(world: World, page: Page):
    made = await world.integrator.create(channel="call", mode="match")
    keys = f"{made['match_digits']}#"

    async def held_back(route: Route) -> None:
        await expect(page.locator("[data-part=pressed]")).to_have_text(keys)
        await route.continue_()

    await page.route("**/digits", held_back, times=1)
    await page.get_by_role("button", name="Answer").click()
    await expect(page.get_by_text("Waiting for your key")).to_be_visible()
    await page.keyboard.type(keys)
    ended = await world.integrator.finished(made["id"])
    assert (ended["status"], ended["assurance"]) == ("approved", "possession")
    await expect(page.get_by_role("log", name="What is said")).to_contain_text("The verification is complete.")


async def test_digits_clicked_on_the_keypad_approve(world: World, page: Page):
    made = await world.integrator.create(channel="call", mode="match")
    await page.get_by_role("button", name="Answer").click()
    await expect(page.get_by_text("Waiting for your key")).to_be_visible()
    keypad = page.get_by_role("group", name="Keypad")
    for key in made["match_digits"]:
        await keypad.get_by_role("button", name=key).click()
    await expect(page.locator("[data-part=pressed]")).to_have_text(made["match_digits"])
    await keypad.get_by_role("button", name="pound").click()
    assert (await world.integrator.finished(made["id"]))["assurance"] == "possession"


async def test_the_code_in_the_inbox_approves(world: World, page: Page):
    made = await world.integrator.create()
    code = await page.locator(".bubble strong").first.inner_text()
    checked = (await world.integrator.check(made["id"], code)).body
    assert (checked["valid"], checked["status"], checked["assurance"]) == (True, "approved", "possession")


async def test_the_code_that_a_call_tells_is_seen_digit_by_digit_and_approves(world: World, page: Page):
    made = await world.integrator.create(channel="call", mode="code")
    await page.get_by_role("button", name="Answer").click()
    await expect(page.get_by_text("Waiting for your key")).to_be_visible()
    await page.keyboard.press("#")
    log = page.get_by_role("log", name="What is said")
    await expect(log).to_contain_text("Once more, your code is:")
    await expect(page.get_by_text("Call ended")).to_be_visible()
    heard = said((await world.network.handset())["calls"][-1])
    code = "".join(sentence for sentence in heard if len(sentence) == 1)[:6]
    assert (await world.integrator.check(made["id"], code)).body["assurance"] == "possession"


async def test_who_did_not_ask_presses_0_and_pound(world: World, page: Page):
    made = await world.integrator.create(channel="call")
    await page.get_by_role("button", name="Answer").click()
    await expect(page.get_by_text("Waiting for your key")).to_be_visible()
    await page.keyboard.press("0")
    log = page.get_by_role("log", name="What is said")
    await expect(log).to_contain_text("To report that you did not ask for this call")
    await world.network.asked(2)
    await page.keyboard.press("#")
    assert (await world.integrator.finished(made["id"]))["failure"]["code"] == "reported_fraud"
    await expect(log).to_contain_text("Thank you for your report.")
