"""The provider's own Python SDK, blocking and asynchronous, takes the simulator for the provider."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client

TWIML = "<Response><Say>Hello</Say></Response>"

# The SDK still hands its credentials to aiohttp in the old way.
pytestmark = [
    pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The 'auth' parameter is deprecated:DeprecationWarning"),
]


@pytest.fixture
def blocking(lab):
    client = Client(lab.account, lab.token)
    client.api.base_url = lab.network.url
    yield client
    client.http_client.session.close()


@pytest.fixture
async def asynchronous(lab):
    http_client = AsyncTwilioHttpClient()
    client = Client(lab.account, lab.token, http_client=http_client)
    client.api.base_url = lab.network.url
    yield client
    await http_client.close()


async def test_messages_blocking(lab, blocking):
    def talk():
        for body in ("one", "two", "three"):
            message = blocking.messages.create(to=lab.handset_number, from_=lab.number, body=body)
            assert message.status == "queued"
        assert blocking.messages(message.sid).fetch().body == "three"
        yesterday = datetime.now(UTC) - timedelta(days=1)
        listed = blocking.messages.list(to=lab.handset_number, date_sent_after=yesterday, page_size=2)
        assert [entry.body for entry in listed] == ["three", "two", "one"]
        assert listed[0].date_created.tzinfo is not None
        with pytest.raises(TwilioRestException) as refused:
            blocking.messages.create(to="+15005550009", from_=lab.number, body="x")
        assert (refused.value.status, refused.value.code) == (400, 21614)

    await asyncio.to_thread(talk)


async def test_calls_blocking(lab, blocking):
    def place():
        call = blocking.calls.create(to=lab.handset_number, from_=lab.number, twiml=TWIML, timeout=30)
        assert call.status == "queued"
        return call.sid

    def cancel(sid):
        assert blocking.calls(sid).update(status="canceled").status == "canceled"
        assert [call.sid for call in blocking.calls.list(status="canceled", to=lab.handset_number)] == [sid]
        assert blocking.calls(sid).delete()
        with pytest.raises(TwilioRestException) as gone:
            blocking.calls(sid).fetch()
        assert (gone.value.status, gone.value.code) == (404, 20404)

    sid = await asyncio.to_thread(place)
    await lab.until_handset(lambda state: state["calls"][-1]["status"] == "ringing")
    await asyncio.to_thread(cancel, sid)


async def test_messages_asynchronous(lab, asynchronous):
    for body in ("one", "two", "three"):
        await asynchronous.messages.create_async(to=lab.handset_number, from_=lab.number, body=body)
    listed = await asynchronous.messages.list_async(from_=lab.number, page_size=1)
    assert [entry.body for entry in listed] == ["three", "two", "one"]
    assert [entry.body async for entry in await asynchronous.messages.stream_async(limit=2)] == ["three", "two"]
    state = await lab.until_handset(lambda state: state["messages"][-1]["status"] == "delivered")
    fetched = await asynchronous.messages(state["messages"][-1]["sid"]).fetch_async()
    assert (fetched.status, fetched.num_segments, fetched.error_code) == ("delivered", "1", None)
    emptied = await asynchronous.messages(fetched.sid).update_async(body="")
    assert emptied.body == ""
    assert await asynchronous.messages(fetched.sid).delete_async()


async def test_calls_asynchronous(lab, asynchronous):
    await lab.give("voicemail")
    call = await asynchronous.calls.create_async(
        to=lab.handset_number,
        from_=lab.number,
        twiml=TWIML,
        machine_detection="Enable",
        status_callback=lab.application.url + "/status",
        status_callback_event=["initiated", "ringing", "answered", "completed"],
    )
    await lab.until_over({"sid": call.sid})
    fetched = await asynchronous.calls(call.sid).fetch_async()
    assert (fetched.status, fetched.answered_by, fetched.direction) == ("completed", "machine_start", "outbound-api")
    assert fetched.start_time <= fetched.end_time
    since = datetime.now(UTC) - timedelta(minutes=1)
    assert [entry.sid for entry in await asynchronous.calls.list_async(start_time_after=since)] == [call.sid]


async def test_wrong_token(lab, asynchronous):
    asynchronous.auth = (lab.account, "wrong")
    with pytest.raises(TwilioRestException) as refused:
        await asynchronous.messages.create_async(to=lab.handset_number, from_=lab.number, body="x")
    assert (refused.value.status, refused.value.code) == (401, 20003)
