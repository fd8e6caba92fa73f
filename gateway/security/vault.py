"""Encrypts numbers and codes at rest, fingerprints numbers for lookups, and computes keyed digests of secrets."""

import os
from collections.abc import Mapping
from hashlib import blake2b

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.domain import code
from gateway.domain.phone_number import PhoneNumber

KEY_SIZE = 32
FIRST_KEY = 1
"""The fingerprint key whose fingerprints have no prefix; those of other keys start with the key's id in a byte."""
_NONCE_SIZE = 12
_FINGERPRINT_SIZE = 16
_SELECTOR_SIZE = 2


class Unreadable(Exception):
    """A sealed value was sealed with an unknown key, or was changed."""


class Vault:
    """AES-256-GCM with the newest of several keys, whose ids (0 to 255) are the first byte of sealed values.

    `context` binds a sealed value to its row's id, so that it cannot be moved to another row. Fingerprints are made
    with the newest of their keys, too; a fingerprint key without an id is `FIRST_KEY`.
    """

    def __init__(
        self, sealing_keys: Mapping[int, bytes], fingerprint_keys: bytes | Mapping[int, bytes], code_key: bytes
    ) -> None:
        self._ciphers = {key_id: AESGCM(key) for key_id, key in sealing_keys.items()}
        newest = max(self._ciphers)
        self._prefix = bytes([newest])
        self._newest = self._ciphers[newest]
        keys = {FIRST_KEY: fingerprint_keys} if isinstance(fingerprint_keys, bytes) else fingerprint_keys
        self._fingerprint_keys = [(_prefix_of(key_id), keys[key_id]) for key_id in sorted(keys, reverse=True)]
        self._code_key = code_key

    def seal(self, plain: str | bytes, context: str) -> bytes:
        """Encrypt a value for its row: key id, nonce, ciphertext and tag."""
        nonce = os.urandom(_NONCE_SIZE)
        plain = plain.encode() if isinstance(plain, str) else plain
        return self._prefix + nonce + self._newest.encrypt(nonce, plain, context.encode())

    def unseal(self, sealed: bytes, context: str) -> bytes:
        """Decrypt a value of a row; raises Unreadable."""
        cipher = self._ciphers.get(sealed[0])
        if cipher is None:
            raise Unreadable(f"sealing key {sealed[0]} is not configured")
        try:
            return cipher.decrypt(sealed[1 : 1 + _NONCE_SIZE], sealed[1 + _NONCE_SIZE :], context.encode())
        except InvalidTag:
            raise Unreadable("a sealed value was changed, moved, or sealed by another key of the same id") from None

    def is_newest_seal(self, sealed: bytes) -> bool:
        """Tell whether the newest key sealed this."""
        return sealed[:1] == self._prefix

    def is_newest_fingerprint(self, fingerprint: bytes) -> bool:
        """Tell whether the newest key made this fingerprint, or selector."""
        return fingerprint[: len(fingerprint) % 2] == self._fingerprint_keys[0][0]

    def fingerprint(self, number: PhoneNumber) -> bytes:
        """Return the keyed fingerprint by which a number is looked up."""
        prefix, key = self._fingerprint_keys[0]
        return prefix + blake2b(number.e164.encode(), digest_size=_FINGERPRINT_SIZE, key=key).digest()

    def fingerprints(self, number: PhoneNumber) -> tuple[bytes, ...]:
        """Return a number's fingerprints, the newest key's first."""
        plain = number.e164.encode()
        return tuple(
            prefix + blake2b(plain, digest_size=_FINGERPRINT_SIZE, key=key).digest()
            for prefix, key in self._fingerprint_keys
        )

    def code_digest(self, verification_id: str, typed: str) -> bytes:
        """Return the digest of a code, bound to its verification."""
        return code.digest(self._code_key, verification_id, typed)

    def secret_digest(self, secret: str) -> bytes:
        """Return the keyed digest under which a random secret (a link's, a session's, a device's) is stored."""
        return blake2b(secret.encode("utf-8", "surrogateescape"), digest_size=32, key=self._code_key).digest()

    def password_selector(self, enrollment_id: str, password: str) -> bytes:
        """Return two keyed bytes by which one of a person's app passwords is looked up.

        The key is the fingerprints', so that app passwords survive a new `code` key.
        """
        return self.password_selectors(enrollment_id, password)[0]

    def password_selectors(self, enrollment_id: str, password: str) -> tuple[bytes, ...]:
        """Return the selectors of an app password, the newest key's first."""
        bound = f"{enrollment_id}\n{password}".encode()
        return tuple(
            prefix + blake2b(bound, digest_size=_SELECTOR_SIZE, key=key, person=b"app password").digest()
            for prefix, key in self._fingerprint_keys
        )

    def pin_secrets(self, enrollment_id: str, pin: str) -> dict[int, str]:
        """Return by key id the keyed digests of a person's PIN, which argon2id hashes; the newest key's first.

        The keys are the fingerprints', as for app passwords.
        """
        bound = f"{enrollment_id}\n{pin}".encode("utf-8", "surrogateescape")
        return {
            prefix[0] if prefix else FIRST_KEY: blake2b(bound, digest_size=32, key=key, person=b"pin").hexdigest()
            for prefix, key in self._fingerprint_keys
        }

    def rate_counter_keys(self, *parts: str) -> tuple[bytes, ...]:
        """Return the fingerprints under which something other than a number is counted, the newest key's first."""
        counted = "\n".join(parts).encode("utf-8", "surrogateescape")
        return tuple(
            prefix + blake2b(counted, digest_size=_FINGERPRINT_SIZE, key=key, person=b"tally").digest()
            for prefix, key in self._fingerprint_keys
        )


def sealed_by(sealed: bytes) -> int:
    """Return the id of the key that sealed a value."""
    return sealed[0]


def fingerprinted_by(fingerprint: bytes) -> int:
    """Return the id of the key of a fingerprint or a selector: both have an even length without the prefix."""
    return fingerprint[0] if len(fingerprint) % 2 else FIRST_KEY


def _prefix_of(key_id: int) -> bytes:
    return b"" if key_id == FIRST_KEY else bytes([key_id])
