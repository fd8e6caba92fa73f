"""Which provider error each fault of the wire becomes, that a POST leaves once, and that no secret is told."""

from __future__ import annotations

import asyncio
import gzip
import logging
import socket
import traceback
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.providers.base import Call, ProviderBusy, ProviderRefused, ProviderUncertain, Sms
from gateway.providers.http_client import MAX_BODY
from gateway.providers.twilio.api import TwilioProvider

if TYPE_CHECKING:
    from tests.providers.conftest import Carrier, MakeProvider, Then

NUMBER, CODE, TOKEN = "+14255550199", "918273", "t0kenCanary"
SMS = Sms(NUMBER, "+15005550006", f"{CODE} is your code", f"https://gw.test/{TOKEN}")
CALL = Call(NUMBER, "+15005550006", f"https://gw.test/{TOKEN}", f"https://gw.test/{TOKEN}", 25)
Ask = Callable[[TwilioProvider], Awaitable[object]]
SENDS: dict[str, Ask] = {
    "sms": lambda provider: provider.send_sms(SMS),
    "call": lambda provider: provider.place_call(CALL),
}
FINDS: dict[str, Ask] = {
    "sms": lambda provider: provider.find_sms(NUMBER, 0),
    "call": lambda provider: provider.find_calls(NUMBER, 0),
}


def http(status: int, body: bytes = b"", *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers, "", ""]).encode() + body


def refusal(code: object) -> bytes:
    return f'{{"code": {code}, "message": "The number {NUMBER} cannot get {CODE}", "status": 400}}'.encode()


# Each is played after the whole request was read, so the provider may have acted on it.
UNCERTAIN = {
    "500": (http(500, refusal(20500)), "keep"),
    "502 html": (http(502, f"<html>{NUMBER}</html>".encode()), "keep"),
    "503": (http(503, b"", "Retry-After: 3"), "keep"),
    "504": (http(504), "keep"),
    "no answer, closed": (b"", "close"),
    "no answer, reset": (b"", "reset"),
    "half a header": (b"HTTP/1.1 201 Created\r\nContent-Le", "close"),
    "half a body": (http(201, b'{"sid": "SM1"}')[:-4], "close"),
    "reset in the body": (http(201, b'{"sid": "SM1"}')[:-4], "reset"),
    "not http": (f"hello {NUMBER}\r\n\r\n".encode(), "close"),
    "broken chunk": (b"HTTP/1.1 201 X\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + NUMBER.encode(), "close"),
    "huge header": (http(201, b"{}", "X: " + "x" * 100_000), "close"),
    "201 not json": (http(201, f"{{{NUMBER}".encode()), "keep"),
    "201 empty": (http(201), "keep"),
    "201 without sid": (http(201, f'{{"to": "{NUMBER}"}}'.encode()), "keep"),
    "201 null sid": (http(201, b'{"sid": null}'), "keep"),
    "201 empty sid": (http(201, b'{"sid": ""}'), "keep"),
    "201 odd sid": (http(201, b'{"sid": "SM1\\nforged"}'), "keep"),
    "201 latin-1": (http(201, b'{"sid": "\xff"}'), "keep"),
    "201 deep": (http(201, b'{"x":' + b"[" * 100_000), "keep"),
    "201 badly compressed": (http(201, b"\x1f\x8bhello", "Content-Encoding: gzip"), "keep"),
    "204": (http(204), "keep"),
    "302": (http(302, b"", "Location: /elsewhere"), "keep"),
    "307": (http(307, b"", "Location: /elsewhere"), "keep"),
    "huge body": (http(201, b" " * (MAX_BODY + 1)), "keep"),
    "huge once unpacked": (http(201, gzip.compress(b" " * 50 * MAX_BODY), "Content-Encoding: gzip"), "keep"),
    "endless body": (b"HTTP/1.1 201 X\r\n\r\n" + b" " * (MAX_BODY + 1), "hang"),
}


@pytest.mark.parametrize("send", SENDS.values(), ids=SENDS)
@pytest.mark.parametrize("act", UNCERTAIN.values(), ids=UNCERTAIN)
async def test_a_fault_after_the_request_is_uncertain_and_not_repeated(
    carrier: Carrier, provider: TwilioProvider, act: tuple[bytes, Then], send: Ask
):
    carrier.plays(*act)
    with pytest.raises(ProviderUncertain):
        await send(provider)
    assert len(carrier.seen) == 1


async def test_a_provider_that_falls_silent_after_the_request_is_uncertain(
    carrier: Carrier, make_provider: MakeProvider
):
    silences = [b"", b"HTTP/1.1 201 X\r\n", http(201, b'{"sid": "SM1"}')[:-4]]
    for silence in silences:
        carrier.plays(silence, "hang")
    provider = make_provider(carrier.base_url, connect_timeout=1.0, total_timeout=1.1)
    outcomes = await asyncio.gather(*(provider.send_sms(SMS) for _ in silences), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ProviderUncertain] * 3
    assert len(carrier.seen) == 3


async def test_a_pooled_connection_that_dies_under_the_request_is_uncertain(carrier: Carrier, provider: TwilioProvider):
    carrier.plays(http(201, b'{"sid": "SM1"}'))
    carrier.plays(b"", "reset")
    await provider.send_sms(SMS)
    with pytest.raises(ProviderUncertain):
        await provider.send_sms(SMS)
    assert (len(carrier.seen), carrier.connections) == (2, 1)


async def test_a_refused_connection_is_busy(make_provider: MakeProvider):
    with socket.socket() as bound_but_deaf:
        bound_but_deaf.bind(("127.0.0.1", 0))
        provider = make_provider(f"http://127.0.0.1:{bound_but_deaf.getsockname()[1]}")
        with pytest.raises(ProviderBusy):
            await provider.send_sms(SMS)


async def test_a_name_that_does_not_resolve_is_busy(make_provider: MakeProvider, monkeypatch: pytest.MonkeyPatch):
    def no_such_name(*_: object, **__: object):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_such_name)
    with pytest.raises(ProviderBusy):
        await make_provider("http://provider.invalid").send_sms(SMS)


async def test_a_connection_that_never_comes_about_is_busy(carrier: Carrier, make_provider: MakeProvider):
    deaf_to_tls = carrier.base_url.replace("http:", "https:")
    with pytest.raises(ProviderBusy):
        await make_provider(deaf_to_tls, connect_timeout=0.2).send_sms(SMS)
    assert carrier.seen == []


async def test_a_send_that_gets_no_connection_of_the_pool_is_busy(carrier: Carrier, make_provider: MakeProvider):
    carrier.plays(b"", "hang")
    provider = make_provider(carrier.base_url, max_connections=1, connect_timeout=1.0)
    async with asyncio.TaskGroup() as sends:
        first = sends.create_task(provider.send_sms(SMS))
        await carrier.heard.wait()
        with pytest.raises(ProviderBusy):
            await provider.send_sms(SMS)
        first.cancel()
    assert len(carrier.seen) == 1


async def test_a_send_in_flight_when_the_provider_is_closed_is_uncertain(carrier: Carrier, provider: TwilioProvider):
    carrier.plays(b"", "hang")
    send = asyncio.create_task(provider.send_sms(SMS))
    await carrier.heard.wait()
    await provider.close()
    with pytest.raises(ProviderUncertain):
        await send


async def test_a_certificate_that_nobody_vouches_for_is_busy(carrier_with_tls: Carrier, make_provider: MakeProvider):
    with pytest.raises(ProviderBusy):
        await make_provider(carrier_with_tls.base_url).send_sms(SMS)
    assert carrier_with_tls.seen == []


def test_time_outs_that_would_blur_the_classes_are_refused(make_provider: MakeProvider):
    with pytest.raises(ValueError, match="shorter"):
        make_provider("http://127.0.0.1:1", connect_timeout=5.0, total_timeout=5.0)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.binary() | st.builds(http, st.integers(200, 599), st.binary()))
async def test_whatever_the_provider_says_a_send_raises_nothing_else(
    carrier: Carrier, provider: TwilioProvider, raw: bytes
):
    carrier.forgets()
    carrier.plays(raw, "close")
    with pytest.raises((ProviderRefused, ProviderBusy, ProviderUncertain)):
        await provider.send_sms(SMS)
    assert len(carrier.seen) == 1


LOUD = [
    *UNCERTAIN.values(),
    (http(400, refusal(21211)), "keep"),
    (http(400, refusal(NUMBER[1:])), "keep"),
    (http(401, refusal(20003)), "keep"),
    (http(429, refusal(20429)), "keep"),
]
SECRETS = (NUMBER[1:], CODE, TOKEN, "s3cret")


async def test_no_number_code_or_token_is_ever_told(
    carrier: Carrier, provider: TwilioProvider, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    for act in LOUD:
        for ask in (*SENDS.values(), *FINDS.values()):
            carrier.forgets()
            carrier.plays(*act)
            with pytest.raises((ProviderRefused, ProviderBusy, ProviderUncertain)) as caught:
                await ask(provider)
            told = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + repr(vars(caught.value))
            assert not [secret for secret in SECRETS if secret in told]
    assert not [secret for secret in SECRETS if secret in caplog.text]
