"""Keys that the caller sends once somebody has answered: the way to an extension behind an office's number."""

import pytest
from playwright.async_api import expect
from support.chromium import ABSENT, CHROMIUM, chromium, handset_page

from simulator.config import Quirks

HELLO = "<Response><Say>Hello</Say></Response>"
LONGEST = "W" * 32


async def transcript(lab) -> list[tuple[str, str]]:
    return [(entry["verb"], entry["text"]) for entry in (await lab.handset())["calls"][-1]["transcript"]]


async def sending(lab, **fields):
    """Places a call that is answered and then sends keys, or looks for a machine, for as long as the test likes."""
    call = await lab.place(Url=lab.application.answers("/voice", HELLO), **fields)
    await lab.until_handset(lambda state: state["calls"][-1]["status"] == "ringing")
    await lab.request("PUT", "/v1/clock", json={"speed": 0.001})
    await lab.act(call, "answer")
    return call


async def finish(lab, call):
    await lab.request("PUT", "/v1/clock", json={"speed": 0})
    await lab.until_over(call)


@pytest.mark.parametrize(
    ("keys", "seconds"),
    [("1", 0), ("ww12", 1), ("W12345", 2), ("wWwW", 3), ("0123456789ABCD#*wW", 5), ("w" * 32, 16), (LONGEST, 32)],
)
async def test_keys_and_pauses_take_their_time(lab, keys, seconds):
    call = await lab.call(Twiml="<Response/>", SendDigits=keys)
    assert (call["status"], int(call["duration"])) == ("completed", seconds)
    assert await transcript(lab) == [("Keys", keys)]


async def test_phone_system_hears_the_keys_between_its_greeting_and_the_script(lab):
    await lab.call("voicemail", Url=lab.application.answers("/voice", HELLO), SendDigits="ww12")
    assert [verb for verb, _ in await transcript(lab)] == ["Callee", "Keys", "Say"]
    assert len(lab.application.at("/voice")) == 1


async def test_keys_are_not_the_first_words_of_the_caller(lab):
    """Somebody who hangs up a second after those is still there when the keys are over."""
    call = await lab.call(
        "hangs_up", Twiml='<Response><Say>Hello</Say><Pause length="9"/></Response>', SendDigits="WWWW"
    )
    assert int(call["duration"]) == 5
    assert ("Say", "Hello") in await transcript(lab)


async def test_script_is_not_asked_for_while_keys_are_sent(lab):
    call = await sending(lab, SendDigits="ww12")
    await lab.until_handset(lambda state: state["calls"][-1]["transcript"])
    await lab.act(call, "hangup")
    await lab.until_over(call)
    assert await transcript(lab) == [("Keys", "ww12")]
    assert lab.application.at("/voice") == []


@pytest.mark.parametrize("kept", [False, True])
async def test_keys_of_the_callee_do_not_cut_the_sending_short(make_lab, kept):
    lab = await make_lab(quirks=Quirks(leftover_keys_carry_over=kept))
    call = await sending(lab, SendDigits=LONGEST)
    await lab.until_handset(lambda state: state["calls"][-1]["transcript"])
    await lab.act(call, "digits", digits="5#")
    await finish(lab, call)
    assert int((await lab.request("GET", call["uri"]))[1]["duration"]) == 32
    assert await transcript(lab) == [("Keys", LONGEST), ("Say", "Hello")]


@pytest.mark.parametrize(
    ("fields", "heard"),
    [({"SendDigits": "ww12"}, [("Keys", "ww12")]), ({"MachineDetection": "Enable"}, [])],
)
async def test_another_document_takes_the_place_of_one_not_yet_asked_for(lab, fields, heard):
    call = await sending(lab, **fields)
    await lab.request("POST", call["uri"], data={"Twiml": "<Response><Say>Instead</Say></Response>"})
    await finish(lab, call)
    assert await transcript(lab) == [*heard, ("Say", "Instead")]
    assert lab.application.at("/voice") == []


@pytest.mark.parametrize("keys", ["12e", "12a", "1,2", "1 2", "+12", "12\n", "١٢", "1" * 33, " "])
async def test_impossible_keys_are_refused(lab, keys):
    form = {"To": lab.handset_number, "From": lab.number, "Twiml": HELLO, "SendDigits": keys}
    status, problem = await lab.request("POST", f"{lab.api}/Calls.json", data=form)
    assert (status, problem["code"], problem["message"]) == (400, 21206, "Invalid SendDigits")
    assert (await lab.request("GET", f"{lab.api}/Calls.json"))[1]["calls"] == []


async def test_blank_is_no_keys(lab):
    await lab.call(Twiml=HELLO, SendDigits="")
    assert await transcript(lab) == [("Say", "Hello")]
    assert (await lab.handset())["calls"][-1]["send_digits"] is None


@pytest.mark.skipif(not CHROMIUM.exists(), reason=ABSENT)
@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ("ww12", "Caller dials extension 12"),
        ("W0034#", "Caller dials extension 0034#"),
        ("ww", "Caller waits"),
    ],
)
async def test_handset_page_tells_of_the_extension(lab, keys, words):
    async with chromium() as browser, handset_page(browser, lab.network.url) as page:
        await lab.place(Twiml='<Response><Gather timeout="50"/></Response>', SendDigits=keys)
        await page.get_by_role("button", name="Answer").click()
        await expect(page.get_by_role("log", name="What is said")).to_have_text(words)
