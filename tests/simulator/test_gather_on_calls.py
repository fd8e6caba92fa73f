"""Gather on whole calls: a callee presses keys at fixed moments of the call, and the application is asked or not."""

import pytest

from simulator.calls.line import ANSWERED
from simulator.config import Quirks
from simulator.personas import PERSONAS, Persona

PROMPT = "<Say>one two three</Say>"  # takes a second


@pytest.fixture
def presses(monkeypatch):
    """Lets a callee press keys so many seconds after the caller's first words, as in `presses((2, "1"), (3, "#"))`."""

    def press(*tones: tuple[float, str]) -> str:
        monkeypatch.setitem(PERSONAS, "presses_keys", Persona(pickup=ANSWERED, tones=tones))
        return "presses_keys"

    return press


async def key_forms(lab, persona, gather: str, *, after: str = "<Say>nothing came</Say>") -> list[dict[str, str]]:
    """Returns the forms sent to the Gather's action, and checks that nothing came after the Gather if there are any."""
    lab.application.answers("/key", "<Response/>")
    url = lab.application.answers("/voice", f"<Response>{gather}{after}</Response>")
    call = await lab.call(persona, Url=url)
    forms = lab.application.forms("/key")
    transcript = [entry["text"] for entry in (await lab.handset())["calls"][-1]["transcript"]]
    assert ("nothing came" in transcript) == (not forms)
    assert call["status"] == "completed"
    return forms


@pytest.mark.parametrize(
    ("attributes", "tones", "digits", "finished_on_key"),
    [
        ("", [(2, "1234#")], "1234", "#"),
        ("", [(2, "1"), (6, "2"), (10, "#")], "12", "#"),
        ("", [(2, "12")], "12", ""),
        ("", [(2, "1"), (7.5, "2")], "1", ""),
        ('numDigits="4"', [(2, "1234")], "1234", ""),
        ('actionOnEmptyResult="true"', [], "", ""),
        ('actionOnEmptyResult="true"', [(2, "#")], "", "#"),
        ('finishOnKey="" numDigits="1"', [(2, "#")], "#", ""),
        ('finishOnKey=""', [(2, "#")], "#", ""),
        ('finishOnKey="" numDigits="2"', [(2, "0#")], "0#", ""),
        ('finishOnKey="" numDigits="2"', [(2, "#")], "#", ""),
        ('finishOnKey="*"', [(2, "#*")], "#", "*"),
        ("", [(2, "0#")], "0", "#"),
    ],
)
async def test_action_is_asked(lab, presses, attributes, tones, digits, finished_on_key):
    gather = f'<Gather action="/key" {attributes}>{PROMPT}</Gather>'
    (form,) = await key_forms(lab, presses(*tones), gather)
    assert (form["Digits"], form["FinishedOnKey"], form["msg"]) == (digits, finished_on_key, "Gather End")
    assert form["CallStatus"] == "in-progress"


@pytest.mark.parametrize("tones", [[], [(2, "#")], [(0.5, "#")]])
async def test_nothing_or_a_lone_finish_key_asks_nobody_and_falls_through(lab, presses, tones):
    assert not await key_forms(lab, presses(*tones), f'<Gather action="/key">{PROMPT}</Gather>')


async def test_lone_pound_ends_the_gather_at_once_or_at_the_time_out(make_lab, presses):
    for waits, seconds in [(False, 2), (True, 2 + 5)]:
        lab = await make_lab(quirks=Quirks(lone_finish_key_waits=waits))
        url = lab.application.answers("/voice", f"<Response><Gather>{PROMPT}</Gather></Response>")
        call = await lab.call(presses((2, "#")), Url=url)
        assert int(call["duration"]) == seconds


@pytest.mark.parametrize(
    ("gather", "tones", "seconds"),
    [
        (f"<Gather>{PROMPT}</Gather>", [], 1 + 5),  # the time-out starts when the prompt is over
        (f"<Gather>{PROMPT}</Gather>", [(0.4, "1")], 0.4 + 5),  # or at the first key, which ends the prompt
        (f"<Gather>{PROMPT}</Gather>", [(2, "1"), (4, "2")], 4 + 5),  # and anew at each key
        (f'<Gather timeout="30">{PROMPT}</Gather>', [(4, "1"), (20, "2")], 20 + 30),
        (f'<Gather finishOnKey="" numDigits="1">{PROMPT}</Gather>', [(3, "#")], 3),
        (f'<Gather finishOnKey="">{PROMPT}</Gather>', [(3, "#")], 3 + 5),
        (f"{PROMPT}<Gather><Pause length='10'/></Gather>", [], 1 + 10 + 5),
    ],
)
async def test_when_it_ends(lab, presses, gather, tones, seconds):
    url = lab.application.answers("/voice", f"<Response>{gather}</Response>", "<Response/>")
    call = await lab.call(presses(*tones), Url=url)
    assert int(call["duration"]) == round(seconds)


async def test_keys_count_only_while_a_gather_is_open(lab, presses):
    gather = f'{PROMPT}<Gather action="/key" finishOnKey="" numDigits="1"/>'
    assert not await key_forms(lab, presses((0.5, "#")), gather)


async def test_keys_left_over_are_lost_or_kept(make_lab, presses):
    persona = presses((2, "1234#"))
    gathers = f'<Gather numDigits="4" action="/pin">{PROMPT}</Gather>'
    for keeps, digits in [(False, []), (True, ["#"])]:
        lab = await make_lab(quirks=Quirks(leftover_keys_carry_over=keeps))
        lab.application.received.clear()
        lab.application.answers(
            "/pin", '<Response><Gather finishOnKey="" numDigits="1" action="/key"/><Say>nothing came</Say></Response>'
        )
        assert [form["Digits"] for form in await key_forms(lab, persona, gathers, after="")] == digits


async def test_empty_result_may_come_without_digits(make_lab, presses):
    lab = await make_lab(quirks=Quirks(empty_result_omits_digits=True))
    (form,) = await key_forms(lab, presses(), '<Gather action="/key" actionOnEmptyResult="true"/>' + PROMPT)
    assert "Digits" not in form


async def test_action_is_the_document_itself_by_default(lab, presses):
    url = lab.application.answers(
        "/voice", f'<Response><Gather numDigits="1">{PROMPT}</Gather></Response>', "<Response/>"
    )
    await lab.call(presses((2, "7")), Url=url + "?attempt=1")
    first, second = lab.application.at("/voice")
    assert first.url == second.url == url + "?attempt=1"
    assert second.form["Digits"] == "7"


async def test_action_by_get_has_the_digits_in_its_query(lab, presses):
    gather = f'<Gather action="/key" method="GET" finishOnKey="" numDigits="1">{PROMPT}</Gather>'
    (form,) = await key_forms(lab, presses((2, "#")), gather)
    assert form["Digits"] == "#"
    (request,) = lab.application.at("/key")
    assert request.method == "GET"
    assert "Digits=%23" in request.url


async def test_speech_alone_takes_no_keys(lab, presses):
    assert not await key_forms(lab, presses((2, "1")), f'<Gather input="speech" action="/key">{PROMPT}</Gather>')


async def test_only_speech_may_be_nested(lab, presses):
    await key_forms(lab, presses(), f'<Gather action="/key">{PROMPT}<Redirect>/elsewhere</Redirect></Gather>')
    assert not lab.application.at("/elsewhere")
    exchanges = (await lab.request("GET", "/v1/exchanges"))[1]["exchanges"]
    assert [entry["error"] for entry in exchanges if entry["kind"] == "warning"] == [
        "12200 <Redirect> in <Gather> is skipped"
    ]
