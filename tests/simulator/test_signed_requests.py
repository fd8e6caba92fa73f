"""The network's own requests: signed as the provider signs, with its headers, and tried again only when it would."""

import asyncio
import socket

import pytest
from aiohttp import web
from support.tables import for_each
from twilio.request_validator import RequestValidator

from simulator.outgoing.addresses import ConnectionOverrides, is_web_address, signed_form, split_overrides

HELLO = "<Response><Say>Hello</Say></Response>"


async def test_every_request_carries_a_signature_that_the_sdk_accepts(lab):
    gather = '<Gather finishOnKey="" numDigits="1" action="/key?t=%C3%A9&amp;b=#frag"/>'
    lab.application.answers("/key", '<Response><Redirect method="GET">/get?a=1&amp;empty=</Redirect></Response>')
    lab.application.answers("/get", "<Response/>")
    url = lab.application.answers("/voice", f"<Response>{gather}</Response>")
    await lab.call(Url=url + "?x=%20y", MachineDetection="Enable")
    await lab.text(StatusCallback=lab.application.url + "/sms")
    await lab.application.until(lambda: len(lab.application.at("/sms")) == 2)
    validator = RequestValidator(lab.token)
    paths = set()
    for request in lab.application.received:
        params = request.form if request.method == "POST" else {}
        signature = request.headers["X-Twilio-Signature"]
        assert validator.validate(request.url, params, signature), request
        assert not RequestValidator("other").validate(request.url, params, signature)
        paths.add(request.path)
    assert paths == {"/voice", "/key", "/get", "/status", "/sms"}


async def test_headers(lab):
    await lab.text(StatusCallback=lab.application.url + "/sms")
    await lab.application.until(lambda: len(lab.application.at("/sms")) == 2)
    first, second = (request.headers for request in lab.application.at("/sms"))
    assert first["User-Agent"] == "TwilioProxy/1.1"
    assert first["Accept"] == "*/*"
    assert first["Accept-Encoding"] == "gzip"
    assert first["Cache-Control"] == "max-age=259200"
    assert first["Content-Type"] == "application/x-www-form-urlencoded; charset=utf-8"
    assert len(first["I-Twilio-Idempotency-Token"]) == 36
    assert first["I-Twilio-Idempotency-Token"] != second["I-Twilio-Idempotency-Token"]


async def test_user_and_password_in_the_address_are_sent_but_not_signed(lab):
    lab.application.answers("/voice", "<Response/>")
    await lab.call(Url=lab.application.url.replace("http://", "http://me:secret@") + "/voice")
    (request,) = lab.application.at("/voice")
    assert request.headers["Authorization"].startswith("Basic ")
    assert RequestValidator(lab.token).validate(request.url, request.form, request.headers["X-Twilio-Signature"])


async def test_redirected_request_comes_again_by_get_without_its_fields(lab):
    url = lab.application.answers("/voice", web.Response(status=302, headers={"Location": "/moved?a=1"}))
    lab.application.answers("/moved", HELLO)
    await lab.call(Url=url)
    (request,) = lab.application.at("/moved")
    assert (request.method, request.form) == ("GET", {"a": "1"})
    assert RequestValidator(lab.token).validate(request.url, {}, request.headers["X-Twilio-Signature"])


@pytest.mark.parametrize(("fragment", "tries"), [("", 1), ("#rc=2&rp=5xx", 3), ("#rc=2&rp=4xx", 1), ("#rp=all", 2)])
async def test_error_answers_are_tried_again_only_on_request(lab, fragment, tries):
    url = lab.application.answers("/voice", web.Response(status=503))
    await lab.call(Url=url + fragment)
    requests = lab.application.at("/voice")
    assert len(requests) == tries
    assert len({request.headers["I-Twilio-Idempotency-Token"] for request in requests}) == 1
    assert "#" not in requests[0].url


async def test_refused_connection_is_tried_again_once(lab, unused_tcp_port):
    await lab.call(Url=f"http://127.0.0.1:{unused_tcp_port}/voice")
    exchanges = (await lab.request("GET", "/v1/exchanges"))[1]["exchanges"]
    assert [entry["error"] for entry in exchanges if entry["kind"] == "fetch"] == ["11205 no connection"] * 2


@pytest.mark.parametrize("limit", ["rt=100", "tt=100"])
async def test_silence_is_given_up_on_at_the_time_out_of_the_address(lab, limit):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = asyncio.get_running_loop().time()
        await lab.call(Url=f"http://127.0.0.1:{silent.getsockname()[1]}/voice#{limit}")
        assert asyncio.get_running_loop().time() - started < 5
    exchanges = (await lab.request("GET", "/v1/exchanges"))[1]["exchanges"]
    assert [entry["error"] for entry in exchanges if entry["kind"] == "fetch"] == ["11200 no answer in time"]


async def test_answer_that_breaks_off_is_no_answer(lab):
    async def break_off(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 100\r\n\r\n<Respo")
        writer.close()

    server = await asyncio.start_server(break_off, "127.0.0.1", 0)
    async with server:
        await lab.call(Url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/voice")
    exchanges = (await lab.request("GET", "/v1/exchanges"))[1]["exchanges"]
    (failure,) = (entry["error"] for entry in exchanges if entry["kind"] == "fetch")
    assert failure.startswith("11200 broken answer")


@for_each(
    ("fragment", "overrides"),
    [
        ("", ConnectionOverrides()),
        ("#", ConnectionOverrides()),
        ("#rc=5&rp=4xx,rt", ConnectionOverrides(retries=5, retry_on=frozenset({"4xx", "rt"}))),
        ("#rc=6", ConnectionOverrides()),
        ("#rc=0", ConnectionOverrides(retries=0)),
        ("#ct=100&rt=200&tt=300", ConnectionOverrides(connect_seconds=0.1, read_seconds=0.2, total_seconds=0.3)),
        ("#ct=99&rt=x&tt=15001", ConnectionOverrides()),
        ("#e=dublin&sni=y", ConnectionOverrides()),
    ],
)
def test_overrides(fragment, overrides):
    assert split_overrides("https://example.com/a?b=1" + fragment) == ("https://example.com/a?b=1", overrides)


@pytest.mark.parametrize(
    ("address", "voice", "text_message"),
    [
        ("https://h.example/a", "https://h.example/a", "https://h.example/a"),
        ("https://h.example:8443/a?b=:8443", "https://h.example/a?b=:8443", "https://h.example:8443/a?b=:8443"),
        ("http://h.example:8080/a", "http://h.example:8080/a", "http://h.example:8080/a"),
        ("https://me:pw@h.example:8443/a", "https://h.example/a", "https://h.example:8443/a"),
        ("http://[::1]:8080/a", "http://[::1]:8080/a", "http://[::1]:8080/a"),
    ],
)
def test_signed_form_of_an_address(address, voice, text_message):
    assert signed_form(address, voice=True) == voice
    assert signed_form(address, voice=False) == text_message


@for_each(
    "text",
    [
        "",
        "/a",
        "example.com",
        "ftp://h/",
        "http://",
        "http://[::1/",
        "http://h:0/",
        "http://h:x/",
        "http://h/a b",
        "http://h/\r\nX: 1",
        "http://h/é",
    ],
)
def test_impossible_addresses(text):
    assert not is_web_address(text)
