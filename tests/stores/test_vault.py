"""The keys: what is sealed is read only in its place, by a key that is held; no random byte is handed out twice."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.phone_number import PhoneNumber
from gateway.security.vault import Unreadable, Vault

OLD, NEW, FINGERPRINT, CODE = (os.urandom(32) for _ in range(4))
VAULT = Vault({1: OLD, 2: NEW}, FINGERPRINT, CODE)


@given(st.binary(max_size=200), st.text(max_size=40))
def test_what_is_sealed_is_read_back_in_its_place(plain: bytes, place: str):
    sealed = VAULT.seal(plain, place)
    assert VAULT.unseal(sealed, place) == plain
    with pytest.raises(Unreadable):
        VAULT.unseal(sealed, place + "x")


@given(st.integers(0, 44), st.integers(1, 255))
def test_a_changed_byte_is_noticed(at: int, difference: int):
    sealed = bytearray(VAULT.seal("+14255550123 and more", "ver_1"))
    sealed[at] ^= difference
    with pytest.raises(Unreadable):
        VAULT.unseal(bytes(sealed), "ver_1")


def test_the_newest_key_seals_and_the_older_ones_still_read():
    before = Vault({1: OLD}, FINGERPRINT, CODE).seal("+14255550123", "ver_1")
    assert VAULT.unseal(before, "ver_1") == b"+14255550123"
    after = VAULT.seal("+14255550123", "ver_1")
    assert (before[0], after[0]) == (1, 2)
    with pytest.raises(Unreadable):
        Vault({1: OLD}, FINGERPRINT, CODE).unseal(after, "ver_1")


def test_a_fingerprint_is_stable_and_keyed():
    number = PhoneNumber("+14255550123")
    assert VAULT.fingerprint(number) == Vault({7: NEW}, FINGERPRINT, OLD).fingerprint(number)
    assert VAULT.fingerprint(number) != Vault({1: OLD}, CODE, CODE).fingerprint(number)


def test_no_two_seals_share_a_nonce():
    seals = [VAULT.seal("+14255550123", "ver_1") for _ in range(1_000)]
    assert len({seal[1:13] for seal in seals}) == len(seals)


def test_a_selector_is_bound_to_the_person_and_to_the_key_that_lasts():
    def selectors(vault: Vault, enrollment_id: str) -> list[bytes]:
        return [vault.password_selector(enrollment_id, f"password {number}") for number in range(8)]

    here = selectors(VAULT, "enr_1")
    assert {len(selector) for selector in here} == {2}
    assert selectors(Vault({3: NEW}, FINGERPRINT, NEW), "enr_1") == here
    assert selectors(VAULT, "enr_2") != here
    assert selectors(Vault({1: OLD}, NEW, CODE), "enr_1") != here
