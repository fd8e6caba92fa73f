"""Loads the message catalogs and finds the phrasebook for a person's language."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import msgspec
from babel import Locale, UnknownLocaleError
from babel.messages.pofile import PoFileError, read_po

from twiml.phrases import Phrasebook

_DEFAULT_LOCALE = "en"
_DOMAINS = ("voice", "sms")
_CACHED_LOCALES = 1024

Entry = TypeVar("Entry")


class _PhrasebookEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one locale is spoken, and the regions it serves beside its own."""

    say_language: str
    voice: str | None = None
    serves: tuple[str, ...] = ()


class Phrasebooks:
    """The phrasebooks of all our languages."""

    def __init__(self, books: dict[str, Phrasebook], default: Phrasebook) -> None:
        """Take the books by lower-case tag, and the one for a language that we do not speak."""
        self._books = books
        self._default = default
        self._slower = {book: book.slower for book in self.all()}
        self._cached_match = lru_cache(_CACHED_LOCALES)(self._match)

    def for_locale(self, locale: str | None) -> Phrasebook:
        """Return the book that suits a BCP 47 tag best, whatever its case, or the default one (see `best_match`)."""
        return self._default if locale is None else self._cached_match(locale)

    def with_recordings(self, urls: Mapping[str, Mapping[str, str]]) -> "Phrasebooks":
        """Return the same books with recordings: by locale, the URL of the file that says a sentence."""
        recorded = {book: msgspec.structs.replace(book, recordings=urls.get(book.locale, {})) for book in self.all()}
        books = {tag: recorded[book] for tag, book in self._books.items()}
        return Phrasebooks(books, recorded[self._default])

    def slower(self, book: Phrasebook) -> Phrasebook:
        """Return the twin of one of these books that speaks slowly; the same one every time."""
        return self._slower[book]

    def all(self) -> tuple[Phrasebook, ...]:
        """Return every book once."""
        return tuple(dict.fromkeys(self._books.values()))

    def _match(self, locale: str) -> Phrasebook:
        return best_match(locale, self._books) or self._default


def load_phrasebooks(folder: Path) -> Phrasebooks:
    """Load every locale that `locales.toml` in the folder names, from its `<locale>/voice.po` and `<locale>/sms.po`.

    Entries that are empty or marked fuzzy count as untranslated.

    Raises:
        OSError: A file is missing or not readable.
        ValueError: A file is malformed, a translation has other placeholders than its original, or English is missing.
    """
    table = _read_table(folder / "locales.toml")
    books = {locale: _load_book(folder, locale, speech) for locale, speech in table.items()}
    served = {region: books[locale] for locale, speech in table.items() for region in speech.serves}
    return Phrasebooks(by_tag(served | books), books[_DEFAULT_LOCALE])


def by_tag(by_locale: Mapping[str, Entry]) -> dict[str, Entry]:
    """Return what `best_match` looks in: the entries by lower-case tag, and by language alone where that is free."""
    table = {locale.lower(): entry for locale, entry in by_locale.items()}
    for locale, entry in by_locale.items():
        table.setdefault(locale.lower().partition("-")[0], entry)
    return table


def best_match(locale: str, table: Mapping[str, Entry]) -> Entry | None:
    """Return the entry that suits a BCP 47 tag best, whatever its case; None if nothing of the language is there.

    Tried in turn (RFC 4647 §3.4, lookup): the tag and its shorter forms, the language in the script that the region
    writes (CLDR likely subtags), the language in any form.
    """
    return next((table[tag] for tag in _lookup_order(locale) if tag in table), None)


def _read_table(path: Path) -> dict[str, _PhrasebookEntry]:
    try:
        table = msgspec.toml.decode(path.read_bytes(), type=dict[str, _PhrasebookEntry])
    except msgspec.DecodeError as error:
        raise ValueError(f"{path}: {error}") from error
    if _DEFAULT_LOCALE not in table:
        raise ValueError(f"{path} does not name the default locale, {_DEFAULT_LOCALE}")
    return table


def _load_book(folder: Path, locale: str, speech: _PhrasebookEntry) -> Phrasebook:
    messages: dict[str, str] = {}
    for domain in _DOMAINS:
        messages |= _read_catalog(folder / locale / f"{domain}.po")
    return Phrasebook(locale, speech.say_language, speech.voice, messages)


def _read_catalog(path: Path) -> dict[str, str]:
    with path.open("rb") as file:
        try:
            catalog = read_po(file, charset="utf-8", abort_invalid=True)
        except PoFileError as error:
            raise ValueError(f"{path}: {error}") from error
    return {str(entry.id): str(entry.string) for entry in catalog if entry.id and entry.string and not entry.fuzzy}


def _lookup_order(locale: str) -> list[str]:
    subtags = locale.replace("_", "-").lower().split("-")[:3]  # language, script, region: what a catalog may differ by
    tags = ["-".join(subtags[:length]) for length in range(len(subtags), 0, -1)]
    script = _likely_script(tags[0])
    if script is not None:
        tags.insert(-1, f"{subtags[0]}-{script.lower()}")
    return tags


def _likely_script(tag: str) -> str | None:
    try:
        return Locale.parse(tag, sep="-").script
    except (ValueError, UnknownLocaleError):
        return None
