import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.phrasebooks import EVERY_BOOK
from support.tables import for_each

from twiml.phrases import Phrasebook
from twiml.segments import count_segments, is_gsm7
from twiml.sms import bound_host, code_text

LOGIN = "https://login.example.com"
ORIGIN_LINE = re.compile(r"@\S+ #\S+.*")
BEYOND_GSM7 = {"ja", "zh-Hans", "ar"}

digits = st.text(st.sampled_from("0123456789"), min_size=4, max_size=10)
hostile_names = (
    st.text()
    | st.from_regex(r"[\r\n\x0b\x0c\x85\u2028\u2029 ]*@evil\.example #666666[\r\n]*", fullmatch=True)
    | st.text(st.sampled_from("@# \n\r\t\u2028\u2029\x85{}1a."))
)


@for_each("book", EVERY_BOOK)
@settings(max_examples=30)  # in each language
@given(application=hostile_names, code=digits)
def test_the_only_origin_line_is_the_last_and_ours(book: Phrasebook, application: str, code: str):
    *before, last = code_text(book, application=application, code=code, minutes=10, origin=LOGIN).splitlines()
    assert last == f"@login.example.com #{code}"
    assert len(before) == 1
    assert not ORIGIN_LINE.match(before[0].lstrip())


@for_each("book", EVERY_BOOK)
@settings(max_examples=30)  # in each language
@given(application=hostile_names, code=digits)
def test_without_an_origin_the_last_line_is_the_code_and_bound_to_nothing(
    book: Phrasebook, application: str, code: str
):
    before, last = code_text(book, application=application, code=code, minutes=10, origin=None).splitlines()
    assert last.endswith(code)
    assert not ORIGIN_LINE.match(before.lstrip())
    assert not ORIGIN_LINE.match(last)


@for_each("book", EVERY_BOOK)
def test_code_name_and_validity_are_told_at_once(book: Phrasebook):
    text = code_text(book, application="Contoso", code="012345", minutes=7, origin=LOGIN)
    assert "012345" in text[:12]
    assert "Contoso" in text
    assert re.search(r"\b7\b|7(?=分)", text)


@for_each("book", EVERY_BOOK)
@for_each("origin", [None, "https://login.fabrikam-bank.co"])
def test_one_segment_where_the_alphabet_allows_it(book: Phrasebook, origin: str | None):
    text = code_text(book, application="Contoso Savings Bank", code="012345", minutes=10, origin=origin)
    assert is_gsm7(text) == (book.locale not in BEYOND_GSM7)
    assert count_segments(text) <= (2 if book.locale in BEYOND_GSM7 else 1)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://example.com", "example.com"),
        ("https://login.example.com", "login.example.com"),
        ("https://xn--bcher-kva.example", "xn--bcher-kva.example"),
    ],
)
def test_codes_are_bound_to_the_host_of_the_origin(origin: str, host: str):
    assert bound_host(origin) == host


@for_each(
    "origin",
    [
        "",
        "example.com",
        "http://example.com",
        "https://",
        "https://example.com/",
        "https://example.com:443",
        "https://user@example.com",
        "https://Example.com",
        "https://bücher.example",
        "https://example..com",
        "https://-example.com",
        "https://example.com\n",
        "https://example.com #1",
    ],
)
def test_what_is_not_an_https_origin_is_refused(origin: str):
    with pytest.raises(ValueError, match="not an https origin"):
        bound_host(origin)
