"""`poundkey keys`, beside a gateway that serves the same database."""

import re
import time

import pytest

PATIENCE = 2.0
"""Seconds; a gateway reads the keys again within one."""


@pytest.fixture
def keys(dev, poundkey):
    """Runs a `keys` command on the database of `dev`."""
    config = str(dev.folder / "var" / "gateway.toml")
    return lambda *words: poundkey("keys", *words, "--config", config)


def test_a_key_opens_the_gateway_until_it_is_revoked(dev, keys):
    code, out, err = keys("create", "--application", "Example Bank", "--name", "web shop")
    assert code == 0
    secret = out.strip()
    assert re.fullmatch(r"pk_[0-9A-Za-z_-]{43}", secret)
    key_id = re.search(r"key_[0-9a-f]+", err)[0]
    _wait_for_status(dev, secret, 404)

    _, listed, _ = keys("list")
    assert re.search(rf"^{key_id} +Example Bank +web shop +\d{{4}}-\d\d-\d\d \d\d:\d\d +-$", listed, re.MULTILINE)
    assert secret not in listed

    assert keys("revoke", key_id)[0] == 0
    _wait_for_status(dev, secret, 401)
    _, listed, _ = keys("list")
    assert not re.search(rf"^{key_id}.* -$", listed, re.MULTILINE)


def test_applications_are_told_apart_by_name(dev, keys):
    secrets = [keys("create", "--application", name)[1].strip() for name in ("One", "One", "Other")]
    for secret in secrets:
        _wait_for_status(dev, secret, 404)
    _, enrollment = dev.ask("POST", "/v1/enrollments", {"user": "alice"}, key=secrets[0])
    statuses = [dev.ask("GET", f"/v1/enrollments/{enrollment['id']}", key=secret)[0] for secret in secrets]
    assert statuses == [200, 200, 404]


def test_an_unknown_key_cannot_be_revoked(keys):
    code, _, err = keys("revoke", "key_unknown")
    assert code == 2
    assert err.splitlines() == ["poundkey keys: there is no key key_unknown; see poundkey keys list"]


def test_a_database_that_is_not_there_is_not_made(poundkey, serve_environment, tmp_path):
    code, _, err = poundkey("keys", "list", **serve_environment)
    assert code == 2
    [line] = err.splitlines()
    assert "there is no database" in line
    assert list(tmp_path.iterdir()) == []


def test_a_database_without_tables_is_not_used(poundkey, serve_environment, tmp_path):
    (tmp_path / "poundkey.db").touch()
    code, _, err = poundkey("keys", "create", "--application", "Example Bank", **serve_environment)
    assert code == 2
    [line] = err.splitlines()
    assert "poundkey migrate" in line


@pytest.mark.parametrize("name", ["", " ", "a" * 41, "tab\there", "line\nbreak", "\u202eright to left", " spaced "])
def test_an_application_name_must_be_fit_to_be_read_aloud(poundkey, name):
    code, _, err = poundkey("keys", "create", "--application", name)
    assert code == 2
    assert "printable" in err


def _wait_for_status(dev, secret: str, status: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while (answer := dev.ask("GET", "/v1/verifications/ver_none", key=secret)[0]) != status:
        assert time.monotonic() < deadline, answer
