"""The proof of carriers that sign nearly as Twilio does: another header, and repeated pairs signed as they stand."""

import base64
import hmac

import pytest

from webhooks.signatures import Algorithm, HmacVerifier

URL, TARGET, KEY = "https://gw.example.org", b"/callbacks/space/messages", "PSK_key"
HEADERS = ("X-SignalWire-Signature", "X-Twilio-Signature")
SCHEME = HmacVerifier.prepared(URL, [KEY], Algorithm.SHA1, headers=HEADERS, signs_repeats=True)
TWICE = [(b"To", b"+1"), (b"Body", b"a"), (b"Body", b"a")]


def signed(text: str, key: str = KEY) -> str:
    return base64.b64encode(hmac.digest(key.encode(), text.encode(), "sha1")).decode()


RIGHT = signed(f"{URL}/callbacks/space/messagesBodyaBodyaTo+1")


@pytest.mark.parametrize("header", HEADERS)
def test_either_header_holds_the_proof_and_repeated_pairs_are_signed_twice(header):
    assert SCHEME.has_signature({header: RIGHT})
    assert SCHEME.verify({header: RIGHT}, TARGET, b"", TWICE)


def test_a_signature_over_distinct_pairs_is_not_this_carriers():
    distinct = signed(f"{URL}/callbacks/space/messagesBodyaTo+1")
    assert not SCHEME.verify({HEADERS[0]: distinct}, TARGET, b"", TWICE)
    twilio = HmacVerifier.prepared(URL, [KEY], Algorithm.SHA1)
    assert twilio.verify({"X-Twilio-Signature": distinct}, TARGET, b"", TWICE)


def test_the_carriers_own_header_counts_before_the_other():
    assert not SCHEME.verify({HEADERS[0]: signed("x"), HEADERS[1]: RIGHT}, TARGET, b"", TWICE)


def test_twilio_does_not_look_at_another_header():
    twilio = HmacVerifier.prepared(URL, [KEY], Algorithm.SHA1)
    assert not twilio.has_signature({HEADERS[0]: RIGHT})
    assert not twilio.verify({HEADERS[0]: RIGHT}, TARGET, b"", TWICE)
