"""Callbacks that never come: the provider is asked how a send ended, ever more slowly while it does not answer."""

import asyncio

import msgspec
import pytest
from support.integrator import PATIENCE
from support.world import ACCOUNT, LIMITS, TOKEN, serving_at, settings_for

from gateway.settings.accounts import Twilio
from gateway.settings.channels import Voice
from gateway.settings.settings import Outbox

NO_CALLBACKS = {"callbacks": {"drop": True}}
OURS = "+15005550006"
DOWN = {"status": 503, "method": "GET"}


@pytest.fixture
def outbox():
    return Outbox(lease=1.0, reconcile_after=0.1, reconcile_for=0.6, settle_after=0.2)


@pytest.fixture
async def world(tmp_path, network, outbox):
    twilio = Twilio(network.url, ACCOUNT, TOKEN, total_timeout=0.5, connect_timeout=0.3)
    voice = Voice(OURS, ring_timeout=5)
    settings = settings_for(tmp_path, network.url, outbox=outbox, twilio=twilio, voice=voice)
    async with serving_at(settings, network) as world:
        yield world


async def questions(network) -> list[dict]:
    return [exchange for exchange in await network.exchanges("api") if exchange["method"] == "GET"]


async def asked(network, times: int) -> None:
    """Wait until the provider was asked so often."""
    async with asyncio.timeout(PATIENCE):
        while len(await questions(network)) < times:
            pass


async def reports_of(integrator, verification_id: str) -> list[str]:
    events = await integrator.events(verification_id)
    return [event["facts"]["word"] for event in events if event["type"].endswith(".status")]


async def test_a_text_whose_report_was_lost_is_asked_for(integrator, network):
    await network.faults(**NO_CALLBACKS)
    made = await integrator.create()
    attempt = await integrator.attempt_when(made["id"], "delivered")
    [message] = (await network.handset())["messages"]
    assert attempt["provider_sid"] == message["sid"]
    assert await reports_of(integrator, made["id"]) == ["delivered"]
    assert (await questions(network))[-1]["url"].endswith(f"/Messages/{message['sid']}.json")


async def test_a_lost_text_whose_report_was_lost_fails_for_its_own_reason(integrator, network):
    await network.persona("unreachable")
    await network.faults(**NO_CALLBACKS)
    made = await integrator.create()
    ended = await integrator.finished(made["id"])
    assert (ended["status"], ended["failure"]["code"]) == ("failed", "number_unreachable")
    assert ended["failure"]["provider_code"] == "30003"


@pytest.mark.parametrize(
    ("persona", "failure"), [("busy", "line_busy"), ("hangs_up", "hung_up"), ("unreachable", "number_unreachable")]
)
async def test_a_call_whose_end_was_never_heard_ends_all_the_same(integrator, network, persona, failure):
    await network.persona(persona)
    await network.faults(**NO_CALLBACKS)
    made = await integrator.create(channel="call")
    ended = await integrator.finished(made["id"])
    assert (ended["status"], ended["failure"]["code"]) == ("failed", failure)


async def test_the_next_way_follows_a_text_whose_loss_was_never_heard(integrator, network):
    await network.persona("unreachable")
    await network.faults(**NO_CALLBACKS)
    made = await integrator.create(fallback=[{"channel": "sms", "wait": 3600}, {"channel": "call"}])
    await integrator.wait_until(made["id"], lambda kept: len(kept["attempts"]) == 2)


async def test_the_true_report_that_comes_late_changes_nothing(integrator, network):
    await network.faults(**NO_CALLBACKS)
    made = await integrator.create()
    settled = await integrator.attempt_when(made["id"], "delivered")
    [order] = await network.orders()
    for word in ("sent", "delivered"):
        sid = settled["provider_sid"]
        assert await network.report(order["StatusCallback"], MessageSid=sid, MessageStatus=word) == (204, "")
    shown = await integrator.show(made["id"])
    assert (shown["status"], shown["attempts"][0]["status"]) == ("pending", "delivered")


async def test_what_was_reported_is_never_asked_for(integrator, network):
    made = await integrator.create()
    await integrator.attempt_when(made["id"], "delivered")
    other = await integrator.create("+14255550124")
    await integrator.attempt_when(other["id"], "delivered")
    assert await questions(network) == []


async def test_a_provider_that_is_down_is_asked_ever_more_slowly(integrator, network):
    await network.faults(**NO_CALLBACKS, api=DOWN)
    made = [await integrator.create(f"+1425555{number:04}") for number in range(1000, 1012)]
    await asked(network, 1)
    begun = asyncio.get_running_loop().time()
    await asked(network, 9)  # four at a time, and twelve sends wait: rests of 1 s and of 2 s lie between
    assert asyncio.get_running_loop().time() - begun > 2
    await network.faults(**NO_CALLBACKS)
    for verification in made:
        await integrator.attempt_when(verification["id"], "delivered")


async def test_a_restart_forgets_no_question(tmp_path, network):
    twilio = Twilio(network.url, ACCOUNT, TOKEN, total_timeout=0.5, connect_timeout=0.3)
    settings = settings_for(tmp_path, network.url, outbox=Outbox(lease=1.0, settle_after=0.2), twilio=twilio)
    await network.faults(**NO_CALLBACKS, api=DOWN)
    async with serving_at(settings, network) as world:
        made = await world.integrator.create()
        await world.integrator.attempt_when(made["id"], "sent")
    await network.faults(**NO_CALLBACKS)
    async with serving_at(settings, network) as world:
        await world.integrator.attempt_when(made["id"], "delivered")


async def test_a_text_that_two_attempts_may_be_is_given_to_neither_but_by_its_report(tmp_path, network):
    """Texts of one verification are alike: only the callback knows whose the one is that the provider has."""
    twilio = Twilio(network.url, ACCOUNT, TOKEN, total_timeout=0.5, connect_timeout=0.3)
    outbox = Outbox(lease=5.0, reconcile_after=0.1, reconcile_for=30.0)
    limits = msgspec.structs.replace(LIMITS, resend_wait=0)
    settings = settings_for(tmp_path, network.url, outbox=outbox, twilio=twilio, limits=limits)
    async with serving_at(settings, network) as world:
        integrator = world.integrator
        await network.faults(api={"hang": "connect", "method": "POST"})
        made = await integrator.create()
        await integrator.attempt_when(made["id"], "unknown")
        await network.faults(api={"lose_answer": True, "method": "POST"}, callbacks={"delay_ms": 1500})
        await integrator.resend(made["id"])
        await network.code()
        told = await integrator.wait_until(made["id"], lambda kept: kept["attempts"][1]["provider_sid"])
        assert told["attempts"][0]["provider_sid"] is None
        [message] = (await network.handset())["messages"]
        assert told["attempts"][1]["provider_sid"] == message["sid"]
