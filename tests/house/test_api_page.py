"""docs/api.md lists every address of the API, docs/pages.md every one of the hosted pages, and neither any other."""

import re
from pathlib import Path

from support.world import settings_for

from gateway import app

DOCS = Path(__file__).parents[2] / "docs"
CELL = re.compile(r"^\| (`[A-Z]+ /[^|]*)\|", re.MULTILINE)
ADDRESS = re.compile(r"`([A-Z]+) (/[^`]*)`")
NOWHERE = "http://127.0.0.1:9"


def listed(page: str) -> set[tuple[str, str]]:
    cells = CELL.findall((DOCS / page).read_text())
    return {address for cell in cells for address in ADDRESS.findall(cell)}


async def test_the_pages_list_every_address_and_no_other(tmp_path):
    async with app.running(settings_for(tmp_path, NOWHERE)) as gateway:
        routes = {(route.method, route.resource.canonical) for route in gateway.application.router.routes()}
    told = {
        (method, path) for method, path in routes if method != "HEAD" and not path.startswith(("/callbacks/", "/docs/"))
    }
    hosted = {(method, path) for method, path in told if path.startswith("/portal") or path in {"/", "/favicon.ico"}}
    assert listed("pages.md") == hosted
    assert listed("api.md") == told - hosted
