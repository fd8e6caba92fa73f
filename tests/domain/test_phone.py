"""Numbers: our fast patterns agree with the library, and bad input is refused by name; extensions likewise."""

import re

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.tables import for_each

from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.phone_number import PhoneNumber, _judge, dial_string, parse_e164, parse_extension, parse_written

CALLING_CODES = sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)
EXAMPLES = [
    number
    for region in phonenumbers.SUPPORTED_REGIONS
    for kind in range(11)
    if (number := phonenumbers.example_number_for_type(region, kind)) is not None
]


def library_says(text: str) -> bool | None:
    number = phonenumbers.parse(text, None)
    if not phonenumbers.is_valid_number(number):
        return None
    nowhere = phonenumbers.region_code_for_number(number) == "001"
    return nowhere or phonenumbers.number_type(number) in {
        phonenumbers.PhoneNumberType.PREMIUM_RATE,
        phonenumbers.PhoneNumberType.SHARED_COST,
    }


def final_form(text: str) -> str:
    return phonenumbers.format_number(phonenumbers.parse(text, None), phonenumbers.PhoneNumberFormat.E164)


@settings(max_examples=1_500, deadline=None)
@given(st.sampled_from(CALLING_CODES), st.from_regex(r"[0-9]{5,12}", fullmatch=True))
def test_fast_patterns_agree_with_the_library_on_any_digits(calling_code: int, national: str):
    text = f"+{calling_code}{national}"[:16]
    if final_form(text) == text:
        assert _judge(text[1:]) == library_says(text)


def test_fast_patterns_agree_with_the_library_on_every_region_and_type():
    for number in EXAMPLES:
        text = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        if final_form(text) == text:
            assert _judge(text[1:]) == library_says(text), text


@given(st.text(max_size=30))
def test_any_text_is_a_number_or_a_refusal(text: str):
    try:
        assert parse_e164(text).e164.startswith("+")
    except Rejected as refusal:
        assert refusal.code in {ErrorCode.NUMBER_INVALID, ErrorCode.NUMBER_BLOCKED}


@for_each(
    "text",
    [
        "",
        "+",
        "4255550123",
        "+1425555012a",
        "+١٤٢٥٥٥٥٠١٢٣",
        "+14255550123\u202c",
        "+1425\x00550123",
        "+1425555012345678",
        "+0425550123",
        "+14255550123\n",
    ],
)
def test_e164_is_strict(text: str):
    with pytest.raises(Rejected) as refusal:
        parse_e164(text)
    assert refusal.value.code is ErrorCode.NUMBER_INVALID


@pytest.mark.parametrize(
    ("country", "number"),
    [("US", "(425) 555-0123"), ("US", "+1 425 555 0123"), ("US", "425.555.0123"), ("US", "1-425-555-0123")],
)
def test_numbers_as_people_write_them(country: str, number: str):
    assert parse_written(country, number) == PhoneNumber("+14255550123")


@for_each(
    ("country", "number", "field"),
    [
        ("us", "4255550123", "to.country"),
        ("ZZ", "4255550123", "to.country"),
        ("US", "1-800-FLOWERS", "to.number"),
        ("US", "٤٢٥٥٥٥٠١٢٣", "to.number"),
        ("US", "\u202a4255550123", "to.number"),
        ("US", "425\x005550123", "to.number"),
        ("US", "123", "to"),
        ("US", "4" * 41, "to.number"),
    ],
)
def test_written_numbers_that_are_refused(country: str, number: str, field: str):
    with pytest.raises(Rejected) as refusal:
        parse_written(country, number)
    assert (refusal.value.code, refusal.value.field) == (ErrorCode.NUMBER_INVALID, field)


@pytest.mark.parametrize("text", ["+19002345678", "+881612345678", "+979123456789"])
def test_costly_numbers_are_blocked(text: str):
    with pytest.raises(Rejected) as refusal:
        parse_e164(text)
    assert refusal.value.code is ErrorCode.NUMBER_BLOCKED


def test_a_trunk_zero_after_the_country_code_is_forgiven():
    assert parse_e164("+4402079460000") == PhoneNumber("+442079460000")


EXTENSIONS = st.from_regex(r"[0-9]{1,12}", fullmatch=True).filter(str.isascii)


@for_each(
    ("text", "extension"),
    [
        ("12", "12"),
        ("0034", "0034"),
        (" 1 2 3 ", "123"),
        ("x12", "12"),
        ("X 12", "12"),
        ("ext12", "12"),
        ("Ext 12", "12"),
        ("EXT 123 456 789 012", "123456789012"),
    ],
)
def test_extensions_as_people_write_them(text: str, extension: str):
    assert parse_extension(text) == extension


@for_each(
    "text",
    [
        "",
        " ",
        "x",
        "ext",
        "1" * 13,
        "12#",
        "w12",
        "12x",
        "xx12",
        "extx12",
        "ex12",
        "+12",
        "-12",
        "12\n",
        "12\t",
        "٣٤",
        "１２",
    ],
)
def test_extensions_that_are_refused(text: str):
    with pytest.raises(Rejected) as refusal:
        parse_extension(text)
    assert (refusal.value.code, refusal.value.field) == (ErrorCode.NUMBER_INVALID, "to.extension")


@given(st.one_of(st.text(max_size=20), st.text("0123456789 xXeEtTwW#ſ", max_size=20)))
def test_any_text_is_an_extension_or_a_refusal(text: str):
    try:
        extension = parse_extension(text)
    except Rejected as refusal:
        assert (refusal.code, refusal.field) == (ErrorCode.NUMBER_INVALID, "to.extension")
    else:
        assert re.fullmatch("[0-9]{1,12}", extension)
        assert parse_extension(extension) == extension


@given(EXTENSIONS)
def test_an_extension_is_dialled_after_a_second_in_keys_that_the_provider_takes(extension: str):
    keys = dial_string(extension)
    pauses, dialled = re.fullmatch("([wW]+)([0-9]+)", keys).groups()
    assert dialled == extension
    assert pauses.count("w") * 0.5 + pauses.count("W") == 1
    assert len(keys) <= 32


def test_a_number_never_prints_in_full():
    number = PhoneNumber("+14255550123")
    assert "4255550" not in f"{number} {number!r} {[number]}"
