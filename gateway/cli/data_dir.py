"""What `poundkey dev` stores between its runs: its settings with generated keys, and the API key.

The settings are an ordinary file, so with `--config var/gateway.toml` every other command works on the same database.
"""

import base64
import json
import secrets
from pathlib import Path

from gateway.cli.command import API_KEY_FILE
from gateway.cli.config import environment, load_settings
from gateway.cli.simulator import HOST, NUMBER, new_account_sid, new_auth_token
from gateway.security.vault import KEY_SIZE
from gateway.settings.settings import PREFIX, Settings

SETTINGS_FILE = "gateway.toml"

_OVERRIDDEN = tuple(f"{PREFIX}{section}__" for section in ("SERVER", "DATABASE", "KEYS", "TWILIO"))
"""Variables that `dev` ignores: settings of a real gateway must not lead it to a real database."""
_OWNER_ONLY = 0o600
_LINK_LIFETIME = 86_400
"""Seconds for which the printed link works."""


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
        for name, value in {
            "SERVER__PORT": str(port),
            "SERVER__PUBLIC_URL": f"http://{HOST}:{port}",
            "DATABASE__URL": f"sqlite:///{self._path / 'poundkey.db'}",
            "TEXT__SENDER": NUMBER,
            "VOICE__CALLER": NUMBER,
            "TWILIO__BASE_URL": f"http://{HOST}:{simulator_port}",
            "PORTAL__LINK_LIFETIME": str(_LINK_LIFETIME),
            **({} if stored else _new_secrets()),
        }.items():
            variables[PREFIX + name] = value
        return load_settings(stored, variables)

    def save(self, settings: Settings, api_key: str) -> None:
        """Store settings and API key. The caller holds the database's lock, else two first starts could mix keys."""
        _write_private(self._path / SETTINGS_FILE, _toml(settings))
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


def _toml(settings: Settings) -> str:
    """Format the settings that `dev` overrides. JSON's strings, numbers and lists are valid TOML."""
    server, keys, twilio = settings.server, settings.keys, settings.twilio
    sections: dict[str, dict[str, object]] = {
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
    lines = ["# Written by `poundkey dev`. Without these keys, the database beside this file cannot be read."]
    for name, values in sections.items():
        lines += ["", f"[{name}]"]
        lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]
    return "\n".join(lines) + "\n"


def _write_private(file: Path, text: str) -> None:
    """Write a file that only its owner can read, atomically."""
    draft = file.with_name(f"{file.name}.new")
    draft.unlink(missing_ok=True)
    draft.touch(_OWNER_ONLY)
    draft.write_text(text)
    draft.replace(file)
