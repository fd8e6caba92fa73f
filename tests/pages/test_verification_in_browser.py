"""A person at the handset page presses # or digits on a call, or reads the code in the inbox, and is approved."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, Route, expect
from support.chromium import ABSENT, CHROMIUM, chromium, handset_page
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
