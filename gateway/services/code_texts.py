"""The texts with codes as each application wants them, and what the operator should be warned of."""

import json
from collections.abc import Iterator, Mapping

from gateway.domain.applications import Applications
from gateway.services.phrasebooks import Phrasebooks, best_match, by_tag
from twiml.segments import count_segments, non_gsm_characters
from twiml.sms import MAX_BYTES_FOR_APPS, code_text

_SAMPLE_NAME = "Example Bank"
_SAMPLE_CODE = "012345"
_SAMPLE_MINUTES = 10


class CodeTexts:
    """Writes texts in the application's own words where it has some for the person's language, else in ours."""

    def __init__(self, applications: Applications, phrasebooks: Phrasebooks, origin: str | None) -> None:
        """Take the words; `origin` is the site that codes are bound to, None for any."""
        self._applications = applications
        self._phrasebooks = phrasebooks
        self._origin = origin

    def write(self, application: str, locale: str, code: str, minutes: int) -> str:
        """Write the text with a code that is valid for so many minutes; the same for the same words."""
        wording = self._applications.wording(application)
        book = self._phrasebooks.for_locale(locale)
        return code_text(
            book,
            application=application,
            code=code,
            minutes=minutes,
            origin=self._origin,
            template=_template(wording.code, (locale, book.locale)) if wording.code else None,
            app_hash=wording.android_app_hash or None,
        )

    def warnings(self) -> list[str]:
        """Say, a line each, where a few characters make texts dearer, and where an Android app would not see them."""
        lines = [*self._warnings_of(_SAMPLE_NAME, "default")]
        for name in self._applications.names():
            lines += self._warnings_of(name, f"applications.{json.dumps(name, ensure_ascii=False)}")
        return list(dict.fromkeys(lines))

    def _warnings_of(self, application: str, place: str) -> Iterator[str]:
        wording = self._applications.wording(application)
        for locale, template in wording.code.items():
            yield from self._dear(application, locale, template, f"{place}.texts.code.{locale}")
        yield from self._dear(application, "en", application, f"{place}: its name")
        if wording.android_app_hash:
            yield from self._too_long(application, place)

    def _dear(self, application: str, locale: str, written: str, place: str) -> Iterator[str]:
        text = self.write(application, locale, _SAMPLE_CODE, _SAMPLE_MINUTES)
        characters = non_gsm_characters(written, text)
        if characters:
            cheap = text.translate(dict.fromkeys(map(ord, characters), "?"))
            yield (
                f"{place}: {' '.join(characters)} outside the GSM alphabet makes a text of"
                f" {count_segments(text)} segments out of {count_segments(cheap)}"
            )

    def _too_long(self, application: str, place: str) -> Iterator[str]:
        for locale in sorted({book.locale for book in self._phrasebooks.all()}):
            length = len(self.write(application, locale, _SAMPLE_CODE, _SAMPLE_MINUTES).encode())
            if length > MAX_BYTES_FOR_APPS:
                yield (
                    f"{place}.android_app_hash: an app sees texts of at most {MAX_BYTES_FOR_APPS} bytes, and the one in"
                    f" {locale} has {length}; write a shorter one"
                )


def _template(templates: Mapping[str, str], locales: tuple[str, ...]) -> str | None:
    """Return the template for the first of these locales that there is one for."""
    table = by_tag(templates)
    return next(filter(None, (best_match(locale, table) for locale in locales)), None)
