"""Loads the file of the applications' policies, brands and texts; every mistake is reported at once."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

import msgspec
import phonenumbers

from gateway.domain.applications import ApplicationProfile, Applications, Branding, Logo, Wording
from gateway.domain.fallback import find_mistake
from gateway.domain.policy import FIELDS, Level, Policy, PolicyOrigin, apply_override
from gateway.domain.validation import Check, Mistake, MistakeCode, Place, checked, validate
from gateway.domain.verification import FallbackStep, Mode
from gateway.settings.validation import SENTENCES, line
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
_APP_HASH_FORM = f"{APP_HASH_LENGTH} characters of base64, as in FA+9qCX9VSu"
_Locale = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8}){0,3}$(?!\n)")]
_ANY_NAME = "N" * _LONGEST_NAME
_THIS_MACHINE = {"localhost", "127.0.0.1"}
_LOGO_TYPES = {".png": "image/png", ".svg": "image/svg+xml"}
_LOGO_MARKS = {".png": b"\x89PNG\r\n\x1a\n", ".svg": b"http://www.w3.org/2000/svg"}


class ApplicationsInvalid(Exception):
    """The file cannot be used; `problems` are one line each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def load_applications(path: Path | None, origin: str | None = None) -> Applications:
    """Load the file, or the defaults for everyone without one; raises ApplicationsInvalid with every mistake in it.

    `origin` is the site that codes in texts are bound to, because it takes its place in them.
    """
    if path is None:
        return Applications(ApplicationProfile(), {})
    tables, problems = _read(path)
    loader = _Loader(path.parent, origin, problems)
    default = loader.profile(tables.get("default", {}), ApplicationProfile(), PolicyOrigin(Level.DEFAULT), ("default",))
    named = {
        name: loader.profile(table, default, PolicyOrigin(Level.APPLICATION, name), ("applications", name))
        for name, table in tables.get("applications", {}).items()
    }
    if problems:
        raise ApplicationsInvalid([f"{path}: {problem}" for problem in problems])
    return Applications(default, named)


def _read(path: Path) -> tuple[dict[str, Any], list[str]]:
    """Return the valid settings of the file, and a line for each mistake."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        return {}, [str(error.strerror)]
    except ValueError as error:
        return {}, [str(error)]
    tables, mistakes = validate(document, _File, SENTENCES)
    return tables, [line(find_mistake) for find_mistake in mistakes]


class _Loader:
    """Makes profiles of tables, and notes what cannot be judged by a table alone: logos and templates of texts."""

    def __init__(self, folder: Path, site: str | None, problems: list[str]) -> None:
        self._folder = folder
        self._site = site
        self._problems = problems

    def profile(
        self, table: Mapping[str, Any], base: ApplicationProfile, decider: PolicyOrigin, place: Place
    ) -> ApplicationProfile:
        """Return what the table sets, over what is inherited."""
        policy = apply_override(base.policy, _policy_fields(table), decider)
        groups = {
            name: apply_override(policy, _policy_fields(group), PolicyOrigin(Level.GROUP, name))
            for name, group in table.get("groups", {}).items()
        }
        branding = self._branding(table.get("branding", {}), base.branding, (*place, "branding"))
        texts = table.get("texts", {}).get("code", {})
        wording = Wording(
            code={**base.wording.code, **self._templates(texts, decider.name or _ANY_NAME, (*place, "texts", "code"))},
            android_app_hash=table.get("android_app_hash", base.wording.android_app_hash),
        )
        return ApplicationProfile(policy, groups, branding, wording)

    def _branding(self, table: Mapping[str, Any], base: Branding, place: Place) -> Branding:
        fields = dict(table)
        if "logo" in fields:
            try:
                fields["logo"] = _logo(self._folder, fields["logo"])
            except ValueError as error:
                self._note((*place, "logo"), error)
                del fields["logo"]
        return msgspec.structs.replace(base, **fields)

    def _templates(self, templates: Mapping[str, str], application: str, place: Place) -> Mapping[str, str]:
        """Judge the templates; each stands in for the one of the same locale that is inherited."""
        for locale, template in templates.items():
            try:
                check_template(template, application=application, origin=self._site)
            except ValueError as error:
                self._note((*place, locale), error)
        return templates

    def _note(self, place: Place, error: ValueError) -> None:
        self._problems.append(line(Mistake(place, MistakeCode.INVALID, str(error))))


def _policy_fields(table: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in table.items() if name in FIELDS}


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
    wrong = find_mistake(steps)
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


_POLICY_CHECKS: Mapping[str, Check] = {
    "phone_kinds": _kinds,
    "text_countries": _countries,
    "call_countries": _countries,
    "fallback": _fallback,
    "return_urls": _return_urls,
}
_CALL_PROOF = checked(Literal["confirm", "match", "pin"], Mode)


def _policy_kind(field: msgspec.structs.FieldInfo) -> Any:  # noqa: ANN401 - any type
    """Return what a field of a policy is once it is set: TOML has no null."""
    if field.name == "call_proof":
        return _CALL_PROOF
    kind = next((kind for kind in get_args(field.type) if NoneType in get_args(field.type)), field.type)
    return checked(kind, _POLICY_CHECKS[field.name]) if field.name in _POLICY_CHECKS else kind


_PolicyTable = msgspec.defstruct(
    "_PolicyTable",
    [
        (field.name, _policy_kind(field), msgspec.UNSET)
        for field in msgspec.structs.fields(Policy)
        if field.name in FIELDS
    ],
)
_BrandingTable = msgspec.defstruct(
    "_BrandingTable",
    [
        ("name", checked(str, _name), ""),
        ("logo", str, ""),
        ("colour", checked(str, _matching(_COLOUR, "a colour like #0d5f54")), ""),
        ("support_email", checked(str, _matching(_EMAIL, "an e-mail address")), ""),
        ("support_url", checked(str, _support_url), ""),
        ("support_phone", checked(str, _matching(_DIALLED, "a phone number as people dial it")), ""),
    ],
)


class _TextsTable(msgspec.Struct):
    code: dict[_Locale, str] = {}


_DefaultTable = msgspec.defstruct(
    "_DefaultTable",
    [
        ("android_app_hash", checked(str, _matching(_APP_HASH, _APP_HASH_FORM)), ""),
        ("branding", _BrandingTable, msgspec.UNSET),
        ("texts", _TextsTable, msgspec.UNSET),
    ],
    bases=(_PolicyTable,),
)
_GroupTables = Mapping[str, _PolicyTable]  # type: ignore[valid-type]  # made at run time
_ApplicationTable = msgspec.defstruct(
    "_ApplicationTable", [("groups", _GroupTables, msgspec.UNSET)], bases=(_DefaultTable,)
)
_ApplicationTables = Mapping[str, _ApplicationTable]  # type: ignore[valid-type]  # made at run time
_File = msgspec.defstruct(
    "_File", [("default", _DefaultTable, msgspec.UNSET), ("applications", _ApplicationTables, msgspec.UNSET)]
)
