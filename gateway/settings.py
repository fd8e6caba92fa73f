"""The settings: a TOML file, then the environment, then secret files; every mistake is told at once.

`POUNDKEY_TWILIO__AUTH_TOKEN` sets `auth_token` in `[twilio]`; with `_FILE` behind it, it names a file that holds it.
"""

import base64
import binascii
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from gateway.domain.keypad import LANGUAGE_KEY, Keypad
from gateway.domain.policy import Count, Limits, Seconds
from gateway.domain.replies import keyword, word
from gateway.vault import KEY_SIZE
from twiml.messages import bound_host
from webhooks.addresses import Addresses

PREFIX = "POUNDKEY_"
_NOT_SETTINGS = {"POUNDKEY_API_KEY", "POUNDKEY_DEV_API_KEY"}  # the terminal's: `verify` and `dev` read them
_SQLITE = "sqlite:///"
_LIST = tuple[str, ...]

Port = Annotated[int, msgspec.Meta(ge=0, le=65_535)]
Sender = Annotated[str, msgspec.Meta(max_length=34)]


class SettingsInvalid(Exception):
    """The settings cannot be used; `problems` are one line each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Server(msgspec.Struct, frozen=True):
    """Where the gateway listens, and how the world reaches it."""

    host: str = "127.0.0.1"
    port: Port = 8080
    public_url: str = "http://127.0.0.1:8080"
    drain: Annotated[float, msgspec.Meta(ge=0, le=9)] = 8.0


class Database(msgspec.Struct, frozen=True):
    """Where everything is kept."""

    url: str = "sqlite:///var/poundkey.db"

    @property
    def path(self) -> Path:
        """Return the SQLite file."""
        return Path(self.url.removeprefix(_SQLITE))


class Keys(msgspec.Struct, frozen=True):
    """Base64 of 32 random bytes each; `sealing` holds `id:key`, the highest id seals and all of them read."""

    sealing: tuple[str, ...] = ()
    fingerprint: str = ""
    code: str = ""

    def __repr__(self) -> str:
        return "Keys(…)"


class Text(msgspec.Struct, frozen=True):
    """How texts go out."""

    sender: Sender = ""
    origin: str = ""
    fraud_words: tuple[str, ...] = ("FRAUD",)
    answer_keywords: bool = False

    @property
    def bound_origin(self) -> str | None:
        """Return the one site that codes are bound to, or None."""
        return self.origin or None


class Voice(msgspec.Struct, frozen=True):
    """How calls go out."""

    caller: Sender = ""
    ring_timeout: Annotated[int, msgspec.Meta(ge=5, le=600)] = 30
    detect_machines: bool = True
    confirm_key: Annotated[str, msgspec.Meta(pattern=r"^[0-9*#]\Z")] = "#"
    never_call_key: Annotated[str, msgspec.Meta(pattern=r"^[0-9*#]?\Z")] = "9"
    second_language: Annotated[str, msgspec.Meta(pattern=r"^([A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8}){0,3})?\Z")] = ""

    @property
    def keypad(self) -> Keypad:
        """Return the keys of a call on which both languages are offered."""
        return Keypad(self.confirm_key, self.never_call_key, LANGUAGE_KEY if self.second_language else "")


class Outbox(msgspec.Struct, frozen=True):
    """How sends are handed to the provider. Times are in seconds."""

    concurrency: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 32
    lease: Annotated[float, msgspec.Meta(ge=1, le=3_600)] = 60.0
    busy_tries: Count = 5
    reconcile_after: Seconds = 30.0
    reconcile_for: Seconds = 300.0
    settle_after: Seconds = 120.0


class Twilio(msgspec.Struct, frozen=True):
    """The provider's account, and what proves its callbacks."""

    base_url: str = "https://api.twilio.com"
    account_sid: str = ""
    auth_token: str = ""
    signing_tokens: tuple[str, ...] = ()
    signature_algorithm: Literal["sha1", "sha256"] = "sha1"
    connect_timeout: Annotated[float, msgspec.Meta(gt=0, le=60)] = 5.0
    total_timeout: Annotated[float, msgspec.Meta(gt=0, le=60)] = 15.0
    connections: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 64

    def __repr__(self) -> str:
        return f"Twilio({self.account_sid}, …)"


class Portal(msgspec.Struct, frozen=True):
    """What people may do, and their visits to the hosted pages. Times are in seconds."""

    applications: str = ""
    link_lifetime: Annotated[int, msgspec.Meta(ge=1, le=86_400)] = 600
    session_lifetime: Annotated[int, msgspec.Meta(ge=1, le=86_400)] = 1_800

    @property
    def applications_file(self) -> Path | None:
        """Return the file of the applications' policies, or None where the defaults hold for everyone."""
        return Path(self.applications) if self.applications else None


class Settings(msgspec.Struct, frozen=True):
    """Everything an operator decides."""

    server: Server = Server()
    database: Database = Database()
    keys: Keys = Keys()
    limits: Limits = Limits()
    text: Text = Text()
    voice: Voice = Voice()
    outbox: Outbox = Outbox()
    twilio: Twilio = Twilio()
    portal: Portal = Portal()


_SECTIONS: Mapping[str, type[msgspec.Struct]] = {field.name: field.type for field in msgspec.structs.fields(Settings)}


def load(file: Path | None, environment: Mapping[str, str]) -> Settings:
    """Read the settings for serving; raises SettingsInvalid with every problem found."""
    problems: list[str] = []
    values = _read_file(file, problems)
    _add_environment(values, environment, problems)
    valid = {name: _valid(name, section, problems) for name, section in values.items()}
    settings = msgspec.convert(valid, Settings, strict=False)
    problems += _unusable(settings)
    if problems:
        raise SettingsInvalid(problems)
    return settings


def key_bytes(key: str) -> bytes:
    """Decode a key; raises ValueError if it is not base64 of 32 bytes."""
    try:
        raw = base64.b64decode(key, validate=True)
    except binascii.Error:
        raw = b""
    if len(raw) != KEY_SIZE:
        raise ValueError("must be base64 of 32 random bytes (openssl rand -base64 32)")
    return raw


def sealing_keys(keys: tuple[str, ...]) -> dict[int, bytes]:
    """Decode `id:key` pairs; raises ValueError."""
    decoded = {}
    for pair in keys:
        key_id, _, key = pair.partition(":")
        if not (key_id.isascii() and key_id.isdigit() and int(key_id) <= 255):  # noqa: PLR2004 - the id is one byte
            raise ValueError("each sealing key must be id:key, with an id from 0 to 255")
        decoded[int(key_id)] = key_bytes(key)
    return decoded


def _read_file(file: Path | None, problems: list[str]) -> dict[str, dict[str, Any]]:
    if file is None:
        return {}
    try:
        read = tomllib.loads(file.read_text())
    except (OSError, ValueError) as error:
        problems.append(f"{file}: {error}")
        return {}
    values = {}
    for name, section in read.items():
        if name not in _SECTIONS or not isinstance(section, dict):
            problems.append(f"{file}: [{name}] is not a section of the settings")
        else:
            values[name] = section
    return values


def _add_environment(values: dict[str, dict[str, Any]], environment: Mapping[str, str], problems: list[str]) -> None:
    for variable in sorted(environment):
        if not variable.startswith(PREFIX) or variable in _NOT_SETTINGS:
            continue
        section, _, name = variable.removeprefix(PREFIX).lower().partition("__")
        text = environment[variable]
        if name.endswith("_file") and name not in _field_types(section):
            name = name.removesuffix("_file")
            try:
                text = Path(text).read_text().strip()
            except OSError as error:
                problems.append(f"{variable}: {error}")
                continue
        if name not in _field_types(section):
            problems.append(f"{variable}: there is no such setting")
            continue
        values.setdefault(section, {})[name] = text.split(",") if _is_list(section, name) else text


def _valid(name: str, values: dict[str, Any], problems: list[str]) -> dict[str, Any]:
    """Return what one section may keep, each value judged alone so that each mistake is told."""
    types = _field_types(name)
    valid = {}
    for key, value in values.items():
        if key not in types:
            problems.append(f"{name}.{key}: there is no such setting")
            continue
        try:
            valid[key] = msgspec.convert(value, types[key], strict=not isinstance(value, str))
        except msgspec.ValidationError as error:
            problems.append(f"{name}.{key}: {error}")
    return valid


def _field_types(section: str) -> dict[str, Any]:
    struct = _SECTIONS.get(section)
    return {field.name: field.type for field in msgspec.structs.fields(struct)} if struct else {}


def _is_list(section: str, name: str) -> bool:
    listed: bool = _field_types(section)[name] == _LIST
    return listed


def _must_be_words(words: tuple[str, ...]) -> None:
    """Raise ValueError for a word that nobody can reply, or that would not be heard as this one."""
    for written in words:
        compared = word(written)
        if not any(char.isalpha() for char in compared):
            raise ValueError(f"{written!r} has no letter")
        if keyword(written) is not None:
            raise ValueError(f"{written!r} asks to stop texts, to start them or for help already")


def _unusable(settings: Settings) -> list[str]:
    """Name what is missing, or cannot work."""
    problems = [
        f"{name}: is missing"
        for name, value in {
            "keys.sealing": settings.keys.sealing,
            "keys.fingerprint": settings.keys.fingerprint,
            "keys.code": settings.keys.code,
            "text.sender": settings.text.sender,
            "voice.caller": settings.voice.caller,
            "twilio.account_sid": settings.twilio.account_sid,
            "twilio.auth_token": settings.twilio.auth_token,
        }.items()
        if not value
    ]
    checks: dict[str, Callable[[], object]] = {
        "server.public_url": lambda: Addresses(settings.server.public_url, "twilio"),
        "text.origin": lambda: settings.text.origin and bound_host(settings.text.origin),
        "text.fraud_words": lambda: _must_be_words(settings.text.fraud_words),
        "keys.sealing": lambda: sealing_keys(settings.keys.sealing),
        "keys.fingerprint": lambda: settings.keys.fingerprint and key_bytes(settings.keys.fingerprint),
        "keys.code": lambda: settings.keys.code and key_bytes(settings.keys.code),
    }
    for name, check in checks.items():
        try:
            check()
        except ValueError as error:
            problems.append(f"{name}: {error}")
    if clash := settings.voice.keypad.clash():
        problems.append(f"voice.{clash}")
    if not settings.database.url.startswith(_SQLITE):
        problems.append("database.url: must start with sqlite:///")
    if settings.twilio.connect_timeout >= settings.twilio.total_timeout:
        problems.append("twilio.connect_timeout: must be shorter than twilio.total_timeout")
    if settings.outbox.lease <= settings.twilio.total_timeout:
        problems.append("outbox.lease: must be longer than twilio.total_timeout, or a send under way counts as left")
    if not settings.twilio.base_url.startswith(("https://", "http://")):
        problems.append("twilio.base_url: must start with https:// (or http://, for the simulator)")
    return problems
