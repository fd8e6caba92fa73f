"""What each answer of the provider that says no becomes, by its status and its error code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.tables import for_each

from gateway.domain.routing import RejectionScope
from gateway.domain.verification import FailureCode
from gateway.providers.base import ProviderBusy, ProviderRefused, Sms
from gateway.providers.twilio.api import TwilioProvider
from gateway.providers.twilio.errors import MEANINGS, delivery_failure

if TYPE_CHECKING:
    from tests.providers.conftest import Carrier

SMS = Sms("+14255550123", "+15005550006", "482913 is your code", "https://gw.test/c/t0ken")


def refusal(code: int) -> bytes:
    return b'{"code": %d, "message": "The number +14255550123 cannot get it", "status": 400}' % code


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        ("0", 1),
        ("60", 60),
        ("61", 60),
        ("9" * 400, 60),
        ("1.5", 5),
        ("-3", 5),
        ("soon", 5),
        ("Wed, 21 Oct 2026 07:28:00 GMT", 5),
        ("٣", 5),
        ("", 5),
        (None, 5),
    ],
)
async def test_too_many_requests_is_busy_for_as_long_as_told_within_bounds(
    carrier: Carrier, provider: TwilioProvider, header: str | None, seconds: float
):
    carrier.answers(429, refusal(20429), *([] if header is None else [f"Retry-After: {header}"]))
    with pytest.raises(ProviderBusy) as busy:
        await provider.send_sms(SMS)
    assert busy.value.retry_after == seconds
    assert len(carrier.seen) == 1


TABLE = {
    21210: "provider_refused",
    21211: "number_invalid",
    21212: "provider_refused",
    21214: "number_unreachable",
    21215: "country_blocked",
    21216: "number_blocked",
    21217: "number_invalid",
    21266: "number_invalid",
    21408: "country_blocked",
    21606: "provider_refused",
    21608: "number_blocked",
    21610: "opted_out",
    21611: "rate_limited",
    21612: "number_unreachable",
    21614: "number_unreachable",
    30001: "delivery_failed",
    30002: "provider_refused",
    30003: "number_unreachable",
    30004: "number_blocked",
    30005: "number_unreachable",
    30006: "number_unreachable",
    30007: "carrier_filtered",
    30008: "delivery_failed",
    30032: "carrier_filtered",
    30034: "carrier_filtered",
    30450: "number_blocked",
    60205: "number_unreachable",
    60212: "rate_limited",
    60238: "number_blocked",
    60410: "number_blocked",
    60605: "country_blocked",
}


def test_the_table_is_whole():
    assert {code: meaning.failure.value for code, meaning in MEANINGS.items()} == TABLE


@for_each(("code", "failure"), TABLE.items())
def test_each_known_code_of_a_text_is_its_failure_and_is_kept(code: int, failure: str):
    told = delivery_failure(str(code))
    assert (told.code.value, told.provider_code) == (failure, str(code))


@pytest.mark.parametrize("code", [None, "", "30999", "0", "SQ-1", "-1", "٣"])
def test_a_text_lost_for_an_unknown_reason_keeps_its_code(code: str | None):
    told = delivery_failure(code)
    assert (told.code, told.provider_code) == (FailureCode.DELIVERY_FAILED, code)


@pytest.mark.parametrize("status", [400, 403])
async def test_each_known_code_is_refused_as_its_failure(carrier: Carrier, provider: TwilioProvider, status: int):
    for code, failure in TABLE.items():
        carrier.forgets()
        carrier.answers(status, refusal(code))
        with pytest.raises(ProviderRefused) as refused:
            await provider.send_sms(SMS)
        assert (refused.value.failure, refused.value.provider_code) == (FailureCode(failure), str(code))


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (400, refusal(21999), "21999"),
        (404, refusal(20404), "20404"),
        (409, refusal(20009), "20009"),
        (400, b'{"type": "t", "title": "Bad", "status": 400, "code": 21999}', "21999"),
        (400, b'{"code": "21999", "message": "x"}', "21999"),
        (400, b'{"code": 21999, "errors": ["x"]}', "21999"),
        (422, b'{"errors": [{"code": "10015"}, {"code": "10002"}]}', "10015"),
        (422, b'{"errors": []}', None),
        (422, b'{"errors": [{"code": "x"}]}', None),
        (400, b"<html>no</html>", None),
        (400, b"", None),
        (400, b'{"code": "SQ-1"}', None),
        (400, b'{"code": 14255550199}', None),
        (400, b'{"code": -1}', None),
        (400, b'{"x":' + b"[" * 100_000, None),
    ],
)
async def test_an_unknown_refusal_keeps_its_code(
    carrier: Carrier, provider: TwilioProvider, status: int, body: bytes, code: str | None
):
    carrier.answers(status, body)
    with pytest.raises(ProviderRefused) as refused:
        await provider.send_sms(SMS)
    assert (refused.value.failure, refused.value.provider_code) == (FailureCode.PROVIDER_REFUSED, code)
    assert "credentials" not in refused.value.detail


def test_only_what_another_account_may_lack_the_reason_for_leads_to_another_provider():
    abouts = {fault: {code for code, meaning in MEANINGS.items() if meaning.fault is fault} for fault in RejectionScope}
    assert abouts[RejectionScope.ACCOUNT] == {21210, 21212, 21606, 21611, 30002}
    assert abouts[RejectionScope.ROUTE] == {21215, 21216, 21408, 21608, 21612, 60605}


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (401, refusal(20003), RejectionScope.ACCOUNT),
        (403, b"", RejectionScope.ACCOUNT),
        (400, refusal(21999), RejectionScope.ROUTE),
        (400, refusal(21211), RejectionScope.NUMBER),
        (403, refusal(21610), RejectionScope.NUMBER),
    ],
)
async def test_a_refusal_says_what_it_is_about(
    carrier: Carrier, provider: TwilioProvider, status: int, body: bytes, fault: RejectionScope
):
    carrier.answers(status, body)
    with pytest.raises(ProviderRefused) as refused:
        await provider.send_sms(SMS)
    assert refused.value.fault is fault


@pytest.mark.parametrize("status", [401, 403])
async def test_wrong_credentials_are_named_for_the_operator(carrier: Carrier, provider: TwilioProvider, status: int):
    carrier.answers(status, refusal(20003))
    with pytest.raises(ProviderRefused, match="auth token") as refused:
        await provider.send_sms(SMS)
    assert (refused.value.failure, refused.value.provider_code) == (FailureCode.PROVIDER_REFUSED, "20003")
