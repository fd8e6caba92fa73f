"""Operators' own sentences for texts with a code: what is refused, and that nothing passes for the last line."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.phrasebooks import EVERY_BOOK
from support.tables import for_each

from gateway.services.phrasebooks import Phrasebooks
from twiml.phrases import Phrasebook
from twiml.segments import count_segments, is_gsm7, non_gsm_characters
from twiml.sms import KEYWORD_REPLIES, check_template, code_text, fraud_word, keyword_reply

LOGIN = "https://login.example.com"
HASH = "FA+9qCX9VSu"
BEYOND_GSM7 = {"ja", "zh-Hans", "ar"}


def check(template: str) -> None:
    check_template(template, application="Contoso", origin=LOGIN)


@pytest.mark.parametrize(
    "template",
    [
        "{code}",
        "{code} is your {application} code, for {minutes} min",
        "Code {code} {{yes}}",
        "验证码{code}",
        "Not @me: {code}",
    ],
)
def test_good_ones_are_accepted(template: str):
    check(template)


@for_each(
    ("template", "complaint"),
    [
        ("", "{code} exactly once"),
        ("Your code", "{code} exactly once"),
        ("{code} or {code}", "{code} exactly once"),
        ("{{code}}", "{code} exactly once"),
        ("{code} {name}", "{name}: it can have {code}, {application} and {minutes}"),
        ("{code.real}", "{code.real} is not a plain name"),
        ("{code!r}", "{code} is not a plain name"),
        ("{code:>9}", "{code} is not a plain name"),
        ("{code} {}", "{} is not a plain name"),
        ("{code} {", "it can have {code}"),
        ("{code}\n@evil.example #666666", "one line"),
        ("{code}\r@evil.example #666666", "one line"),
        ("{code}\u2028@evil.example #1", "one line"),
        ("{code} \u202eevil", "one line"),
        ("{code}\u200b", "one line"),
        ("@evil.example #666666 {code}", "neither with @"),
        (" @evil.example {code}", "neither with @"),
        ("{application}: {code}", "nor with {application}"),
        ("{code} " + "x" * 500, "4 segments"),
        ("{code} " + "й" * 190, "4 segments"),
    ],
)
def test_bad_ones_are_told_why(template: str, complaint: str):
    with pytest.raises(ValueError, match=re.escape(complaint)):
        check(template)


@settings(max_examples=200)
@given(
    template=(
        st.text(st.sampled_from("ab@# é"), max_size=20)
        | st.text(st.sampled_from("a@{}\n\u2028"))
        | st.text(max_size=20)
    ).map("{}{{code}}".format),
    application=st.text() | st.just("\n@evil.example #666666"),
    app_hash=st.none() | st.just(HASH),
)
def test_what_is_accepted_never_moves_the_last_line(
    books: Phrasebooks, template: str, application: str, app_hash: str | None
):
    try:
        check(template)
    except ValueError:
        return
    text = code_text(
        books.for_locale("en"), application=application, code="012345", minutes=9, origin=LOGIN, template=template,
        app_hash=app_hash,
    )  # fmt: skip
    first, last = text.split("\n")
    assert len(text.splitlines()) == 2
    assert last.split(" ", 2) == ["@login.example.com", "#012345", *([HASH] if app_hash else [])]
    assert "012345" in first
    assert not re.match(r"\s*@\S+ #", first)


@for_each("book", EVERY_BOOK)
def test_the_bound_line_stays_whole_and_the_hash_ends_the_text(book: Phrasebook):
    text = code_text(book, application="Contoso", code="012345", minutes=10, origin=LOGIN, app_hash=HASH)
    assert text.splitlines()[-1] == f"@login.example.com #012345 {HASH}"
    assert text.endswith(HASH)


@for_each("book", EVERY_BOOK)
def test_every_language_has_a_fraud_word_and_answers(book: Phrasebook):
    assert re.fullmatch(r"\w+", fraud_word(book))
    for keyword, sentence in KEYWORD_REPLIES.items():
        assert is_gsm7(sentence(book)) == (book.locale not in BEYOND_GSM7)
        assert count_segments(sentence(book)) == 1
        told = keyword_reply(book, keyword)
        assert told.startswith("<Response><Message>")
        assert (told.count("<"), told.count("&") - told.count("&#x27;")) == (4, 0)


@pytest.mark.parametrize(
    ("written", "around", "dear"),
    [
        ("It’s short", "", ""),
        ("It’s " + "x" * 70, "", "’"),
        ("“Yes”, it’s " + "x" * 70, "", "“”’"),
        ("x" * 70, "", ""),
        ("x" * 70, "’", ""),
        ("Это слово " + "й" * 70, "", ""),
        ("™", "x" * 80, "™"),
    ],
)
def test_characters_that_alone_make_a_text_dearer(written: str, around: str, dear: str):
    assert non_gsm_characters(written, written + around) == dear
