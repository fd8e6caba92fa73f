"""`poundkey serve` and `poundkey migrate`, as an operator's machine runs them."""

import json
import resource
import shutil
import signal
import socket
import time
import urllib.request
from contextlib import ExitStack

import pytest
from support.world import free_port

DRAIN_LIMIT = 10.0
"""Seconds, as the contract has it."""


def test_bad_settings_are_all_told_at_once_a_line_each(poundkey, tmp_path):
    (tmp_path / "gateway.toml").write_text('[server]\nport = 99999\ncolour = "red"\n\n[sounds]\nloud = true\n')
    code, _, err = poundkey("serve", "--config", "gateway.toml", POUNDKEY_TWILIO__SID="AC1")
    assert code == 2
    lines = err.splitlines()
    assert all(line.startswith("poundkey serve: ") for line in lines)
    for mistake in ("server.port", "server.colour", "[sounds]", "POUNDKEY_TWILIO__SID", "keys.sealing", "text.sender"):
        assert len([line for line in lines if mistake in line]) == 1


def test_mistakes_in_the_applications_file_are_a_line_each(start_program, serve_environment, tmp_path):
    file = tmp_path / "applications.toml"
    file.write_text('[default]\nenroll = ["fax"]\ncolour = "red"\n')
    other = {"POUNDKEY_DATABASE__URL": f"sqlite:///{tmp_path}/other.db", "POUNDKEY_PORTAL__APPLICATIONS": str(file)}
    program = start_program("serve", **{**serve_environment, **other})
    assert program.ended() == 2
    lines = program.err.splitlines()
    assert [mistake for mistake in ("enroll", "colour") if sum(mistake in line for line in lines) != 1] == []


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_a_stop_answers_whoever_waits_and_ends_in_peace(accept, serve, poundkey, serve_environment, asker):
    _, out, _ = poundkey("keys", "create", "--application", "Example Bank", **serve_environment)
    port, key = int(serve_environment["POUNDKEY_SERVER__PORT"]), out.strip()
    body = {"to": "+14255550123", "channel": "sms"}
    _, verification = asker(port, key).ask("POST", "/v1/verifications", body)
    path = f"/v1/verifications/{verification['id']}"
    waiter = asker(port, key, accept)
    waiter.send("GET", f"{path}/events" if accept == "text/event-stream" else f"{path}?wait=30&revision=1000")
    assert asker(port).ask("GET", "/healthz")[0] == 200  # behind the waiter in line, so the waiter was read by now

    began = time.monotonic()
    serve.process.send_signal(signal.SIGTERM)
    assert waiter.receive()[0] == 200
    assert serve.ended() == 0, serve.err
    assert time.monotonic() - began < DRAIN_LIMIT


def test_its_log_is_json_lines_when_nobody_reads_along(serve, serve_environment):
    [line] = serve.err.splitlines()
    record = json.loads(line)
    assert record["level"] == "info"
    assert f"127.0.0.1:{serve_environment['POUNDKEY_SERVER__PORT']}" in record["message"]
    assert serve.stop(signal.SIGINT) == 0


@pytest.mark.usefixtures("serve")
def test_an_address_in_use_is_one_clear_line(start_program, serve_environment, tmp_path):
    other = {**serve_environment, "POUNDKEY_DATABASE__URL": f"sqlite:///{tmp_path}/other.db"}
    second = start_program("serve", **other)
    assert second.ended() == 2
    [line] = second.err.splitlines()
    assert "in use" in line


def test_migrate_may_run_twice_and_from_two_places_at_once(start_program, poundkey, serve_environment):
    programs = [start_program("migrate", **serve_environment) for _ in range(2)]
    assert [program.ended() for program in programs] == [0, 0], [program.err for program in programs]
    code, out, _ = poundkey("migrate", **serve_environment)
    assert code == 0
    assert "is at" in out


def test_a_database_that_cannot_be_migrated_is_one_line_with_the_reason(poundkey, serve_environment, tmp_path):
    url = "postgresql://user:s3cret@127.0.0.1:1/name?sslmode=verify-full"
    other = {**serve_environment, "POUNDKEY_DATABASE__URL": url, "HOME": str(tmp_path)}
    code, _, err = poundkey("migrate", **other)
    assert code == 2
    [line] = err.splitlines()
    assert "root certificate file" in line
    assert "s3cret" not in line


def test_the_api_key_of_the_shell_is_no_setting_of_the_gateway(poundkey, serve_environment):
    _, _, err = poundkey("keys", "list", **serve_environment, POUNDKEY_API_KEY="pk_any")
    assert "POUNDKEY_API_KEY" not in err


def test_metrics_are_on_a_port_of_their_own(start_program, serve_environment, empty_database, tmp_path, asker):
    shutil.copy(empty_database, tmp_path)
    port, metrics_port = int(serve_environment["POUNDKEY_SERVER__PORT"]), free_port()
    program = start_program("serve", **serve_environment, POUNDKEY_SERVER__METRICS_PORT=str(metrics_port))
    program.log_until("listening")
    with urllib.request.urlopen(f"http://127.0.0.1:{metrics_port}/metrics", timeout=10) as page:
        assert b"\npoundkey_store_ready 1.0\n" in page.read()
    assert asker(port).ask("GET", "/metrics")[0] == 404
    assert program.stop(signal.SIGTERM) == 0


def test_a_low_soft_limit_of_open_files_is_no_limit_of_connections(
    start_program, serve_environment, empty_database, tmp_path, asker
):
    shutil.copy(empty_database, tmp_path)
    soft = 256
    before, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))  # the program inherits it
    try:
        program = start_program("serve", **serve_environment)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before, hard))
    program.log_until("listening")
    port = int(serve_environment["POUNDKEY_SERVER__PORT"])
    with ExitStack() as held:
        for _ in range(soft):
            held.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
        assert asker(port).ask("GET", "/healthz")[0] == 200


@pytest.mark.usefixtures("serve")
def test_a_port_of_the_metrics_that_is_in_use_is_one_clear_line(start_program, serve_environment, tmp_path):
    other = {
        **serve_environment,
        "POUNDKEY_DATABASE__URL": f"sqlite:///{tmp_path}/other.db",
        "POUNDKEY_SERVER__PORT": "0",
        "POUNDKEY_SERVER__METRICS_PORT": serve_environment["POUNDKEY_SERVER__PORT"],
    }
    second = start_program("serve", **other)
    assert second.ended() == 2
    [line] = second.err.splitlines()
    assert "in use" in line
