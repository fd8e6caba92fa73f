"""The languages of the pages: which one a person gets, and that each says everything."""

from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st
from pages_look.specimens import DAY, NOW
from support.tables import for_each

import gateway.pages
from gateway.pages.i18n import Translations, likely_region, load_translations

METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2.ext:babel_extract")]
KEYWORDS = {"_": None, "ngettext": (1, 2)}
PAGES = Path(gateway.pages.__file__).parent
CATALOGS = sorted((Path(__file__).parents[2] / "config" / "locales").glob("*/pages.po"))
MINUTE = 60_000


@pytest.fixture(scope="module")
def said() -> set[str | tuple[str, ...]]:
    found = extract_from_dir(PAGES, METHODS, keywords=KEYWORDS)
    return {message for _, _, message, _, _ in found}


def write(folder: Path, locale: str, *entries: tuple[str, str]) -> Path:
    path = folder / locale / "pages.po"
    path.parent.mkdir(parents=True)
    header = f'msgid ""\nmsgstr ""\n"Language: {locale}\\n"\n"Content-Type: text/plain; charset=UTF-8\\n"\n'
    path.write_text(header + "".join(f'\nmsgid "{one}"\nmsgstr "{other}"\n' for one, other in entries))
    return folder


@pytest.fixture
def many(tmp_path) -> Translations:
    for locale in ("en", "es", "fr", "de", "pt-BR", "it", "nl", "ja", "zh-Hans", "ar"):
        write(tmp_path, locale, ("Next", f"Next in {locale}" if locale != "en" else ""))
    return load_translations(tmp_path)


@for_each("path", {path.parent.name: path for path in CATALOGS})
def test_every_catalog_translates_exactly_what_the_pages_say(said, path):
    with path.open("rb") as file:
        entries = {entry.id: entry for entry in read_po(file, charset="utf-8", abort_invalid=True) if entry.id}
    assert entries.keys() == said
    assert [entry.id for entry in entries.values() if entry.fuzzy] == []
    if path.parent.name != "en":
        untold = [entry.id for entry in entries.values() if not entry.string or not all(entry.string)]
        assert untold == []


@for_each(
    ("tag", "locale"),
    [
        (None, "en"),
        ("", "en"),
        ("en-GB", "en"),
        ("de-CH-1996", "de"),
        ("pt", "pt-BR"),
        ("pt-PT", "pt-BR"),
        ("zh-TW", "zh-Hans"),
        ("ZH_cn", "zh-Hans"),
        ("ar-EG", "ar"),
        ("tlh", "en"),
        ("not a tag", "en"),
    ],
)
def test_a_tag_gets_the_language_that_suits_it_best(many, tag, locale):
    assert many.locale_for_tag(tag) == locale


@for_each(
    ("header", "locale"),
    [
        ("", "en"),
        ("*", "en"),
        ("tlh, de;q=0.5", "de"),
        ("de;q=0.5, fr;q=0.9", "fr"),
        ("fr;q=0, it", "it"),
        ("da, en-GB;q=0.8, en;q=0.7", "en"),
        ("ja;q=x, nl", "nl"),
        (",;q=1,,ar", "ar"),
        ("x" * 600 + ",de", "en"),
    ],
)
def test_an_accept_language_header_gets_the_best_liked_that_we_speak(many, header, locale):
    assert many.locale_for_header(header) == locale


@given(st.text(max_size=60))
def test_no_header_breaks_it(texts, header):
    assert texts.locale_for_header(header) in {language.locale for language in texts.languages}


@for_each(
    ("tags", "region"),
    [
        ((), "US"),
        ((None, "de-AT"), "AT"),
        (("de", "en-GB"), "DE"),
        (("ja",), "JP"),
        (("zh-Hans",), "CN"),
        (("en",), "US"),
        (("es-419", "pt-BR"), "BR"),
        (("not a tag", "fr"), "FR"),
    ],
)
def test_the_region_is_the_one_that_the_tags_make_likely(tags, region):
    assert likely_region(*tags) == region


def test_languages_are_named_in_themselves_and_know_their_direction(many):
    known = {language.locale: (language.name, language.direction) for language in many.languages}
    assert known["de"] == ("Deutsch", "ltr")
    assert known["ja"] == ("日本語", "ltr")
    assert known["ar"] == ("العربية", "rtl")
    assert known["fr"] == ("Français", "ltr")


def test_every_region_is_there_in_the_order_of_its_name(many):
    regions = many.regions("de")
    names = [region.name for region in regions]
    assert len(names) > 200
    assert names.index("Ägypten") < names.index("Albanien") < names.index("Österreich") < names.index("Polen")
    assert {region.code: region.calling_code for region in regions}["AT"] == "+43"


def test_times_are_told_as_people_say_them(many):
    assert many.ago("en", NOW - 2 * MINUTE, NOW) == "2 minutes ago"
    assert many.ago("en", NOW - 1, NOW) == "1 minute ago"
    assert many.ago("de", NOW - DAY, NOW) == "vor 1 Tag"
    assert many.ago("en", NOW + 3 * DAY, NOW) == "in 3 days"
    assert many.date("en", NOW) == "September 21, 2026"
    assert many.date("fr", NOW) == "21 septembre 2026"
    assert many.duration("en", 600) == "10 minutes"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Call %(number)s", "Anrufen"),
        ("Call %(number)s", "%(nummer)s anrufen"),
        ("Call", "%(number)s anrufen"),
        ("Call %(number)s", "%(number)d anrufen"),
        ("Call", "100% anrufen"),
        ("Call", "<b>Anrufen</b>"),
        ("Call", "Anrufen &amp; los"),
        ("Call", 'Bitte \\"anrufen\\"'),
    ],
)
def test_a_translation_that_would_break_a_page_is_refused(tmp_path, one, other):
    write(tmp_path, "en")
    write(tmp_path, "de", (one, other))
    with pytest.raises(ValueError, match="the translation of 'Call"):
        load_translations(tmp_path)


def test_english_has_to_be_there(tmp_path):
    with pytest.raises(ValueError, match=r"en/pages\.po"):
        load_translations(write(tmp_path, "de"))


def test_what_the_pages_say_is_no_markup(said):
    sentences = [sentence for message in said for sentence in ([message] if isinstance(message, str) else message)]
    assert [sentence for sentence in sentences if set(sentence) & set('<>&"')] == []
