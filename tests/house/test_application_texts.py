"""Texts in an application's own words: which one a person reads, and the warnings about them."""

from pathlib import Path

import pytest
from support.tables import for_each

from gateway.services.code_texts import CodeTexts
from gateway.services.phrasebooks import load_phrasebooks
from gateway.settings.applications import ApplicationsInvalid, load_applications

ORIGIN = "https://login.example.com"
HASH = "FA+9qCX9VSu"
BOOKS = load_phrasebooks(Path(__file__).parents[2] / "config" / "locales")
OURS = "012345 is your {} code. Valid for 10 min. Do not share it with anyone."


@pytest.fixture
def texts(tmp_path):
    """Gives the texts of a file."""

    def made(text: str, origin: str | None = ORIGIN) -> CodeTexts:
        file = tmp_path / "applications.toml"
        file.write_text(text)
        return CodeTexts(load_applications(file, origin), BOOKS, origin)

    return made


def sentence(texts: CodeTexts, application: str, locale: str) -> str:
    return texts.write(application, locale, "012345", 10).splitlines()[0]


def test_without_words_of_its_own_an_application_has_ours(texts):
    assert texts("").write("Bank", "en", "012345", 10) == f"{OURS.format('Bank')}\n@login.example.com #012345"


@for_each(
    ("application", "locale", "read"),
    [
        ("A", "en", "A's: 012345"),
        ("A", "en-US", "A's: 012345"),
        ("A", "en-AU", "A's: 012345"),
        ("A", "xx", "A's: 012345"),
        ("A", "de-AT", "Der Code: 012345"),
        ("A", "fi", "Koodi: 012345"),
        ("B", "en", "012345 for B (10)"),
        ("B", "de", "Der Code: 012345"),
        ("C", "de", "Der Code: 012345"),
        ("C", "fr", "012345 est votre code C. Valable 10 min. Ne le communiquez à personne."),
    ],
)
def test_the_nearest_words_in_the_persons_language_are_read(texts, application, locale, read):
    made = texts(
        '[default.texts.code]\nde = "Der Code: {code}"\nen = "{code} for {application} ({minutes})"\n'
        '[applications.A.texts.code]\nen = "A\'s: {code}"\nfi = "Koodi: {code}"\n[applications.C]\nchecks = 1\n'
    )
    assert sentence(made, application, locale) == read


@pytest.mark.parametrize(
    ("origin", "end"), [(ORIGIN, f"@login.example.com #012345 {HASH}"), (None, f"Code: 012345\n{HASH}")]
)
def test_the_hash_of_the_app_stands_last(texts, origin, end):
    made = texts(f'[applications.A]\nandroid_app_hash = "{HASH}"\n', origin)
    assert made.write("A", "en", "012345", 10).endswith(f"\n{end}")
    assert HASH not in made.write("B", "en", "012345", 10)


def test_a_text_of_more_than_three_segments_is_refused_with_all_that_stands_in_it(texts):
    fits = "{code} " + "y" * 400
    made = texts(f'[applications.A.texts.code]\nen = "{fits}"\n')
    assert sentence(made, "A", "en").startswith("012345 yyy")
    for origin, template in ((ORIGIN, f"{fits}{'x' * 20}"), ("https://" + "x" * 60 + ".example.com", fits)):
        with pytest.raises(ApplicationsInvalid, match=r"applications\.A\.texts\.code\.en: makes a text of 4 segments"):
            texts(f'[applications.A.texts.code]\nen = "{template}"\n', origin)


def test_one_character_that_makes_texts_dearer_is_named_with_its_price(texts):
    made = texts(
        '[default.texts.code]\nen = "{code}’s for you. Please do not give it to anyone, whoever asks for it, ever"\n'
        '[applications.A]\n[applications."B™"]\n'
        '[applications.A.texts.code]\npl = "{code} to kod, nie mów go nikomu. Jest tylko dla ciebie i wygaśnie"\n'
        'de = "{code} ist Ihr Code. Er ist nur für Sie. Geben Sie ihn an niemanden weiter."\n'
    )
    assert made.warnings() == [
        "default.texts.code.en: ’ outside the GSM alphabet makes a text of 2 segments out of 1",
        'applications."A".texts.code.en: ’ outside the GSM alphabet makes a text of 2 segments out of 1',
        'applications."A".texts.code.pl: ó ś outside the GSM alphabet makes a text of 2 segments out of 1',
        'applications."B™".texts.code.en: ’ outside the GSM alphabet makes a text of 2 segments out of 1',
    ]
    assert texts('[applications."B™"]').warnings() == [
        'applications."B™": its name: ™ outside the GSM alphabet makes a text of 2 segments out of 1'
    ]


def test_a_language_that_has_no_choice_is_not_blamed(texts):
    made = texts(
        '[default.texts.code]\nja = "{code}は確認コードです。有効期間は{minutes}分です。"\n[applications."東京銀行"]'
    )
    assert made.warnings() == []


def test_a_text_that_an_app_would_not_see_is_told(texts):
    long = "x" * 110
    made = texts(
        f'[applications.A]\nandroid_app_hash = "{HASH}"\n[applications.A.texts.code]\nde = "{{code}} {long}"\n'
    )
    told = made.warnings()
    assert all(
        line.startswith('applications."A".android_app_hash: an app sees texts of at most 140 bytes') for line in told
    )
    assert [line for line in told if " in de has " in line]
    assert not [line for line in told if " in en has " in line]
