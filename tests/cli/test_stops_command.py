"""`poundkey stops`: an operator stops a number, sees it listed, and lifts it with a reason, beside a gateway."""

import functools

import pytest
from support.integrator import PHONE


@pytest.fixture
def stops(beside):
    """Runs `stops`."""
    return functools.partial(beside, "stops")


async def test_a_number_is_stopped_at_once_listed_and_lifted(world, stops):
    code, out, _ = await stops("add", PHONE, "--reason", "asked by letter")
    assert code == 0
    subject = out.split()[0]
    answer = await world.integrator.ask("POST", "/v1/verifications", {"to": PHONE, "channel": "sms"})
    assert (answer.status, answer.body["code"]) == (403, "number_stopped")
    _, out, _ = await stops("list")
    [row] = out.splitlines()[1:]
    assert row.startswith(subject)
    assert row.endswith("asked by letter")
    assert PHONE not in out
    code, out, _ = await stops("remove", PHONE, "--reason", "wants calls again")
    assert (code, out) == (0, f"{subject} gets calls and texts again\n")
    await world.integrator.create()
    journal = await world.gateway.store.verifications.journal(subject, 0)
    assert [entry.type for entry in journal] == ["stop_list.added", "stop_list.removed"]


async def test_what_is_so_already_is_told(stops):
    assert (await stops("remove", PHONE, "--reason", "so"))[:1] == (0,)
    await stops("add", PHONE, "--reason", "so")
    code, out, _ = await stops("add", PHONE, "--reason", "so")
    assert code == 0
    assert out.endswith("was stopped already\n")


@pytest.mark.parametrize(
    "words", [("add", "12"), ("add", PHONE), ("remove", PHONE), ("add", "425 555 0123", "--reason", "so")]
)
async def test_a_number_and_a_reason_are_needed(stops, words):
    code, _, err = await stops(*words)
    assert code == 2
    assert err
