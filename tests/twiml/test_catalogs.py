import io
import shutil
import tomllib
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st
from support.phrasebooks import EVERY_BOOK
from support.tables import for_each

import twiml
from gateway.services.phrasebooks import Phrasebooks, load_phrasebooks
from twiml.phrases import Phrasebook

ENGLISH = {"en", "en-GB"}
SOURCES = {"voice": {"pin_scripts.py", "prompts.py", "scripts.py"}, "sms": {"sms.py"}}


@pytest.fixture(scope="session")
def said():
    """The message ids in the source, by file name."""
    found: dict[str, set[str]] = {}
    for file, _, msgid, _, _ in extract_from_dir(twiml.__path__[0], keywords={"text": None}):
        found.setdefault(file, set()).add(msgid)
    return found


@for_each("book", EVERY_BOOK)
@for_each("domain", list(SOURCES))
def test_every_catalog_translates_exactly_what_we_say(
    book: Phrasebook, said: dict[str, set[str]], locales_folder: Path, domain: str
):
    catalog = read_po(io.BytesIO((locales_folder / book.locale / f"{domain}.po").read_bytes()))
    entries = {entry.id: entry.string for entry in catalog if entry.id}
    assert entries.keys() == set().union(*(said[file] for file in SOURCES[domain]))
    assert str(catalog.locale_identifier) == book.locale.replace("-", "_")
    assert not any(entry.fuzzy for entry in catalog if entry.id)
    if book.locale not in ENGLISH:
        assert all(entries.values())


def test_the_source_says_nothing_that_no_catalog_holds(said: dict[str, set[str]]):
    assert said.keys() == set().union(*SOURCES.values())


def test_every_locale_has_its_folder_and_its_voice(books: Phrasebooks, locales_folder: Path):
    table = tomllib.loads((locales_folder / "locales.toml").read_text(encoding="utf-8"))
    assert table.keys() == {path.name for path in locales_folder.iterdir() if path.is_dir()}
    assert {locale: books.for_locale(locale).say_language for locale in table} == {
        "en": "en-US",
        "en-GB": "en-GB",
        "es": "es-ES",
        "fr": "fr-FR",
        "de": "de-DE",
        "pt-BR": "pt-BR",
        "it": "it-IT",
        "nl": "nl-NL",
        "ja": "ja-JP",
        "zh-Hans": "zh-CN",
        "ar": "arb",
    }


@for_each(
    ("asked", "spoken"),
    [
        (None, "en"),
        ("en", "en"),
        ("en-US", "en"),
        ("en-CA", "en"),
        ("en-GB", "en-GB"),
        ("en-AU", "en-GB"),
        ("es-MX", "es"),
        ("es-419", "es"),
        ("pt", "pt-BR"),
        ("pt-PT", "pt-BR"),
        ("de-CH-1996", "de"),
        ("zh", "zh-Hans"),
        ("zh-CN", "zh-Hans"),
        ("zh-Hans-SG", "zh-Hans"),
        ("zh-TW", "zh-Hans"),
        ("ar-EG", "ar"),
        ("PT_br", "pt-BR"),
        ("fr-CA-u-ca-gregory", "fr"),
        ("fi", "en"),
        ("-", "en"),
        ("", "en"),
    ],
)
def test_best_match(books: Phrasebooks, asked: str | None, spoken: str):
    assert books.for_locale(asked).locale == spoken


@given(st.text() | st.text(st.sampled_from("azAZ09-_.@"), max_size=12))
def test_any_locale_gets_a_book(books: Phrasebooks, asked: str | None):
    assert books.for_locale(asked).locale


@pytest.fixture
def folder(tmp_path: Path, locales_folder: Path):
    return shutil.copytree(locales_folder, tmp_path / "locales")


def append(path: Path, text: str):
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def test_region_gets_the_script_it_writes(folder: Path):
    shutil.copytree(folder / "zh-Hans", folder / "zh-Hant")
    append(folder / "locales.toml", '\n[zh-Hant]\nsay_language = "zh-TW"\n')
    books = load_phrasebooks(folder)
    spoken = {asked: books.for_locale(asked).locale for asked in ("zh-TW", "zh-HK", "zh-SG", "zh")}
    assert spoken == {"zh-TW": "zh-Hant", "zh-HK": "zh-Hant", "zh-SG": "zh-Hans", "zh": "zh-Hans"}


def test_fuzzy_translation_is_not_used(folder: Path):
    catalog = folder / "de" / "sms.po"
    marked = catalog.read_text(encoding="utf-8").replace('msgid "Code: {code}"', '#, fuzzy\nmsgid "Code: {code}"')
    catalog.write_text(marked.replace('"Code: {code}"\nmsgstr "Code', '"Code: {code}"\nmsgstr "Kode'), encoding="utf-8")
    assert load_phrasebooks(folder).for_locale("de").text("Code: {code}", code=1) == "Code: 1"


def test_missing_catalog_is_named(folder: Path):
    (folder / "de" / "sms.po").unlink()
    with pytest.raises(FileNotFoundError, match=r"sms\.po"):
        load_phrasebooks(folder)


@pytest.mark.parametrize(
    ("file", "added", "complaint"),
    [
        ("de/voice.po", 'msgid "unclosed\n', r"voice\.po"),
        ("de/voice.po", '\nmsgid "{code}"\nmsgstr "{cod}"\n', "de: "),
        ("locales.toml", "[fi\n", r"locales\.toml: .*line"),
        ("locales.toml", "\n[fi]\n", r"locales\.toml: .*say_language"),
        ("locales.toml", '\n[fi]\nsay_language = "fi-FI"\nvioce = "x"\n', "vioce"),
    ],
)
def test_malformed_file_is_refused(folder: Path, file: str, added: str, complaint: str):
    append(folder / file, added)
    with pytest.raises(ValueError, match=complaint):
        load_phrasebooks(folder)


def test_english_must_be_there(folder: Path):
    (folder / "locales.toml").write_text('[de]\nsay_language = "de-DE"\n', encoding="utf-8")
    with pytest.raises(ValueError, match="default locale, en"):
        load_phrasebooks(folder)
