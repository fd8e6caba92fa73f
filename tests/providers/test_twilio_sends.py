"""What goes out on the wire when a text is sent or a call placed."""

from __future__ import annotations

import gzip
import subprocess
import sys
from base64 import b64encode
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from gateway.providers.base import Call, Sms
from gateway.providers.twilio.api import TwilioProvider

if TYPE_CHECKING:
    from tests.providers.conftest import Carrier, MakeProvider

ACCOUNT = "AC" + "a" * 32
SID = "SM" + "0f" * 16
ACCEPTED = b'{"sid": "%s", "status": "queued", "to": "+14255550123"}' % SID.encode()
SMS = Sms("+14255550123", "+15005550006", "482913 is your code & more\n@example.com #482913", "https://gw.test/c/t0ken")
CALL = Call("+14255550123", "+15005550006", "https://gw.test/v/t0ken?turn=1", "https://gw.test/c/t0ken", 25)


class SdkWire(AsyncHttpClient):
    """The official SDK's idea of the same request: the oracle for ours."""

    def __init__(self) -> None:
        super().__init__(logger=None, is_async=True)

    async def request(self, method: str, uri: str, data: dict[str, object] | None = None, **_: object):
        self.method, self.uri = method, uri
        pairs = [(key, value) for key, value in (data or {}).items() if not isinstance(value, list)]
        pairs += [(key, item) for key, value in (data or {}).items() if isinstance(value, list) for item in value]
        self.form = sorted((key, str(value)) for key, value in pairs)
        return Response(201, ACCEPTED.decode())


@pytest.fixture
def sdk():
    wire = SdkWire()
    client = Client(ACCOUNT, "s3cret", http_client=wire)
    client.edge = client.region = None
    return client, wire


async def test_a_text_is_the_one_the_sdk_would_send(
    carrier: Carrier, provider: TwilioProvider, sdk: tuple[Client, SdkWire]
):
    carrier.answers(201, ACCEPTED)
    client, wire = sdk
    await client.messages.create_async(to=SMS.to, from_=SMS.sender, body=SMS.body, status_callback=SMS.status_callback)

    assert await provider.send_sms(SMS) == SID

    (request,) = carrier.seen
    assert sorted(request.form) == wire.form
    assert (request.method, "https://api.twilio.com" + request.path) == (wire.method, wire.uri)


async def test_a_text_without_a_callback_asks_for_none(
    carrier: Carrier, provider: TwilioProvider, sdk: tuple[Client, SdkWire]
):
    carrier.answers(201, ACCEPTED)
    client, wire = sdk
    await client.messages.create_async(to=SMS.to, from_=SMS.sender, body=SMS.body)

    assert await provider.send_sms(Sms(SMS.to, SMS.sender, SMS.body)) == SID

    assert sorted(carrier.seen[0].form) == wire.form


async def test_a_call_is_the_one_the_sdk_would_place(
    carrier: Carrier, provider: TwilioProvider, sdk: tuple[Client, SdkWire]
):
    carrier.answers(201, ACCEPTED)
    client, wire = sdk
    await client.calls.create_async(
        to=CALL.to,
        from_=CALL.caller,
        url=CALL.answer_url,
        method="POST",
        timeout=CALL.ring_timeout,
        status_callback=CALL.status_callback,
        status_callback_method="POST",
        status_callback_event=["initiated", "ringing", "answered", "completed"],
    )

    assert await provider.place_call(CALL) == SID

    (request,) = carrier.seen
    assert sorted(request.form) == wire.form
    assert (request.method, "https://api.twilio.com" + request.path) == (wire.method, wire.uri)


async def test_credentials_and_content_type_are_sent(carrier: Carrier, provider: TwilioProvider):
    carrier.answers(201, ACCEPTED)
    await provider.send_sms(SMS)
    headers = carrier.seen[0].headers
    assert headers["authorization"] == "Basic " + b64encode(f"{ACCOUNT}:s3cret".encode()).decode()
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    assert headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("sender", "parameter"),
    [("MG" + "0f" * 16, "MessagingServiceSid"), ("MGMGRAND", "From"), ("ACME", "From"), ("+15005550006", "From")],
)
async def test_only_a_messaging_service_sid_is_sent_as_one(
    carrier: Carrier, provider: TwilioProvider, sender: str, parameter: str
):
    carrier.answers(201, ACCEPTED)
    await provider.send_sms(Sms(SMS.to, sender, "hello", SMS.status_callback))
    assert [name for name, value in carrier.seen[0].form if value == sender] == [parameter]


async def test_a_validity_period_is_sent_when_given(carrier: Carrier, make_provider: MakeProvider):
    carrier.answers(201, ACCEPTED)
    await make_provider(carrier.base_url, validity_period=600).send_sms(SMS)
    assert ("ValidityPeriod", "600") in carrier.seen[0].form


async def test_machines_are_looked_for_beside_the_call_when_asked(
    carrier: Carrier, provider: TwilioProvider, sdk: tuple[Client, SdkWire]
):
    carrier.answers(201, ACCEPTED)
    await provider.place_call(CALL)
    await provider.place_call(msgspec.structs.replace(CALL, machine_callback="https://gw.test/m/t0ken"))
    client, wire = sdk
    await client.calls.create_async(
        to=CALL.to,
        from_=CALL.caller,
        machine_detection="Enable",
        async_amd="true",
        async_amd_status_callback="https://gw.test/m/t0ken",
        async_amd_status_callback_method="POST",
    )
    plain, watched = (set(request.form) for request in carrier.seen)
    assert watched - plain == set(wire.form) - plain
    assert plain < watched


async def test_keys_are_sent_after_the_answer_when_there_are_some(
    carrier: Carrier, provider: TwilioProvider, sdk: tuple[Client, SdkWire]
):
    carrier.answers(201, ACCEPTED)
    await provider.place_call(CALL)
    await provider.place_call(msgspec.structs.replace(CALL, send_digits="ww12#"))
    client, wire = sdk
    await client.calls.create_async(to=CALL.to, from_=CALL.caller, send_digits="ww12#")
    plain, dialling = (set(request.form) for request in carrier.seen)
    assert dialling - plain == set(wire.form) - plain == {("SendDigits", "ww12#")}
    assert plain < dialling


async def test_a_base_url_may_have_a_path_and_a_trailing_slash(carrier: Carrier, make_provider: MakeProvider):
    carrier.answers(201, ACCEPTED)
    await make_provider(carrier.base_url + "/api/laml/").send_sms(SMS)
    assert carrier.seen[0].path == f"/api/laml/2010-04-01/Accounts/{ACCOUNT}/Messages.json"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.text(st.characters(exclude_categories=["Cs"])))
async def test_every_body_arrives_as_written(carrier: Carrier, provider: TwilioProvider, body: str):
    carrier.forgets()
    carrier.answers(201, ACCEPTED)
    await provider.send_sms(Sms(SMS.to, SMS.sender, body, SMS.status_callback))
    assert dict(carrier.seen[0].form)["Body"] == body


async def test_an_answer_compressed_without_being_asked_is_understood(carrier: Carrier, provider: TwilioProvider):
    carrier.answers(201, gzip.compress(ACCEPTED), "Content-Encoding: gzip")
    assert await provider.send_sms(SMS) == SID


async def test_connections_are_kept_and_reused(carrier: Carrier, provider: TwilioProvider):
    carrier.answers(201, ACCEPTED)
    for _ in range(5):
        await provider.send_sms(SMS)
    assert len(carrier.seen) == 5
    assert carrier.connections == 1


def test_the_sdk_is_not_loaded_for_sends():
    script = "import sys, gateway.providers.twilio.api; sys.exit('twilio' in sys.modules or 'requests' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0  # noqa: S603 - our own script
