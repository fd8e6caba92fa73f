"""What README.md and docs/ name is there: files, functions, tests, and the picture of the states."""

import functools
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.tables import for_each

ROOT = Path(__file__).parents[2]
PAGES = {str(page.relative_to(ROOT)): page for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]}
LINK = re.compile(r"\]\((?!https?:|#|mailto:)(?P<target>[^)#\s]+)")
NAMED_FILE = re.compile(r"`(?P<path>(?:tests|docs|config|gateway|twiml|webhooks|simulator|benchmarks)/[\w./-]*)`")
NAMED_TEST = re.compile(r"`(?P<path>tests/[\w/]+\.py)::(?P<name>\w+)`")
NAMED_FUNCTION = re.compile(r"(?<![/\w])(?:gateway|webhooks|twiml|simulator)(?:\.\w+)+\b")
DIAGRAM = re.compile(r"```mermaid\n(stateDiagram-v2\n.*?)\n```", re.DOTALL)


@for_each("page", PAGES)
def test_links_lead_somewhere(page):
    targets = [match["target"] for match in LINK.finditer(page.read_text())]
    assert [target for target in targets if not (page.parent / target).exists()] == []


@for_each("page", PAGES)
def test_named_files_exist(page):
    paths = [match["path"] for match in NAMED_FILE.finditer(page.read_text())]
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_promises_are_held_by_tests_that_exist():
    held = list(NAMED_TEST.finditer((ROOT / "docs" / "promises.md").read_text()))
    assert held
    lost = [test[0] for test in held if not has_test(ROOT / test["path"], test["name"])]
    assert lost == []


def has_test(file: Path, name: str) -> bool:
    return file.exists() and re.search(rf"def {name}\(", file.read_text()) is not None


@pytest.mark.parametrize("document", ["README.md", "docs/architecture.md"])
def test_named_functions_exist(document):
    names = NAMED_FUNCTION.findall((ROOT / document).read_text())
    assert names
    assert [name for name in names if not exists(name)] == []


def exists(dotted: str) -> bool:
    """Tell whether a name leads to a module, or to something in one."""
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        try:
            functools.reduce(getattr, parts[length:], found)
        except AttributeError:
            return False
        return True
    return False


def test_the_picture_of_the_states_is_drawn_from_the_table():
    script = [sys.executable, str(ROOT / "docs" / "draw_states.py")]
    drawn = subprocess.run(script, check=True, capture_output=True, text=True, cwd=ROOT).stdout.strip()  # noqa: S603 - our own script
    assert DIAGRAM.findall((ROOT / "docs" / "architecture.md").read_text()) == [drawn]


def test_the_table_of_the_dialogue_is_drawn_from_the_code():
    script = [sys.executable, str(ROOT / "docs" / "draw_dialogue.py")]
    drawn = subprocess.run(script, check=True, capture_output=True, text=True, cwd=ROOT).stdout.strip()  # noqa: S603 - our own script
    assert (ROOT / "docs" / "call-dialogue.md").read_text().strip().endswith(drawn)
