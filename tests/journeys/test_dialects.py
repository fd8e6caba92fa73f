"""Texts and calls through providers that are like Twilio, and not quite: from the request to the proof."""

import re

import pytest
from support.dialects import SPARE, elsewhere_at
from support.integrator import PHONE
from support.network import OURS, gather_url
from support.world import network_at, serving_at, settings_for

from gateway.settings.accounts import RouteSettings
from gateway.settings.channels import Voice
from gateway.settings.settings import Outbox
from webhooks.urls import Addresses

UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


@pytest.fixture
async def signalwire():
    async with elsewhere_at("signalwire") as elsewhere:
        yield elsewhere


@pytest.fixture
async def telnyx():
    async with elsewhere_at("telnyx") as elsewhere:
        yield elsewhere


@pytest.fixture
async def network():
    async with network_at() as network:
        yield network


def serving_through(tmp_path, network, elsewhere, **routes):
    """Start a gateway that knows both; `routes` say who is asked."""
    settings = settings_for(
        tmp_path,
        network.url,
        providers={SPARE: elsewhere.account},
        routes=RouteSettings(**routes),
        outbox=Outbox(reconcile_after=0.2, reconcile_for=2.0, settle_after=0.2),
        voice=Voice(OURS, ring_timeout=5),
    )
    return serving_at(settings, network)


@pytest.fixture
async def by_signalwire(tmp_path, network, signalwire):
    async with serving_through(tmp_path, network, signalwire, text=(SPARE,), call=(SPARE,)) as world:
        url = Addresses(world.settings.server.public_url, SPARE).inbound_message_url()
        signalwire.network.simulator.set_inbound_url(url)
        yield world.integrator


@pytest.fixture
async def by_telnyx(tmp_path, network, telnyx):
    async with serving_through(tmp_path, network, telnyx, call=(SPARE, "twilio")) as world:
        yield world.integrator


async def test_a_text_by_signalwire_proves_a_phone(by_signalwire, signalwire, network):
    made = await by_signalwire.create()
    code = await signalwire.network.code()
    attempt = await by_signalwire.attempt_when(made["id"], "delivered")
    assert attempt["provider"] == SPARE
    assert re.fullmatch(UUID, attempt["provider_sid"])
    checked = await by_signalwire.check(made["id"], code)
    assert checked.body.get("valid"), (code, checked)
    assert await network.orders() == []


async def test_a_call_by_signalwire_proves_a_phone(by_signalwire, signalwire):
    await signalwire.network.persona("presses_pound")
    made = await by_signalwire.create(channel="call")
    ended = await by_signalwire.finished(made["id"])
    assert (ended["status"], ended["assurance"]) == ("approved", "presence")
    attempt = await by_signalwire.attempt_when(made["id"], "completed")
    assert (attempt["provider"], attempt["failure"]) == (SPARE, None)


async def test_a_stop_to_the_sender_at_signalwire_is_heeded(by_signalwire, signalwire):
    made = await by_signalwire.create()
    await by_signalwire.attempt_when(made["id"], "delivered")
    await signalwire.network.text_back("STOP")
    stopped = await by_signalwire.create()
    ended = await by_signalwire.finished(stopped["id"])
    assert ended["failure"]["code"] == "opted_out"
    assert len(await signalwire.network.orders()) == 1


async def test_a_text_whose_answer_is_lost_is_found_at_signalwire(by_signalwire, signalwire):
    await signalwire.network.faults(api={"lose_answer": True, "method": "POST"}, callbacks={"drop": True})
    made = await by_signalwire.create()
    attempt = await by_signalwire.attempt_when(made["id"], "sent")
    [message] = (await signalwire.network.handset())["messages"]
    assert attempt["provider_sid"] == message["sid"]


async def test_a_call_by_telnyx_proves_a_phone(by_telnyx, telnyx, network):
    await telnyx.network.persona("presses_pound")
    made = await by_telnyx.create(channel="call")
    assert (await by_telnyx.finished(made["id"]))["status"] == "approved"
    attempt = await by_telnyx.attempt_when(made["id"], "completed")
    assert (attempt["provider"], attempt["failure"]) == (SPARE, None)
    assert attempt["provider_sid"].startswith("v3:")
    assert await network.orders() == []


async def test_a_code_call_by_telnyx_is_heard_key_by_key(by_telnyx, telnyx):
    made = await by_telnyx.create(channel="call", mode="match")
    sid = await telnyx.network.answered()
    await telnyx.network.press(sid, (await by_telnyx.show(made["id"]))["match_digits"] + "#")
    ended = await by_telnyx.finished(made["id"])
    assert (ended["status"], ended["assurance"]) == ("approved", "possession")


async def test_a_call_by_telnyx_that_nobody_reports_is_found_and_its_end_learned(by_telnyx, telnyx):
    await telnyx.network.persona("busy")
    await telnyx.network.faults(callbacks={"drop": True})
    made = await by_telnyx.create(channel="call")
    ended = await by_telnyx.finished(made["id"])
    [call] = (await telnyx.network.handset())["calls"]
    assert (ended["status"], ended["failure"]["code"]) == ("failed", "line_busy")
    assert ended["attempts"][0]["provider_sid"] == call["sid"]


async def test_a_call_by_telnyx_that_is_no_longer_needed_is_hung_up(by_telnyx, telnyx):
    made = await by_telnyx.create(channel="call")
    await telnyx.network.ringing()
    await by_telnyx.cancel(made["id"])
    assert (await telnyx.network.call_over())["status"] == "canceled"


async def test_a_call_to_an_extension_goes_past_telnyx(by_telnyx, telnyx, network):
    made = await by_telnyx.create({"country": "US", "number": PHONE[2:], "extension": "12"}, "call")
    await network.ringing()
    [attempt] = (await by_telnyx.show(made["id"]))["attempts"]
    assert attempt["provider"] == "twilio"
    assert await telnyx.network.orders() == []


async def test_a_callback_counts_only_from_the_provider_that_has_the_attempt(by_telnyx, telnyx, network):
    made = await by_telnyx.create(channel="call")
    sid = await telnyx.network.answered()
    [order] = await telnyx.network.orders()
    pressed = {"CallSid": sid, "Digits": "#", "FinishedOnKey": ""}
    # Signed rightly for another provider's path, and so believed, but the attempt is not its own.
    foreign = gather_url(order).replace(f"/{SPARE}/", "/twilio/")
    status, said = await network.report(foreign, **pressed)
    assert (status, "Gather" in said) == (200, False)
    # Signed by another provider's scheme.
    assert (await network.report(gather_url(order), **pressed))[0] == 403
    assert (await by_telnyx.show(made["id"]))["status"] == "pending"
