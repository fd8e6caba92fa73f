"""docs/scaling.md shows what benchmarks/scaling.py prints, and that says what the page says."""

import subprocess
import sys
from pathlib import Path

from benchmarks import scaling

ROOT = Path(__file__).parents[2]


def test_the_page_shows_what_the_script_prints():
    script = [sys.executable, str(ROOT / "benchmarks" / "scaling.py")]
    printed = subprocess.run(script, check=True, capture_output=True, text=True, cwd=ROOT).stdout  # noqa: S603 - our own script
    tables = [table.strip() for table in printed.split("\n\n")]
    assert len(tables) == 2
    page = (ROOT / "docs" / "scaling.md").read_text()
    assert [table for table in tables if table not in page] == []


def test_one_writer_alone_waits_for_its_own_commit():
    quiet = scaling.Layout("", writers=1, changes=1, notify=True)
    waits = scaling.simulate(quiet, seconds=200)
    shortest = 1e3 * (quiet.round_trip + quiet.change + 0.7 * quiet.flush)
    assert shortest <= waits.p50 < waits.p99 < shortest + 3
    assert waits.batch == 1


def test_the_lock_makes_writers_wait_in_line_and_batches_keep_up():
    line = scaling.simulate(scaling.Layout("", writers=50, changes=20_000, notify=True))
    alone = scaling.simulate(scaling.Layout("", writers=50, changes=20_000, notify=False))
    assert line.p50 > 10 * alone.p50
    assert line.keeps_up


def test_more_than_batches_can_hold_never_keeps_up():
    tiny = scaling.Layout("", writers=2, changes=20_000, notify=True, largest_batch=4)
    assert not scaling.simulate(tiny).keeps_up
