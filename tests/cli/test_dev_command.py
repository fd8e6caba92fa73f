"""`poundkey dev`, the first thing a newcomer starts."""

import json
import shlex
import signal
import stat
import tomllib


def test_it_prints_where_to_look_and_all_of_it_answers(dev, asker):
    for address in (f"{dev.url}/v1", f"{dev.url}/docs", f"http://127.0.0.1:{dev.simulator_port}/", dev.key):
        assert address in dev.out
    assert dev.ask("GET", "/readyz") == (200, {"status": "ready"})
    assert dev.ask("GET", "/docs")[0] == 200
    assert asker(dev.simulator_port).ask("GET", "/")[0] == 200


def test_its_curl_commands_are_requests_that_the_gateway_takes(dev):
    printed = [text for text in dev.out.replace("\\\n", "").splitlines() if "curl" in text]
    channels = []
    for program, url, user_option, user, json_option, body in map(shlex.split, printed):
        assert (program, user_option, json_option) == ("curl", "-u", "--json")
        assert (url, user) == (f"{dev.url}/v1/verifications", f"{dev.key}:")
        status, verification = dev.ask("POST", "/v1/verifications", json.loads(body))
        assert status == 201
        channels.append(verification["channel"])
    assert channels == ["sms", "call"]


def test_its_verify_command_works_as_it_stands(dev):
    dev.give_persona("+14255550123", "presses_pound")
    printed = shlex.split(dev.last_line)
    verify = dev.poundkey(*printed[printed.index("verify") :])
    assert verify.ended() == 0, verify.err


def test_what_it_keeps_is_for_its_owner_alone(dev):
    for name in ("gateway.toml", "api-key"):
        assert stat.S_IMODE((dev.folder / "var" / name).stat().st_mode) == 0o600


def test_a_second_one_on_its_directory_or_its_ports_says_so(dev, start_program, two_ports):
    def start(port: int, simulator_port: int, *words: str):
        return start_program("dev", "--port", str(port), "--simulator-port", str(simulator_port), *words)

    port, simulator_port = two_ports
    refused = {
        "another gateway is running on": start(port, simulator_port, "--data-dir", str(dev.folder / "var")),
        f"127.0.0.1:{dev.simulator_port} is in use": start(port, dev.simulator_port),
    }
    for reason, second in refused.items():
        assert second.ended() == 2
        [line] = second.err.splitlines()
        assert reason in line
    assert dev.ask("GET", "/readyz")[0] == 200


def test_it_does_not_start_with_the_credentials_of_a_real_account(poundkey, tmp_path):
    code, _, err = poundkey("dev", POUNDKEY_TWILIO__AUTH_TOKEN="canary-token")
    assert code == 2
    [line] = err.splitlines()
    assert "POUNDKEY_TWILIO__AUTH_TOKEN" in line
    assert "canary" not in line
    assert list(tmp_path.iterdir()) == []


def test_a_data_directory_that_cannot_be_is_one_clear_line(poundkey, tmp_path):
    (tmp_path / "var").touch()
    code, _, err = poundkey("dev")
    assert code == 2
    [line] = err.splitlines()
    assert "data directory" in line


def test_an_api_key_that_cannot_be_pasted_is_not_taken(poundkey):
    code, _, err = poundkey("dev", POUNDKEY_DEV_API_KEY="key with spaces")
    assert code == 2
    [line] = err.splitlines()
    assert "POUNDKEY_DEV_API_KEY" in line


def test_what_somebody_adds_to_its_settings_file_outlives_the_next_start(start_dev):
    first = start_dev()
    file = first.folder / "var" / "gateway.toml"
    assert first.stop() == 0, first.err
    written = file.read_text()
    added = written.replace("[text]", "[text] # mine\nanswer_keywords = true") + (
        "\n# ten seconds\n[portal]\nlink_lifetime = 10\n\n[limits]\nresend_wait = 7\n"
    )
    file.write_text(added)
    second = start_dev()
    _, verification = second.ask("POST", "/v1/verifications", {"to": "+14255550123", "channel": "sms"})
    assert verification["attempts"]
    assert second.stop() == 0, second.err
    own = ("port = ", "public_url = ", "base_url = ")
    assert [line for line in file.read_text().splitlines() if not line.startswith(own)] == [
        line for line in added.splitlines() if not line.startswith(own)
    ]
    values = tomllib.loads(file.read_text())
    assert (values["portal"], values["limits"]) == ({"link_lifetime": 10}, {"resend_wait": 7})
    assert values["text"].keys() == {"answer_keywords", "sender"}


def test_a_developer_meets_no_limit_and_is_told_so(dev):
    assert "no limit is near" in dev.out
    for _ in range(12):
        status, verification = dev.ask("POST", "/v1/verifications", {"to": "+14255550177", "channel": "sms"})
        assert status == 201
        assert dev.ask("POST", f"/v1/verifications/{verification['id']}/resend", {})[0] == 200


def test_keys_outlive_a_restart_and_a_given_api_key_takes_their_place(start_dev, poundkey):
    first = start_dev()
    first_key = first.key
    _, verification = first.ask("POST", "/v1/verifications", {"to": "+14255550123", "channel": "sms"})
    assert first.stop(signal.SIGINT) == 0, first.err

    second = start_dev(POUNDKEY_DEV_API_KEY="pk_given-by-the-environment")
    assert second.key == "pk_given-by-the-environment"
    for key in (first_key, second.key):
        status, shown = second.ask("GET", f"/v1/verifications/{verification['id']}", key=key)
        assert (status, shown["to"]) == (200, "+14255550123")
    _, listed, _ = poundkey("keys", "list", "--config", "var/gateway.toml")
    newest = listed.splitlines()[-1].split()[0]
    assert poundkey("keys", "revoke", newest, "--config", "var/gateway.toml")[0] == 0
    assert second.stop() == 0, second.err

    third = second.poundkey("dev", "--port", str(second.port), "--simulator-port", str(second.simulator_port))
    assert third.ended() == 2
    [line] = third.err.splitlines()
    assert f"its API key ({newest}) is revoked" in line
