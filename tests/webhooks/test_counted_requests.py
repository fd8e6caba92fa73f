"""Each request of a provider is counted once: by what it reports, and by what became of it."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from webhooks.events import AttemptRef
from webhooks.routes import LARGEST_BODY, CallbackResult
from webhooks.urls import Addresses

ATTEMPT = AttemptRef("ver_01", "tok-EN_1")
OURS = Addresses("https://verify.example.org", "twilio")
CALL = (("CallSid", "CA1"), ("CallStatus", "ringing"), ("From", "+14255550123"), ("To", "+14255550123"))
TEXT = (("MessageSid", "SM1"), ("MessageStatus", "sent"), ("Body", "hello"), ("From", "+14255550123"), ("To", "12345"))
KINDS = {
    OURS.call_status_url(ATTEMPT): ("call_status", CALL),
    OURS.machine_url(ATTEMPT): ("machine", (*CALL, ("AnsweredBy", "human"))),
    OURS.answer_url(ATTEMPT): ("answer", CALL),
    OURS.gather_url(ATTEMPT, 1): ("gather", (*CALL, ("Digits", "#"))),
    OURS.message_status_url(ATTEMPT): ("message_status", TEXT),
    OURS.inbound_message_url(): ("message", TEXT),
}
EACH = pytest.mark.parametrize("url", KINDS)

Told = Callable[..., Awaitable[list[tuple[str, str, str]]]]


@pytest.fixture
def told(serve, exchange, sign, listener) -> Told:
    """Send a form, signed unless told otherwise, and return what was counted."""

    async def told(url: str, form: Any, signature: str | None = None) -> list[tuple[str, str, str]]:  # noqa: ANN401 - pairs
        body = urlencode(form).encode()
        head = [
            f"POST {url.removeprefix(OURS.public_url)} HTTP/1.1".encode(),
            b"Host: x",
            b"Content-Type: application/x-www-form-urlencoded",
            f"Content-Length: {len(body)}".encode(),
            f"X-Twilio-Signature: {sign(url, form) if signature is None else signature}".encode(),
        ]
        await exchange(await serve(), head, body)
        return listener.fates

    return told


@EACH
async def test_what_was_heard_is_accepted(told: Told, url: str):
    kind, form = KINDS[url]
    assert await told(url, form) == [("twilio", kind, CallbackResult.ACCEPTED)]


@EACH
async def test_what_the_provider_did_not_sign_is_forged(told: Told, sign, url: str):
    kind, form = KINDS[url]
    assert await told(url, form, sign(url, form, token="another")) == [("twilio", kind, CallbackResult.FORGED)]


@EACH
async def test_what_says_nothing_is_malformed(told: Told, url: str):
    kind, _ = KINDS[url]
    assert await told(url, (("Nothing", "1"),)) == [("twilio", kind, CallbackResult.MALFORMED)]


async def test_what_is_too_long_to_be_read_is_malformed(told: Told):
    form = (*CALL, ("More", "x" * LARGEST_BODY))
    assert await told(OURS.answer_url(ATTEMPT), form) == [("twilio", "answer", CallbackResult.MALFORMED)]


@EACH
async def test_what_could_not_be_kept_has_failed(told: Told, listener, url: str):
    kind, form = KINDS[url]
    listener.failure = RuntimeError()
    assert await told(url, form) == [("twilio", kind, CallbackResult.FAILED)]
