"""What a person is told of changes of their record: in every language, short, and never mistaken for a code."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st
from support.phrasebooks import EVERY_BOOK
from support.tables import for_each

from gateway.domain.enrollment import NotificationKind
from twiml.phrases import Phrasebook
from twiml.segments import count_segments, is_gsm7
from twiml.sms import NOTIFICATIONS, notification_text

SUPPORTS = ["+1 425 555 0100", "https://help.example.com", "help@contoso.example"]
CODE_LINE = re.compile(r"@\S+ #\S+.*")
BEYOND_GSM7 = {"ja", "zh-Hans", "ar"}

hostile_values = (
    st.text(min_size=1)
    | st.from_regex(r"[\r\n\x0b\x0c\x85\u2028\u2029 ]*@evil\.example #666666[\r\n]*", fullmatch=True)
    | st.text(st.sampled_from("@# \n\r\t\u2028\u2029\x85{}1a."), min_size=1)
)


def test_every_kind_of_notice_has_its_words():
    assert NOTIFICATIONS.keys() == {kind.value for kind in NotificationKind}


@for_each("book", EVERY_BOOK)
def test_no_two_kinds_say_the_same(book: Phrasebook):
    assert len({told(book, "Contoso") for told in NOTIFICATIONS.values()}) == len(NOTIFICATIONS)


@for_each("book", EVERY_BOOK)
@for_each("kind", list(NOTIFICATIONS))
@for_each("support", SUPPORTS)
def test_it_names_the_application_and_ends_with_where_to_turn_to(book: Phrasebook, kind: str, support: str):
    first, last = notification_text(book, kind, application="Contoso", support=support).split("\n")
    assert "Contoso" in first
    assert last.removesuffix(".").endswith(support)
    assert "{" not in first + last


@for_each("book", EVERY_BOOK)
@for_each("kind", list(NOTIFICATIONS))
def test_without_support_nobody_is_named(book: Phrasebook, kind: str):
    text = notification_text(book, kind, application="Contoso", support=None)
    assert text == notification_text(book, kind, application="Contoso", support="x").split("\n")[0]


@for_each("book", EVERY_BOOK)
@for_each("kind", list(NOTIFICATIONS))
@for_each("support", [None, *SUPPORTS])
def test_one_segment_where_the_alphabet_allows_it(book: Phrasebook, kind: str, support: str | None):
    text = notification_text(book, kind, application="Contoso Savings Bank", support=support)
    assert is_gsm7(text) == (book.locale not in BEYOND_GSM7)
    assert count_segments(text) <= (2 if book.locale in BEYOND_GSM7 and support else 1)


@for_each("book", EVERY_BOOK)
@for_each("kind", list(NOTIFICATIONS))
@settings(max_examples=30)  # for each kind in each language
@given(application=hostile_values, support=hostile_values)
def test_no_line_can_pass_for_one_that_carries_a_code(book: Phrasebook, kind: str, application: str, support: str):
    lines = notification_text(book, kind, application=application, support=support).splitlines()
    assert len(lines) == 2
    assert not any(CODE_LINE.match(line.lstrip()) for line in lines)


def test_a_number_keeps_its_plus_in_front_where_the_script_runs_from_right_to_left(books):
    text = notification_text(books.for_locale("ar"), "blocked", application="Contoso", support="+1 425 555 0100")
    assert text.endswith(" \u200e+1 425 555 0100")
