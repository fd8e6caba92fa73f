"""docs/recordings.md lists every prompt that can be recorded, and no other."""

import re
from pathlib import Path

from gateway.app import CONFIG
from gateway.services.phrasebooks import load_phrasebooks
from twiml.recordings import recordable

PAGE = Path(__file__).parents[2] / "docs" / "recordings.md"
ROW = re.compile(r"^\| (?P<names>`\w+`.*?) \|", re.MULTILINE)
NAME = re.compile(r"`(\w+)`( to `(\w+)`)?")


def listed() -> set[str]:
    names = set()
    for row in ROW.finditer(PAGE.read_text()):
        for first, _, last in NAME.findall(row["names"]):
            stem = first[:-1]
            names |= {f"{stem}{digit}" for digit in range(10)} if last else {first}
    return names


def test_the_page_lists_what_can_be_recorded():
    assert listed() == recordable(load_phrasebooks(CONFIG / "locales").for_locale("en")).keys()
