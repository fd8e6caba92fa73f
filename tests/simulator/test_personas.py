"""Every persona does what it promises, as the application sees it."""

import pytest

SCRIPT = """<Response>
  <Say>This is a call to check that you hold your phone, please listen to all of it.</Say>
  <Gather finishOnKey="" numDigits="1" timeout="8" action="/key" actionOnEmptyResult="true">
    <Say>Press pound.</Say>
  </Gather>
</Response>"""


@pytest.fixture
def script(application):
    application.answers("/key", "<Response><Say>Thank you.</Say><Hangup/></Response>")
    return application.answers("/voice", SCRIPT)


@pytest.mark.parametrize(
    ("persona", "statuses", "sip_code", "digits"),
    [
        ("presses_pound", ["initiated", "ringing", "in-progress", "completed"], "200", ["#"]),
        ("hangs_up", ["initiated", "ringing", "in-progress", "completed"], "200", []),
        ("busy", ["initiated", "busy"], "486", []),
        ("no_answer", ["initiated", "ringing", "no-answer"], "487", []),
        ("unreachable", ["initiated", "failed"], "404", []),
        ("rejects", ["initiated", "ringing", "busy"], "603", []),
        ("voicemail", ["initiated", "ringing", "in-progress", "completed"], "200", [""]),
        ("voicemail_with_tones", ["initiated", "ringing", "in-progress", "completed"], "200", [""]),
        ("screening", ["initiated", "ringing", "in-progress", "completed"], "200", [""]),
    ],
)
async def test_statuses_and_keys(lab, script, persona, statuses, sip_code, digits):
    call = await lab.call(persona, Url=script)
    reports = lab.reports(call)
    assert [form["CallStatus"] for form in reports] == statuses
    assert [form["SequenceNumber"] for form in reports] == [str(number) for number in range(len(statuses))]
    assert reports[-1]["SipResponseCode"] == sip_code
    assert call["status"] == statuses[-1]
    assert [form["Digits"] for form in lab.application.forms("/key")] == digits


async def test_tones_in_a_greeting_fool_a_prompt_that_can_be_interrupted(lab):
    lab.application.answers("/key", "<Response/>")
    gather = '<Gather finishOnKey="" numDigits="1" action="/key"><Say>Press pound to confirm.</Say></Gather>'
    url = lab.application.answers("/voice", f"<Response>{gather}</Response>")
    await lab.call("voicemail_with_tones", Url=url)
    assert [form["Digits"] for form in lab.application.forms("/key")] == ["#"]


@pytest.mark.parametrize(
    ("persona", "enable", "detect_message_end"),
    [
        ("presses_pound", "human", "human"),
        ("hangs_up", "human", "human"),
        ("voicemail", "machine_start", "machine_end_beep"),
        ("voicemail_with_tones", "machine_start", "machine_end_beep"),
        ("screening", "unknown", "unknown"),
    ],
)
async def test_verdicts_of_machine_detection(lab, script, persona, enable, detect_message_end):
    for wish, verdict in [("Enable", enable), ("DetectMessageEnd", detect_message_end)]:
        lab.application.received.clear()
        call = await lab.call(persona, Url=script, MachineDetection=wish)
        assert call["answered_by"] == verdict
        assert [form["AnsweredBy"] for form in lab.application.forms("/voice")] == [verdict]
        assert lab.reports(call)[-1]["AnsweredBy"] == verdict


async def test_detection_beside_the_script_goes_to_its_own_callback(lab, script):
    detection = {
        "MachineDetection": "Enable",
        "AsyncAmd": "true",
        "AsyncAmdStatusCallback": lab.application.url + "/amd",
    }
    call = await lab.call("voicemail", Url=script, **detection)
    assert "AnsweredBy" not in lab.application.forms("/voice")[0]
    (verdict,) = lab.application.forms("/amd")
    assert verdict == {
        "CallSid": call["sid"],
        "AccountSid": lab.account,
        "AnsweredBy": "machine_start",
        "MachineDetectionDuration": "4000",
    }


async def test_no_detection_unless_asked_for_and_none_when_keys_are_sent(lab, script):
    assert (await lab.call("voicemail", Url=script))["answered_by"] is None
    call = await lab.call("voicemail", Url=script, MachineDetection="Enable", SendDigits="ww12#")
    assert call["answered_by"] is None
    assert (await lab.handset())["calls"][-1]["send_digits"] == "ww12#"


async def test_voicemail_hangs_up_at_its_own_limit(lab):
    url = lab.application.answers("/voice", '<Response><Say>Hello</Say><Pause length="600"/></Response>')
    assert (await lab.call("voicemail", Url=url))["duration"] == "60"
    assert (await lab.call("screening", Url=url))["duration"] == "20"


async def test_texts_reach_everybody_but_an_unreachable_phone(lab):
    for persona, status in [("busy", "delivered"), ("voicemail", "delivered"), ("unreachable", "undelivered")]:
        await lab.give(persona)
        await lab.text()
        await lab.until_handset(lambda state, status=status: state["messages"][-1]["status"] == status)


async def test_a_desk_phone_keeps_pound_to_itself_and_sends_every_other_key(lab, script):
    await lab.give("desk_phone")
    call = await lab.place(Url=script)
    await lab.until_handset(lambda state: state["calls"][-1]["status"] == "ringing")
    await lab.act(call, "answer")
    await lab.until_handset(lambda state: state["calls"][-1]["gathering"])
    await lab.act(call, "digits", digits="#")
    assert (await lab.handset())["calls"][-1]["gathering"] is True
    await lab.act(call, "digits", digits="#5")
    await lab.until_over(call)
    assert [form["Digits"] for form in lab.application.forms("/key")] == ["5"]
