"""Loads the applications' policies and brands, and finds what holds for a person; every mistake is told at once."""

import json
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin
from urllib.parse import urlsplit

import msgspec
import phonenumbers

from gateway.domain.permissions import DEFAULTS, FIELDS, Level, Origin, Policy, overridden
from gateway.domain.verification import Mode

LARGEST_LOGO = 100_000
"""Bytes."""

_LONGEST_NAME = 40
_LONGEST_URL = 2_000
_NEVER_IN_URL = frozenset(" \\*#")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}", re.ASCII)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_DIALLED = re.compile(r"[0-9+()./\- ]{3,40}", re.ASCII)
_THIS_MACHINE = {"localhost", "127.0.0.1"}
_LOGO_TYPES = {".png": "image/png", ".svg": "image/svg+xml"}
_LOGO_MARKS = {".png": b"\x89PNG\r\n\x1a\n", ".svg": b"http://www.w3.org/2000/svg"}


class ApplicationsInvalid(Exception):
    """The file cannot be used; `problems` are one line each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Logo(msgspec.Struct, frozen=True):
    """A picture, as it was when it was loaded."""

    media_type: str
    content: bytes

    def __repr__(self) -> str:
        return f"Logo({self.media_type}, {len(self.content)} bytes)"


class Branding(msgspec.Struct, frozen=True):
    """How an application looks to its people; what is empty or None is not shown. `colour` is #rrggbb."""

    name: str = ""
    logo: Logo | None = None
    colour: str = "#0d5f54"
    support_email: str = ""
    support_url: str = ""
    support_phone: str = ""


class _Application(msgspec.Struct, frozen=True):
    policy: Policy = DEFAULTS
    groups: Mapping[str, Policy] = {}
    branding: Branding = Branding()


class Applications:
    """The policies and brands of all applications; one that the file does not name has the defaults."""

    def __init__(self, default: _Application, named: Mapping[str, _Application]) -> None:
        self._default = default
        self._named = named

    def for_person(self, application_name: str, groups: Sequence[str]) -> Policy:
        """Return what holds for a person in these groups; the first group that the file names decides."""
        application = self._named.get(application_name, self._default)
        found = (policy for group, policy in application.groups.items() if group in groups)
        return next(found, application.policy)

    def branding(self, application_name: str) -> Branding:
        """Return how an application looks; without a name for people it goes by the one that it has here."""
        branding = self._named.get(application_name, self._default).branding
        return branding if branding.name else msgspec.structs.replace(branding, name=application_name)

    def names(self) -> tuple[str, ...]:
        """List the applications that the file names, in its order."""
        return tuple(self._named)


def load_applications(path: Path | None) -> Applications:
    """Load the file, or the defaults for everyone without one; raises ApplicationsInvalid with every mistake in it."""
    if path is None:
        return Applications(_Application(), {})
    problems: list[str] = []
    file = _Section("", _read(path, problems), problems)
    file.refuse_others("default", "applications")
    checks = _branding_checks(path.parent)
    default = _application(file.child("default"), _Application(), Origin(Level.DEFAULT), checks)
    named = {
        name: _application(section, default, Origin(Level.APPLICATION, name), checks, "groups")
        for name, section in file.child("applications").children().items()
    }
    if problems:
        raise ApplicationsInvalid([f"{path}: {problem}" for problem in problems])
    return Applications(default, named)


def _read(path: Path, problems: list[str]) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        problems.append(str(error.strerror))
    except ValueError as error:
        problems.append(str(error))
    return {}


_Check = Callable[[Any], Any]
"""Takes a value of the right type and returns what to keep; raises ValueError."""


class _Section:
    """A table of the file; each mistake in it is noted with its place, and reading goes on."""

    def __init__(self, place: str, table: Mapping[str, Any], problems: list[str]) -> None:
        self._place = place
        self._table = table
        self._problems = problems

    def child(self, key: str) -> "_Section":
        """Return the table under a key; one that is missing, or no table, counts as empty."""
        table = self._table.get(key, {})
        if not isinstance(table, Mapping):
            self._note(key, "must be a table")
            table = {}
        return _Section(self._place_of(key), table, self._problems)

    def children(self) -> "dict[str, _Section]":
        """Return all tables in this one, by their keys."""
        return {key: self.child(key) for key in self._table}

    def refuse_others(self, *known: str) -> None:
        """Note every key that is not known."""
        for key in self._table:
            if key not in known:
                self._note(key, "there is no such setting")

    def values(self, types: Mapping[str, Any], checks: Mapping[str, _Check], tables: Sequence[str]) -> dict[str, Any]:
        """Return what may be kept, each value judged alone so that each mistake is told; `tables` are another's."""
        kept = {}
        self.refuse_others(*types, *tables)
        for key, written in self._table.items():
            if key not in types:
                continue
            try:
                value = msgspec.convert(written, types[key])
                kept[key] = checks[key](value) if key in checks else value
            except msgspec.ValidationError as error:
                self._note(key, f"{error}{_choices(types[key])}")
            except ValueError as error:
                self._note(key, str(error))
        return kept

    def _note(self, key: str, problem: str) -> None:
        self._problems.append(f"{self._place_of(key)}: {problem}")

    def _place_of(self, key: str) -> str:
        written = key if _BARE_KEY.fullmatch(key) else json.dumps(key, ensure_ascii=False)
        return f"{self._place}.{written}" if self._place else written


def _application(
    section: _Section, base: _Application, origin: Origin, branding_checks: Mapping[str, _Check], *tables: str
) -> _Application:
    policy = _policy(section, base.policy, origin, "branding", *tables)
    groups = section.child("groups").children() if "groups" in tables else {}
    brand = section.child("branding").values(_BRANDING_TYPES, branding_checks, ())
    return _Application(
        policy,
        {name: _policy(group, policy, Origin(Level.GROUP, name)) for name, group in groups.items()},
        msgspec.structs.replace(base.branding, **brand),
    )


def _policy(section: _Section, base: Policy, origin: Origin, *tables: str) -> Policy:
    return overridden(base, section.values(_POLICY_TYPES, _POLICY_CHECKS, tables), origin)


def _choices(kind: Any) -> str:  # noqa: ANN401 - any type
    """Return what a value can be, where it is one of a few words."""
    if get_origin(kind) is tuple:
        return _choices(get_args(kind)[0])
    if get_origin(kind) is Literal:
        words = get_args(kind)
    elif isinstance(kind, type) and issubclass(kind, Enum):
        words = tuple(kind)
    else:
        return ""
    return f"; it can be {', '.join(words)}"


def _kinds(kinds: tuple[str, ...]) -> tuple[str, ...]:
    if not kinds:
        raise ValueError("must name one kind at least")
    return kinds


def _countries(countries: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [country for country in countries if country not in phonenumbers.SUPPORTED_REGIONS]
    if unknown:
        raise ValueError(f"{', '.join(map(repr, unknown))}: a country is two capital letters of ISO 3166, as in US")
    return countries


def _return_urls(urls: tuple[str, ...]) -> tuple[str, ...]:
    for url in urls:
        if not _is_url(url, local=True):
            raise ValueError(
                f"{url!r}: must be one whole https URL (or http, to localhost or 127.0.0.1),"
                " without wildcard, user name or fragment"
            )
    return urls


def _is_url(url: str, *, local: bool) -> bool:
    """Tell whether this is one whole https URL; if `local`, http to this machine will do."""
    try:
        parts = urlsplit(url)
        whole = bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        return False
    plain = url.isascii() and url.isprintable() and not _NEVER_IN_URL & set(url) and len(url) <= _LONGEST_URL
    secure = parts.scheme == "https" or (local and parts.scheme == "http" and parts.hostname in _THIS_MACHINE)
    return whole and plain and secure


def _name(name: str) -> str:
    if not (len(name) <= _LONGEST_NAME and name.isprintable() and name == name.strip()):
        raise ValueError(f"must be at most {_LONGEST_NAME} printable characters, without a space at its ends")
    return name


def _support_url(url: str) -> str:
    if url and not _is_url(url, local=False):
        raise ValueError("must be one whole https URL")
    return url


def _matching(pattern: re.Pattern[str], wanted: str) -> _Check:
    def check(text: str) -> str:
        if text and not pattern.fullmatch(text):
            raise ValueError(f"must be {wanted}")
        return text

    return check


def _logo(folder: Path, written: str) -> Logo | None:
    if not written:
        return None
    path = folder / written
    media_type = _LOGO_TYPES.get(path.suffix)
    if media_type is None:
        raise ValueError("must be a .png or .svg file")
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_LOGO + 1)
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    if len(content) > LARGEST_LOGO:
        raise ValueError(f"{path} is larger than {LARGEST_LOGO // 1_000} kB")
    mark = _LOGO_MARKS[path.suffix]
    if not (content.startswith(mark) or (path.suffix == ".svg" and mark in content)):
        raise ValueError(f"{path} is no {path.suffix[1:]} picture")
    return Logo(media_type, content)


def _set_kind(kind: Any) -> Any:  # noqa: ANN401 - any type
    """Return what a field is once it is set: TOML has no null."""
    members = [member for member in get_args(kind) if member is not NoneType] if NoneType in get_args(kind) else [kind]
    return members[0]


_POLICY_TYPES = {
    **{field.name: _set_kind(field.type) for field in msgspec.structs.fields(Policy) if field.name in FIELDS},
    "call_proof": Literal["confirm", "match"],
}
_POLICY_CHECKS: Mapping[str, _Check] = {
    "phone_kinds": _kinds,
    "text_countries": _countries,
    "call_countries": _countries,
    "call_proof": Mode,
    "return_urls": _return_urls,
}
_BRANDING_TYPES = dict.fromkeys(Branding.__struct_fields__, str)


def _branding_checks(folder: Path) -> dict[str, _Check]:
    return {
        "name": _name,
        "logo": lambda written: _logo(folder, written),
        "colour": _matching(_COLOUR, "a colour like #0d5f54"),
        "support_email": _matching(_EMAIL, "an e-mail address"),
        "support_url": _support_url,
        "support_phone": _matching(_DIALLED, "a phone number as people dial it"),
    }
