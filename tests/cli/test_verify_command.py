"""`poundkey verify` against a gateway and phones that act by themselves."""

import os
import re
import signal

import pytest


def test_a_call_on_which_somebody_presses_pound_is_approved(dev, new_phone):
    phone = new_phone()
    dev.give_persona(phone, "presses_pound")
    verify = dev.verify(phone, "--call", "--locale", "de")
    assert verify.ended() == 0, verify.err
    for step in ("handed to the provider", "answered, waiting for a key", "the key was pressed"):
        assert step in verify.out
    assert verify.last_line == f"✓ approved: {phone}, somebody pressed the key"


def test_a_call_asks_for_the_digits_that_the_terminal_shows(dev, new_phone):
    phone = new_phone()
    verify = dev.verify(phone, "--call", "--mode", "match")
    verify.read_until("ringing")
    [digits] = re.findall(r"key in (\d\d) on the phone, then #", verify.out)
    dev.answer(phone)
    dev.press(phone, f"{_another(digits)}#")
    verify.read_until("other digits than those")
    dev.press(phone, f"{digits}#")
    assert verify.ended() == 0, verify.err
    for step in ("answered, waiting for the digits and #", "the digits were keyed in"):
        assert step in verify.out
    assert verify.last_line == f"✓ approved: {phone}, the digits were right"


def test_a_call_that_leads_to_nothing_tells_why(dev, new_phone):
    reasons = {"busy": "line_busy", "hangs_up": "hung_up", "unreachable": "number_unreachable"}
    calls = []
    for persona, reason in reasons.items():
        phone = new_phone()
        dev.give_persona(phone, persona)
        calls.append((reason, dev.verify(phone, "--call")))
    for reason, verify in calls:
        assert verify.ended() == 1
        assert re.fullmatch(rf"✗ failed: .+ \({reason}\)", verify.last_line)


def test_a_text_takes_its_code_from_stdin_and_counts_the_tries(dev, new_phone):
    phone = new_phone()
    verify = dev.verify(phone)
    verify.read_until("delivered")
    code = dev.code_on(phone)
    verify.type("12")
    verify.read_until("digits")
    verify.type(_another(code))
    verify.read_until("4 tries left")
    verify.type(f"{code[:3]} {code[3:]}")
    assert verify.ended() == 0, verify.err
    assert verify.last_line == f"✓ approved: {phone}, the code was right"


def test_ways_that_follow_by_themselves_are_told_and_asked_for(start_dev, new_phone, tmp_path):
    policy = tmp_path / "applications.toml"
    policy.write_text('[default]\nfallback = [{ channel = "call" }, { channel = "sms" }]\n')
    dev = start_dev(POUNDKEY_PORTAL__APPLICATIONS=str(policy), POUNDKEY_LIMITS__CALL_GRACE="0.1")
    phone = new_phone()
    dev.give_persona(phone, "busy")
    verify = dev.verify(phone, "--call")
    verify.read_until("nothing came of it, texting now")
    verify.read_until("delivered")
    verify.type(dev.code_on(phone))
    assert verify.ended() == 0, verify.err
    assert verify.last_line == f"✓ approved: {phone}, the code was right"


def test_the_last_wrong_code_ends_it(dev, new_phone):
    phone = new_phone()
    verify = dev.verify(phone)
    verify.read_until("delivered")
    for _ in range(5):
        verify.type(_another(dev.code_on(phone)))
    assert verify.ended() == 1
    assert "1 try left" in verify.out
    assert verify.last_line == "✗ max attempts reached"


def test_without_anybody_to_type_a_code_it_is_canceled(dev, new_phone):
    verify = dev.verify(new_phone())
    assert verify.ended() == 1
    assert verify.last_line == "✗ canceled"


def test_an_interrupt_cancels_the_verification(dev, new_phone):
    called, texted = new_phone(), new_phone()
    runs = {
        called: (dev.verify(called, "--call"), "ringing", signal.SIGINT),
        texted: (dev.verify(texted), "delivered", signal.SIGTERM),
    }
    for phone, (verify, moment, number) in runs.items():
        verify.read_until(moment)
        verify.process.send_signal(number)
        verify.read_until("✗ canceled")  # while its stdin is still open
        assert verify.ended() == 1
        assert _stored(dev, phone)["status"] == "canceled"


def test_a_code_that_was_checked_elsewhere_ends_it_too(dev, new_phone):
    phone = new_phone()
    verify = dev.verify(phone)
    verify.read_until("delivered")
    dev.ask("POST", f"/v1/verifications/{_stored(dev, phone)['id']}/check", {"code": dev.code_on(phone)})
    verify.read_until("✓ approved")
    assert verify.ended() == 0, verify.err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("+14255550199", "--key", "pk_wrong"), "API key"),
        (("12",), "E.164"),
        (("+14255550199", "--locale", "!"), "not as they should be"),
        (("+14255550199", "--call", "--mode", "pin"), "a PIN belongs to a person's enrollment"),
    ],
)
def test_what_the_gateway_refuses_is_one_clear_line(dev, poundkey, words, expected):
    code, _, err = poundkey("verify", *words, "--url", dev.url, POUNDKEY_API_KEY=dev.key)
    assert code == 2
    [line] = err.splitlines()
    assert expected in line


def test_a_gateway_that_is_not_there_is_one_clear_line(poundkey, two_ports):
    url = f"http://127.0.0.1:{two_ports[0]}"
    code, _, err = poundkey("verify", "+14255550199", "--url", url, POUNDKEY_API_KEY="pk_any")
    assert code == 2
    [line] = err.splitlines()
    assert f"no gateway answers at {url}" in line


@pytest.mark.parametrize("url", ["127.0.0.1", "ftp://127.0.0.1", "http://", "http://127.0.0.1:99999", "http://[::1"])
def test_an_address_that_is_none_is_wrong_usage(poundkey, url):
    code, _, err = poundkey("verify", "+14255550199", "--url", url, POUNDKEY_API_KEY="pk_any")
    assert code == 2
    assert "an address is" in err


@pytest.mark.parametrize("key", ["pk_ключ", "pk_\n", "pk\udce4"])
def test_a_key_that_cannot_be_sent_is_one_clear_line(dev, poundkey, key):
    code, _, err = poundkey("verify", "+14255550199", "--url", dev.url, "--key", key)
    assert code == 2
    [line] = err.splitlines()
    assert "API key" in line


def test_on_a_terminal_the_question_stays_below_the_progress(dev, new_phone):
    phone = new_phone()
    terminal, inside = os.openpty()
    verify = dev.verify(phone, inside=inside)
    os.close(inside)
    shown = b""
    while b"delivered\r\nCode from the text: " not in shown:
        shown += os.read(terminal, 4096)
    os.write(terminal, f"{dev.code_on(phone)}\n".encode())
    assert verify.process.wait() == 0
    os.close(terminal)


def test_without_an_api_key_it_says_where_to_get_one(poundkey):
    code, _, err = poundkey("verify", "+14255550199")
    assert code == 2
    [line] = err.splitlines()
    assert "keys create" in line


def _another(code: str) -> str:
    return f"{(int(code) + 1) % 10 ** len(code):0{len(code)}}"


def _stored(dev, phone: str):
    _, page = dev.ask("GET", f"/v1/verifications?to=%2B{phone[1:]}")
    [verification] = page["data"]
    return verification
