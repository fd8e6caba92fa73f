"""Texts from handsets: told to the application, answered by it, and heeded when they say stop."""

import pytest
from aiohttp import web


@pytest.fixture
async def inbound(make_lab, application):
    return await make_lab(inbound_url=application.url + "/inbound")


async def send(lab, body):
    status, message = await lab.request(
        "POST", f"/v1/handsets/{lab.handset_number}/messages", json={"to": lab.number, "body": body}
    )
    assert status == 201
    return message


async def test_application_is_told(inbound):
    message = await send(inbound, "YES please")
    await inbound.application.until(lambda: inbound.application.at("/inbound"))
    (form,) = inbound.application.forms("/inbound")
    assert form["MessageSid"] == form["SmsSid"] == form["SmsMessageSid"] == message["sid"]
    expected = {
        "AccountSid": inbound.account,
        "From": inbound.handset_number,
        "To": inbound.number,
        "Body": "YES please",
        "NumMedia": "0",
        "NumSegments": "1",
        "SmsStatus": "received",
        "ApiVersion": "2010-04-01",
        "FromCountry": "US",
        "FromCity": "",
    }
    assert expected.items() <= form.items()
    _, listed = await inbound.request("GET", f"{inbound.api}/Messages.json", params={"From": inbound.handset_number})
    assert [entry["direction"] for entry in listed["messages"]] == ["inbound"]


@pytest.mark.parametrize(
    ("answer", "bodies"),
    [
        ("<Response/>", []),
        ("<Response><Message>Hello</Message></Response>", ["Hello"]),
        ("<Response><Message><Body>One</Body></Message><Message>Two</Message></Response>", ["One", "Two"]),
        ("<Response><Redirect>/more</Redirect></Response>", ["More"]),
        (web.Response(text="plain words", content_type="text/plain"), ["plain words"]),
        (web.Response(status=204), []),
        (web.Response(status=500), []),
        (web.Response(text="<Response>", content_type="text/xml"), []),
        ("<Response><Say>aloud</Say></Response>", []),
        ("<Response><Redirect>http://[</Redirect></Response>", []),
        ("<Response><Redirect>mailto:me</Redirect></Response>", []),
    ],
)
async def test_answers_reach_the_handset(inbound, answer, bodies):
    inbound.application.answers("/inbound", answer)
    inbound.application.answers("/more", "<Response><Message>More</Message></Response>")
    await send(inbound, "hello")
    await send(inbound, "hello again")  # once this is told, the first one's answer has been read
    await inbound.application.until(lambda: len(inbound.application.at("/inbound")) == 2)
    state = await inbound.until_handset(
        lambda state: len([m for m in state["messages"] if m["direction"] == "outbound-reply"]) >= 2 * len(bodies)
    )
    replies = [entry["body"] for entry in state["messages"] if entry["direction"] == "outbound-reply"]
    assert sorted(replies) == sorted(2 * bodies)


async def test_circular_redirect_ends(inbound):
    inbound.application.answers("/inbound", "<Response><Redirect>/inbound</Redirect></Response>")
    await send(inbound, "hello")
    await inbound.application.until(lambda: len(inbound.application.at("/inbound")) == 10)


@pytest.mark.parametrize(
    "word", ["STOP", "stop", " Unsubscribe ", "CANCEL", "end", "QUIT", "StopAll", "Revoke", "OPTOUT"]
)
async def test_stop_words_make_later_texts_fail(inbound, word):
    await send(inbound, word)
    status, problem = await inbound.text()
    assert (status, problem["code"]) == (400, 21610)
    await inbound.application.until(lambda: inbound.application.at("/inbound"))
    await send(inbound, "START")
    assert (await inbound.text())[0] == 201


async def test_other_words_and_other_numbers_stop_nothing(make_lab):
    lab = await make_lab(numbers=("+15005550006", "+15005550010"))
    await send(lab, "please stop")
    assert (await lab.text())[0] == 201
    await send(lab, "STOP")
    assert (await lab.text())[0] == 400
    assert (await lab.text(From="+15005550010"))[0] == 201
    assert (await lab.text(To="+4930123456"))[0] == 201


async def test_answer_to_a_stop_word_is_not_sent(inbound):
    inbound.application.answers("/inbound", "<Response><Message>Are you sure?</Message></Response>")
    await send(inbound, "STOP")
    await inbound.application.until(lambda: inbound.application.at("/inbound"))
    await send(inbound, "START")
    state = await inbound.until_handset(lambda state: len(state["messages"]) == 5)
    bodies = [entry["body"] for entry in state["messages"]]
    assert [bodies[0], bodies[2], bodies[4]] == ["STOP", "START", "Are you sure?"]


async def test_keywords_are_answered_by_the_provider_where_they_change_something(inbound):
    for word in ("HELP", "START", "STOP", "stop", "help", "YES", "unstop", "info"):
        await send(inbound, word)
    await inbound.application.until(lambda: len(inbound.application.at("/inbound")) == 8)
    state = await inbound.handset()
    told = [(entry["body"], entry["direction"]) for entry in state["messages"]]
    answers = [body for body, direction in told if direction == "outbound-reply"]
    assert [next(words for words in WORDS if words in body) for body in answers] == [
        "Reply STOP to unsubscribe",
        "unsubscribed",
        "re-subscribed",
        "Reply STOP to unsubscribe",
    ]
    assert told[3][0].startswith("STOP")
    assert all("OptOutType" not in form for form in inbound.application.forms("/inbound"))


WORDS = ("re-subscribed", "unsubscribed", "Reply STOP to unsubscribe")


async def test_a_short_code_leaves_keywords_to_the_application(make_lab, application):
    lab = await make_lab(inbound_url=application.url + "/inbound", keeps_opt_outs=False)
    await send(lab, "STOP")
    await application.until(lambda: application.at("/inbound"))
    assert [entry["body"] for entry in (await lab.handset())["messages"]] == ["STOP"]
    assert (await lab.text())[0] == 201


async def test_a_messaging_service_says_what_a_keyword_asks_for(make_lab, application):
    service = "MG" + "0" * 32
    lab = await make_lab(inbound_url=application.url + "/inbound", messaging_service_sid=service)
    for word in ("unsubscribe", "hello"):
        await send(lab, word)
    await application.until(lambda: len(application.at("/inbound")) == 2)
    asked = {form["Body"]: form.get("OptOutType") for form in application.forms("/inbound")}
    assert asked == {"unsubscribe": "STOP", "hello": None}
    assert {form["MessagingServiceSid"] for form in application.forms("/inbound")} == {service}
    assert (await lab.text(From="", MessagingServiceSid=service))[1]["code"] == 21610


async def test_webhook_can_be_set_later_and_faults_apply(lab):
    await send(lab, "nobody listens")
    lab.network.set_inbound_url(lab.application.url + "/later")
    await lab.faults(callbacks={"drop": True})
    await send(lab, "lost")
    await lab.faults(callbacks={"duplicate": 1})
    await send(lab, "twice")
    await lab.application.until(lambda: len(lab.application.at("/later")) == 2)
    assert {form["Body"] for form in lab.application.forms("/later")} == {"twice"}
