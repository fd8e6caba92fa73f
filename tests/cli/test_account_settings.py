"""Further providers and the routes to them: how they are set, and what cannot work about them."""

from pathlib import Path

import pytest
from cli.test_settings import ENOUGH, problems
from support.tables import for_each

from gateway.settings.accounts import AccountSettings
from gateway.settings.settings import load
from simulator.dialects import new_signing_key, public_key

PUBLIC = public_key(new_signing_key())
SPACE = """
[providers.space]
dialect = "signalwire"
base_url = "https://example.signalwire.com/api/laml"
account_sid = "project"
auth_token = "token"
signing_tokens = ["PSK_key"]
"""
TELNYX = f"""
[providers.tel]
dialect = "telnyx"
account_sid = "account"
application_sid = "application"
auth_token = "KEY"
public_keys = ["{PUBLIC}"]
caller = "+15005550007"
"""
ROUTES = """
[routes]
text = ["space", "twilio"]
call = ["tel", "space"]
text_to = { DE = ["twilio"] }
rest = 10
"""


@pytest.fixture
def written(tmp_path):
    def write(*parts: str) -> Path:
        file = tmp_path / "gateway.toml"
        file.write_text("".join(parts))
        return file

    return write


def test_providers_and_routes_are_read(written):
    settings = load(written(SPACE, TELNYX, ROUTES), ENOUGH)
    assert set(settings.accounts) == {"twilio", "space", "tel"}
    assert settings.providers["tel"].api == "https://api.telnyx.com/v2"
    assert settings.routes.lists.named == ("space", "twilio", "tel")
    assert (settings.routes.health.open_for, settings.routes.health.failures) == (10, 5)


def test_who_sets_nothing_has_one_provider():
    settings = load(None, ENOUGH)
    assert settings.routes.lists.named == ("twilio",)
    assert settings.accounts == {
        "twilio": AccountSettings(base_url="https://api.twilio.com", account_sid="AC" + "0" * 32, auth_token="token")
    }


def test_the_secret_of_a_further_provider_may_be_in_a_file_of_its_own(written, tmp_path):
    secret = tmp_path / "token"
    secret.write_text("from a file\n")
    environment = ENOUGH | {
        "POUNDKEY_PROVIDERS__SPACE__AUTH_TOKEN_FILE": str(secret),
        "POUNDKEY_PROVIDERS__SPACE__SIGNING_TOKENS": "old,new",
        "POUNDKEY_ROUTES__TEXT": "space,twilio",
    }
    settings = load(written(SPACE), environment)
    space = settings.providers["space"]
    assert (space.auth_token, space.signing_tokens) == ("from a file", ("old", "new"))
    assert settings.routes.text == ("space", "twilio")


def test_an_account_that_no_route_names_need_not_be_there(written):
    environment = {name: value for name, value in ENOUGH.items() if "TWILIO" not in name}
    settings = load(written(SPACE, '[routes]\ntext = ["space"]\ncall = ["space"]\n'), environment)
    assert settings.routes.lists.named == ("space",)


@for_each(
    ("parts", "expected"),
    [
        ("providers = 7\n", "gateway.toml: [providers] is not a section"),
        ("[providers]\nspace = 7\n", "gateway.toml: [providers.space] is not a section"),
        (SPACE + "colour = 'red'\n", "providers.space.colour: there is no such setting"),
        (SPACE + "[providers.space.more]\n", "providers.space.more: there is no such setting"),
        (SPACE.replace("providers.space", "providers.Space"), "providers.Space: a provider's name"),
        (SPACE.replace('signalwire"\n', 'plivo"\n'), "providers.space.dialect: "),
        (SPACE.replace("base_url", "# base_url"), "providers.space.base_url: is missing"),
        (SPACE.replace("signing_tokens", "# "), "providers.space.signing_tokens: is missing"),
        (SPACE.replace("https:", "ftp:"), "providers.space.base_url: must start with"),
        (SPACE + "connect_timeout = 20\n", "providers.space.connect_timeout: must be shorter"),
        (SPACE + "total_timeout = 60\n", "outbox.lease: must be longer than providers.space.total_timeout"),
        (TELNYX.replace("application_sid", "# "), "providers.tel.application_sid: is missing"),
        (TELNYX.replace("public_keys", "# "), "providers.tel.public_keys: is missing"),
        (TELNYX.replace(PUBLIC, "short"), "providers.tel.public_keys: must be base64"),
        (TELNYX + "[routes]\ntext = ['tel']\n", "routes.text: 'tel' only calls"),
        (TELNYX + "[routes.text_to]\nDE = ['tel']\n", "routes.text_to.DE: 'tel' only calls"),
        ("[routes]\ntext = []\n", "routes.text: names no provider"),
        ("[routes]\ncall = ['twilio', 'twilio']\n", "routes.call: names a provider twice"),
        ("[routes]\ncall = ['other']\n", "routes.call: there is no provider 'other'"),
        ("[routes]\ncall_to = { UK = ['twilio'] }\n", "routes.call_to: 'UK' is not a country"),
        ("[routes]\nrest = 60\nlongest_rest = 30\n", "routes.longest_rest: must not be shorter"),
        ("[routes]\nfailures = 0\n", "routes.failures: "),
    ],
)
def test_what_cannot_work_is_told_by_name(written, parts, expected):
    (problem,) = problems(ENOUGH, written(parts))
    assert expected in problem


def test_accounts_print_no_secret(written):
    printed = repr(load(written(SPACE, TELNYX), ENOUGH))
    assert "PSK_key" not in printed
    assert "KEY" not in printed
