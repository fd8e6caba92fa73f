"""How the reconciler finds at the provider what we may have sent."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from typing import TYPE_CHECKING

import pytest

from gateway.domain.verification import FailureCode
from gateway.providers.base import FoundSend, ProviderBusy, ProviderRefused
from gateway.providers.twilio.api import TwilioProvider

if TYPE_CHECKING:
    from tests.providers.conftest import Carrier, MakeProvider

NUMBER, SENDER, SERVICE = "+14255550123", "+15005550006", "MG" + "0f" * 16
SINCE = 1_790_000_000_700
SECOND = SINCE // 1000
MESSAGES = f"/2010-04-01/Accounts/AC{'a' * 32}/Messages.json"
Ask = Callable[[TwilioProvider], Awaitable[list[FoundSend]]]
FINDS: dict[str, Ask] = {
    "sms": lambda provider: provider.find_sms(NUMBER, SINCE),
    "call": lambda provider: provider.find_calls(NUMBER, SINCE),
}


def text(sid: str, at: int = SECOND, **fields: object) -> dict[str, object]:
    record = {
        "sid": sid,
        "to": NUMBER,
        "from": SENDER,
        "body": "hello",
        "date_created": formatdate(at),
        "date_sent": None,
    }
    return record | fields


def page(records: list[dict[str, object]], next_page: str | None = None, key: str = "messages") -> bytes:
    return json.dumps({key: records, "page": 0, "page_size": 50, "next_page_uri": next_page}).encode()


async def test_texts_are_asked_for_by_number_and_time(carrier: Carrier, provider: TwilioProvider):
    carrier.answers(200, page([]))
    assert await provider.find_sms(NUMBER, SINCE) == []
    (request,) = carrier.seen
    assert (request.method, request.path) == ("GET", MESSAGES)
    assert sorted(request.query) == [("DateSent>", "2026-09-21T14:13:20Z"), ("PageSize", "100"), ("To", NUMBER)]
    assert request.headers["authorization"].startswith("Basic ")


async def test_calls_are_asked_for_by_number_and_time(carrier: Carrier, provider: TwilioProvider):
    carrier.answers(200, page([{"sid": "CA1", "from": SENDER, "date_created": formatdate(SECOND)}], key="calls"))
    assert await provider.find_calls(NUMBER, SINCE) == [FoundSend("CA1", SENDER, "", SECOND * 1000)]
    (request,) = carrier.seen
    assert request.path == MESSAGES.replace("Messages", "Calls")
    assert sorted(request.query) == [("PageSize", "100"), ("StartTime>", "2026-09-21T14:13:20Z"), ("To", NUMBER)]


async def test_a_text_comes_with_its_sender_body_and_time(carrier: Carrier, provider: TwilioProvider):
    carrier.answers(200, page([text("SM1", SECOND + 5)]))
    assert await provider.find_sms(NUMBER, SINCE) == [FoundSend("SM1", SENDER, "hello", (SECOND + 5) * 1000)]


@pytest.mark.parametrize("picked", [None, SENDER])
async def test_the_sender_is_the_messaging_service_when_one_was_used(
    carrier: Carrier, provider: TwilioProvider, picked: str | None
):
    carrier.answers(200, page([text("SM1", messaging_service_sid=SERVICE, **{"from": picked})]))
    (found,) = await provider.find_sms(NUMBER, SINCE)
    assert found.sender == SERVICE


async def test_a_redacted_text_has_an_empty_body(carrier: Carrier, provider: TwilioProvider):
    carrier.answers(200, page([text("SM1", body=None)]))
    (found,) = await provider.find_sms(NUMBER, SINCE)
    assert found.body == ""


async def test_older_sends_of_a_dialect_without_filters_are_left_out(carrier: Carrier, provider: TwilioProvider):
    carrier.answers(200, page([text("SM2", SECOND), text("SM1", SECOND - 1)]))
    assert [found.sid for found in await provider.find_sms(NUMBER, SINCE)] == ["SM2"]


async def test_pages_are_followed_on_our_base_url(carrier: Carrier, provider: TwilioProvider):
    carrier.answers(200, page([text("SM2")], f"{MESSAGES}?To=%2B14255550123&PageToken=PASM2&Page=1"))
    carrier.answers(200, page([text("SM1")]))
    assert [found.sid for found in await provider.find_sms(NUMBER, SINCE)] == ["SM2", "SM1"]
    assert carrier.seen[1].query == [("To", NUMBER), ("PageToken", "PASM2"), ("Page", "1")]


async def test_no_more_than_a_hundred_records_are_read(carrier: Carrier, provider: TwilioProvider):
    carrier.answers(200, page([text(f"SM{n}") for n in range(60)], MESSAGES))
    assert len(await provider.find_sms(NUMBER, SINCE)) == 100
    assert len(carrier.seen) == 2


async def test_endless_empty_pages_end_in_time(carrier: Carrier, make_provider: MakeProvider):
    carrier.answers(200, page([], MESSAGES))
    provider = make_provider(carrier.base_url, connect_timeout=0.2, total_timeout=0.3)
    with pytest.raises(ProviderBusy):
        await provider.find_sms(NUMBER, SINCE)


async def test_region_and_edge_of_the_environment_are_ignored(
    carrier: Carrier, provider: TwilioProvider, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TWILIO_REGION", "au1")
    monkeypatch.setenv("TWILIO_EDGE", "sydney")
    carrier.answers(200, page([text("SM1")]))
    assert len(await provider.find_sms(NUMBER, SINCE)) == 1


@pytest.mark.parametrize("find", FINDS.values(), ids=FINDS)
@pytest.mark.parametrize("status", [401, 403, 404])
async def test_a_provider_that_does_not_let_us_look_has_refused(
    carrier: Carrier, provider: TwilioProvider, find: Ask, status: int
):
    carrier.answers(status, b'{"code": 20003}')
    with pytest.raises(ProviderRefused) as refused:
        await find(provider)
    assert (refused.value.failure, refused.value.provider_code) == (FailureCode.PROVIDER_REFUSED, "20003")


@pytest.mark.parametrize("find", FINDS.values(), ids=FINDS)
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (429, b""),
        (500, b""),
        (302, b""),
        (204, b""),
        (200, b""),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b"null"),
        (200, b"\xff"),
        (200, b"[" * 100_000),
        (200, b'{"messages": 1, "calls": 2}'),
        (200, b'{"messages": [1]}'),
        (200, b'{"messages": [{"sid": "SM1"}]}'),
        (200, b'{"messages": [{"date_created": 7}]}'),
    ],
)
async def test_an_answer_that_is_no_list_is_busy(
    carrier: Carrier, provider: TwilioProvider, find: Ask, status: int, body: bytes
):
    carrier.answers(status, body)
    with pytest.raises(ProviderBusy):
        await find(provider)


async def test_a_broken_connection_while_looking_is_busy(carrier: Carrier, provider: TwilioProvider):
    carrier.plays(b"HTTP/1.1 200 X\r\nContent-Length: 9\r\n\r\n{", "reset")
    with pytest.raises(ProviderBusy):
        await provider.find_sms(NUMBER, SINCE)


async def test_the_sdk_does_not_log_at_info(carrier: Carrier, provider: TwilioProvider):
    carrier.answers(200, page([]))
    await provider.find_sms(NUMBER, SINCE)
    for name in ("twilio.http_client", "twilio.async_http_client"):
        assert not logging.getLogger(name).isEnabledFor(logging.INFO)
