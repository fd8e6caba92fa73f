"""What `poundkey dev` stores between its runs: its settings with generated keys, and the API key.

The settings are an ordinary file, so with `--config var/gateway.toml` every other command works on the same database.
"""

import base64
import json
import secrets
import tomllib
from collections.abc import Mapping
from pathlib import Path

from gateway.cli.command import API_KEY_FILE
from gateway.cli.config import environment, load_settings
from gateway.cli.simulator import HOST, NUMBER, new_account_sid, new_auth_token
from gateway.security.vault import KEY_SIZE
from gateway.settings.settings import PREFIX, Settings

SETTINGS_FILE = "gateway.toml"

_OVERRIDDEN = tuple(f"{PREFIX}{section}__" for section in ("SERVER", "DATABASE", "KEYS", "TWILIO"))
"""Variables that `dev` ignores: settings of a real gateway must not lead it to a real database."""
_HEADER = "# Written by `poundkey dev`. Without these keys, the database beside this file cannot be read.\n"
_OWNER_ONLY = 0o600
_EASY = {
    "PORTAL__LINK_LIFETIME": "86400",
    "LIMITS__SENDS_PER_NUMBER": "100000",
    "LIMITS__SENDS_PER_PERSON": "100000",
    "LIMITS__RESEND_WAIT": "0",
    "LIMITS__FAILED_CHECKS_PER_DAY": "100000",
    "LIMITS__APP_PASSWORD_FAILURES": "100000",
    "LIMITS__PIN_FAILURES": "100000",
}
"""What `dev` sets where neither its file nor the environment does: nobody waits, and the printed link works."""


class DataDir:
    """A directory, which is created if missing; raises OSError if it cannot be."""

    def __init__(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self._path = path.resolve()

    def settings(self, port: int, simulator_port: int) -> Settings:
        """Return the settings for these ports, with the stored keys, or with new ones that `save` must store.

        Raises:
            CommandFailed: The stored file or the environment has mistakes.
        """
        file = self._path / SETTINGS_FILE
        stored = file if file.exists() else None
        variables = {name: value for name, value in environment().items() if not name.startswith(_OVERRIDDEN)}
        for name, value in _EASY.items():
            section, key = name.lower().split("__")
            if key not in _section(stored, section):
                variables.setdefault(PREFIX + name, value)
        for name, value in {
            "SERVER__PORT": str(port),
            "SERVER__PUBLIC_URL": f"http://{HOST}:{port}",
            "DATABASE__URL": f"sqlite:///{self._path / 'poundkey.db'}",
            "TEXT__SENDER": NUMBER,
            "VOICE__CALLER": NUMBER,
            "TWILIO__BASE_URL": f"http://{HOST}:{simulator_port}",
            **({} if stored else _new_secrets()),
        }.items():
            variables[PREFIX + name] = value
        return load_settings(stored, variables)

    def save(self, settings: Settings, api_key: str) -> None:
        """Store settings and API key; what somebody has added to the settings file stays there.

        The caller holds the database's lock, else two first starts could mix keys.
        """
        file = self._path / SETTINGS_FILE
        text = file.read_text() if file.exists() else _HEADER
        for section, values in _own_settings(settings).items():
            text = _with_values(text, section, values)
        _write_private(file, text)
        _write_private(self._path / API_KEY_FILE, f"{api_key}\n")


def _new_secrets() -> dict[str, str]:
    return {
        "KEYS__SEALING": f"1:{_new_key()}",
        "KEYS__FINGERPRINT": _new_key(),
        "KEYS__CODE": _new_key(),
        "TWILIO__ACCOUNT_SID": new_account_sid(),
        "TWILIO__AUTH_TOKEN": new_auth_token(),
    }


def _new_key() -> str:
    return base64.b64encode(secrets.token_bytes(KEY_SIZE)).decode()


def _own_settings(settings: Settings) -> dict[str, dict[str, object]]:
    """Return the settings that `dev` overrides, by section."""
    server, keys, twilio = settings.server, settings.keys, settings.twilio
    return {
        "server": {"port": server.port, "public_url": server.public_url},
        "database": {"url": settings.database.url},
        "keys": {"sealing": keys.sealing, "fingerprint": keys.fingerprint, "code": keys.code},
        "text": {"sender": settings.text.sender},
        "voice": {"caller": settings.voice.caller},
        "twilio": {
            "base_url": twilio.base_url,
            "account_sid": twilio.account_sid,
            "auth_token": twilio.auth_token,
        },
    }


def _with_values(text: str, section: str, values: Mapping[str, object]) -> str:
    """Return a TOML document with these values in a section, every other line as it was.

    JSON's strings, numbers and lists are valid TOML. A value that is there as it should be is not touched.
    """
    there = tomllib.loads(text).get(section, {})
    changed = {key: value for key, value in values.items() if key not in there or there[key] != _plain(value)}
    if not changed:
        return text
    lines = text.splitlines()
    start = next((at for at, line in enumerate(lines) if line.partition("#")[0].strip() == f"[{section}]"), None)
    if start is None:
        lines += ["", f"[{section}]"]
        start = len(lines) - 1
    end = next((at for at in range(start + 1, len(lines)) if lines[at].lstrip().startswith("[")), len(lines))
    rest = [line for line in lines[start + 1 : end] if line.partition("=")[0].strip() not in changed]
    own = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in changed.items()]
    return "\n".join([*lines[: start + 1], *own, *rest, *lines[end:]]) + "\n"


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _section(file: Path | None, section: str) -> Mapping[str, object]:
    """Return a section of a settings file; an invalid file has none, and `load_settings` reports what is wrong."""
    try:
        values = tomllib.loads(file.read_text()).get(section) if file else None
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}


def _write_private(file: Path, text: str) -> None:
    """Write a file that only its owner can read, atomically."""
    draft = file.with_name(f"{file.name}.new")
    draft.unlink(missing_ok=True)
    draft.touch(_OWNER_ONLY)
    draft.write_text(text)
    draft.replace(file)
