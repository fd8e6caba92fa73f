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
_SELECTOR_SIZE = 2


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

    def secret_digest(self, secret: str) -> bytes:
        """Return the keyed digest under which a random secret (a link's, a session's, a device's) is kept."""
        return blake2b(secret.encode("utf-8", "surrogateescape"), digest_size=32, key=self._code_key).digest()

    def password_selector(self, enrollment_id: str, password: str) -> bytes:
        """Return the two bytes by which one of a person's app passwords is found. They say nothing without the key.

        The key is the one that is kept for ever: app passwords outlive a new `code` key.
        """
        bound = f"{enrollment_id}\n{password}".encode()
        return blake2b(bound, digest_size=_SELECTOR_SIZE, key=self._fingerprint_key, person=b"app password").digest()

    def tally_key(self, *parts: str) -> bytes:
        """Return the keyed fingerprint under which something else than a number is counted."""
        counted = "\n".join(parts).encode("utf-8", "surrogateescape")
        return blake2b(counted, digest_size=_FINGERPRINT_SIZE, key=self._fingerprint_key, person=b"tally").digest()
