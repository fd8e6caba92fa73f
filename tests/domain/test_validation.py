"""One validator for settings, applications files, bodies and query parameters: it finds every mistake, and no other."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.validation import MistakeCode, Sentences, checked, validate

SENTENCES = Sentences("unknown", "missing", "no table")


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Inner(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    country: str
    number: Annotated[int, msgspec.Meta(ge=1, le=9)] = 1


class Outer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    to: Annotated[str, msgspec.Meta(max_length=4)] | Inner
    colour: Colour | None = None
    kind: Literal["a", "b"] = "a"
    good: bool = True
    steps: Annotated[list[Inner], msgspec.Meta(max_length=2)] = []
    words: Annotated[dict[Annotated[str, msgspec.Meta(max_length=2)], str], msgspec.Meta(max_length=2)] = {}
    named: Mapping[str, Inner] = {}
    inner: Inner | msgspec.UnsetType = msgspec.UNSET


def lowered(text: str) -> str:
    if not text.isalpha():
        raise ValueError("must be letters")
    return text.lower()


class Table(msgspec.Struct):
    word: checked(str, lowered) = ""
    count: Annotated[int, msgspec.Meta(ge=0)] = 0
    named: Mapping[str, Inner] = {}
    pair: tuple[int, ...] = ()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 12) | st.sampled_from(["", "a", "red", "long text", "DE"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["country", "number", "x", "long"]), inner, max_size=3)
    ),
    max_leaves=6,
)
DOCUMENT = st.dictionaries(st.sampled_from([*Outer.__struct_fields__, "other"]), JSON)


def mistakes(document: dict, kind: type[msgspec.Struct] = Outer) -> dict[tuple, tuple[MistakeCode, str]]:
    listed = validate(document, kind, SENTENCES)[1]
    assert len({mistake.place for mistake in listed}) == len(listed)
    return {mistake.place: (mistake.code, mistake.sentence) for mistake in listed}


@given(DOCUMENT)
def test_there_are_mistakes_exactly_where_the_converter_finds_one(document):
    try:
        converted = msgspec.convert(document, Outer)
    except msgspec.ValidationError:
        assert mistakes(document)
    else:
        valid, none = validate(document, Outer, SENTENCES)
        assert none == []
        assert msgspec.convert(valid, Outer) == converted


@given(DOCUMENT)
def test_what_is_left_without_wrong_fields_is_valid(document):
    valid, wrong = validate(document, Outer, SENTENCES)
    assert {mistake.place[0] for mistake in wrong} <= {*document, "to"}
    fields = {name: value for name, value in valid.items() if name not in {mistake.place[0] for mistake in wrong}}
    msgspec.convert({"to": "", **fields}, Outer)


@pytest.mark.parametrize(
    ("document", "place", "code", "sentence"),
    [
        ({}, ("to",), MistakeCode.MISSING, "missing"),
        ({"x": 1}, ("x",), MistakeCode.UNKNOWN, "unknown"),
        ({"to": 5}, ("to",), MistakeCode.INVALID, "Expected `str | object`, got `int`"),
        ({"to": "12345"}, ("to",), MistakeCode.INVALID, "Expected `str` of length <= 4"),
        ({"to": {}}, ("to", "country"), MistakeCode.MISSING, "missing"),
        ({"to": {"x": 1}}, ("to", "x"), MistakeCode.UNKNOWN, "unknown"),
        ({"colour": "secret"}, ("colour",), MistakeCode.INVALID, "Invalid value; it can be red, blue"),
        ({"kind": 5}, ("kind",), MistakeCode.INVALID, "Invalid value; it can be a, b"),
        ({"good": "true"}, ("good",), MistakeCode.INVALID, "Invalid value; it can be true, false"),
        ({"steps": [{"country": "DE"}, {}]}, ("steps", 1, "country"), MistakeCode.MISSING, "missing"),
        ({"steps": [1]}, ("steps", 0), MistakeCode.INVALID, "no table"),
        ({"steps": [1] * 9}, ("steps",), MistakeCode.INVALID, "Expected `array` of length <= 2"),
        ({"words": {"a": 1}}, ("words", "a"), MistakeCode.INVALID, "Expected `str`, got `int`"),
        (
            {"words": {"long": ""}},
            ("words", "long"),
            MistakeCode.INVALID,
            "Invalid name: Expected `str` of length <= 2",
        ),
        ({"words": []}, ("words",), MistakeCode.INVALID, "no table"),
        ({"inner": None}, ("inner",), MistakeCode.INVALID, "no table"),
        (
            {"named": {"A": {"country": "", "number": 0}}},
            ("named", "A", "number"),
            MistakeCode.INVALID,
            "Expected a whole number from 1 to 9",
        ),
    ],
)
def test_a_mistake_has_its_place_its_code_and_a_sentence(document, place, code, sentence):
    assert mistakes(document)[place] == (code, sentence)


def test_all_mistakes_are_found_at_once():
    document = {"to": {"number": 0, "x": 1}, "colour": 1, "steps": [{}, 1], "named": {"A": 1}}
    assert set(mistakes(document)) == {
        ("to", "country"),
        ("to", "number"),
        ("to", "x"),
        ("colour",),
        ("steps", 0, "country"),
        ("steps", 1),
        ("named", "A"),
    }


def test_a_check_judges_what_has_the_right_type_and_may_change_it():
    assert validate({"word": "ABC"}, Table, SENTENCES) == ({"word": "abc"}, [])
    assert mistakes({"word": "1"}, Table) == {("word",): (MistakeCode.INVALID, "must be letters")}
    assert mistakes({"word": 1}, Table) == {("word",): (MistakeCode.INVALID, "Expected `str`, got `int`")}


def test_what_is_right_stays_without_what_is_wrong():
    document = {"count": 1, "word": 2, "named": {"A": {"country": "DE", "number": 0}}, "pair": [1, "x"]}
    assert validate(document, Table, SENTENCES)[0] == {"count": 1, "named": {"A": {"country": "DE"}}}


def test_a_text_stands_for_a_number_only_where_that_is_said():
    assert validate({"count": "7"}, Table, SENTENCES, texts=True) == ({"count": 7}, [])
    assert set(mistakes({"count": "7"}, Table)) == {("count",)}
