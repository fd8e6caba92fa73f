"""The system's Chromium, driven by Playwright."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright, expect

CHROMIUM = Path("/usr/bin/chromium")
ABSENT = f"needs Chromium at {CHROMIUM}"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Start a browser."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


@contextlib.asynccontextmanager
async def handset_page(browser: Browser, url: str) -> AsyncIterator[Page]:
    """Open the simulator's handset page, live; at the end the browser must have had nothing to complain of."""
    context = await browser.new_context(viewport={"width": 1280, "height": 860})
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto(url)
    await expect(page.locator("#connection")).to_have_text("Live")
    yield page
    await context.close()
    assert complaints == []
