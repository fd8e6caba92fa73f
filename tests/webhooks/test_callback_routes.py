"""A proven callback reaches the listener as its event, and the provider gets the answer that fits."""

import asyncio
import logging
import zlib
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from webhooks import routes
from webhooks.events import (
    AttemptRef,
    CallAnswered,
    CallStatusChanged,
    DigitsGathered,
    MachineDetected,
    MessageReceived,
    MessageStatusChanged,
)
from webhooks.urls import Addresses

ATTEMPT = AttemptRef("ver_01", "tok-EN_1")
OURS = Addresses("https://verify.example.org", "twilio")
NUMBER = "+14255550123"
CALL = (("CallSid", "CA1"), ("CallStatus", "ringing"), ("From", NUMBER), ("To", NUMBER), ("FromCity", ""))
TEXT = (("MessageSid", "SM1"), ("MessageStatus", "sent"), ("Body", "STOP é"), ("From", NUMBER), ("To", "12345"))

STATUS_ROUTES = {
    OURS.call_status_url(ATTEMPT): (
        CALL,
        CallStatusChanged(ATTEMPT, "CA1", "ringing", None, None, None),
    ),
    OURS.machine_url(ATTEMPT): (
        (*CALL, ("AnsweredBy", "fax")),
        MachineDetected(ATTEMPT, "CA1", "fax"),
    ),
    OURS.message_status_url(ATTEMPT): (
        TEXT,
        MessageStatusChanged(ATTEMPT, "SM1", "sent", None),
    ),
}
VOICE_ROUTES = {
    OURS.answer_url(ATTEMPT): (CALL, CallAnswered(ATTEMPT, "CA1", None)),
    OURS.gather_url(ATTEMPT, 3): ((*CALL, ("Digits", "#")), DigitsGathered(ATTEMPT, "CA1", 3, "#", None)),
}
TEXT_ROUTES = {OURS.inbound_message_url(): (TEXT, MessageReceived("SM1", NUMBER, "12345", "STOP é"))}
TWIML_ROUTES = {**VOICE_ROUTES, **TEXT_ROUTES}
ALL_ROUTES = {**STATUS_ROUTES, **TWIML_ROUTES}
URL = OURS.call_status_url(ATTEMPT)

Exchange = Callable[..., Awaitable[Any]]
Fail = Callable[[Exception], None]
Post = Callable[..., Awaitable[Any]]
Serve = Callable[..., Awaitable[int]]
Sign = Callable[..., str]


def of(table: dict[str, Any]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("url", table, ids=lambda url: url.rpartition("tok-EN_1/")[2])


def head(target: str, *lines: bytes) -> list[bytes]:
    return [f"POST {target} HTTP/1.1".encode(), b"Host: internal:8080", *lines]


@pytest.fixture
async def post(serve: Serve, exchange: Exchange, sign: Sign) -> Post:
    """Post a callback signed as the provider signs it."""
    port = await serve()

    async def post(url: str, fields: Any):  # noqa: ANN401 - pairs of any kind
        body = urlencode(fields).encode()
        return await exchange(
            port,
            head(
                url.removeprefix(OURS.public_url),
                b"X-Twilio-Signature: " + sign(url, fields).encode(),
                b"Content-Type: application/x-www-form-urlencoded",
                b"Content-Length: %d" % len(body),
            ),
            body,
        )

    return post


@of(STATUS_ROUTES)
async def test_a_report_is_told_and_answered_with_nothing(post: Post, heard: list[object], url: str):
    fields, event = STATUS_ROUTES[url]

    answer = await post(url, fields)

    assert (answer.status, answer.body, heard) == (204, b"", [event])


@of(TWIML_ROUTES)
async def test_a_question_is_answered_with_the_listeners_twiml(post: Post, heard: list[object], url: str):
    fields, event = TWIML_ROUTES[url]

    answer = await post(url, fields)

    assert heard == [event]
    assert answer.status == 200
    assert answer.body.decode() == f"<Response><!-- {type(event).__name__} é --></Response>"
    assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"


@of(ALL_ROUTES)
async def test_a_proven_form_without_its_fields_is_malformed(post: Post, heard: list[object], url: str):
    answer = await post(url, [("AccountSid", "AC1")])

    assert (answer.status, answer.code, heard) == (400, "malformed", [])


@of(VOICE_ROUTES)
async def test_on_a_call_a_failing_listener_is_an_apology(post: Post, fail: Fail, url: str):
    fail(RuntimeError("disk full"))

    answer = await post(url, VOICE_ROUTES[url][0])

    assert (answer.status, answer.body) == (200, b"<Sorry/>")


@of({**STATUS_ROUTES, **TEXT_ROUTES})
async def test_a_report_that_was_not_kept_says_so(post: Post, fail: Fail, url: str):
    fail(RuntimeError("disk full"))

    answer = await post(url, ALL_ROUTES[url][0])

    assert (answer.status, answer.code) == (503, "unavailable")


@of(ALL_ROUTES)
async def test_a_failure_is_logged_without_anything_of_the_request(
    post: Post,
    fail: Fail,
    caplog: pytest.LogCaptureFixture,
    url: str,
):
    fail(KeyError(NUMBER))

    await post(url, ALL_ROUTES[url][0])

    [record] = [record for record in caplog.records if record.name == "webhooks.routes"]
    message = record.getMessage()
    assert record.levelno == logging.ERROR
    assert "KeyError" in message
    assert "raise self.failure" in message, "where it failed"
    assert not [secret for secret in (NUMBER, ATTEMPT.token, "STOP") if secret in caplog.text]


@of(ALL_ROUTES)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
async def test_only_post_is_heard(serve: Serve, exchange: Exchange, method: str, url: str):
    target = url.removeprefix(OURS.public_url)

    answer = await exchange(await serve(), [f"{method} {target} HTTP/1.1".encode(), b"Host: x"])

    assert answer.status == 405


@pytest.mark.parametrize("turn", ["0", "01", "1000", "x", "1/"])
async def test_a_turn_is_a_small_number(post: Post, turn: str):
    answer = await post(OURS.gather_url(ATTEMPT, 1).removesuffix("1") + turn, CALL)

    assert answer.status == 404


async def test_a_body_in_pieces_is_read_whole(serve: Serve, sign: Sign, heard: list[object]):
    body = b"CallSid=CA1&CallStatus=ringing"
    signature = sign(URL, [("CallSid", "CA1"), ("CallStatus", "ringing")]).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", await serve())

    writer.write(
        b"\r\n".join(
            head(
                URL.removeprefix(OURS.public_url),
                b"X-Twilio-Signature: " + signature,
                b"Transfer-Encoding: chunked",
                b"Expect: 100-continue\r\n\r\n",
            ),
        ),
    )
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")  # its handler runs before the body comes
    for byte in body:
        writer.write(b"1\r\n%c\r\n" % byte)
        await writer.drain()
    writer.write(b"0\r\n\r\n")

    assert (await reader.readline()).startswith(b"HTTP/1.1 204")
    assert heard == [STATUS_ROUTES[URL][1]]
    writer.close()
    await writer.wait_closed()


async def test_a_body_that_does_not_come_is_cut_off(serve: Serve, exchange: Exchange, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(routes, "BODY_SECONDS", 0.02)

    answer = await exchange(
        await serve(),
        head(URL.removeprefix(OURS.public_url), b"X-Twilio-Signature: " + b"A" * 28, b"Content-Length: 100"),
        b"CallSid=",
    )

    assert (answer.status, answer.code) == (408, "body_too_slow")


LARGE = b"a" * (routes.LARGEST_BODY + 1)
GZIP = zlib.compressobj(wbits=31)
BOMB = GZIP.compress(b"a" * 10_000_000) + GZIP.flush()


@pytest.mark.parametrize(
    ("lines", "body", "status"),
    [
        ([b"Content-Length: %d" % len(LARGE)], LARGE, 413),
        ([b"Transfer-Encoding: chunked"], b"%x\r\n%b\r\n0\r\n\r\n" % (len(LARGE), LARGE), 413),
        ([b"Content-Encoding: gzip", b"Content-Length: %d" % len(BOMB)], BOMB, 413),
        ([b"Content-Encoding: gzip", b"Content-Length: 30"], b"not compressed with gzip at all", 400),
        ([b"Transfer-Encoding: chunked"], b"3\r\nabc\r\nnot a size\r\n", 400),
        ([b"Content-Length: 50000"], b"&" * 50_000, 400),
    ],
    ids=["length", "chunked", "bomb", "not gzip", "broken chunks", "fields"],
)
async def test_unproven_bodies_cost_little(
    serve: Serve, exchange: Exchange, lines: list[bytes], body: bytes, status: int
):
    signed = [*lines, b"X-Twilio-Signature: " + b"A" * 28]

    answer = await exchange(await serve(), head(URL.removeprefix(OURS.public_url), *signed), body)

    assert answer.status == status
