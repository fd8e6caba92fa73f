"""What the interpreter does with documents: verbs, their order and time, and everything that can be wrong with them."""

import pytest
from aiohttp import web


def warnings_of(exchanges):
    return [entry["error"] for entry in exchanges if entry["kind"] == "warning"]


async def warnings(lab):
    return warnings_of((await lab.request("GET", "/v1/exchanges"))[1]["exchanges"])


async def transcript(lab):
    return [(entry["verb"], entry["text"]) for entry in (await lab.handset())["calls"][-1]["transcript"]]


@pytest.mark.parametrize(
    ("body", "seconds", "heard"),
    [
        ("<Say>fourteen chars</Say>", 1, [("Say", "fourteen chars")]),
        ('<Say loop="3">fourteen chars</Say>', 3, [("Say", "fourteen chars")]),
        ('<Say loop="0">fourteen chars</Say>', 1000, [("Say", "fourteen chars")]),
        ("<Say>a <emphasis>loud</emphasis>\n word</Say>", 1, [("Say", "a loud word")]),
        ("<Pause/>", 1, [("Pause", "1")]),
        ('<Pause length="7"/>', 7, [("Pause", "7")]),
        ('<Pause length="long"/>', 1, [("Pause", "1")]),
        ("<Play>/tone.wav</Play>", 3, [("Play", "/tone.wav")]),
        ('<Play digits="12w3"/>', 3, [("Play", "12w3")]),
        ("<Hangup/><Say>never</Say>", 0, [("Hangup", "")]),
        ('<Reject reason="busy"/><Say>never</Say>', 0, [("Reject", "")]),
        ("", 0, []),
    ],
)
async def test_verbs_take_their_time(lab, body, seconds, heard):
    call = await lab.call(Twiml=f"<Response>{body}</Response>")
    assert (call["status"], int(call["duration"])) == ("completed", seconds)
    assert await transcript(lab) == heard


async def test_language_and_moment_are_in_the_transcript(lab):
    await lab.call(Twiml='<Response><Say language="de-DE" voice="Polly.Vicki">Hallo</Say></Response>')
    (entry,) = (await lab.handset())["calls"][-1]["transcript"]
    assert entry["language"] == "de-DE"
    assert entry["at"].endswith("Z")


async def test_redirects_are_followed_from_the_document_that_holds_them(lab):
    url = lab.application.answers("/a/one", "<Response><Redirect>two?x=1</Redirect><Say>never</Say></Response>")
    lab.application.answers("/a/two", '<Response><Redirect method="GET">/three</Redirect></Response>')
    lab.application.answers("/three", "<Response><Say>here</Say></Response>")
    await lab.call(Url=url)
    assert [(request.method, request.path) for request in lab.application.received if request.path != "/status"] == [
        ("POST", "/a/one"),
        ("POST", "/a/two"),
        ("GET", "/three"),
    ]
    assert await transcript(lab) == [("Say", "here")]


async def test_script_that_goes_in_circles_comes_to_an_end(lab):
    url = lab.application.answers("/voice", "<Response><Redirect/></Response>")
    call = await lab.call(Url=url)
    assert call["status"] == "completed"
    assert len(lab.application.at("/voice")) == 200
    assert "11215 too many documents in one call" in await warnings(lab)


async def test_unknown_verbs_and_attributes_are_warned_of_and_skipped(lab):
    await lab.call(Twiml='<Response><Dial>+1</Dial><say>no</say><Say Voice="x">yes</Say><!-- note --></Response>')
    assert await transcript(lab) == [("Say", "yes")]
    assert await warnings(lab) == [
        "12200 <Dial> in <Response> is skipped",
        "12200 <say> in <Response> is skipped",
        "12200 attribute Voice of <Say> is skipped",
    ]


async def test_ssml_is_spoken_and_warned_of_where_it_is_skipped(lab):
    slow = '<Say voice="Polly.Amy"><prosody rate="slow">a <big>b</big></prosody></Say>'
    await lab.call(Twiml=f"<Response>{slow}<Say><prosody>c</prosody></Say></Response>")
    assert await transcript(lab) == [("Say", "a b"), ("Say", "c")]
    assert await warnings(lab) == [
        "12200 <big> in <Say> is skipped",
        "12200 <prosody> in <Say> is skipped: its voice takes no SSML",
    ]


APOLOGY = [("Say", "We are sorry, an application error has occurred. Goodbye.")]
BAD_ANSWERS = [
    (web.Response(status=500, text="<Response/>", content_type="text/xml"), 11200),
    (web.Response(status=404), 11200),
    (web.Response(text="{}", content_type="application/json"), 12300),
    (web.Response(text="<Response>", content_type="text/xml"), 12100),
    (web.Response(text=" <?xml version='1.0'?><Response/>", content_type="text/xml"), 12100),
    (web.Response(text="<Responses/>", content_type="text/xml"), 12100),
    (web.Response(body=b"<Response>\xff</Response>", content_type="text/xml"), 12100),
    (web.Response(text="<?xml version='1.0' encoding='klingon'?><Response/>", content_type="text/xml"), 12100),
    (web.Response(text="<Response>" + " " * 66_000 + "</Response>", content_type="text/xml"), 11750),
    (web.Response(status=302, headers={"Location": "/voice"}), 11215),
    (web.Response(status=302, headers={"Location": "http://[bad/"}), 11100),
    (web.Response(text="<Response><Redirect>ftp://host/</Redirect></Response>", content_type="text/xml"), 11100),
    (web.Response(text="<Response><Redirect>http://[</Redirect></Response>", content_type="text/xml"), 11100),
    (web.Response(text="<Response><Redirect>http://h:99999/</Redirect></Response>", content_type="text/xml"), 11100),
]


@pytest.mark.parametrize(("answer", "code"), BAD_ANSWERS)
async def test_bad_document_is_an_apology_and_the_end(lab, answer, code):
    call = await lab.call(Url=lab.application.answers("/voice", answer))
    assert call["status"] == "completed"
    assert await transcript(lab) == APOLOGY
    assert [warning.split()[0] for warning in await warnings(lab)] == [str(code)]


@pytest.mark.parametrize(("answer", "code"), BAD_ANSWERS)
async def test_bad_document_goes_to_the_fallback(lab, answer, code):
    lab.application.answers("/fallback", "<Response><Say>Sorry about that</Say></Response>")
    url = lab.application.answers("/voice", answer)
    await lab.call(Url=url, FallbackUrl=lab.application.url + "/fallback")
    (form,) = lab.application.forms("/fallback")
    assert form["ErrorCode"] == str(code)
    assert form["ErrorUrl"].startswith(("http", lab.application.url))
    assert await transcript(lab) == [("Say", "Sorry about that")]


async def test_fallback_that_fails_too_is_an_apology(lab):
    bad = web.Response(status=500)
    url, fallback = lab.application.answers("/voice", bad), lab.application.answers("/fallback", bad)
    await lab.call(Url=url, FallbackUrl=fallback)
    assert await transcript(lab) == APOLOGY
    assert len(lab.application.at("/fallback")) == 1


async def test_apology_may_be_cut_short_by_another_document(lab):
    call = await lab.place(Url=lab.application.answers("/voice", web.Response(status=500)))
    await lab.until_handset(lambda state: state["calls"][-1]["status"] == "ringing")
    await lab.request("PUT", "/v1/clock", json={"speed": 0.001})
    await lab.act(call, "answer")
    await lab.until_handset(lambda state: state["calls"][-1]["transcript"])
    await lab.request("POST", call["uri"], data={"Twiml": "<Response><Say>Instead</Say></Response>"})
    await lab.request("PUT", "/v1/clock", json={"speed": 0})
    await lab.until_over(call)
    assert await transcript(lab) == [*APOLOGY, ("Say", "Instead")]


async def test_nobody_at_the_address(lab, unused_tcp_port):
    call = await lab.call(Url=f"http://127.0.0.1:{unused_tcp_port}/voice")
    assert call["status"] == "completed"
    assert [warning.split()[0] for warning in await warnings(lab)] == ["11205"]


async def test_relative_action_of_a_document_without_address_fails(lab):
    await lab.call(Twiml="<Response><Redirect>/next</Redirect></Response>")
    assert await transcript(lab) == APOLOGY


@pytest.mark.parametrize(
    ("content_type", "text", "heard"),
    [
        ("text/xml", "<Response><Say>a</Say></Response>", ("Say", "a")),
        ("application/xml", "<Response><Say>a</Say></Response>", ("Say", "a")),
        ("text/html", "<Response><Say>a</Say></Response>", ("Say", "a")),
        ("text/plain", "<Response><Say>a</Say></Response>", ("Say", "a")),
        ("text/plain", "just words", ("Say", "just words")),
    ],
)
async def test_content_types(lab, content_type, text, heard):
    await lab.call(Url=lab.application.answers("/voice", web.Response(text=text, content_type=content_type)))
    assert await transcript(lab) == [heard]


async def test_audio_is_played(lab):
    url = lab.application.answers("/voice", web.Response(body=b"RIFF", content_type="audio/wav"))
    await lab.call(Url=url)
    assert await transcript(lab) == [("Play", url)]


async def test_hang_up_overtakes_a_request_that_is_still_open(lab):
    """The application hears of the end while it still thinks about the key; the key's request is not taken back."""
    lab.application.answers("/key", "<Response><Say>too late</Say></Response>")
    url = lab.application.answers("/voice", '<Response><Gather numDigits="1" timeout="600" action="/key"/></Response>')
    call = await lab.place(Url=url)
    await lab.until_handset(lambda state: state["calls"][-1]["status"] == "ringing")
    await lab.act(call, "answer")
    await lab.until_handset(lambda state: state["calls"][-1]["gathering"])
    lab.application.holds("/key")
    await lab.act(call, "digits", digits="7")
    await lab.application.until(lambda: lab.application.at("/key"))
    await lab.act(call, "hangup")
    await lab.until_over(call)
    lab.application.lets_go()
    assert await transcript(lab) == []
