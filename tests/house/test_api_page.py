"""docs/api.md lists every address of the API, and no other."""

import re
from pathlib import Path

from support.world import settings_for

from gateway import app

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
ROW = re.compile(r"^\| `(?P<method>[A-Z]+) (?P<path>/\S*)` \|", re.MULTILINE)
NOWHERE = "http://127.0.0.1:9"


async def test_the_page_lists_every_address_and_no_other(tmp_path):
    listed = {(row["method"], row["path"]) for row in ROW.finditer(PAGE.read_text())}
    async with app.running(settings_for(tmp_path, NOWHERE)) as gateway:
        routes = {(route.method, route.resource.canonical) for route in gateway.application.router.routes()}
    assert listed == {
        (method, path) for method, path in routes if method != "HEAD" and not path.startswith(("/callbacks/", "/docs/"))
    }
