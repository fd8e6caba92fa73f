import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tables import for_each

from twiml.phrases import Phrasebook

GREETING = "Hello {name}, {count} new."


def book(messages: dict[str, str]):
    return Phrasebook("de", "de-DE", None, messages)


def test_translation_is_used_and_its_placeholders_may_move():
    assert book({GREETING: "{count} neu, {name}."}).text(GREETING, name="Ada", count=2) == "2 neu, Ada."


def test_missing_translation_is_english():
    assert book({}).text(GREETING, name="Ada", count=2) == "Hello Ada, 2 new."


@for_each(
    "translation",
    [
        "Hallo {name}.",
        "Hallo {name}, {count} neu, {other}.",
        "Hallo {name!r}, {count} neu.",
        "Hallo {name:>10}, {count} neu.",
        "Hallo {name.real}, {count} neu.",
        "Hallo {name[0]}, {count} neu.",
        "Hallo {}, {name}, {count} neu.",
        "Hallo {name, {count} neu.",
        "Hallo name}, {count} neu.",
    ],
)
def test_other_placeholders_than_the_original_are_refused(translation: str):
    with pytest.raises(ValueError, match=r"^de: .*Hello"):
        book({GREETING: translation})


def test_forgotten_value_is_an_error():
    with pytest.raises(KeyError):
        book({}).text(GREETING, name="Ada")


@given(st.text())
def test_value_becomes_one_printable_line(name: str):
    text = book({}).text("Hello {name}", name=name)
    assert text.isprintable()
    assert text == " ".join(text.split(" "))
    assert text.encode()


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E)))
def test_printable_value_is_kept_whole_and_never_formatted_again(name: str):
    assert book({}).text("Hello {name}!", name=name) == f"Hello {name}!"


def test_books_are_cache_keys_by_identity():
    assert len({book({}), book({})}) == 2
