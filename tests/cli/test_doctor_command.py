"""`poundkey doctor` finds what is wrong, and blames nothing else."""

import re

import pytest


@pytest.fixture
def examine(dev, poundkey):
    """Runs the doctor on a `dev` that works, with other settings than it has; gives exit code, marks and words."""

    def run(**environment: str):
        code, out, _ = poundkey("doctor", "--config", str(dev.folder / "var" / "gateway.toml"), **environment)
        return code, marks(out), out

    return run


def test_all_is_well_with_a_gateway_that_works(dev):
    doctor = dev.poundkey("doctor", "--config", "var/gateway.toml")
    assert doctor.ended() == 0, doctor.out
    everything = {"settings", "database", "keys", "policies", "recordings", "public URL"}
    assert marks(doctor.out) == dict.fromkeys(everything | {"signatures", "provider", "clock"}, "✓")


def test_a_wrong_token_fails_signatures_and_credentials(examine):
    code, shown, out = examine(POUNDKEY_TWILIO__AUTH_TOKEN="wrong")
    assert code == 1
    assert (shown["public URL"], shown["signatures"], shown["provider"], shown["clock"]) == ("✓", "✗", "✗", "–")
    assert "twilio.auth_token" in out


def test_mistakes_in_the_applications_file_are_told(examine, tmp_path):
    file = tmp_path / "applications.toml"
    file.write_text('[default]\nenroll = ["fax"]\ncolour = "red"\n')
    code, shown, out = examine(POUNDKEY_PORTAL__APPLICATIONS=str(file))
    assert code == 1
    assert (shown["policies"], shown["provider"]) == ("✗", "✓")
    assert "enroll" in out
    assert "colour" in out


def test_recordings_that_cannot_be_played_are_told(examine, tmp_path):
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "hello.wav").write_bytes(b"")
    code, shown, out = examine(POUNDKEY_VOICE__RECORDINGS=str(tmp_path))
    assert (code, shown["recordings"], shown["provider"]) == (1, "✗", "✓")
    assert "hello.wav" in out


def test_doubtful_texts_are_told_and_are_no_failure(examine, tmp_path):
    file = tmp_path / "applications.toml"
    file.write_text(
        '[default.texts.code]\nen = "{code}’s yours. Please do not give it to anyone, whoever may ask you for it"\n'
    )
    code, shown, out = examine(POUNDKEY_PORTAL__APPLICATIONS=str(file))
    assert (code, shown["policies"], shown["texts"]) == (0, "✓", "!")
    assert "segments out of 1" in out


def test_a_public_url_that_is_not_the_gateways_fails_its_signatures(dev, examine):
    code, shown, out = examine(POUNDKEY_SERVER__PUBLIC_URL=dev.url.replace("127.0.0.1", "localhost"))
    assert code == 1
    assert (shown["public URL"], shown["signatures"], shown["provider"]) == ("✓", "✗", "✓")
    assert "server.public_url" in out


def test_each_provider_that_a_route_names_is_examined(dev, poundkey, tmp_path):
    works = (dev.folder / "var" / "gateway.toml").read_text()
    file = tmp_path / "gateway.toml"
    file.write_text(
        works
        + f'\n[providers.spare]\nbase_url = "http://127.0.0.1:{dev.simulator_port}"\naccount_sid = "AC{"1" * 32}"\n'
        'auth_token = "wrong"\n[routes]\ntext = ["twilio", "spare"]\n'
    )
    code, out, _ = poundkey("doctor", "--config", str(file))
    assert code == 1
    shown = marks(out)
    assert (shown["signatures"], shown["provider"], shown["clock"]) == ("✓", "✓", "✓")
    # The gateway that runs does not know it, and the network not its token.
    assert (shown["signatures spare"], shown["provider spare"]) == ("✗", "✗")
    assert "providers.spare.auth_token" in out


def test_another_server_at_the_public_url_is_told(dev, examine):
    code, shown, out = examine(POUNDKEY_SERVER__PUBLIC_URL=f"http://127.0.0.1:{dev.simulator_port}")
    assert code == 1
    assert (shown["public URL"], shown["signatures"]) == ("✗", "–")
    assert "proxy" in out


def test_keys_that_do_not_open_the_database_are_told(dev, examine, new_phone):
    dev.ask("POST", "/v1/verifications", {"to": new_phone(), "channel": "sms"})
    code, shown, out = examine(POUNDKEY_KEYS__SEALING="1:" + "A" * 43 + "=")
    assert code == 1
    assert shown["database"] == "✗"
    assert "keys.sealing" in out


def test_nothing_running_is_told_with_what_to_do(poundkey, serve_environment):
    code, out, _ = poundkey("doctor", **serve_environment)
    assert code == 1
    assert marks(out) == {
        "settings": "✓",
        "database": "✗",
        "keys": "–",
        "policies": "✓",
        "recordings": "✓",
        "public URL": "✗",
        "signatures": "–",
        "provider": "✗",
        "clock": "–",
    }
    assert "start the gateway" in out


def test_a_public_url_that_the_provider_cannot_reach_is_told(dev, examine):
    code, shown, out = examine(POUNDKEY_TWILIO__BASE_URL=f"http://provider.localhost:{dev.simulator_port}")
    assert code == 1
    assert shown["public URL"] == "✗"
    assert "the provider cannot reach http://127.0.0.1" in out


def test_settings_that_cannot_be_used_are_told_a_line_each(poundkey):
    code, out, _ = poundkey("doctor")
    assert code == 1
    assert len(re.findall(r"^✗ settings +\S+: is missing$", out, re.MULTILINE)) == len(out.splitlines())


def marks(out: str) -> dict[str, str]:
    """Return the mark of each line by its name."""
    return {name: mark for mark, name in re.findall(r"^([✓✗–!]) (\w+(?: \w+)?)  ", out, re.MULTILINE)}
