"""config/gateway.toml and docs/settings.md say what gateway.settings.settings has: every setting, and nothing else."""

import itertools
import re
import tomllib
from pathlib import Path

import msgspec

from gateway.settings.settings import Settings

ROOT = Path(__file__).parents[2]
FILE = ROOT / "config" / "gateway.toml"
SETTING = re.compile(r"\w+ = ")
ROW = re.compile(r"^\| `(?P<name>\w+\.\w+)` \| `(?P<default>[^`]*)` \|", re.MULTILINE)


def defaults() -> dict[str, dict]:
    return msgspec.json.decode(msgspec.json.encode(Settings()))


def test_the_file_is_the_defaults():
    assert tomllib.loads(FILE.read_text()) == defaults()


def test_every_setting_has_its_reason_above_it():
    pairs = itertools.pairwise(FILE.read_text().splitlines())
    assert [line for above, line in pairs if SETTING.match(line) and not above.startswith("# ")] == []


def test_the_page_lists_every_setting_with_its_default():
    listed = {row["name"]: row["default"] for row in ROW.finditer((ROOT / "docs" / "settings.md").read_text())}
    assert listed == {
        f"{section}.{name}": msgspec.json.encode(default).decode()
        for section, settings in defaults().items()
        for name, default in settings.items()
    }
