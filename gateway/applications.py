"""Loads the applications' policies and brands, and finds what holds for a person; every mistake is told at once."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

import msgspec
import phonenumbers

from gateway.domain.fallback import mistake
from gateway.domain.policy import DEFAULTS, FIELDS, Level, Policy, PolicyOrigin, overridden
from gateway.domain.verification import FallbackStep, Mode
from gateway.sections import Check, Section
from twiml.sms import APP_HASH_LENGTH, check_template

LARGEST_LOGO = 100_000
"""Bytes."""

_LONGEST_NAME = 40
_LONGEST_URL = 2_000
_NEVER_IN_URL = frozenset(" \\*#")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}", re.ASCII)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_DIALLED = re.compile(r"[0-9+()./\- ]{3,40}", re.ASCII)
_APP_HASH = re.compile(rf"[A-Za-z0-9+/]{{{APP_HASH_LENGTH}}}", re.ASCII)
_LOCALE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8}){0,3}", re.ASCII)
_ANY_NAME = "N" * _LONGEST_NAME
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


class Wording(msgspec.Struct, frozen=True):
    """What an application's texts say in place of ours: templates by locale, and the hash of its Android app."""

    code: Mapping[str, str] = {}
    android_app_hash: str = ""


class _Application(msgspec.Struct, frozen=True):
    policy: Policy = DEFAULTS
    groups: Mapping[str, Policy] = {}
    branding: Branding = Branding()
    wording: Wording = Wording()


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

    def wording(self, application_name: str) -> Wording:
        """Return what an application's texts say."""
        return self._named.get(application_name, self._default).wording

    def names(self) -> tuple[str, ...]:
        """List the applications that the file names, in its order."""
        return tuple(self._named)


def load_applications(path: Path | None, origin: str | None = None) -> Applications:
    """Load the file, or the defaults for everyone without one; raises ApplicationsInvalid with every mistake in it.

    `origin` is the site that codes in texts are bound to, because it takes its place in them.
    """
    if path is None:
        return Applications(_Application(), {})
    problems: list[str] = []
    file = Section("", _read(path, problems), problems)
    file.refuse_others("default", "applications")
    checks = _branding_checks(path.parent)
    default = _application(file.child("default"), _Application(), PolicyOrigin(Level.DEFAULT), checks, origin)
    named = {
        name: _application(section, default, PolicyOrigin(Level.APPLICATION, name), checks, origin, "groups")
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


def _application(
    section: Section,
    base: _Application,
    decider: PolicyOrigin,
    branding_checks: Mapping[str, Check],
    site: str | None,
    *tables: str,
) -> _Application:
    own = section.values(_APPLICATION_TYPES, _APPLICATION_CHECKS, ("branding", "texts", *tables))
    wording = _wording(section.child("texts"), base.wording, decider.name or _ANY_NAME, site)
    app_hash = own.pop("android_app_hash", wording.android_app_hash)
    policy = overridden(base.policy, own, decider)
    groups = section.child("groups").children() if "groups" in tables else {}
    brand = section.child("branding").values(_BRANDING_TYPES, branding_checks, ())
    return _Application(
        policy,
        {name: _of_group(group, policy, name) for name, group in groups.items()},
        msgspec.structs.replace(base.branding, **brand),
        msgspec.structs.replace(wording, android_app_hash=app_hash),
    )


def _of_group(section: Section, base: Policy, name: str) -> Policy:
    return overridden(base, section.values(_POLICY_TYPES, _POLICY_CHECKS, ()), PolicyOrigin(Level.GROUP, name))


def _wording(section: Section, base: Wording, application: str, site: str | None) -> Wording:
    """Read the templates; each stands in for the one of the same locale that is inherited."""

    def check(template: str) -> str:
        check_template(template, application=application, origin=site)
        return template

    section.refuse_others("code")
    templates = section.child("code")
    locales = [key for key in templates.keys if _LOCALE.fullmatch(key)]
    own = templates.values(dict.fromkeys(locales, str), dict.fromkeys(locales, check), ())
    return msgspec.structs.replace(base, code={**base.code, **own})


def _kinds(kinds: tuple[str, ...]) -> tuple[str, ...]:
    if not kinds:
        raise ValueError("must name one kind at least")
    return kinds


def _countries(countries: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [country for country in countries if country not in phonenumbers.SUPPORTED_REGIONS]
    if unknown:
        raise ValueError(f"{', '.join(map(repr, unknown))}: a country is two capital letters of ISO 3166, as in US")
    return countries


def _fallback(steps: tuple[FallbackStep, ...]) -> tuple[FallbackStep, ...]:
    wrong = mistake(steps)
    if wrong is not None:
        raise ValueError(wrong)
    return steps


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


def _matching(pattern: re.Pattern[str], wanted: str) -> Check:
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
    "call_proof": Literal["confirm", "match", "pin"],
}
_POLICY_CHECKS: Mapping[str, Check] = {
    "phone_kinds": _kinds,
    "text_countries": _countries,
    "call_countries": _countries,
    "call_proof": Mode,
    "fallback": _fallback,
    "return_urls": _return_urls,
}
_APPLICATION_TYPES = {**_POLICY_TYPES, "android_app_hash": str}
_APPLICATION_CHECKS: Mapping[str, Check] = {
    **_POLICY_CHECKS,
    "android_app_hash": _matching(_APP_HASH, f"{APP_HASH_LENGTH} characters of base64, as in FA+9qCX9VSu"),
}
_BRANDING_TYPES = dict.fromkeys(Branding.__struct_fields__, str)


def _branding_checks(folder: Path) -> dict[str, Check]:
    return {
        "name": _name,
        "logo": lambda written: _logo(folder, written),
        "colour": _matching(_COLOUR, "a colour like #0d5f54"),
        "support_email": _matching(_EMAIL, "an e-mail address"),
        "support_url": _support_url,
        "support_phone": _matching(_DIALLED, "a phone number as people dial it"),
    }
