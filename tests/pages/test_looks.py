"""Every state of every page in Chromium: open to all in light and dark, and never wider than the screen."""

import functools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from pages_look.specimens import specimens
from playwright.async_api import Browser, Page
from support.chromium import ABSENT, CHROMIUM

from gateway.pages.i18n import load_translations
from gateway.pages.rendering import Pages

PAGES = Pages(load_translations(Path(__file__).parents[2] / "config" / "locales"))
LOCALES = [language.locale for language in PAGES.translations.languages]
NAMES = list(specimens())
AXE = Path(__file__).parent / "node" / "node_modules" / "axe-core" / "axe.min.js"
SIZES = {"a phone": (360, "100%"), "a wide screen": (1280, "100%"), "zoomed to 200 %": (640, "200%")}
"""Widths in CSS pixels and sizes of text; a screen of 1280 pixels that is zoomed to 200 % has 640."""

SHOW = """html => {
    const shown = new DOMParser().parseFromString(html, "text/html");
    document.title = shown.title;
    for (const name of ["lang", "dir"]) document.documentElement.setAttribute(name, shown.documentElement[name]);
    document.body.replaceWith(document.adoptNode(shown.body));
    for (const fold of document.querySelectorAll("details")) fold.open = true;
}"""
TOO_WIDE = f"""([size, named]) => {{
    const show = {SHOW};
    document.documentElement.style.fontSize = size;
    return Object.entries(named).flatMap(([name, html]) => {{
        show(html);
        const right = document.documentElement.clientWidth;
        if (document.documentElement.scrollWidth <= right) return [];
        const wide = [...document.body.querySelectorAll("*")].filter(element => {{
            const box = element.getBoundingClientRect();
            return box.right > right + 0.5 || box.left < -0.5;
        }});
        return [`${{name}}: ${{wide.at(-1)?.outerHTML.slice(0, 120)}}`];
    }});
}}"""
SEVERE = f"""async named => {{
    const show = {SHOW};
    const found = [];
    for (const [name, html] of Object.entries(named)) {{
        show(html);
        const {{ violations }} = await axe.run(document, {{ resultTypes: ["violations"] }});
        for (const {{ id, impact, nodes }} of violations) {{
            if (["serious", "critical"].includes(impact)) found.push(`${{name}}: ${{id}} ${{nodes[0].html}}`);
        }}
    }}
    return found;
}}"""

pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason=ABSENT),
    pytest.mark.asyncio(loop_scope="module"),
]
needs_axe = pytest.mark.skipif(not AXE.exists(), reason="axe: install Node and run `npm ci` in tests/pages/node")


@functools.cache
def rendered(locale: str) -> dict[str, str]:
    return {name: PAGES.render(model) for name, model in specimens(locale).items()}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def gallery() -> AsyncIterator[str]:
    """Serve an empty page in the pages' style."""

    async def show(request: web.BaseRequest) -> web.Response:
        file = PAGES.static_files.get(request.path.rpartition("/")[2])
        if file is None:
            return web.Response(text=PAGES.render(specimens()["done enroll"]), content_type="text/html")
        return web.Response(body=file.content, content_type=file.content_type)

    runner = web.ServerRunner(web.Server(show), shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    await runner.cleanup()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def wall(browser: Browser, gallery: str) -> AsyncIterator[Page]:
    """A page on which one state after the other can be hung."""
    context = await browser.new_context(reduced_motion="reduce")
    page = await context.new_page()
    await page.goto(gallery)
    yield page
    await context.close()


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("size", SIZES)
async def test_no_page_is_wider_than_the_screen(wall: Page, locale: str, size: str):
    width, text = SIZES[size]
    await wall.set_viewport_size({"width": width, "height": 800})
    assert await wall.evaluate(TOO_WIDE, [text, rendered(locale)]) == []


async def test_what_is_too_wide_would_be_found(wall: Page):
    await wall.set_viewport_size({"width": 360, "height": 800})
    html = rendered("en")["done enroll"].replace("<h1>", f"<h1><nobr>{'a' * 99}</nobr>")
    assert await wall.evaluate(TOO_WIDE, ["100%", {"wide": html}]) != []


@needs_axe
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("part", range(4))
async def test_axe_finds_nothing_serious(wall: Page, scheme: Any, part: int):  # noqa: ANN401 - Playwright's own literal
    await wall.emulate_media(color_scheme=scheme)
    await wall.evaluate("document.documentElement.style.fontSize = '100%'")
    await wall.evaluate(AXE.read_text(encoding="utf-8"))
    states = rendered("ar" if part % 2 and "ar" in LOCALES else "en")
    assert await wall.evaluate(SEVERE, {name: states[name] for name in NAMES[part::4]}) == []


@needs_axe
async def test_axe_would_find_something_serious(wall: Page):
    await wall.evaluate(AXE.read_text(encoding="utf-8"))
    html = rendered("en")["phone"].replace('for="number"', 'for="nothing"')
    assert "label" in str(await wall.evaluate(SEVERE, {"unlabelled": html}))
