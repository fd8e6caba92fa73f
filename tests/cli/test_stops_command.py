"""`poundkey stops`: an operator stops a number, sees it listed, and lifts it with a reason, beside a gateway."""

import asyncio

import pytest
from support.integrator import PHONE
from support.world import world_at


@pytest.fixture
async def world(tmp_path):
    async with world_at(tmp_path) as world:
        yield world


@pytest.fixture
def stops(world, poundkey):
    """Runs `stops` on the database that the world's gateway serves."""
    settings = world.settings
    environment = {
        "DATABASE__URL": settings.database.url,
        "KEYS__SEALING": settings.keys.sealing[0],
        "KEYS__FINGERPRINT": settings.keys.fingerprint,
        "KEYS__CODE": settings.keys.code,
        "TEXT__SENDER": settings.text.sender,
        "VOICE__CALLER": settings.voice.caller,
        "TWILIO__ACCOUNT_SID": settings.twilio.account_sid,
        "TWILIO__AUTH_TOKEN": settings.twilio.auth_token,
    }
    variables = {f"POUNDKEY_{name}": value for name, value in environment.items()}

    async def run(*words: str) -> tuple[int, str, str]:
        # In a thread, because the gateway serves in this loop while the command waits for the write lock.
        return await asyncio.to_thread(poundkey, "stops", *words, **variables)

    return run


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
    journal = await world.gateway.store.journal(subject, 0)
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
