"""The words of the pages in every language: translations, and the names, dates and durations that Babel knows."""

import datetime as dt
import gettext
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cached_property, lru_cache
from pathlib import Path

import msgspec
import phonenumbers
from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.dates import format_date, format_timedelta
from babel.messages import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po

from gateway.services.phrasebooks import best_match, by_tag

DEFAULT_LOCALE = "en"
_FALLBACK_REGION = "US"
_CATALOG = "pages.po"
_LONGEST_HEADER = 500
_CACHED_HEADERS = 1024
_MINUTE = 60_000
_PLACEHOLDER = re.compile(r"%(?:\((?P<name>\w+)\)s|(?P<other>.?))")
_MARKUP = re.compile(r'[<>&"]')  # translations go into pages as they are
_RANGE = re.compile(r"\s*(?P<tag>[A-Za-z0-9-]{2,35}|\*)\s*(?:;\s*q=(?P<weight>[01](?:\.[0-9]{0,3})?)\s*)?")


class Language(msgspec.Struct, frozen=True, gc=False):
    """A language the pages speak: its tag, its name in itself, and the direction it is written in (ltr, rtl)."""

    locale: str
    name: str
    direction: str


class Region(msgspec.Struct, frozen=True, gc=False):
    """A country or region: its ISO code, its name in the page's language, and its calling code, as in `+49`."""

    code: str
    name: str
    calling_code: str


class Translations:
    """The translations, by locale. Message ids are the English texts."""

    def __init__(self, translations: dict[str, gettext.GNUTranslations]) -> None:
        """Take the translations by locale; English has to be among them."""
        self._translations = translations
        self._babel = {locale: Locale.parse(locale, sep="-") for locale in translations}
        self._tags = by_tag({locale: locale for locale in translations})
        self.accepted = lru_cache(_CACHED_HEADERS)(self._accepted)
        self.regions = lru_cache(len(translations))(self._regions)

    @cached_property
    def languages(self) -> tuple[Language, ...]:
        """Return our languages by name; Babel's data for them, 13 MiB, is read when the first page is shown."""
        return tuple(sorted(map(self._language, self._translations), key=lambda language: _folded(language.name)))

    def best(self, tag: str | None) -> str:
        """Return which of our locales suits a BCP 47 tag; English if none does."""
        return (tag and best_match(tag, self._tags)) or DEFAULT_LOCALE

    def _accepted(self, header: str) -> str:
        """Return which of our locales suits an Accept-Language header (RFC 9110 §12.5.4); English if none does."""
        matches = (best_match(tag, self._tags) for tag in _preferred(header))
        return next((match for match in matches if match is not None), DEFAULT_LOCALE)

    def language(self, locale: str) -> Language:
        """Return one of our languages."""
        return next(language for language in self.languages if language.locale == locale)

    def _language(self, locale: str) -> Language:
        babel = self._babel[locale]
        name = babel.get_display_name(babel) or locale
        return Language(locale, name[:1].upper() + name[1:], babel.text_direction)

    def translated(self, locale: str, message: str) -> str:
        """Return the message in a language, placeholders unfilled."""
        return self._translations[locale].gettext(message)

    def counted(self, locale: str, one: str, many: str, count: int) -> str:
        """Return the message that suits the count, placeholders unfilled."""
        return self._translations[locale].ngettext(one, many, count)

    def _regions(self, locale: str) -> tuple[Region, ...]:
        """Return every region that has phone numbers, sorted by its name in the language."""
        names = self._babel[locale].territories
        regions = (
            Region(code, names.get(code, code), f"+{phonenumbers.country_code_for_region(code)}")
            for code in phonenumbers.SUPPORTED_REGIONS
        )
        return tuple(sorted(regions, key=lambda region: _folded(region.name)))

    def date(self, locale: str, at: int) -> str:
        """Return the day of a time (ms since the epoch, UTC), as in `24 November 2026`."""
        return format_date(_time(at), format="long", locale=self._babel[locale])

    def ago(self, locale: str, at: int, now: int) -> str:
        """Return how far a time lies back or ahead, as in `2 minutes ago`; anything below a minute counts as one."""
        apart = at - now
        if abs(apart) < _MINUTE:
            apart = -_MINUTE if apart <= 0 else _MINUTE
        return format_timedelta(
            dt.timedelta(milliseconds=apart), add_direction=True, threshold=1, locale=self._babel[locale]
        )

    def duration(self, locale: str, seconds: int) -> str:
        """Return a length of time in its largest whole unit, as in `10 minutes`."""
        return format_timedelta(dt.timedelta(seconds=seconds), threshold=1, locale=self._babel[locale])


def load_texts(folder: Path) -> Translations:
    """Load `<locale>/pages.po` of every locale in the folder that has one.

    Raises:
        OSError: A file is not readable.
        ValueError: A file is malformed, a translation has other placeholders than its original or holds markup, or
            English is missing.
    """
    found = {path.parent.name: _translations(path) for path in sorted(folder.glob(f"*/{_CATALOG}"))}
    if DEFAULT_LOCALE not in found:
        raise ValueError(f"{folder} has no {DEFAULT_LOCALE}/{_CATALOG}")
    return Translations(found)


def likely_region(*tags: str | None) -> str:
    """Return the region that the first telling BCP 47 tag names or makes likely (CLDR likely subtags)."""
    regions = (_region_of(tag) for tag in tags if tag)
    return next((region for region in regions if region in phonenumbers.SUPPORTED_REGIONS), _FALLBACK_REGION)


def preferred_tags(header: str) -> list[str]:
    """Return the tags of an Accept-Language header, the best liked first; what is malformed is left out."""
    return list(_preferred(header))


def _preferred(header: str) -> Iterator[str]:
    ranges = [match for part in header[:_LONGEST_HEADER].split(",") if (match := _RANGE.fullmatch(part))]
    ranges.sort(key=lambda match: -float(match["weight"] or 1))
    return (match["tag"] for match in ranges if match["tag"] != "*" and float(match["weight"] or 1) > 0)


def _region_of(tag: str) -> str | None:
    try:
        locale = Locale.parse(tag, sep="-")
    except (ValueError, UnknownLocaleError):
        return None
    if locale.territory:
        return locale.territory
    likely = get_global("likely_subtags").get(str(locale)) or get_global("likely_subtags").get(locale.language)
    return likely.rpartition("_")[2] if likely else None


def _translations(path: Path) -> gettext.GNUTranslations:
    with path.open("rb") as file:
        try:
            catalog = read_po(file, locale=path.parent.name.replace("-", "_"), charset="utf-8", abort_invalid=True)
        except PoFileError as error:
            raise ValueError(f"{path}: {error}") from error
    _reject_unfit(path, catalog)
    compiled = io.BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def _reject_unfit(path: Path, catalog: Catalog) -> None:
    """Refuse markup, and placeholders other than the original's; a plural form may leave out the count ("one try")."""
    for message in catalog:
        originals = _all(message.id)
        wanted = _placeholders(originals)
        optional = {"num"} if len(originals) > 1 else set()
        for translation in filter(None, _all(message.string) if message.id else []):
            found = _placeholders([translation])
            if _MARKUP.search(translation):
                raise ValueError(f"{path}: the translation of {originals[0]!r} holds markup or a straight quote")
            if not (wanted - optional <= found <= wanted):
                raise ValueError(f"{path}: the translation of {originals[0]!r} has other placeholders")


def _all(texts: str | Iterable[str] | None) -> list[str]:
    return [texts] if isinstance(texts, str) else list(texts or ())


def _placeholders(texts: Iterable[str]) -> set[str]:
    return {match["name"] or match["other"] or "%" for text in texts for match in _PLACEHOLDER.finditer(text)} - {"%"}


def _time(at: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(at / 1000, tz=dt.UTC)


def _folded(name: str) -> str:
    """Return what sorts accented letters with their plain ones, which is as far as one gets without a system locale."""
    decomposed = unicodedata.normalize("NFKD", name)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).casefold()
