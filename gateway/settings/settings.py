"""The settings: a TOML file, then the environment, then secret files; every mistake is reported at once.

`POUNDKEY_TWILIO__AUTH_TOKEN` sets `auth_token` in `[twilio]`; with `_FILE` behind it, it names a file that holds it.
"""

import base64
import binascii
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from gateway.domain.limits import Count, Limits, Seconds
from gateway.domain.retention import Retention
from gateway.domain.validation import Mistake, validate
from gateway.security.vault import FIRST_KEY, KEY_SIZE
from gateway.settings import accounts
from gateway.settings.accounts import AccountSettings, RouteSettings, Twilio
from gateway.settings.channels import Text, Voice
from gateway.settings.validation import SENTENCES, dotted, line
from gateway.stores.places import POSTGRES, SQLITE, is_postgres, shown, sqlite_path
from twiml.sms import bound_host
from webhooks.urls import Addresses

PREFIX = "POUNDKEY_"
_NOT_SETTINGS = {"POUNDKEY_API_KEY", "POUNDKEY_DEV_API_KEY"}  # the terminal's: `verify` and `dev` read them
_LIST = tuple[str, ...]
_TABLE = Mapping[str, str]

Port = Annotated[int, msgspec.Meta(ge=0, le=65_535)]


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
    metrics_port: Port = 0
    waits_per_application: Count = 10_000


class Database(msgspec.Struct, frozen=True):
    """Where the database is."""

    url: str = "sqlite:///var/poundkey.db"

    def __repr__(self) -> str:
        return f"Database({shown(self.url)})"

    @property
    def path(self) -> Path:
        """Return the file of a SQLite database."""
        return sqlite_path(self.url)


class Keys(msgspec.Struct, frozen=True):
    """Base64 of 32 random bytes each; of `id:key`, the highest id seals or finds, and all of them read.

    A fingerprint key without an id is number 1.
    """

    sealing: tuple[str, ...] = ()
    fingerprint: str | tuple[str, ...] = ""
    code: str = ""

    def __repr__(self) -> str:
        return "Keys(…)"


class Outbox(msgspec.Struct, frozen=True):
    """How sends are handed to the provider. Times are in seconds."""

    concurrency: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 32
    lease: Annotated[float, msgspec.Meta(ge=1, le=3_600)] = 60.0
    busy_tries: Count = 5
    reconcile_after: Seconds = 30.0
    reconcile_for: Seconds = 300.0
    settle_after: Seconds = 120.0


class PortalSettings(msgspec.Struct, frozen=True):
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
    providers: Mapping[str, AccountSettings] = {}
    routes: RouteSettings = RouteSettings()
    portal: PortalSettings = PortalSettings()
    retention: Retention = Retention()

    @property
    def accounts(self) -> dict[str, AccountSettings]:
        """Return every provider's account by its name."""
        return accounts.all_accounts(self.twilio, self.providers)


_SECTIONS: Mapping[str, type[msgspec.Struct]] = {
    field.name: field.type for field in msgspec.structs.fields(Settings) if field.name != accounts.SECTION
}


def load(file: Path | None, environment: Mapping[str, str]) -> Settings:
    """Read the settings for serving; raises SettingsInvalid with every mistake in them."""
    problems: list[str] = []
    document = _read_file(file, problems)
    _add_environment(document, environment, problems)
    valid, mistakes = validate(document, Settings, SENTENCES, texts=True)
    problems += [_line(mistake, file) for mistake in mistakes]
    settings = msgspec.convert(valid, Settings)
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
        key_id, _, key = pair.strip().partition(":")
        if not (key_id.isascii() and key_id.isdigit() and int(key_id) <= 255):  # noqa: PLR2004 - the id is one byte
            raise ValueError("each key must be id:key, with an id from 0 to 255")
        if int(key_id) in decoded:
            raise ValueError(f"there are two keys {key_id}")
        decoded[int(key_id)] = key_bytes(key)
    return decoded


def fingerprint_keys(keys: str | tuple[str, ...]) -> dict[int, bytes]:
    """Decode one key, or `id:key` pairs, also with commas between them; raises ValueError."""
    if isinstance(keys, str) and ":" not in keys:
        return {FIRST_KEY: key_bytes(keys)}
    return sealing_keys(tuple(keys.split(",")) if isinstance(keys, str) else keys)


def _read_file(file: Path | None, problems: list[str]) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        return tomllib.loads(file.read_text())
    except (OSError, ValueError) as error:
        problems.append(f"{file}: {error}")
        return {}


def _add_environment(document: dict[str, Any], environment: Mapping[str, str], problems: list[str]) -> None:
    for variable in sorted(environment):
        if not variable.startswith(PREFIX) or variable in _NOT_SETTINGS:
            continue
        *section, name = variable.removeprefix(PREFIX).lower().split("__")
        kinds = _kinds_in(section)
        text = environment[variable]
        if name.endswith("_file") and name not in kinds:
            name = name.removesuffix("_file")
            try:
                text = Path(text).read_text().strip()
            except OSError as error:
                problems.append(f"{variable}: {error}")
                continue
        if name not in kinds:
            problems.append(f"{variable}: {SENTENCES.unknown}")
            continue
        _set(document, section, name, _read_text(text, kinds[name]))


def _kinds_in(section: Sequence[str]) -> dict[str, Any]:
    """Return the types of the settings in a section, by their names; none where there is no such section."""
    match section:
        case [accounts.SECTION, _]:
            struct: type[msgspec.Struct] | None = AccountSettings
        case [name]:
            struct = _SECTIONS.get(name)
        case _:
            struct = None
    return {field.name: field.type for field in msgspec.structs.fields(struct)} if struct else {}


def _set(document: dict[str, Any], section: Sequence[str], name: str, value: object) -> None:
    """Set one value; where the file has no table for its section, that mistake of the file is the one to tell."""
    table: Any = document
    for key in section:
        table = table.setdefault(key, {})
        if not isinstance(table, dict):
            return
    table[name] = value


def _line(mistake: Mistake, file: Path | None) -> str:
    """Tell a mistake by its place in the settings, or, if a whole section is wrong, in the file."""
    match mistake.place:
        case [_] | [accounts.SECTION, _]:
            return f"{file}: [{dotted(mistake.place)}] is not a section of the settings"
    return line(mistake)


def _read_text(text: str, kind: object) -> object:
    """Return what a variable holds: words with commas between them for a list, `name=value` each for a table."""
    if kind == _LIST:
        return [word.strip() for word in text.split(",")] if text else []
    if kind == _TABLE:
        pairs = (pair.partition("=") for pair in text.split(",") if pair)
        return {name.strip(): value.strip() for name, _, value in pairs}
    return text


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
        }.items()
        if not value
    ]
    checks: dict[str, Callable[[], object]] = {
        "server.public_url": lambda: Addresses(settings.server.public_url, "twilio"),
        "text.origin": lambda: settings.text.origin and bound_host(settings.text.origin),
        "keys.sealing": lambda: sealing_keys(settings.keys.sealing),
        "keys.fingerprint": lambda: settings.keys.fingerprint and fingerprint_keys(settings.keys.fingerprint),
        "keys.code": lambda: settings.keys.code and key_bytes(settings.keys.code),
    }
    for name, check in checks.items():
        try:
            check()
        except ValueError as error:
            problems.append(f"{name}: {error}")
    problems += [f"text.{mistake}" for mistake in settings.text.mistakes()]
    problems += [f"voice.{mistake}" for mistake in settings.voice.mistakes()]
    if not settings.database.url.startswith((SQLITE, POSTGRES)):
        problems.append(f"database.url: must start with {SQLITE} or {POSTGRES}")
    elif is_postgres(settings.database.url) and not _is_address(settings.database.url):
        problems.append("database.url: in user and password, all but letters, digits and -._~ must be written as %XX")
    lease = settings.outbox.lease
    return problems + accounts.mistakes(settings.twilio, settings.providers, settings.routes, lease)


def _is_address(url: str) -> bool:
    """Tell whether a URL is read as it is meant; else part of its password would be taken for a host, and shown."""
    try:
        parts = urlsplit(url)
        parse_qsl(parts.query, strict_parsing=bool(parts.query))
    except ValueError:
        return False
    hosts = parts.netloc.rpartition("@")[2].split(",")
    ports = [host.rpartition("]")[2].partition(":")[2] for host in hosts]
    whole = not parts.fragment and "@" not in parts.path and parts.netloc.count("@") <= 1
    return whole and all(not port or (port.isascii() and port.isdigit()) for port in ports)
