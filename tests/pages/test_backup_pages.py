"""Nobody answers at sign-in, and the page goes over to the call to the person's other phone."""

import re
from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect
from support.chromium import ABSENT, CHROMIUM
from support.portal import QUICK, Person, Portal, at_browser, handset_tab, open_link, portal_at, sees

pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason=ABSENT),
    pytest.mark.asyncio(loop_scope="module"),
]

POLICY = """
[applications."Example Bank"]
call_backup = true
return_urls = ["{back}"]
[applications."Example Bank".groups]
matching = {{ call_proof = "match" }}
"""
PATIENT = msgspec.structs.replace(QUICK, call_grace=3.0)
CALLING = "We're calling your phone. Answer it and press #"
CALLING_OR_FAILED = re.compile(f"^({CALLING}|That did not work)$")
"""The page of a call that nobody answers, before and after the end of its ringing."""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def portal(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Portal]:
    async with portal_at(tmp_path_factory.mktemp("backups"), POLICY, limits=PATIENT) as portal:
        yield portal


@pytest_asyncio.fixture(loop_scope="module")
async def plain(browser: Browser) -> AsyncIterator[Page]:
    """A browser that runs no scripts."""
    async with at_browser(browser, java_script_enabled=False) as page:
        yield page


async def with_two_phones(portal: Portal, *groups: str) -> tuple[Person, str]:
    """Make a record of somebody whose default is a phone that nobody answers; return the other number, too."""
    person, other = await portal.enrolled(*groups, channel="call"), (await portal.person()).number
    await portal.prove(person, other, "alternate")
    await portal.network.persona("no_answer", person.number)
    return person, other


async def told_of(page: Page, other: str) -> None:
    said = f"Nobody answered the call. So we are calling your other phone, •••• {other[-4:]}."
    await expect(page.get_by_text(said)).to_be_visible()


async def test_the_page_goes_over_by_itself_and_the_other_handset_signs_in(portal: Portal, page: Page):
    person, other = await with_two_phones(portal)
    await open_link(page, await portal.link(person, "sign_in", back=True))
    await told_of(page, other)
    await sees(page, CALLING)
    handset = await handset_tab(page.context, portal, other)
    await handset.get_by_role("button", name="Answer", exact=True).click()
    await expect(handset.get_by_text("Waiting for your key")).to_be_visible()
    await expect(page.locator("#state")).to_contain_text("Listen to the call, then press # on your phone.")
    await handset.keyboard.press("#")
    await sees(page, "Welcome")
    outcome = await portal.integrator.show(portal.back.outcome()["verification_id"])
    assert (outcome["status"], outcome["to"], outcome["continued_by"]) == ("approved", other, None)


async def test_the_digits_to_match_are_those_of_the_call_that_rings(portal: Portal, page: Page):
    person, other = await with_two_phones(portal, "matching")
    await open_link(page, await portal.link(person, "sign_in", back=True))
    await told_of(page, other)
    digits = "".join(await page.locator(".keys kbd:not(.pound)").all_inner_texts())
    await portal.network.press(await portal.network.answered(other), f"{digits}#", other)
    await sees(page, "Welcome")


async def test_where_nobody_answers_the_other_phone_either_the_page_says_so(portal: Portal, page: Page):
    person, other = await with_two_phones(portal)
    await portal.network.persona("busy", other)
    await open_link(page, await portal.link(person, "sign_in"))
    await sees(page, "That did not work")
    await expect(page.get_by_role("alert")).to_contain_text("Your line was busy.")
    await portal.network.persona("manual", other)
    await page.get_by_role("button", name="Call me again").click()
    await portal.network.press(await portal.network.answered(other), "#", other)
    await sees(page, "It is you")


async def test_without_scripts_the_next_look_finds_the_other_call(portal: Portal, plain: Page):
    person, other = await with_two_phones(portal)
    await open_link(plain, await portal.link(person, "sign_in"))
    await sees(plain, CALLING_OR_FAILED)
    sid = await portal.network.answered(other)
    await plain.get_by_role("link", name="I have pressed #").click()
    await told_of(plain, other)
    await portal.network.press(sid, "#", other)
    await portal.network.call_over(other)
    await plain.get_by_role("link", name="I have pressed #").click()
    await plain.get_by_role("button", name="Continue").click()
    await sees(plain, "It is you")


@pytest.mark.parametrize("way", ["cancel", "text"])
async def test_who_does_something_else_on_the_first_page_ends_the_other_call(portal: Portal, plain: Page, way: str):
    person, other = await with_two_phones(portal)
    await open_link(plain, await portal.link(person, "sign_in"))
    await sees(plain, CALLING_OR_FAILED)
    await portal.network.ringing(other)
    if way == "cancel":
        await plain.get_by_role("button", name="Cancel").click()
    else:
        await plain.get_by_role("link", name="Sign in another way").click()
        await plain.get_by_role("button", name=f"Text •••• {other[-4:]}").click()
    assert (await portal.network.call_over(other))["status"] == "canceled"
