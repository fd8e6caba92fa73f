"""`poundkey suppressions`: an operator adds, lists and removes a number with a reason, beside a gateway."""

import functools

import pytest
from support.integrator import PHONE


@pytest.fixture
def suppressions(beside):
    """Runs `suppressions`."""
    return functools.partial(beside, "suppressions")


async def test_a_number_is_suppressed_at_once_listed_and_removed(world, suppressions):
    code, out, _ = await suppressions("add", PHONE, "--reason", "asked by letter")
    assert code == 0
    subject = out.split()[0]
    answer = await world.integrator.ask("POST", "/v1/verifications", {"to": PHONE, "channel": "sms"})
    assert (answer.status, answer.body["code"]) == (403, "number_stopped")
    _, out, _ = await suppressions("list")
    [row] = out.splitlines()[1:]
    assert row.startswith(subject)
    assert row.endswith("asked by letter")
    assert PHONE not in out
    code, out, _ = await suppressions("remove", PHONE, "--reason", "wants calls again")
    assert (code, out) == (0, f"{subject} gets calls and texts again\n")
    await world.integrator.create()
    journal = await world.gateway.store.verifications.journal(subject, 0)
    assert [entry.type for entry in journal] == ["stop_list.added", "stop_list.removed"]


async def test_a_repeated_change_is_no_failure(suppressions):
    assert (await suppressions("remove", PHONE, "--reason", "so"))[:1] == (0,)
    await suppressions("add", PHONE, "--reason", "so")
    code, out, _ = await suppressions("add", PHONE, "--reason", "so")
    assert code == 0
    assert out.endswith("was suppressed already\n")


@pytest.mark.parametrize(
    "words", [("add", "12"), ("add", PHONE), ("remove", PHONE), ("add", "425 555 0123", "--reason", "so")]
)
async def test_a_number_and_a_reason_are_needed(suppressions, words):
    code, _, err = await suppressions(*words)
    assert code == 2
    assert err
