"""REST answers have the fields, types, patterns and words of the provider's OpenAPI document."""

import io
import json
from email.utils import parsedate_to_datetime
from pathlib import Path

import jsonschema
import pytest

SCHEMAS = json.loads((Path(__file__).parent / "data" / "rest_schemas.json").read_text())
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
FORMATS = jsonschema.FormatChecker(formats=())


@FORMATS.checks("date-time-rfc-2822", raises=ValueError)
def is_rfc2822(value: object) -> bool:
    return value is None or (isinstance(value, str) and parsedate_to_datetime(value).utcoffset() is not None)


def check(shape: str, answer: object) -> None:
    jsonschema.Draft202012Validator(SCHEMAS[shape], format_checker=FORMATS).validate(answer)


@pytest.mark.parametrize("persona", ["presses_pound", "voicemail", "busy", "no_answer", "unreachable", "rejects"])
async def test_call_at_its_beginning_and_end(lab, persona):
    url = lab.application.answers("/voice", "<Response><Say>Hello</Say></Response>")
    await lab.give(persona)
    created = await lab.place(Url=url, MachineDetection="Enable")
    check("call", created)
    assert created["status"] == "queued"
    await lab.until_over(created)
    status, ended = await lab.request("GET", created["uri"])
    assert status == 200
    check("call", ended)
    assert ended["end_time"]


async def test_message_at_its_beginning_and_end(lab):
    status, created = await lab.text(StatusCallback=lab.application.url + "/sms")
    assert status == 201
    check("message", created)
    assert (created["status"], created["num_segments"], created["price"]) == ("queued", "1", None)
    await lab.application.until(lambda: len(lab.application.at("/sms")) == 2)
    delivered = (await lab.request("GET", created["uri"]))[1]
    check("message", delivered)
    assert (delivered["status"], delivered["price"]) == ("delivered", "-0.00750")


async def test_undelivered_message(lab):
    await lab.give("unreachable")
    _, created = await lab.text(StatusCallback=lab.application.url + "/sms")
    await lab.application.until(lambda: len(lab.application.at("/sms")) == 2)
    undelivered = (await lab.request("GET", created["uri"]))[1]
    check("message", undelivered)
    assert (undelivered["status"], undelivered["error_code"]) == ("undelivered", 30003)


async def test_pages(lab):
    for _ in range(3):
        await lab.text()
        await lab.place(Twiml="<Response/>")
    for path, key in [("Messages", "messages"), ("Calls", "calls")]:
        _, page = await lab.request("GET", f"{lab.api}/{path}.json", params={"PageSize": "2"})
        check(f"{key}_page", page)
        assert page["next_page_uri"].startswith("/2010-04-01/Accounts/")
        assert (page["start"], page["end"], len(page[key])) == (0, 1, 2)
        _, last = await lab.request("GET", page["next_page_uri"])
        check(f"{key}_page", last)
        assert (last["start"], last["end"], last["next_page_uri"]) == (2, 2, None)
        assert (await lab.request("GET", last["previous_page_uri"]))[1][key] == page[key]
        _, empty = await lab.request("GET", f"{lab.api}/{path}.json", params={"To": "+4930123456"})
        check(f"{key}_page", empty)


async def test_refusals_have_code_message_link_and_status(lab):
    for status, problem in [
        await lab.text(To="12345"),
        await lab.request("GET", f"{lab.api}/Messages/SM{'0' * 32}.json"),
        await lab.request("GET", f"{lab.api}/Conferences.json"),
        await lab.request("PUT", f"{lab.api}/Messages.json"),
        await lab.request("GET", f"{lab.api}/Messages.json", headers={"Authorization": "Basic wrong"}),
        await lab.request(
            "POST", f"{lab.api}/Messages.json", data=io.BytesIO(b"Body=" + b"x" * 2_000_000), headers=FORM
        ),
    ]:
        assert problem.keys() == {"code", "message", "more_info", "status"}
        assert problem["status"] == status
        assert problem["more_info"] == f"https://www.twilio.com/docs/errors/{problem['code']}"
