"""The settings' layers, and what cannot work together."""

import base64
from pathlib import Path

import pytest
from support.tables import for_each

from gateway.settings.settings import Settings, SettingsInvalid, fingerprint_keys, load

KEY = base64.b64encode(b"k" * 32).decode()
ENOUGH = {
    "POUNDKEY_KEYS__SEALING": f"1:{KEY},2:{KEY}",
    "POUNDKEY_KEYS__FINGERPRINT": KEY,
    "POUNDKEY_KEYS__CODE": KEY,
    "POUNDKEY_TEXT__SENDER": "+15005550006",
    "POUNDKEY_VOICE__CALLER": "+15005550006",
    "POUNDKEY_TWILIO__ACCOUNT_SID": "AC" + "0" * 32,
    "POUNDKEY_TWILIO__AUTH_TOKEN": "token",
}


def problems(environment: dict[str, str], file: Path | None = None) -> list[str]:
    with pytest.raises(SettingsInvalid) as invalid:
        load(file, environment)
    return invalid.value.problems


def test_the_environment_goes_over_the_file_and_a_secret_may_be_in_a_file_of_its_own(tmp_path):
    file, secret = tmp_path / "gateway.toml", tmp_path / "token"
    file.write_text("[server]\nport = 9000\nhost = '0.0.0.0'\n[twilio]\nsigning_tokens = ['a', 'b']\n")
    secret.write_text("from a file\n")
    environment = {name: value for name, value in ENOUGH.items() if name != "POUNDKEY_TWILIO__AUTH_TOKEN"}
    environment |= {"POUNDKEY_SERVER__PORT": "9001", "POUNDKEY_TWILIO__AUTH_TOKEN_FILE": str(secret), "OTHER": "x"}
    settings = load(file, environment)
    assert (settings.server.port, settings.server.host) == (9001, "0.0.0.0")  # noqa: S104 - nothing listens there
    assert (settings.twilio.auth_token, settings.twilio.signing_tokens) == ("from a file", ("a", "b"))
    assert len(settings.keys.sealing) == 2


@pytest.mark.parametrize("keys", ["{0}", "1:{0}", "2:{1},1:{0}", " 1:{0}, 2:{1}"])
def test_fingerprint_keys_are_one_or_several(keys):
    first, second = (base64.b64encode(bytes([n] * 32)).decode() for n in (1, 2))
    settings = load(None, ENOUGH | {"POUNDKEY_KEYS__FINGERPRINT": keys.format(first, second)})
    several = {1: bytes([1] * 32), 2: bytes([2] * 32)}
    assert fingerprint_keys(settings.keys.fingerprint) == (several if "," in keys else {1: bytes([1] * 32)})


def test_what_is_missing_is_told_at_once():
    assert {problem.partition(":")[0] for problem in problems({})} == {
        "keys.sealing",
        "keys.fingerprint",
        "keys.code",
        "text.sender",
        "voice.caller",
        "twilio.account_sid",
        "twilio.auth_token",
    }


@for_each(
    ("name", "value", "setting"),
    [
        ("SERVER__PORT", "many", "server.port"),
        ("SERVER__PORT", "70000", "server.port"),
        ("SERVER__PUBLIC_URL", "https://x/?a", "server.public_url"),
        ("SERVER__COLOUR", "red", "POUNDKEY_SERVER__COLOUR"),
        ("NOWHERE__PORT", "1", "POUNDKEY_NOWHERE__PORT"),
        ("KEYS__CODE", "c2hvcnQ=", "keys.code"),
        ("KEYS__SEALING", f"300:{KEY}", "keys.sealing"),
        ("TEXT__ORIGIN", "http://login.example.com", "text.origin"),
        ("TEXT__FRAUD_WORDS", "FRAUD,Stop.", "text.fraud_words"),
        ("TEXT__FRAUD_WORDS", "FRAUD,123456", "text.fraud_words"),
        ("TEXT__FRAUD_WORDS", "FRAUD,,SCAM", "text.fraud_words"),
        ("TEXT__SENDERS", "DE=much too long a name", "text.senders"),
        ("TEXT__SENDERS", "XX=Example", "text.senders"),
        ("TEXT__SENDERS", "Example", "text.senders"),
        ("VOICE__CALLERS", "DE=Example", "voice.callers"),
        ("TEXT__ANSWER_KEYWORDS", "perhaps", "text.answer_keywords"),
        ("VOICE__CONFIRM_KEY", "0", "voice.confirm_key"),
        ("VOICE__CONFIRM_KEY", "12", "voice.confirm_key"),
        ("VOICE__CONFIRM_KEY", "9", "voice.never_call_key"),
        ("VOICE__NEVER_CALL_KEY", "#", "voice.never_call_key"),
        ("VOICE__SECOND_LANGUAGE", "Spanish!", "voice.second_language"),
        ("DATABASE__URL", "mysql://x", "database.url"),
        ("DATABASE__URL", "postgresql://user:s3/cret@host/name", "database.url"),
        ("DATABASE__URL", "postgresql://user:123/s3cret@host/name", "database.url"),
        ("DATABASE__URL", "postgresql://user:s3#cret@host/name", "database.url"),
        ("DATABASE__URL", "postgresql://user:s3?cret@host/name", "database.url"),
        ("DATABASE__URL", "postgresql://user:s3@cret@host/name", "database.url"),
        ("DATABASE__URL", "postgresql://user:s3[cret@host/name", "database.url"),
        ("DATABASE__URL", "postgresql://host:many/name", "database.url"),
        ("TWILIO__SIGNING_TOKENS", "new,", "twilio.signing_tokens"),
        ("TWILIO__SIGNATURE_ALGORITHM", "md5", "twilio.signature_algorithm"),
        ("TWILIO__AUTH_TOKEN_FILE", "/nowhere/at/all", "POUNDKEY_TWILIO__AUTH_TOKEN_FILE"),
        ("TWILIO__BASE_URL", "ftp://api.example.com", "twilio.base_url"),
        ("TWILIO__CONNECT_TIMEOUT", "15", "twilio.connect_timeout"),
        ("OUTBOX__LEASE", "15", "outbox.lease"),
    ],
)
def test_what_cannot_work_is_told_by_name(name: str, value: str, setting: str):
    (problem,) = problems(ENOUGH | {f"POUNDKEY_{name}": value})
    assert problem.partition(":")[0] == setting
    assert "cret" not in problem


@pytest.mark.parametrize(
    "url",
    [
        "postgresql:///name",
        "postgresql://user@host",
        "postgresql://user:s3%2Fcret@one:5432,[::1]:5433,two/name?sslmode=verify-full",
        "postgresql://postgres:@/name?host=/run/postgresql",
    ],
)
def test_where_postgresql_is_can_be_said_in_many_ways(url):
    assert load(None, ENOUGH | {"POUNDKEY_DATABASE__URL": url}).database.url == url


def test_a_list_in_the_environment_may_be_empty_and_have_spaces():
    words = {"POUNDKEY_TWILIO__SIGNING_TOKENS": "", "POUNDKEY_TEXT__FRAUD_WORDS": "FRAUD, SCAM"}
    settings = load(None, ENOUGH | words)
    assert settings.twilio.signing_tokens == ()
    assert settings.text.fraud_words == ("FRAUD", "SCAM")


def test_senders_for_countries_may_stand_in_the_environment():
    listed = {"POUNDKEY_TEXT__SENDERS": "US=+14255550100, GB=Example", "POUNDKEY_VOICE__CALLERS": "DE=+4930123456"}
    settings = load(None, ENOUGH | listed)
    assert settings.text.senders == {"US": "+14255550100", "GB": "Example"}
    assert settings.voice.callers == {"DE": "+4930123456"}


def test_settings_print_no_secret():
    settings = load(None, ENOUGH)
    assert isinstance(settings, Settings)
    assert KEY not in repr(settings)
    assert "token'" not in repr(settings)
