"""What goes to Telnyx on the wire, and what its answers mean."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import msgspec
import pytest

from gateway.domain.delivery import DeliveryStatus
from gateway.domain.routing import RejectionScope
from gateway.domain.verification import FailureCode
from gateway.providers.base import Call, ProviderBusy, ProviderRefused, ProviderUncertain, Sms
from gateway.providers.http_client import ConnectionLimits
from gateway.providers.telnyx import TelnyxProvider

if TYPE_CHECKING:
    from tests.providers.conftest import Carrier

ACCOUNT = "61bf923e-5e4d-4595-a110-56190ea18a1b"
CALLS = f"/v2/texml/Accounts/{ACCOUNT}/Calls"
SID = "v3:KBnLO0ZK3DhKM5s7bE9VluaSmKsOchKht_fUYvxcp8ysbmzCCtpkmA"
QUEUED = b'{"from": "+15005550006", "to": "+14255550123", "status": "queued"}'
CALL = Call("+14255550123", "+15005550006", "https://gw.test/v/t", "https://gw.test/c/t", 300, "https://gw.test/m/t")


@pytest.fixture
async def telnyx(carrier: Carrier) -> AsyncIterator[TelnyxProvider]:
    provider = TelnyxProvider(
        account_sid=ACCOUNT,
        application_sid="2000",
        auth_token="s3cret",
        base_url=carrier.base_url + "/v2",
        connections=ConnectionLimits(connect_timeout=20.0, total_timeout=30.0),
    )
    yield provider
    await provider.close()


async def test_a_call_is_ordered_as_json_by_bearer_token(carrier: Carrier, telnyx: TelnyxProvider):
    carrier.answers(200, QUEUED)
    assert await telnyx.place_call(CALL) is None
    [seen] = carrier.seen
    assert (seen.method, seen.path) == ("POST", CALLS)
    assert (seen.headers["authorization"], seen.headers["content-type"]) == ("Bearer s3cret", "application/json")
    assert msgspec.json.decode(seen.body) == {
        "ApplicationSid": "2000",
        "To": "+14255550123",
        "From": "+15005550006",
        "Url": "https://gw.test/v/t",
        "UrlMethod": "POST",
        "StatusCallback": "https://gw.test/c/t",
        "StatusCallbackMethod": "POST",
        "StatusCallbackEvent": "initiated ringing answered completed",
        "Timeout": 120,
        "MachineDetection": "Enable",
        "AsyncAmd": True,
        "AsyncAmdStatusCallback": "https://gw.test/m/t",
        "AsyncAmdStatusCallbackMethod": "POST",
    }


@pytest.mark.parametrize("name", ["sid", "call_sid"])
async def test_a_sid_that_the_answer_tells_is_taken(carrier: Carrier, telnyx: TelnyxProvider, name: str):
    carrier.answers(200, msgspec.json.encode({name: SID}))
    assert await telnyx.place_call(CALL) == SID


@pytest.mark.parametrize("body", [b"", b"[]", b"<html/>", b'{"sid": "../../x"}', b'{"sid": 7}'])
async def test_an_answer_that_is_none_leaves_it_open(carrier: Carrier, telnyx: TelnyxProvider, body: bytes):
    carrier.answers(200, body)
    with pytest.raises(ProviderUncertain):
        await telnyx.place_call(CALL)


@pytest.mark.parametrize(
    ("status", "code", "failure", "fault"),
    [
        (401, "10009", FailureCode.PROVIDER_REFUSED, RejectionScope.ACCOUNT),
        (403, "10010", FailureCode.PROVIDER_REFUSED, RejectionScope.ACCOUNT),
        (422, "10002", FailureCode.NUMBER_INVALID, RejectionScope.NUMBER),
        (422, "10016", FailureCode.NUMBER_INVALID, RejectionScope.NUMBER),
        (422, "10015", FailureCode.PROVIDER_REFUSED, RejectionScope.ROUTE),
    ],
)
async def test_a_refusal_is_read_from_its_first_error(
    carrier: Carrier, telnyx: TelnyxProvider, status: int, code: str, failure: FailureCode, fault: RejectionScope
):
    carrier.answers(status, b'{"errors": [{"code": "%s", "title": "No", "detail": "x"}]}' % code.encode())
    with pytest.raises(ProviderRefused) as refused:
        await telnyx.place_call(CALL)
    assert (refused.value.failure, refused.value.provider_code, refused.value.fault) == (failure, code, fault)


async def test_what_it_cannot_carry_is_refused_without_asking(carrier: Carrier, telnyx: TelnyxProvider):
    with pytest.raises(ProviderRefused) as texted:
        await telnyx.send_sms(Sms("+14255550123", "+15005550006", "code"))
    with pytest.raises(ProviderRefused) as dialled:
        await telnyx.place_call(msgspec.structs.replace(CALL, send_digits="ww12"))
    assert {texted.value.fault, dialled.value.fault} == {RejectionScope.ROUTE}
    assert await telnyx.find_sms("+14255550123", 0) == []
    assert await telnyx.fetch_sms("SM1") is None
    assert carrier.seen == []


async def test_calls_are_found_by_number_and_time(carrier: Carrier, telnyx: TelnyxProvider):
    listed = [
        {"sid": SID, "from": "+15005550006", "date_created": "Thu, 15 Jun 2023 09:56:45 +0000"},
        {"sid": "v3:older", "from": None, "date_created": "Thu, 15 Jun 2023 09:56:44 +0000"},
    ]
    carrier.answers(200, msgspec.json.encode({"calls": listed, "page": 0}))
    [found] = await telnyx.find_calls("+14255550123", 1_686_823_005_900)
    assert (found.sid, found.sender, found.created_at) == (SID, "+15005550006", 1_686_823_005_000)
    assert (carrier.seen[0].path, carrier.seen[0].query[0]) == (CALLS, ("To", "+14255550123"))


@pytest.mark.parametrize("body", [b"", b"{}", b'{"calls": [{"sid": "a", "date_created": "yesterday"}]}'])
async def test_a_list_that_is_none_is_asked_for_again(carrier: Carrier, telnyx: TelnyxProvider, body: bytes):
    carrier.answers(200, body)
    with pytest.raises(ProviderBusy):
        await telnyx.find_calls("+14255550123", 0)


@pytest.mark.parametrize("ask", ["find_calls", "fetch_call", "hang_up"])
async def test_a_question_that_is_refused_says_so(carrier: Carrier, telnyx: TelnyxProvider, ask: str):
    carrier.answers(401, b'{"errors": [{"code": "10009"}]}')
    questions = {
        "find_calls": lambda: telnyx.find_calls("+14255550123", 0),
        "fetch_call": lambda: telnyx.fetch_call(SID),
        "hang_up": lambda: telnyx.hang_up(SID),
    }
    with pytest.raises(ProviderRefused):
        await questions[ask]()


async def test_how_far_a_call_got_is_asked_by_its_sid(carrier: Carrier, telnyx: TelnyxProvider):
    carrier.answers(200, b'{"status": "no-answer", "answered_by": "not_sure", "duration": "0"}')
    report = await telnyx.fetch_call(SID)
    assert (report.status, report.answered_by) == (DeliveryStatus.NO_ANSWER, "unknown")
    assert carrier.seen[0].path == f"{CALLS}/{SID}"


async def test_a_call_is_hung_up_by_its_sid(carrier: Carrier, telnyx: TelnyxProvider):
    carrier.answers(200, b"{}")
    await telnyx.hang_up(SID)
    [seen] = carrier.seen
    assert (seen.path, seen.form) == (f"{CALLS}/{SID}", [("Status", "completed")])
