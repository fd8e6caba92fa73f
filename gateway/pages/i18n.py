"""The languages of the pages: catalogs, locale negotiation, names and dates (Babel), and sentences for one person."""

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

from gateway.domain.enrollment import PhoneKind
from gateway.domain.ivr.call_phase import CallPhase
from gateway.domain.ivr.keypad import POUND
from gateway.domain.verification import Channel, FailureCode, Mode, Status
from gateway.pages.components import (
    Banner,
    DecidedBy,
    DeliveryState,
    DenialReason,
    FormError,
    FormErrorCode,
    Frame,
    MethodDenial,
)
from gateway.pages.messages import (
    BANNERS,
    CALL_PHASES,
    CHANNEL_DENIALS,
    DELIVERIES,
    DENIALS,
    FAILURES,
    FORM_ERRORS,
    KINDS,
    LAST_DENIALS,
    REFUSALS,
    STATUSES,
    UserMessage,
    _,
)
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
    """A language of the pages: its BCP 47 tag, its own name for itself, and its direction (ltr, rtl)."""

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
        self.locale_for_header = lru_cache(_CACHED_HEADERS)(self._locale_for_header)
        self.regions = lru_cache(len(translations))(self._regions)

    @cached_property
    def languages(self) -> tuple[Language, ...]:
        """Return the languages sorted by name; the first call reads Babel's data for them, 13 MiB."""
        return tuple(sorted(map(self._language, self._translations), key=lambda language: _folded(language.name)))

    def locale_for_tag(self, tag: str | None) -> str:
        """Return the locale that matches a BCP 47 tag best; English if none matches."""
        return (tag and best_match(tag, self._tags)) or DEFAULT_LOCALE

    def _locale_for_header(self, header: str) -> str:
        """Return the locale that matches an Accept-Language header best (RFC 9110 §12.5.4); English if none matches."""
        matches = (best_match(tag, self._tags) for tag in _preferred(header))
        return next((match for match in matches if match is not None), DEFAULT_LOCALE)

    def language(self, locale: str) -> Language:
        """Return the language of a locale."""
        return next(language for language in self.languages if language.locale == locale)

    def _language(self, locale: str) -> Language:
        babel = self._babel[locale]
        name = babel.get_display_name(babel) or locale
        return Language(locale, name[:1].upper() + name[1:], babel.text_direction)

    def gettext(self, locale: str, message: str) -> str:
        """Return the translation of a message, with its placeholders."""
        return self._translations[locale].gettext(message)

    def ngettext(self, locale: str, singular: str, plural: str, count: int) -> str:
        """Return the translation of the plural form for a count, with its placeholders."""
        return self._translations[locale].ngettext(singular, plural, count)

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
        """Return how far a time lies back or ahead, as in `2 minutes ago`; less than a minute counts as one."""
        difference = at - now
        if abs(difference) < _MINUTE:
            difference = -_MINUTE if difference <= 0 else _MINUTE
        return format_timedelta(
            dt.timedelta(milliseconds=difference), add_direction=True, threshold=1, locale=self._babel[locale]
        )

    def duration(self, locale: str, seconds: int) -> str:
        """Return a length of time in its largest whole unit, as in `10 minutes`."""
        return format_timedelta(dt.timedelta(seconds=seconds), threshold=1, locale=self._babel[locale])


class Localizer:
    """Messages in the language of one frame. All texts are plain, not yet escaped for HTML."""

    def __init__(self, translations: Translations, frame: Frame) -> None:
        self._translations = translations
        self._frame = frame
        self._locale = frame.locale

    def gettext(self, message: str, **values: object) -> str:
        """Return the translated message with its `%(name)s` placeholders replaced."""
        return self._translations.gettext(self._locale, message) % values

    def ngettext(self, singular: str, plural: str, num: int, **values: object) -> str:
        """Return the translated plural form for a number, which is the placeholder `%(num)s`."""
        return self._translations.ngettext(self._locale, singular, plural, num) % {"num": num, **values}

    def date(self, at: int) -> str:
        """Return the day of a time in ms since the epoch."""
        return self._translations.date(self._locale, at)

    def ago(self, at: int) -> str:
        """Return the distance of a time (ms since the epoch) from the frame's now, as in `2 minutes ago`."""
        return self._translations.ago(self._locale, at, self._frame.now)

    def duration(self, seconds: int) -> str:
        """Return a length of time in its largest whole unit, as in `10 minutes`."""
        return self._translations.duration(self._locale, seconds)

    def regions(self, codes: tuple[str, ...] = ()) -> tuple[Region, ...]:
        """Return the regions with these ISO codes, or all regions, sorted by name."""
        regions = self._translations.regions(self._locale)
        return tuple(region for region in regions if region.code in codes) if codes else regions

    def kind(self, kind: PhoneKind) -> str:
        """Return the name of a kind of phone."""
        return self.gettext(KINDS[kind])

    def banner(self, banner: Banner) -> str:
        """Return the text of a banner."""
        return self.gettext(BANNERS[banner])

    def progress(
        self,
        channel: Channel,
        delivery: DeliveryState,
        call_phase: CallPhase | None = None,
        mode: Mode | None = None,
        key: str = POUND,
        digits: str | None = None,
    ) -> str:
        """Return the sentence for where a text or call is; `key` is the one that it asks for, `digits` are keyed in."""
        if channel is Channel.SMS or call_phase is None:
            return self.gettext(DELIVERIES[channel][delivery])
        return self.gettext(CALL_PHASES[call_phase][mode or Mode.CONFIRM], key=self.key(key), digits=digits)

    def key(self, key: str) -> str:
        """Return the name of a key as it stands in a sentence such as `Press … now`."""
        if key == POUND:
            # Translators: these two name a key where a sentence says to press it
            return self.gettext(_("#"))
        return self.gettext(_("the %(digit)s key"), digit=key)

    def failure(self, code: FailureCode, key: str, *, pin: bool = False) -> UserMessage:
        """Return the message for a failure; `key` is the one that the call asked for, `pin` whether after a PIN."""
        if pin and code is FailureCode.RATE_LIMITED:
            return self._translated(DENIALS[DenialReason.PIN_LOCKED])
        return self._translated(FAILURES[code], key=self.key(key))

    def refusal(self, code: FailureCode, digit: str) -> str:
        """Return what a refusal with this key did."""
        return self.gettext(REFUSALS[code], digit=digit)

    def status(self, status: Status) -> UserMessage:
        """Return the message for the status of a verification."""
        return self._translated(STATUSES[status])

    def denial(self, denial: MethodDenial, channel: Channel | None = None) -> UserMessage:
        """Return the message for a denial; its next step begins with who decided, if anybody did."""
        message = _denial_message(denial.reason, channel)
        advice = LAST_DENIALS.get(denial.reason, message.next_step) if denial.is_last else message.next_step
        next_step = " ".join(filter(None, (self._decided_by(denial), self.gettext(advice))))
        return UserMessage(self.gettext(message.text), next_step)

    def denial_text(self, denial: MethodDenial, channel: Channel | None = None) -> str:
        """Return the message for a denial as one string."""
        message = self.denial(denial, channel)
        return f"{message.text} {message.next_step}"

    def form_error(self, error: FormError, *, length: int | None = None, tries: int | None = None) -> str:
        """Return the text of a form error; `length` is that of the code, `tries` the number of checks left."""
        if error.denial is not None:
            return self.denial_text(error.denial)
        text = self.gettext(FORM_ERRORS[error.code], length=length)
        if error.code is FormErrorCode.CODE_WRONG and tries is not None:
            text += " " + self.tries_left(tries)
        if error.wait is not None:
            # Translators: time is a length of time, as in "5 minutes"
            text += " " + self.gettext(_("Try again in %(time)s."), time=self.duration(error.wait))
        return text

    def tries_left(self, count: int) -> str:
        """Return the sentence that tells how many checks are left."""
        return self.ngettext("You have one try left.", "You have %(num)s tries left.", count)

    def _decided_by(self, denial: MethodDenial) -> str:
        if denial.decided_by is None:
            return ""
        names = {"application": self._frame.application, "group": denial.group}
        if denial.decided_by is DecidedBy.GATEWAY:
            return self.gettext(_("Decided by this verification service."))
        if denial.decided_by is DecidedBy.GROUP and denial.group:
            return self.gettext(_("Decided by %(application)s for the group %(group)s."), **names)
        return self.gettext(_("Decided by %(application)s."), **names)

    def _translated(self, message: UserMessage, **values: str) -> UserMessage:
        next_step = self.gettext(message.next_step, **values) if message.next_step else ""
        return UserMessage(self.gettext(message.text, **values), next_step)


def load_translations(folder: Path) -> Translations:
    """Load `<locale>/pages.po` of every locale in the folder that has one.

    Raises:
        OSError: A file is not readable.
        ValueError: A file is malformed, a translation has other placeholders than its original or holds markup, or
            English is missing.
    """
    translations = {path.parent.name: _read_catalog(path) for path in sorted(folder.glob(f"*/{_CATALOG}"))}
    if DEFAULT_LOCALE not in translations:
        raise ValueError(f"{folder} has no {DEFAULT_LOCALE}/{_CATALOG}")
    return Translations(translations)


def likely_region(*tags: str | None) -> str:
    """Return the first region that a BCP 47 tag names or makes likely (CLDR likely subtags); US if none does."""
    regions = (_region_of(tag) for tag in tags if tag)
    return next((region for region in regions if region in phonenumbers.SUPPORTED_REGIONS), _FALLBACK_REGION)


def preferred_tags(header: str) -> list[str]:
    """Return the tags of an Accept-Language header by descending weight, without malformed ones."""
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


def _read_catalog(path: Path) -> gettext.GNUTranslations:
    with path.open("rb") as file:
        try:
            catalog = read_po(file, locale=path.parent.name.replace("-", "_"), charset="utf-8", abort_invalid=True)
        except PoFileError as error:
            raise ValueError(f"{path}: {error}") from error
    _reject_unsafe(path, catalog)
    compiled = io.BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def _reject_unsafe(path: Path, catalog: Catalog) -> None:
    """Raise ValueError for markup or other placeholders than the original's; a plural form may omit the count."""
    for message in catalog:
        originals = _all(message.id)
        expected = _placeholders(originals)
        optional = {"num"} if len(originals) > 1 else set()
        for translation in filter(None, _all(message.string) if message.id else []):
            actual = _placeholders([translation])
            if _MARKUP.search(translation):
                raise ValueError(f"{path}: the translation of {originals[0]!r} holds markup or a straight quote")
            if not (expected - optional <= actual <= expected):
                raise ValueError(f"{path}: the translation of {originals[0]!r} has other placeholders")


def _all(texts: str | Iterable[str] | None) -> list[str]:
    return [texts] if isinstance(texts, str) else list(texts or ())


def _placeholders(texts: Iterable[str]) -> set[str]:
    return {match["name"] or match["other"] or "%" for text in texts for match in _PLACEHOLDER.finditer(text)} - {"%"}


def _time(at: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(at / 1000, tz=dt.UTC)


def _folded(name: str) -> str:
    """Return a sort key that ignores accents and case: no locale of the system is needed for it."""
    decomposed = unicodedata.normalize("NFKD", name)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).casefold()


def _denial_message(reason: DenialReason, channel: Channel | None) -> UserMessage:
    if channel is not None and reason in CHANNEL_DENIALS[channel]:
        return CHANNEL_DENIALS[channel][reason]
    return DENIALS[reason]
