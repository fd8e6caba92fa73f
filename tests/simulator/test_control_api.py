"""The control API: hands on the handsets, and refusals as problems."""

import pytest

ASK = """<Response>
  <Gather finishOnKey="" numDigits="1" timeout="600" action="/key"><Say>Press pound</Say></Gather>
</Response>"""


async def ringing(lab):
    url = lab.application.answers("/voice", ASK)
    lab.application.answers("/key", "<Response><Say>Thank you</Say></Response>")
    call = await lab.place(Url=url)
    await lab.until_handset(lambda state: state["calls"][-1]["status"] == "ringing")
    return call


async def test_person_answers_listens_and_presses_pound(lab):
    call = await ringing(lab)
    status, state = await lab.act(call, "answer")
    assert (status, state["calls"][-1]["status"]) == (200, "in-progress")
    state = await lab.until_handset(lambda state: state["calls"][-1]["gathering"])
    assert state["calls"][-1]["transcript"][-1]["text"] == "Press pound"
    assert (await lab.act(call, "digits", digits="#"))[0] == 200
    await lab.until_over(call)
    (form,) = lab.application.forms("/key")
    assert form["Digits"] == "#"
    assert not (await lab.handset())["calls"][-1]["gathering"]


async def test_person_rejects(lab):
    call = await ringing(lab)
    _, state = await lab.act(call, "reject")
    assert state["calls"][-1]["status"] == "busy"
    await lab.until_over(call)
    assert lab.reports(call)[-1]["SipResponseCode"] == "603"


async def test_person_hangs_up(lab):
    call = await ringing(lab)
    await lab.act(call, "answer")
    _, state = await lab.act(call, "hangup")
    assert (state["calls"][-1]["status"], state["calls"][-1]["gathering"]) == ("completed", False)
    await lab.until_over(call)
    assert not lab.application.at("/key")


async def test_manual_handset_rings_in_real_time_even_at_speed_0(lab):
    """It still rings when a whole minute of ringing has passed for an automatic handset."""
    await ringing(lab)
    await lab.call("no_answer", Twiml="<Response/>")
    assert (await lab.handset())["calls"][0]["status"] == "ringing"


async def test_actions_out_of_turn_are_conflicts(lab):
    call = await ringing(lab)
    for action, body in [("hangup", {}), ("digits", {"digits": "#"})]:
        status, problem = await lab.act(call, action, **body)
        assert (status, problem["code"]) == (409, "wrong_call_status")
    await lab.act(call, "answer")
    for action in ["answer", "reject"]:
        assert (await lab.act(call, action))[0] == 409
    await lab.act(call, "hangup")
    for action in ["answer", "reject", "hangup"]:
        assert (await lab.act(call, action))[0] == 409


async def test_call_of_another_handset_is_unknown(lab):
    call = await ringing(lab)
    for other in [{**call, "to": "+4930123456"}, {**call, "sid": "CA" + "0" * 32}]:
        status, problem = await lab.act(other, "answer")
        assert (status, problem["code"]) == (404, "unknown_call")


@pytest.mark.parametrize("digits", ["", "a", "1 2", "٣", "1" * 101, 5, None])
async def test_impossible_keys(lab, digits):
    call = await ringing(lab)
    assert (await lab.act(call, "digits", digits=digits))[0] == 422


async def test_handsets_are_listed_once_used(lab):
    assert (await lab.request("GET", "/v1/handsets"))[1] == {"handsets": []}
    unused = await lab.handset()
    assert unused == {"number": lab.handset_number, "persona": "manual", "messages": [], "calls": []}
    assert (await lab.request("GET", "/v1/handsets"))[1] == {"handsets": []}
    await lab.give("busy")
    assert (await lab.request("GET", "/v1/handsets"))[1] == {"handsets": [await lab.handset()]}
    assert (await lab.handset())["persona"] == "busy"


async def test_text_is_on_the_handset(lab):
    _, message = await lab.text(Body="Code 123456")
    state = await lab.until_handset(lambda state: state["messages"][-1]["status"] == "delivered")
    (shown,) = state["messages"]
    assert shown == {
        "sid": message["sid"],
        "from": lab.number,
        "to": lab.handset_number,
        "direction": "outbound-api",
        "body": "Code 123456",
        "status": "delivered",
        "at": shown["at"],
    }


async def test_default_persona(make_lab):
    lab = await make_lab(default_persona="presses_pound")
    assert (await lab.handset())["persona"] == "presses_pound"
    with pytest.raises(ValueError, match="unknown persona"):
        await make_lab(default_persona="ghost")


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/v1/handsets/12345", None, 404, "unknown_handset"),
        ("PUT", "/v1/handsets/+14255550123", b"{", 400, "invalid_json"),
        ("PUT", "/v1/handsets/+14255550123", b"\xff", 400, "invalid_json"),
        ("PUT", "/v1/handsets/+14255550123", b"[" * 100_000, 422, "invalid_field"),
        ("PUT", "/v1/handsets/+14255550123", b"{}", 422, "invalid_field"),
        ("PUT", "/v1/handsets/+14255550123", b'{"persona": "ghost"}', 422, "unknown_persona"),
        ("PUT", "/v1/handsets/+14255550123", b'{"persona": "busy", "x": 1}', 422, "invalid_field"),
        ("PUT", "/v1/clock", b'{"speed": -1}', 422, "invalid_field"),
        ("PUT", "/v1/clock", b'{"speed": NaN}', 400, "invalid_json"),
        ("PUT", "/v1/clock", b'{"speed": 1e999}', 422, "invalid_field"),
        ("POST", "/v1/handsets/+14255550123/messages", b'{"to": "+1", "body": "x"}', 422, "unknown_number"),
        ("POST", "/v1/handsets/+14255550123/messages", b'{"to": "+15005550006", "body": ""}', 422, "invalid_field"),
        ("GET", "/v1/exchanges?after=x", None, 422, "invalid_field"),
        ("GET", "/v1/nothing", None, 404, "not_found"),
        ("DELETE", "/v1/clock", None, 405, "method_not_allowed"),
    ],
)
async def test_problems(lab, method, path, body, status, code):
    async with lab.session.request(method, lab.network.url + path, data=body) as response:
        problem = await response.json(content_type="application/problem+json")
    assert (response.status, problem["status"], problem["code"]) == (status, status, code)
    assert problem.keys() == {"type", "title", "status", "detail", "code"}


async def test_speed_changes_for_a_call_under_way(make_lab):
    lab = await make_lab(speed=1.0)
    await lab.give("presses_pound")
    call = await lab.place(Twiml='<Response><Pause length="3000"/></Response>')
    await lab.request("PUT", "/v1/clock", json={"speed": 0})
    await lab.until_over(call)
    assert (await lab.request("GET", "/v1/clock"))[1] == {"speed": 0.0}
    assert int((await lab.request("GET", call["uri"]))[1]["duration"]) == 3000


async def test_exchanges_tell_everything_but_the_credentials(lab):
    lab.application.answers("/voice", "<Response><Say>Hello</Say></Response>")
    call = await lab.call(Url=lab.application.url + "/voice")
    _, listed = await lab.request("GET", "/v1/exchanges")
    exchanges = listed["exchanges"]
    kinds = [entry["kind"] for entry in exchanges]
    assert (kinds.count("fetch"), kinds.count("callback")) == (1, 4)
    create = next(entry for entry in exchanges if entry["kind"] == "api")
    assert (create["method"], create["status"]) == ("POST", 201)
    assert ["To", lab.handset_number] in create["form"]
    assert call["sid"] in create["body"]
    fetch = next(entry for entry in exchanges if entry["kind"] == "fetch")
    assert (fetch["sid"], fetch["status"]) == (call["sid"], 200)
    assert fetch["body"] == "<Response><Say>Hello</Say></Response>"
    assert lab.token not in str(exchanges)
    assert "Authorization" not in str(exchanges)
    after = exchanges[-1]["id"]
    assert all(
        entry["id"] > after for entry in (await lab.request("GET", f"/v1/exchanges?after={after}"))[1]["exchanges"]
    )


async def test_handset_page_is_served(lab):
    async with lab.session.get(lab.network.url + "/") as page:
        assert (page.status, page.content_type) == (200, "text/html")
    async with lab.session.get(lab.network.url + "/static/handset.html") as page:
        assert page.status == 200
    async with lab.session.get(lab.network.url + "/static/../app.py") as page:
        assert page.status == 404
