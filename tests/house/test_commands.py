"""The commands that the program offers are those that docs/operating.md explains."""

import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "operating.md"
HELP = re.compile(r"^ {4}(?P<command>[a-z]+)(?= |$)", re.MULTILINE)
ROW = re.compile(r"^\| `poundkey (?P<command>[a-z]+)", re.MULTILINE)


def test_every_command_is_explained_and_no_other():
    asked = [sys.executable, "-m", "gateway", "--help"]
    said = subprocess.run(asked, check=True, capture_output=True, text=True).stdout  # noqa: S603 - our own program
    offered = HELP.findall(said)
    assert offered
    assert sorted(ROW.findall(PAGE.read_text())) == sorted(offered)
