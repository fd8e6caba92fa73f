"""`poundkey serve --workers`: several processes on one port and one PostgreSQL."""

import contextlib
import signal
import time
import urllib.request

import psutil
import pytest

LATER_THAN_A_FAILED_START = 6


@pytest.fixture
def on_postgres(postgres, serve_environment) -> dict[str, str]:
    return {**serve_environment, "POUNDKEY_DATABASE__URL": postgres.database()}


@pytest.fixture
def workers(start_program, on_postgres):
    program = start_program("serve", "--workers", "2", **on_postgres)
    for _ in range(2):
        program.log_until("listening")
    return program


def children(program) -> list[psutil.Process]:
    return psutil.Process(program.process.pid).children()


def test_they_share_a_port_and_end_in_order(workers, on_postgres, asker):
    port = int(on_postgres["POUNDKEY_SERVER__PORT"])
    assert len(children(workers)) == 2
    assert {asker(port).ask("GET", "/readyz")[0] for _ in range(20)} == {200}
    assert workers.stop() == 0, workers.err


def test_one_that_dies_is_replaced(workers, on_postgres, asker):
    port = int(on_postgres["POUNDKEY_SERVER__PORT"])
    asker(port).ask("GET", "/readyz")
    before = children(workers)
    while time.time() - before[0].create_time() < LATER_THAN_A_FAILED_START:
        time.sleep(0.1)
    before[0].kill()
    workers.log_until("is restarted")
    workers.log_until("listening")
    assert len(children(workers)) == 2
    assert {asker(port).ask("GET", "/readyz")[0] for _ in range(20)} == {200}
    assert workers.stop() == 0, workers.err


def test_one_whose_database_is_away_for_a_while_does_not_end_the_others(workers, on_postgres, postgres, asker):
    port = int(on_postgres["POUNDKEY_SERVER__PORT"])
    name = on_postgres["POUNDKEY_DATABASE__URL"].partition("?")[0].rpartition("/")[2]
    first, second = children(workers)
    while time.time() - second.create_time() < LATER_THAN_A_FAILED_START:
        time.sleep(0.1)
    postgres.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    first.kill()
    for _ in range(2):
        workers.log_until("is restarted")
    assert second in children(workers)
    postgres.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    workers.log_until("listening")
    assert {asker(port).ask("GET", "/readyz")[0] for _ in range(20)} == {200}
    assert workers.stop() == 0, workers.err


def test_when_the_first_process_is_killed_they_end_what_they_began_and_go(workers, on_postgres, poundkey, asker):
    _, out, _ = poundkey("keys", "create", "--application", "Bank", **on_postgres)
    port, key = int(on_postgres["POUNDKEY_SERVER__PORT"]), out.strip()
    _, made = asker(port, key).ask("POST", "/v1/verifications", {"to": "+14255550123", "channel": "sms"})
    url = f"http://127.0.0.1:{port}/v1/verifications/{made['id']}/events"
    headers = {"Authorization": f"Bearer {key}", "Accept": "text/event-stream"}
    orphans = children(workers)
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as stream:
            assert stream.readline()
            workers.process.kill()
            stream.read()  # raises IncompleteRead where nobody ended it
        assert workers.ended() == -signal.SIGKILL  # they have its stderr: it ends when the last of them does
    finally:
        for orphan in orphans:
            with contextlib.suppress(psutil.NoSuchProcess):
                orphan.kill()
    assert workers.err.count("this worker ends") == len(orphans)


def test_a_file_has_one_process(start_program, serve_environment):
    program = start_program("serve", "--workers", "2", **serve_environment)
    assert program.ended() == 2
    assert "several processes need PostgreSQL" in program.err


def test_a_database_that_is_not_at_head_is_not_served(start_program, on_postgres, postgres):
    url = on_postgres["POUNDKEY_DATABASE__URL"]
    name = url.partition("?")[0].rpartition("/")[2]
    postgres.execute(f"ALTER DATABASE {name} RENAME TO {name}_away")
    program = start_program("serve", **on_postgres)
    assert program.ended() == 2
    assert "PostgreSQL" in program.err
    assert "Traceback" not in program.err


def test_a_new_database_is_brought_to_head_by_migrate_alone(poundkey, postgres, serve_environment):
    postgres.execute("CREATE DATABASE made_new")
    environment = {**serve_environment, "POUNDKEY_DATABASE__URL": postgres.url("made_new")}
    code, _, err = poundkey("keys", "list", **environment)
    assert (code, "poundkey migrate" in err) == (2, True)
    for _ in range(2):  # twice does no harm
        code, out, err = poundkey("migrate", **environment)
        assert code == 0, err
    assert "made_new is at" in out
    assert "postgres:" not in out
    code, out, err = poundkey("keys", "create", "--application", "Bank", **environment)
    assert code == 0, err
    assert out.startswith("pk_")
    postgres.execute("DROP DATABASE made_new")
