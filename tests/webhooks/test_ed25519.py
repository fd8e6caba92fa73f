"""Callbacks signed by a private key: only those of these minutes, with the body as it came, from a key we know."""

import base64

import hypothesis.strategies as st
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from multidict import CIMultiDict
from support.tables import for_each

from webhooks.signatures import ED25519_HEADER, TIME_HEADER, TOLERANCE, Ed25519Verifier

NOW = 1_700_000_000
BODY = b"CallSid=v3%3Aabc&CallStatus=completed&SequenceNumber=3"
# RFC 8032, 7.1, test 2: a seed and its public key.
SEED = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
PUBLIC = base64.b64encode(bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")).decode()
# Over "1700000000|" and BODY; made once, so that signer and verifier cannot drift together.
VECTOR = "MUB8Jo2ypnlKm3py+PNXec2rpRK2P2546Zf22LuMuS478dACTgsCAXpcgNyw4Au5AooCLk4ApsnKVDeny7OODA=="
KEY = Ed25519PrivateKey.from_private_bytes(SEED)
OTHER = Ed25519PrivateKey.generate()
SCHEME = Ed25519Verifier.prepared([PUBLIC], lambda: NOW * 1_000)


def headers(body: bytes = BODY, time: object = NOW, key: Ed25519PrivateKey = KEY) -> CIMultiDict[str]:
    signature = base64.b64encode(key.sign(f"{time}|".encode() + body)).decode()
    return CIMultiDict({ED25519_HEADER.title(): signature, TIME_HEADER.title(): str(time)})


def proven(given_headers, body: bytes = BODY, scheme: Ed25519Verifier = SCHEME) -> bool:
    return scheme.verify(given_headers, b"/any/path", body, [])


def test_what_the_provider_signed_is_proven():
    assert SCHEME.has_signature(headers())
    assert proven(headers())
    assert proven(headers(b""), b"")


def test_a_signature_made_once_and_written_down_is_proven():
    assert proven({ED25519_HEADER: VECTOR, TIME_HEADER: "1700000000"})


@pytest.mark.parametrize("away", [0, TOLERANCE, -TOLERANCE])
def test_a_callback_of_these_minutes_is_proven(away):
    assert proven(headers(time=NOW + away))


@for_each(
    "time", [NOW + TOLERANCE + 1, NOW - TOLERANCE - 1, "", "-1", "1e9", f" {NOW}", f"{NOW}.0", "٤" * 10, "9" * 5_000]
)
def test_another_time_is_refused_before_the_body_is_read(time):
    late = headers()
    late[TIME_HEADER] = str(time)
    assert not SCHEME.has_signature(late)
    assert not proven(late)


def test_the_time_is_signed_too():
    moved = headers()
    moved[TIME_HEADER] = str(NOW + 1)
    assert not proven(moved)


def test_another_body_and_another_key_are_refused():
    assert not proven(headers(), BODY + b"&")
    assert not proven(headers(key=OTHER))
    assert not proven(headers(OTHER.public_key().public_bytes_raw()))


def test_while_a_key_is_replaced_both_are_believed():
    other = base64.b64encode(OTHER.public_key().public_bytes_raw()).decode()
    both = Ed25519Verifier.prepared([other, PUBLIC], lambda: NOW * 1_000)
    assert proven(headers(), scheme=both)
    assert proven(headers(key=OTHER), scheme=both)


@given(st.text(max_size=100), st.text(max_size=20))
def test_whatever_the_headers_hold_is_answered(signature, time):
    assert not proven({ED25519_HEADER: signature, TIME_HEADER: time})
    assert not proven({ED25519_HEADER: signature[:88].ljust(88, "A"), TIME_HEADER: str(NOW)})


def test_no_headers_prove_nothing():
    assert not SCHEME.has_signature({})
    assert not proven({})


@pytest.mark.parametrize("key", ["", "no base64", base64.b64encode(b"short").decode(), "A" * 44])
def test_a_key_that_is_none_is_told(key):
    with pytest.raises(ValueError, match="32 bytes"):
        Ed25519Verifier.prepared([key], lambda: 0)


def test_without_a_key_nothing_could_be_proven():
    with pytest.raises(ValueError, match="at least one"):
        Ed25519Verifier.prepared([], lambda: 0)
