"""The handset page in a real browser, on a running simulator, with a small application that it calls."""

import re
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, Page, expect
from support.called_application import PHONE, PROMPT, THANKS, Application, Network, start_simulator
from support.chromium import ABSENT, CHROMIUM, chromium

pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason=ABSENT),
    pytest.mark.asyncio(loop_scope="module"),
]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def application() -> AsyncIterator[Application]:
    application = Application()
    app = web.Application()
    app.add_routes(application.routes())
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    application.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield application
    await runner.cleanup()


@pytest_asyncio.fixture(loop_scope="module")
async def network(application: Application) -> AsyncIterator[Network]:
    simulator = await start_simulator(application)
    async with aiohttp.ClientSession() as session:
        yield Network(simulator.url, application, session)
    await simulator.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, network: Network) -> AsyncIterator[Page]:
    """The page, live; at the end the browser must have had nothing to complain of."""
    context = await browser.new_context(viewport={"width": 1280, "height": 860})
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto(network.url)
    await expect_live(page)
    yield page
    await context.close()
    assert complaints == []


async def expect_live(page: Page) -> None:
    await expect(page.locator("#connection")).to_have_text("Live")


async def expect_no_overflow(page: Page) -> None:
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


async def answer(page: Page) -> None:
    await page.get_by_role("button", name="Answer").click()
    await expect(page.get_by_text("Waiting for your key")).to_be_visible()


async def test_first_visit_tells_what_to_do(page: Page):
    await expect(page.get_by_text("No phone has been called yet")).to_be_visible()
    await expect(page.get_by_text("poundkey verify +14255550123 --call")).to_be_visible()
    await expect(page.get_by_text("curl")).to_be_visible()


async def test_a_call_is_answered_and_pound_pressed_by_mouse(page: Page, network: Network):
    await network.call()
    await answer(page)
    await expect(page.get_by_role("log", name="What is said")).to_contain_text(PROMPT)
    await page.get_by_role("group", name="Keypad").get_by_role("button", name="pound").click()
    assert await network.application.digits.get() == "#"
    await expect(page.get_by_role("log", name="What is said")).to_contain_text(THANKS)
    await expect(page.get_by_text("Call ended")).to_be_visible()
    await page.get_by_role("button", name="Done").click()
    await expect(page.locator("#recent-list")).to_contain_text("Answered")


async def test_a_call_is_answered_and_pound_pressed_by_keyboard(page: Page, network: Network):
    await network.call()
    await expect(page.get_by_text("Incoming call")).to_be_visible()
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Waiting for your key")).to_be_visible()
    await page.keyboard.press("#")
    assert await network.application.digits.get() == "#"
    await expect(page.get_by_text("Call ended")).to_be_visible()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Calls")).to_be_visible()


async def test_escape_declines_while_it_rings_and_hangs_up_afterwards(page: Page, network: Network):
    await network.call()
    await expect(page.get_by_text("Incoming call")).to_be_visible()
    await page.keyboard.press("Escape")
    assert await network.application.endings.get() == "busy"
    await network.call()
    await answer(page)
    await page.keyboard.press("Escape")
    assert await network.application.endings.get() == "completed"
    assert network.application.digits.empty()


async def test_a_call_is_announced_and_the_phone_that_rings_is_chosen(page: Page, network: Network):
    await network.text("Hello", "+442079460958")
    await expect(page.locator(".own-number").first).to_have_text("+44 207 946 0958")
    await network.call()
    await expect(page.get_by_role("alert").filter(has_text="+1 425 555 0123 rings")).to_be_attached()
    await expect(page.get_by_role("button", name="+1 425 555 0123")).to_have_attribute("aria-current", "true")


async def test_a_text_shows_its_code_and_a_reply_goes_out(page: Page, network: Network):
    await network.text("Your code is 481902.\n\n@example.com #481902")
    await expect(page.locator(".bubble strong")).to_have_text("481902")
    await expect(page.get_by_role("button", name="Copy 481902")).to_be_visible()
    await page.get_by_role("textbox", name="Reply").fill("STOP asking")
    await page.keyboard.press("Enter")
    assert await network.application.texts.get() == "STOP asking"
    await expect(page.locator(".is-own .bubble")).to_have_text("STOP asking")
    await expect(page.get_by_role("textbox", name="Reply")).to_have_value("")


async def test_unread_texts_are_counted_until_the_phone_is_chosen(page: Page, network: Network):
    await network.text("First", "+442079460958")
    await network.text("Second")
    await network.text("Third")
    row = page.get_by_role("listitem").filter(has_text="+1 425 555 0123")
    await expect(row.locator(".badge")).to_have_text("2 new")
    await row.get_by_role("button").click()
    await expect(row.locator(".badge")).to_have_text("")


async def test_hostile_words_stay_words(page: Page, network: Network):
    hostile = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script> \u202egnol'
    network.application.prompt = "&lt;img src=x onerror='window.pwned=1'&gt; ]]&gt;"
    await network.text(hostile)
    await expect(page.locator(".message .bubble")).to_have_text(hostile)
    await network.call()
    await answer(page)
    await expect(page.locator(".call .said")).to_have_text("<img src=x onerror='window.pwned=1'> ]]>")
    assert await page.evaluate(
        "window.pwned === undefined && document.querySelector('.glass img, .glass script') === null"
    )


async def test_numbers_codes_and_durations_read_well(page: Page):
    expected = {
        "groupedNumber('+14255550123')": "+1 425 555 0123",
        "groupedNumber('+442079460958')": "+44 207 946 0958",
        "groupedNumber('+35312345678')": "+353 123 45678",
        "parsedNumber('+1 (425) 555-0123')": "+14255550123",
        "parsedNumber('0044 20 7946 0958')": "+442079460958",
        "parsedNumber('425 555 0123')": None,
        "codeIn('Your code is 481902.')": "481902",
        "codeIn('Room 2041\\n\\n@example.com #ab12cd')": "ab12cd",
        "codeIn('Call +14255550123 at 7')": None,
        "duration(3_727_900)": "1:02:07",
    }
    calls = ", ".join(f"format.{call}" for call in expected)
    assert await page.evaluate(f"import('/static/format.js').then((format) => [{calls}])") == list(expected.values())


async def test_a_persona_is_given_to_the_chosen_phone(page: Page, network: Network):
    await page.get_by_label("Add a phone").fill("+1 (425) 555-0123")
    await page.keyboard.press("Enter")
    await page.get_by_role("radio", name="Somebody who presses #").check()
    await expect(page.get_by_role("radio", name="Somebody who presses #")).to_be_checked()
    await network.call()
    assert await network.application.digits.get() == "#"
    assert (await network.handset())["persona"] == "presses_pound"


async def test_a_number_without_country_code_is_refused_where_it_was_typed(page: Page):
    await page.get_by_label("Add a phone").fill("555 0123")
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Add a phone")).to_have_attribute("aria-invalid", "true")
    await expect(page.get_by_text("Write it with its country code")).to_be_visible()


async def test_exchanges_show_requests_and_callbacks(page: Page, network: Network):
    await page.get_by_role("button", name="Exchanges").click()
    await network.text("Hello")
    row = page.locator("#exchange-list li").filter(has_text="Messages.json")
    await row.locator("summary").click()
    await expect(row).to_contain_text(f"To: {PHONE}")
    await page.keyboard.press("Escape")
    await expect(page.locator("#exchanges")).to_be_hidden()


async def test_speed_and_sound_are_kept(page: Page):
    speed = page.get_by_role("group", name="Clock speed").get_by_role("radio")
    await expect(speed.first).to_be_checked()
    await speed.last.check(force=True)  # the label in front of it takes the mouse
    await page.get_by_role("switch", name="Sound").click()
    await page.reload()
    await expect(speed.last).to_be_checked()
    await expect(page.get_by_role("switch", name="Sound")).to_be_checked()


async def test_nothing_overflows_a_small_screen(page: Page, network: Network):
    await page.set_viewport_size({"width": 360, "height": 740})
    await expect_no_overflow(page)
    await network.text("A" * 300 + " 481902 https://example.com/" + "b" * 200)
    await expect(page.locator(".bubble")).to_be_visible()
    await expect_no_overflow(page)
    await network.call()
    await expect(page.get_by_text("Incoming call")).to_be_visible()
    await expect_no_overflow(page)
    await answer(page)
    await expect_no_overflow(page)


async def test_a_lost_network_is_shown_and_found_again(browser: Browser, application: Application):
    context = await browser.new_context()
    page = await context.new_page()
    simulator = await start_simulator(application)
    await page.goto(simulator.url)
    await expect_live(page)
    await simulator.close()
    await expect(page.get_by_text(re.compile("Reconnecting"))).to_be_visible()
    simulator = await start_simulator(application, port=int(simulator.url.rpartition(":")[2]))
    await expect_live(page)
    await context.close()
    await simulator.close()
