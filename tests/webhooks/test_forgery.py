"""Nothing that the provider did not sign for our URL reaches the listener, whatever a request says of itself."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp.test_utils import make_mocked_request
from twilio.request_validator import HMAC_SHA256

from webhooks.routes import ProviderListener, routes
from webhooks.signatures import Algorithm, HmacVerifier

PUBLIC_URL = "https://verify.example.org"
TARGET = "/callbacks/twilio/calls/ver_01/tok_01/status"
URL = PUBLIC_URL + TARGET
FIELDS = [
    ("AccountSid", "AC1"),
    ("CallSid", "CA1"),
    ("CallStatus", "completed"),
    ("FromCity", ""),
    ("To", "+14255550123"),
]
JSON = b'{"CallSid": "CA1", "CallStatus": "completed"}'
JSON_TARGET = f"{TARGET}?bodySHA256={hashlib.sha256(JSON).hexdigest()}"

Exchange = Callable[..., Awaitable[Any]]
Serve = Callable[..., Awaitable[int]]
Sign = Callable[..., str]


@pytest.fixture
async def send(serve: Serve, exchange: Exchange, sign: Sign) -> Callable[..., Awaitable[Any]]:
    """Send the true callback with the named parts of it replaced."""
    port = await serve()

    async def send(
        *,
        target: str | bytes = TARGET,
        fields: list[tuple[str, str]] = FIELDS,
        body: bytes | None = None,
        signature: bytes | Callable[[Sign], str] | None = lambda sign: sign(URL, FIELDS),
        lines: tuple[bytes, ...] = (),
        host: bytes = b"Host: verify.example.org",
    ):
        body = urlencode(fields).encode() if body is None else body
        head = [b"POST " + (target.encode() if isinstance(target, str) else target) + b" HTTP/1.1", host, *lines]
        if signature is not None:
            value = signature if isinstance(signature, bytes) else signature(sign).encode()
            head.append(b"X-Twilio-Signature: " + value)
        return await exchange(port, [*head, b"Content-Length: %d" % len(body)], body)

    return send


UNSIGNED: dict[str, dict[str, Any]] = {
    "no signature": {"signature": None},
    "empty signature": {"signature": b""},
    "short signature": {"signature": b"AAAA"},
    "long signature": {"signature": b"A" * 7000},
    "garbage of the right length": {"signature": b"!" * 28},
    "bytes that are no text": {"signature": b"\xff\xed\xa0\x80" * 7},
    "padding removed": {"signature": lambda sign: sign(URL, FIELDS)[:-1]},
    "letters swapped in case": {"signature": lambda sign: sign(URL, FIELDS).swapcase()},
    "another token": {"signature": lambda sign: sign(URL, FIELDS, "another")},
    "another algorithm": {
        "signature": lambda sign: sign(URL, FIELDS, algorithm=HMAC_SHA256),
        "lines": (b"X-Twilio-Webhooks-Signature-Settings: key=k1,algorithm=HMAC_SHA256",),
    },
    "a field changed": {"fields": [*FIELDS[:2], ("CallStatus", "busy"), *FIELDS[3:]]},
    "a field added": {"fields": [*FIELDS, ("Digits", "#")]},
    "a field removed": {"fields": FIELDS[1:]},
    "a field twice with two values": {"fields": [*FIELDS, ("CallStatus", "busy")]},
    "a blank field lost": {"fields": [field for field in FIELDS if field[1]]},
    "a lone surrogate": {"fields": [], "body": urlencode(FIELDS).encode() + b"&Body=%ED%A0%80"},
    "bytes that are no UTF-8": {"body": urlencode(FIELDS).encode() + b"&Body=\xff\xfe"},
    "no body": {"body": b""},
    "JSON": {"body": JSON, "lines": (b"Content-Type: application/json",)},
    "JSON with its hash": {
        "target": JSON_TARGET,
        "body": JSON,
        "lines": (b"Content-Type: application/json",),
        "signature": lambda sign: sign(PUBLIC_URL + JSON_TARGET, []),
    },
    "another verification": {"target": TARGET.replace("ver_01", "ver_02")},
    "another token in the path": {"target": TARGET.replace("tok_01", "tok_02")},
    "another route": {"target": TARGET.replace("status", "answer")},
    "a query added": {"target": TARGET + "?x=1"},
    "a bare question mark": {"target": TARGET + "?"},
    "the fields as a query": {"target": TARGET + "?" + urlencode(FIELDS), "body": b""},
    "the path escaped": {"target": TARGET.replace("status", "statu%73")},
    "the target in absolute form": {"target": URL},
    "the target in absolute form, of another host": {
        "target": "https://evil.example" + TARGET,
        "signature": lambda sign: sign("https://evil.example" + TARGET, FIELDS),
    },
    "another host": {
        "host": b"Host: evil.example",
        "signature": lambda sign: sign("https://evil.example" + TARGET, FIELDS),
    },
    "another port": {
        "host": b"Host: verify.example.org:8443",
        "signature": lambda sign: sign("https://verify.example.org:8443" + TARGET, FIELDS),
    },
    "another scheme": {
        "lines": (b"X-Forwarded-Proto: http",),
        "signature": lambda sign: sign("http://verify.example.org" + TARGET, FIELDS),
    },
    "a forwarded host": {
        "lines": (b"X-Forwarded-Host: evil.example", b"Forwarded: host=evil.example;proto=https"),
        "signature": lambda sign: sign("https://evil.example" + TARGET, FIELDS),
    },
}


@pytest.mark.parametrize("change", UNSIGNED.values(), ids=UNSIGNED)
async def test_what_the_provider_did_not_sign_is_forbidden(
    send: Callable[..., Awaitable[Any]],
    heard: list[object],
    caplog: pytest.LogCaptureFixture,
    change: dict[str, Any],
):
    answer = await send(**change)

    assert (answer.status, answer.code, heard) == (403, "signature_invalid", [])
    [record] = [record for record in caplog.records if record.name == "webhooks.routes"]
    assert "poundkey doctor" in record.getMessage()
    assert not [secret for secret in ("tok_0", "4255550123", "AC1") if secret in caplog.text]


MOVED: dict[str, tuple[dict[str, Any], int]] = {
    "the border of name and value": ({"fields": [FIELDS[0], ("CallSi", "dCA1"), *FIELDS[2:]]}, 400),
    "two fields into one": ({"fields": [FIELDS[0], ("CallSid", "CA1CallStatuscompleted"), *FIELDS[3:]]}, 400),
    "a field into the path": ({"target": TARGET + "AccountSidAC1", "fields": FIELDS[1:]}, 404),
}


@pytest.mark.parametrize(("change", "status"), MOVED.values(), ids=MOVED)
async def test_the_same_signed_text_cut_at_other_places_says_nothing(
    send: Callable[..., Awaitable[Any]],
    heard: list[object],
    change: dict[str, Any],
    status: int,
):
    answer = await send(**change)

    assert (answer.status, heard) == (status, [])


GENUINE: dict[str, dict[str, Any]] = {
    "as it is": {},
    "in another order": {"fields": FIELDS[::-1]},
    "a field repeated": {"fields": FIELDS + FIELDS[:1]},
    "with the default port signed": {"signature": lambda sign: sign(f"{PUBLIC_URL}:443{TARGET}", FIELDS)},
    "seen under another host": {"host": b"Host: 10.0.0.7:8080"},
    "seen under a host that is none": {"host": b"Host: [::1]:99999"},
    "with forwarding headers": {
        "lines": (
            b"X-Forwarded-Host: evil.example",
            b"X-Forwarded-Proto: http",
            b"X-Forwarded-For: 198.51.100.7",
            b"X_Forwarded_For: 198.51.100.8",
            b"Forwarded: for=198.51.100.7;host=evil.example",
        ),
    },
    "with a query": {
        "target": TARGET + "?b=%23&a=1",
        "signature": lambda sign: sign(URL + "?b=%23&a=1", FIELDS),
    },
}


@pytest.mark.parametrize("change", GENUINE.values(), ids=GENUINE)
async def test_what_the_provider_signed_is_heard(
    send: Callable[..., Awaitable[Any]],
    heard: list[object],
    change: dict[str, Any],
):
    answer = await send(**change)

    assert (answer.status, len(heard)) == (204, 1)


@pytest.mark.parametrize(
    ("public_url", "signed_url"),
    [
        ("https://example.org/verify", "https://example.org/verify"),
        ("https://example.org:8443", "https://example.org:8443"),
        ("https://example.org:8443", "https://example.org"),
        ("http://example.org:8080", "http://example.org:8080"),
        ("http://example.org", "http://example.org:80"),
    ],
)
async def test_a_proxy_may_strip_a_prefix_and_own_the_port(
    serve: Serve,
    exchange: Exchange,
    sign: Sign,
    public_url: str,
    signed_url: str,
):
    body = urlencode(FIELDS).encode()
    signature = sign(signed_url + TARGET, FIELDS).encode()

    answer = await exchange(
        await serve(public_url),
        [
            f"POST {TARGET} HTTP/1.1".encode(),
            b"Host: 127.0.0.1",
            b"X-Twilio-Signature: " + signature,
            b"Content-Length: %d" % len(body),
        ],
        body,
    )

    assert answer.status == 204


async def test_bytes_that_only_the_parser_in_python_lets_through_are_forbidden(listener: ProviderListener):
    scheme = HmacVerifier.prepared(PUBLIC_URL, ["token"], Algorithm.SHA1)
    [call_status, *_] = routes(provider="twilio", verifier=scheme, listener=listener, apology="", count=listener.note)
    request = make_mocked_request("POST", TARGET + "?\udcff", headers={"X-Twilio-Signature": "A" * 28})

    answer = await call_status.handler(request)

    assert answer.status == 403


@pytest.mark.parametrize(
    "target",
    [
        b"/callbacks/twilio/calls/ver_01/tok_\xff/status",
        b"/callbacks/twilio/calls/ver_01/tok_%ff/status",
        b"/callbacks/twilio/calls/ver_01/tok_01/status?\xed\xa0\x80",
        b"/callbacks/twilio/calls/ver_01/" + b"t" * 129 + b"/status",
        b"/callbacks/twilio/calls/ver_01/../ver_02/status",
        b"//callbacks/twilio/calls/ver_01/tok_01/status",
        TARGET.encode() + b"/",
        b"*",
        b"http://[/",
        b"http://verify.example.org:99999/",
    ],
)
async def test_a_broken_target_is_the_senders_fault(
    send: Callable[..., Awaitable[Any]],
    heard: list[object],
    target: bytes,
):
    answer = await send(target=target)

    assert (answer.status // 100, heard) == (4, [])
