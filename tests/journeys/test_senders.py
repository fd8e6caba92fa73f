"""Texts and calls come from the sender for their country, and a STOP holds for the sender that it was sent to."""

import pytest
from support.network import OURS
from support.world import HOST, network_at, serving_at, settings_for

from gateway.domain.phone_number import PhoneNumber
from gateway.settings.channels import Text, Voice
from webhooks.urls import Addresses

GERMAN, AMERICAN = "+4915112345678", "+14255550123"
BERLIN = "+4930123456"


@pytest.fixture
async def world(tmp_path):
    text = Text(OURS, {"DE": BERLIN}, f"https://{HOST}")
    async with network_at(more_numbers=(BERLIN,)) as network:
        settings = settings_for(tmp_path, network.url, text=text, voice=Voice(OURS, {"DE": BERLIN}))
        async with serving_at(settings, network) as world:
            yield world


@pytest.mark.parametrize(("to", "sender"), [(GERMAN, BERLIN), (AMERICAN, OURS)])
@pytest.mark.parametrize("channel", ["sms", "call"])
async def test_a_country_has_its_own_sender(integrator, network, channel, to, sender):
    made = await integrator.create(to=to, channel=channel)
    await integrator.attempt_when(made["id"], "sent", "delivered", "ringing", "initiated")
    [order] = await network.orders()
    assert (order["To"], order["From"]) == (to, sender)


async def test_a_stop_holds_for_the_sender_that_was_texted_and_for_no_other(world, integrator, network):
    url = Addresses(world.settings.server.public_url, "twilio").inbound_message_url()
    await network.report(url, MessageSid="SM1", From=GERMAN, To=OURS, Body="STOP")
    first = await integrator.create(to=GERMAN)
    await integrator.attempt_when(first["id"], "sent", "delivered")
    await network.report(url, MessageSid="SM2", From=GERMAN, To=BERLIN, Body="STOP")
    second = await integrator.finished((await integrator.create(to=GERMAN))["id"])
    assert second["failure"]["code"] == "opted_out"
    replies, number = world.gateway.store.replies, PhoneNumber(GERMAN)
    assert [await replies.opted_out(number, sender) for sender in (OURS, BERLIN)] == [True, True]
    await network.report(url, MessageSid="SM3", From=GERMAN, To=BERLIN, Body="START")
    assert [await replies.opted_out(number, sender) for sender in (OURS, BERLIN)] == [True, False]


async def test_the_provider_s_no_counts_for_the_sender_that_it_was_about(world, integrator, network):
    await network.faults(callbacks={"drop": True})
    made = await integrator.create(to=GERMAN)
    attempt = await integrator.attempt_when(made["id"], "sent")
    [order] = await network.orders()
    form = {"MessageSid": attempt["provider_sid"], "MessageStatus": "failed", "ErrorCode": "21610"}
    assert (await network.report(order["StatusCallback"], **form))[0] == 204
    replies, number = world.gateway.store.replies, PhoneNumber(GERMAN)
    assert [await replies.opted_out(number, sender) for sender in (OURS, BERLIN)] == [False, True]
