"""How the reconciler learns from the provider how a send ended, and how a call is hung up."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from gateway.domain.delivery import DeliveryStatus
from gateway.domain.status_reports import CallReport, MessageReport
from gateway.domain.verification import FailureCode
from gateway.providers.base import ProviderBusy, ProviderRefused, ProviderUncertain
from gateway.providers.twilio.api import TwilioProvider
from gateway.providers.twilio.errors import delivery_failure

if TYPE_CHECKING:
    from tests.providers.conftest import Carrier

ACCOUNT = f"/2010-04-01/Accounts/AC{'a' * 32}"
TEXT, CALL = "SM" + "0" * 32, "CA" + "0" * 32
TEXT_WORDS = {
    "accepted": DeliveryStatus.SENT,
    "scheduled": DeliveryStatus.SENT,
    "queued": DeliveryStatus.SENT,
    "sending": DeliveryStatus.SENT,
    "sent": DeliveryStatus.SENT,
    "delivered": DeliveryStatus.DELIVERED,
    "read": DeliveryStatus.DELIVERED,
    "canceled": DeliveryStatus.FAILED,
    "levitating": None,
}
CALL_WORDS = {
    "queued": DeliveryStatus.SENT,
    "initiated": DeliveryStatus.INITIATED,
    "ringing": DeliveryStatus.RINGING,
    "in-progress": DeliveryStatus.IN_PROGRESS,
    "completed": DeliveryStatus.COMPLETED,
    "busy": DeliveryStatus.BUSY,
    "failed": DeliveryStatus.FAILED,
    "no-answer": DeliveryStatus.NO_ANSWER,
    "canceled": DeliveryStatus.CANCELED,
    "levitating": None,
}


def record(**fields: object) -> bytes:
    return json.dumps({"sid": "…", "to": "+14255550123", **fields}).encode()


@pytest.mark.parametrize(("word", "status"), TEXT_WORDS.items())
async def test_a_text_is_asked_for_by_its_sid(carrier: Carrier, provider: TwilioProvider, word: str, status):
    carrier.answers(200, record(status=word, error_code=None))
    told = await provider.fetch_sms(TEXT)
    assert (told.sid, told.word, told.status) == (TEXT, word, status)
    [request] = carrier.seen
    assert (request.method, request.path, request.query) == ("GET", f"{ACCOUNT}/Messages/{TEXT}.json", [])
    assert request.headers["authorization"].startswith("Basic ")


@pytest.mark.parametrize("code", [30003, "30003"])
@pytest.mark.parametrize("word", ["undelivered", "failed"])
async def test_a_lost_text_says_why(carrier: Carrier, provider: TwilioProvider, word: str, code: int | str):
    carrier.answers(200, record(status=word, error_code=code))
    assert await provider.fetch_sms(TEXT) == MessageReport(TEXT, DeliveryStatus(word), word, delivery_failure("30003"))


@pytest.mark.parametrize(("word", "status"), CALL_WORDS.items())
async def test_a_call_is_asked_for_by_its_sid(carrier: Carrier, provider: TwilioProvider, word: str, status):
    carrier.answers(200, record(status=word, answered_by=None))
    assert await provider.fetch_call(CALL) == CallReport(CALL, status, word, None, None, None)
    [request] = carrier.seen
    assert (request.method, request.path) == ("GET", f"{ACCOUNT}/Calls/{CALL}.json")


@pytest.mark.parametrize(
    ("word", "who"),
    [
        ("human", "human"),
        ("machine_start", "machine"),
        ("machine_end_beep", "machine"),
        ("fax", "machine"),
        ("?", "unknown"),
    ],
)
async def test_a_call_says_who_took_it(carrier: Carrier, provider: TwilioProvider, word: str, who: str):
    carrier.answers(200, record(status="completed", answered_by=word))
    told = await provider.fetch_call(CALL)
    assert told is not None
    assert told.answered_by == who


async def test_a_send_that_the_provider_does_not_know_is_none(carrier: Carrier, provider: TwilioProvider):
    carrier.answers(404, b'{"code": 20404}')
    assert await provider.fetch_sms(TEXT) is None
    assert await provider.fetch_call(CALL) is None


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b"{}", b'{"status": 7}', b"[" * 100_000])
async def test_an_answer_that_is_no_record_is_busy(carrier: Carrier, provider: TwilioProvider, body: bytes):
    carrier.answers(200, body)
    with pytest.raises(ProviderBusy):
        await provider.fetch_sms(TEXT)
    with pytest.raises(ProviderBusy):
        await provider.fetch_call(CALL)


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, ProviderRefused), (429, ProviderBusy), (500, ProviderUncertain), (302, ProviderUncertain)],
)
async def test_a_provider_that_does_not_answer_says_so(
    carrier: Carrier, provider: TwilioProvider, status: int, error: type[Exception]
):
    carrier.answers(status)
    for ask in (provider.fetch_sms(TEXT), provider.fetch_call(CALL), provider.hang_up(CALL)):
        with pytest.raises(error):
            await ask


async def test_a_call_is_hung_up_by_its_sid(carrier: Carrier, provider: TwilioProvider):
    carrier.answers(200, record(status="completed"))
    await provider.hang_up(CALL)
    [request] = carrier.seen
    assert (request.method, request.path) == ("POST", f"{ACCOUNT}/Calls/{CALL}.json")
    assert request.form == [("Status", "completed")]


async def test_a_call_that_is_over_is_refused(carrier: Carrier, provider: TwilioProvider):
    carrier.answers(400, b'{"code": 21220}')
    with pytest.raises(ProviderRefused) as refused:
        await provider.hang_up(CALL)
    assert (refused.value.failure, refused.value.provider_code) == (FailureCode.PROVIDER_REFUSED, "21220")
