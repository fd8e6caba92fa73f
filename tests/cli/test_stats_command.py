"""`poundkey stats`: counts of deleted verifications, as a table or as JSON, on both engines."""

import asyncio
import json
import shutil

import pytest

from gateway.cli.config import load_settings
from gateway.cli.database import opened_store
from gateway.stores import sql

COUNTED = [
    ("2026-01-30", "Bank", "sms", "approved", 1_200),
    ("2026-01-31", "Bank", "call", "expired", 3),
    ("2026-01-31", "Shop", "sms", "approved", 70),
    ("2026-02-01", "Shop", "sms", "approved", 8),
]


@pytest.fixture(params=["sqlite", "postgres"])
def environment(request, serve_environment, empty_database, tmp_path) -> dict[str, str]:
    if request.param == "sqlite":
        shutil.copy(empty_database, tmp_path)
        return serve_environment
    return {**serve_environment, "POUNDKEY_DATABASE__URL": request.getfixturevalue("postgres").database()}


@pytest.fixture
def stats(poundkey, environment):
    """Runs `stats` on a database that has counts."""
    for name in ("Shop", "Bank"):
        assert poundkey("keys", "create", "--application", name, **environment)[0] == 0
    asyncio.run(_count())
    return lambda *words: poundkey("stats", *words)


async def _count() -> None:
    async with opened_store(load_settings(None)) as store:
        ids = {name: (await store.api_keys.application_named(name)).id for name in ("Bank", "Shop")}
        added = [(day, ids[name], *counted) for day, name, *counted in reversed(COUNTED)]

        async def add(work):
            for values in added:
                await work.execute(sql.ADD_TO_COUNT, values)

        await store.run(add)


def test_a_row_for_each_day_application_channel_and_outcome(stats):
    code, out, _ = stats()
    assert code == 0
    head, *rows = [line.split() for line in out.splitlines()]
    assert head == ["DAY", "APPLICATION", "CHANNEL", "OUTCOME", "COUNT"]
    assert rows == [[*words, str(count)] for *words, count in COUNTED]


@pytest.mark.parametrize(
    ("words", "places"),
    [
        (("--from", "2026-01-31"), (1, 2, 3)),
        (("--to", "2026-01-31"), (0, 1, 2)),
        (("--from", "2026-01-31", "--to", "2026-01-31"), (1, 2)),
        (("--application", "Shop"), (2, 3)),
        (("--application", "Shop", "--to", "2026-01-31"), (2,)),
        (("--from", "2027-01-01"), ()),
    ],
    ids=str,
)
def test_days_and_an_application_narrow_it_and_json_is_for_programs(stats, words, places):
    code, out, _ = stats("--json", *words)
    assert code == 0
    keys = ("day", "application", "channel", "outcome", "count")
    assert json.loads(out) == [dict(zip(keys, COUNTED[place], strict=True)) for place in places]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--application", "Other"), "there is no application Other"),
        (("--from", "2026-02-30"), "--from"),
        (("--to", "yesterday"), "--to"),
        (("--from", "2026-02-02", "--to", "2026-02-01"), "--to"),
    ],
)
def test_what_cannot_be_counted_is_refused(stats, words, named):
    code, out, err = stats(*words)
    assert (code, out) == (2, "")
    assert named in err.splitlines()[-1]
