"""`poundkey simulator`, for anyone's application."""

import base64
import http.client
import json
import re


def test_its_printed_account_can_be_used(start_program, two_ports):
    simulator = start_program("simulator", "--port", str(two_ports[0]), "--speed", "0", "--token", "a-token")
    simulator.read_until("number")
    [url, sid, token, number] = re.findall(
        r"^  (?:address|account sid|auth token|number) +(\S+)$", simulator.out, re.MULTILINE
    )
    assert (url, token) == (f"http://127.0.0.1:{two_ports[0]}", "a-token")
    assert re.fullmatch(r"AC[0-9a-f]{32}", sid)

    connection = http.client.HTTPConnection("127.0.0.1", two_ports[0], timeout=30)
    credentials = base64.b64encode(f"{sid}:{token}".encode()).decode()
    connection.request(
        "POST",
        f"/2010-04-01/Accounts/{sid}/Messages.json",
        f"To=%2B14255550123&From=%2B{number[1:]}&Body=hello",
        {"Content-Type": "application/x-www-form-urlencoded", "Authorization": f"Basic {credentials}"},
    )
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())["from"]) == (201, number)
    connection.close()
    assert simulator.stop() == 0, simulator.err


def test_another_dialect_prints_what_proves_its_callbacks(start_program, two_ports):
    simulator = start_program("simulator", "--port", str(two_ports[0]), "--dialect", "telnyx")
    simulator.read_until("number")
    [sid, key] = re.findall(r"^  (?:account sid|public key) +(\S+)$", simulator.out, re.MULTILINE)
    assert re.fullmatch(r"[0-9a-f-]{36}", sid)
    assert len(base64.b64decode(key)) == 32
    assert simulator.stop() == 0, simulator.err


def test_a_speed_or_port_that_is_none_is_wrong_usage(poundkey):
    for words in (("--speed", "-1"), ("--speed", "nan"), ("--speed", "fast"), ("--port", "0"), ("--port", "65536")):
        code, _, err = poundkey("simulator", *words)
        assert code == 2
        assert words[0] in err
