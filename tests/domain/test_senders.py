"""Whom a number sees as the sender: the one for its country, or the usual one."""

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.phone_number import PhoneNumber
from gateway.domain.senders import Senders, callers_mistake, senders_mistake

USUAL = "+15005550006"
ABROAD = Senders(USUAL, {"DE": "+4930123456", "GB": "Example", "CA": "+16135550100"})
COUNTRIES = sorted(phonenumbers.SUPPORTED_REGIONS)


@pytest.mark.parametrize(
    ("number", "sender"),
    [
        ("+4915112345678", "+4930123456"),
        ("+447400123456", "Example"),
        ("+16135550123", "+16135550100"),  # shares its calling code with the United States
        ("+14255550123", USUAL),
        ("+33612345678", USUAL),
    ],
)
def test_a_country_has_its_own_sender_and_every_other_the_usual_one(number: str, sender: str):
    assert ABROAD.to(PhoneNumber(number)) == sender


@given(st.sampled_from(COUNTRIES), st.sampled_from(COUNTRIES))
def test_a_sender_serves_its_country_and_no_other(country: str, other: str):
    example = phonenumbers.example_number(other)
    if example is None:
        return
    number = PhoneNumber(phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164))
    sender = Senders(USUAL, {country: "+4930123456"}).to(number)
    assert (sender != USUAL) == (phonenumbers.region_code_for_number(example) == country)


@pytest.mark.parametrize("sender", ["+4930123456", "12345", "Example", "Bank 24", "MG" + "0" * 32])
def test_what_can_send_texts(sender: str):
    assert senders_mistake({"DE": sender}) is None


@pytest.mark.parametrize(
    "by_country", [{"DE": ""}, {"DE": "4930123456789"}, {"DE": "much too long a name"}, {"de": "Bank"}, {"XX": "Bank"}]
)
def test_what_cannot_send_texts_is_told_with_its_country(by_country: dict[str, str]):
    [country] = by_country
    assert country in (senders_mistake({"GB": "Example"} | by_country) or "")


@pytest.mark.parametrize("by_country", [{"DE": "Bank"}, {"DE": "12345"}, {"DE": ""}, {"EU": USUAL}, {"us": USUAL}])
def test_what_cannot_call_is_told_with_its_country(by_country: dict[str, str]):
    [country] = by_country
    assert country in (callers_mistake({"GB": "+442071234567"} | by_country) or "")
    assert callers_mistake({"GB": "+442071234567"}) is None
