"""The keys: numbers and codes are sealed at rest, numbers are found by fingerprint, codes are compared by digest."""

from collections.abc import Mapping
from hashlib import blake2b

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.domain import code
from gateway.domain.phone import PhoneNumber
from gateway.entropy import Entropy

KEY_SIZE = 32
_NONCE_SIZE = 12
_FINGERPRINT_SIZE = 16


class Unreadable(Exception):
    """A sealed value was made with a key we do not hold, or was tampered with."""


class Vault:
    """AES-256-GCM under the newest of several keys, each named by a number from 0 to 255 that leads what it sealed.

    `context` binds a sealed value to its place (a row's id), so that it cannot be moved to another.
    """

    def __init__(self, sealing_keys: Mapping[int, bytes], fingerprint_key: bytes, code_key: bytes) -> None:
        self._random = Entropy()
        self._ciphers = {key_id: AESGCM(key) for key_id, key in sealing_keys.items()}
        newest = max(self._ciphers)
        self._prefix = bytes([newest])
        self._newest = self._ciphers[newest]
        self._fingerprint_key = fingerprint_key
        self._code_key = code_key

    def seal(self, plain: str | bytes, context: str) -> bytes:
        """Encrypt a value for its place: key id, nonce, ciphertext and tag."""
        nonce = self._random(_NONCE_SIZE)
        plain = plain.encode() if isinstance(plain, str) else plain
        return self._prefix + nonce + self._newest.encrypt(nonce, plain, context.encode())

    def unseal(self, sealed: bytes, context: str) -> bytes:
        """Decrypt a value in its place; raises Unreadable."""
        cipher = self._ciphers.get(sealed[0])
        if cipher is None:
            raise Unreadable(f"no key {sealed[0]} to read what it sealed")
        try:
            return cipher.decrypt(sealed[1 : 1 + _NONCE_SIZE], sealed[1 + _NONCE_SIZE :], context.encode())
        except InvalidTag:
            raise Unreadable("a sealed value was changed, moved, or sealed by another key of the same id") from None

    def fingerprint(self, number: PhoneNumber) -> bytes:
        """Return the keyed fingerprint under which a number is found."""
        return blake2b(number.e164.encode(), digest_size=_FINGERPRINT_SIZE, key=self._fingerprint_key).digest()

    def code_digest(self, verification_id: str, typed: str) -> bytes:
        """Return the digest of a code, bound to its verification."""
        return code.digest(self._code_key, verification_id, typed)
