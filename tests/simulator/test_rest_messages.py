"""The Messages resource: what is accepted, refused, listed, changed and forgotten."""

from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

SERVICE = "MG" + "0" * 32


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"To": ""}, 21604),
        ({"To": "4255550123"}, 21211),
        ({"To": "+0123456789"}, 21211),
        ({"To": "+1425555012٣"}, 21211),
        ({"To": "+15005550001"}, 21211),
        ({"To": "+15005550002"}, 21612),
        ({"To": "+15005550003"}, 21408),
        ({"To": "+15005550004"}, 21610),
        ({"To": "+15005550009"}, 21614),
        ({"To": "+15005550006"}, 21266),
        ({"From": ""}, 21603),
        ({"From": "+15005550001"}, 21212),
        ({"From": "+15005550007"}, 21606),
        ({"From": "+15005550008"}, 21611),
        ({"From": "Poundkey"}, 21212),
        ({"From": "+4930123456"}, 21606),
        ({"Body": ""}, 21602),
        ({"Body": "x" * 1601}, 21617),
        ({"MessagingServiceSid": "MG1"}, 21701),
        ({"StatusCallback": "/relative"}, 21609),
        ({"StatusCallback": "http://[::1/"}, 21609),
        ({"ScheduleType": "fixed", "SendAt": "soon", "MessagingServiceSid": SERVICE}, 20001),
        ({"ScheduleType": "fixed", "SendAt": "2030-01-01T00:00:00Z"}, 20001),
    ],
)
async def test_refused(lab, fields, code):
    status, problem = await lab.text(**fields)
    assert (status, problem["code"]) == (400, code)
    assert (await lab.request("GET", f"{lab.api}/Messages.json"))[1]["messages"] == []


async def test_body_of_1600_characters_and_unknown_fields_are_accepted(lab):
    status, message = await lab.text(Body="x" * 1600, RiskCheck="disable", SomethingNew="1")
    assert (status, message["num_segments"]) == (201, "11")


async def test_callbacks_skip_the_initial_status(lab):
    _, message = await lab.text(StatusCallback=lab.application.url + "/sms")
    await lab.application.until(lambda: len(lab.application.at("/sms")) == 2)
    sent, delivered = lab.application.forms("/sms")
    assert (sent["MessageStatus"], delivered["MessageStatus"]) == ("sent", "delivered")
    for form in (sent, delivered):
        assert form["MessageSid"] == form["SmsSid"] == message["sid"]
        assert form["SmsStatus"] == form["MessageStatus"]
        assert "ErrorCode" not in form
    assert "RawDlrDoneDate" in delivered


async def test_undelivered_callback_has_the_error_code(lab):
    await lab.give("unreachable")
    await lab.text(StatusCallback=lab.application.url + "/sms")
    await lab.application.until(lambda: len(lab.application.at("/sms")) == 2)
    assert lab.application.forms("/sms")[-1]["MessageStatus"] == "undelivered"
    assert lab.application.forms("/sms")[-1]["ErrorCode"] == "30003"


async def test_messaging_service_picks_the_number_later(lab):
    _, message = await lab.text(From="", MessagingServiceSid=SERVICE, StatusCallback=lab.application.url + "/sms")
    assert (message["status"], message["from"], message["num_segments"]) == ("accepted", None, "0")
    await lab.application.until(lambda: len(lab.application.at("/sms")) == 3)
    assert [form["MessageStatus"] for form in lab.application.forms("/sms")] == ["queued", "sent", "delivered"]
    assert (await lab.request("GET", message["uri"]))[1]["from"] == lab.number


async def test_scheduled_text_can_be_cancelled_and_then_never_leaves(lab):
    send_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    _, message = await lab.text(MessagingServiceSid=SERVICE, ScheduleType="fixed", SendAt=send_at)
    assert message["status"] == "scheduled"
    _, canceled = await lab.request("POST", message["uri"], data={"Status": "canceled"})
    assert canceled["status"] == "canceled"
    assert (await lab.request("POST", message["uri"], data={"Status": "canceled"}))[1]["code"] == 30409


async def test_cancelled_text_does_not_leave_when_its_time_comes(lab):
    send_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    _, message = await lab.text(MessagingServiceSid=SERVICE, ScheduleType="fixed", SendAt=send_at)
    await lab.request("POST", message["uri"], data={"Status": "canceled"})
    carrier = lab.network._network.carrier
    await carrier._carry(carrier.messages.find(message["sid"]), datetime.now(UTC))
    assert (await lab.request("GET", message["uri"]))[1]["status"] == "canceled"


async def test_text_scheduled_for_a_moment_that_has_passed_leaves_at_once(lab):
    await lab.text(
        MessagingServiceSid=SERVICE,
        ScheduleType="fixed",
        SendAt="2020-01-01T00:00:00Z",
        StatusCallback=lab.application.url + "/sms",
    )
    await lab.application.until(lambda: len(lab.application.at("/sms")) == 2)


async def test_finished_text_can_be_emptied_and_deleted_but_not_rewritten(lab):
    _, message = await lab.text()
    await lab.until_handset(lambda state: state["messages"][-1]["status"] == "delivered")
    assert (await lab.request("POST", message["uri"], data={"Body": "other"}))[1]["code"] == 20001
    assert (await lab.request("POST", message["uri"], data={"Body": ""}))[1]["body"] == ""
    assert await lab.request("DELETE", message["uri"]) == (204, None)
    assert (await lab.request("GET", message["uri"]))[0] == 404


async def test_text_on_its_way_can_not_be_emptied_or_deleted(make_lab):
    lab = await make_lab(speed=0.01)
    _, message = await lab.text()
    assert (await lab.request("DELETE", message["uri"]))[0] == 409
    assert (await lab.request("POST", message["uri"], data={"Body": ""}))[0] == 409


async def test_filters(lab):
    await lab.text(Body="one")
    await lab.text(Body="two", To="+4930123456")
    today = datetime.now(UTC)
    tomorrow, yesterday = ((today + timedelta(days=days)).date().isoformat() for days in (1, -1))
    hour_ago = (today - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    for query, bodies in [
        ({}, ["two", "one"]),
        ({"To": lab.handset_number}, ["one"]),
        ({"From": lab.number}, ["two", "one"]),
        ({"From": lab.handset_number}, []),
        ({"DateSent>": yesterday}, ["two", "one"]),
        ({"DateSent>": tomorrow}, []),
        ({"DateSent<": yesterday}, []),
        ({"DateSent<": tomorrow, "To": "+4930123456"}, ["two"]),
        ({"DateSent": yesterday}, []),
        ({"DateSent>": hour_ago}, ["two", "one"]),
        ({"DateSent<": hour_ago}, []),
    ]:
        _, page = await lab.request("GET", f"{lab.api}/Messages.json", params=query)
        assert [message["body"] for message in page["messages"]] == bodies, query


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"no boundary"),
        ("multipart/form-data; boundary=x", b"--y"),
        ("application/x-www-form-urlencoded; charset=klingon", b"To=1"),
        ("application/x-www-form-urlencoded", b"To=%FF"),
        ("application/json", b'{"To": "+14255550123"}'),
    ],
)
async def test_bodies_that_are_no_form_are_refused(lab, content_type, body):
    headers = {"Content-Type": content_type}
    status, problem = await lab.request("POST", f"{lab.api}/Messages.json", data=body, headers=headers)
    assert (status, problem["status"]) == (400, 400)


@pytest.mark.parametrize(
    "query", [{"PageSize": "0"}, {"PageSize": "1001"}, {"PageSize": "x"}, {"Page": "-1"}, {"DateSent": "now"}]
)
async def test_impossible_queries_are_refused(lab, query):
    status, problem = await lab.request("GET", f"{lab.api}/Messages.json", params=query)
    assert (status, problem["code"]) == (400, 20001)


async def test_who_may_ask(lab):
    url = f"{lab.api}/Messages.json"
    other = "AC" + "f" * 32
    for user, password, status in [
        (lab.account, lab.token, 200),
        ("SK" + "0" * 32, lab.token, 200),
        (other, lab.token, 401),
        (lab.account, "wrong", 401),
        ("", "", 401),
    ]:
        headers = {"Authorization": aiohttp.encode_basic_auth(user, password)}
        assert (await lab.request("GET", url, headers=headers))[0] == status
    headers = {"Authorization": aiohttp.encode_basic_auth(other, lab.token)}
    assert (await lab.request("GET", url.replace(lab.account, other), headers=headers))[0] == 200
    assert (await lab.request("GET", url.replace(lab.account, "ACnonsense")))[0] == 401


async def test_texts_belong_to_their_account(lab):
    _, message = await lab.text()
    headers = {"Authorization": aiohttp.encode_basic_auth("AC" + "f" * 32, lab.token)}
    uri = message["uri"].replace(lab.account, "AC" + "f" * 32)
    assert (await lab.request("GET", uri, headers=headers))[0] == 404
