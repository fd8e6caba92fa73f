"""The Calls resource: what is accepted, refused, listed, changed and forgotten."""

from datetime import UTC, datetime, timedelta

import pytest

HELLO = "<Response><Say>Hello</Say></Response>"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"To": ""}, 21201),
        ({"To": "4255550123"}, 21211),
        ({"To": "+15005550001"}, 21217),
        ({"To": "+15005550002"}, 21214),
        ({"To": "+15005550003"}, 21215),
        ({"To": "+15005550004"}, 21216),
        ({"To": "+15005550006"}, 21266),
        ({"From": ""}, 21213),
        ({"From": "+15005550001"}, 21212),
        ({"From": "anonymous"}, 21212),
        ({"From": "+4930123456"}, 21210),
        ({"Twiml": None}, 21205),
        ({"Url": "/voice"}, 21205),
        ({"Url": "http://host:99999/"}, 21205),
        ({"Twiml": "x" * 4001}, 32018),
        ({"Timeout": "601"}, 20001),
        ({"Timeout": "9" * 5000}, 20001),
        ({"SendDigits": "12e"}, 21206),
        ({"Method": "PUT", "Url": "http://127.0.0.1/"}, 20001),
        ({"StatusCallbackEvent": "initiated ringing"}, 20001),
        ({"MachineDetection": "on"}, 20001),
    ],
)
async def test_refused(lab, fields, code):
    form = {"To": lab.handset_number, "From": lab.number, "Twiml": HELLO} | fields
    data = {name: value for name, value in form.items() if value is not None}
    status, problem = await lab.request("POST", f"{lab.api}/Calls.json", data=data)
    assert (status, problem["code"]) == (400, code)
    assert (await lab.request("GET", f"{lab.api}/Calls.json"))[1]["calls"] == []


async def test_twiml_in_the_request(lab):
    await lab.call(Twiml=HELLO)
    assert [entry["text"] for entry in (await lab.handset())["calls"][-1]["transcript"]] == ["Hello"]


async def test_url_wins_over_twiml_and_may_be_asked_by_get(lab):
    url = lab.application.answers("/voice", HELLO)
    call = await lab.call(Url=url + "?a=1", Method="GET", Twiml="<Response><Say>No</Say></Response>")
    (request,) = lab.application.at("/voice")
    assert request.method == "GET"
    assert request.form["a"] == "1"
    assert request.form["CallSid"] == call["sid"]
    assert [entry["text"] for entry in (await lab.handset())["calls"][-1]["transcript"]] == ["Hello"]


async def test_only_the_end_is_reported_by_default(lab):
    await lab.give("presses_pound")
    form = {
        "To": lab.handset_number,
        "From": lab.number,
        "Twiml": HELLO,
        "StatusCallback": lab.application.url + "/end",
        "StatusCallbackMethod": "GET",
    }
    await lab.request("POST", f"{lab.api}/Calls.json", data=form)
    await lab.application.until(lambda: lab.application.at("/end"))
    (request,) = lab.application.at("/end")
    assert request.method == "GET"
    assert (request.form["CallStatus"], request.form["SequenceNumber"]) == ("completed", "0")


async def test_ringing_call_can_be_cancelled(lab):
    call = await lab.place(Twiml=HELLO)
    await lab.until_handset(lambda state: state["calls"][-1]["status"] == "ringing")
    _, canceled = await lab.request("POST", call["uri"], data={"Status": "canceled"})
    assert (canceled["status"], canceled["duration"]) == ("canceled", None)
    await lab.until_over(call)
    assert lab.reports(call)[-1]["SipResponseCode"] == "487"


async def test_call_in_progress_can_be_completed_but_not_cancelled(lab):
    call = await in_progress(lab)
    assert (await lab.request("POST", call["uri"], data={"Status": "canceled"}))[1]["status"] == "in-progress"
    assert (await lab.request("POST", call["uri"], data={"Status": "completed"}))[1]["status"] == "completed"
    status, problem = await lab.request("POST", call["uri"], data={"Status": "completed"})
    assert (status, problem["code"]) == (400, 21220)


async def test_call_in_progress_can_be_given_another_document(lab):
    call = await in_progress(lab)
    lab.application.answers("/other", "<Response><Say>Something else</Say></Response>")
    await lab.request("POST", call["uri"], data={"Url": lab.application.url + "/other"})
    await lab.until_over(call)
    transcript = (await lab.handset())["calls"][-1]["transcript"]
    assert transcript[-1]["text"] == "Something else"


async def test_ringing_call_can_not_be_given_another_document(lab):
    call = await lab.place(Twiml=HELLO)
    assert (await lab.request("POST", call["uri"], data={"Twiml": HELLO}))[1]["code"] == 21220


async def test_reports_can_be_sent_elsewhere(lab):
    call = await in_progress(lab)
    await lab.request("POST", call["uri"], data={"StatusCallback": lab.application.url + "/elsewhere"})
    await lab.act(call, "hangup")
    await lab.application.until(lambda: lab.application.at("/elsewhere"))


async def test_time_limit_ends_the_call(lab):
    call = await lab.call("voicemail", Twiml='<Response><Pause length="30"/></Response>', TimeLimit="7")
    assert (call["status"], call["duration"]) == ("completed", "7")


async def test_finished_call_can_be_deleted_and_a_ringing_one_not(lab):
    call = await lab.place(Twiml=HELLO)
    assert (await lab.request("DELETE", call["uri"]))[0] == 409
    await lab.request("POST", call["uri"], data={"Status": "canceled"})
    assert await lab.request("DELETE", call["uri"]) == (204, None)
    assert (await lab.request("GET", call["uri"]))[0] == 404


async def test_filters(lab):
    first = await lab.call("presses_pound", Twiml=HELLO)
    await lab.give("busy", "+4930123456")
    second = await lab.place(Twiml=HELLO, To="+4930123456")
    await lab.until_over(second)
    today = datetime.now(UTC)
    tomorrow, yesterday = ((today + timedelta(days=days)).date().isoformat() for days in (1, -1))
    for query, calls in [
        ({}, [second, first]),
        ({"To": lab.handset_number}, [first]),
        ({"From": lab.number}, [second, first]),
        ({"Status": "busy"}, [second]),
        ({"Status": "no-answer"}, []),
        ({"StartTime>": yesterday}, [second, first]),
        ({"StartTime>": tomorrow}, []),
        ({"StartTime<": yesterday}, []),
        ({"StartTime": yesterday}, []),
        ({"EndTime<": tomorrow}, [second, first]),
        ({"ParentCallSid": first["sid"]}, []),
    ]:
        _, page = await lab.request("GET", f"{lab.api}/Calls.json", params=query)
        assert [call["sid"] for call in page["calls"]] == [call["sid"] for call in calls], query
    assert (await lab.request("GET", f"{lab.api}/Calls.json", params={"Status": "initiated"}))[0] == 400


async def test_calls_wait_for_their_turn(make_lab):
    lab = await make_lab(speed=1.0, calls_per_second=0.1, default_persona="busy")
    calls = [await lab.place(Twiml=HELLO) for _ in range(3)]
    waits = [int((await lab.request("GET", call["uri"]))[1]["queue_time"]) for call in calls]
    assert waits[0] == 0 < waits[1] < waits[2] <= 20_000
    canceled = (await lab.request("POST", calls[1]["uri"], data={"Status": "canceled"}))[1]
    assert (canceled["status"], canceled["start_time"]) == ("canceled", None)
    await lab.request("PUT", "/v1/clock", json={"speed": 0})
    await lab.until_over(calls[2])
    assert [form["CallStatus"] for form in lab.reports(calls[2])] == ["initiated", "busy"]
    assert [form["CallStatus"] for form in lab.reports(calls[1])] == ["canceled"]


async def in_progress(lab):
    """Returns a call that waits for a key for a long time."""
    call = await lab.place(Twiml='<Response><Gather timeout="600"/></Response>')
    await lab.until_handset(lambda state: state["calls"][-1]["status"] == "ringing")
    await lab.act(call, "answer")
    await lab.until_handset(lambda state: state["calls"][-1]["gathering"])
    return call
