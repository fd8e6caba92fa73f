"""The keys: numbers and codes are sealed at rest, numbers are found by fingerprint, codes are compared by digest."""

import os
from collections.abc import Mapping
from hashlib import blake2b

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.domain import code
from gateway.domain.phone_number import PhoneNumber

KEY_SIZE = 32
FIRST_KEY = 1
"""The fingerprint key whose fingerprints do not name it; every other one leads its own by a byte."""
_NONCE_SIZE = 12
_FINGERPRINT_SIZE = 16
_SELECTOR_SIZE = 2


class Unreadable(Exception):
    """A sealed value was made with a key we do not hold, or was tampered with."""


class Vault:
    """AES-256-GCM under the newest of several keys, each named by a number from 0 to 255 that leads what it sealed.

    `context` binds a sealed value to its place (a row's id), so that it cannot be moved to another. Fingerprints are
    made with the newest of their keys, too; a key that is given without a number is the first one.
    """

    def __init__(
        self, sealing_keys: Mapping[int, bytes], fingerprint_keys: bytes | Mapping[int, bytes], code_key: bytes
    ) -> None:
        self._ciphers = {key_id: AESGCM(key) for key_id, key in sealing_keys.items()}
        newest = max(self._ciphers)
        self._prefix = bytes([newest])
        self._newest = self._ciphers[newest]
        keys = {FIRST_KEY: fingerprint_keys} if isinstance(fingerprint_keys, bytes) else fingerprint_keys
        self._fingerprint_keys = [(_lead(key_id), keys[key_id]) for key_id in sorted(keys, reverse=True)]
        self._code_key = code_key

    def seal(self, plain: str | bytes, context: str) -> bytes:
        """Encrypt a value for its place: key id, nonce, ciphertext and tag."""
        nonce = os.urandom(_NONCE_SIZE)
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

    def is_newest_seal(self, sealed: bytes) -> bool:
        """Tell whether the newest key sealed this."""
        return sealed[:1] == self._prefix

    def is_newest_fingerprint(self, fingerprint: bytes) -> bool:
        """Tell whether the newest key made this fingerprint, or selector."""
        return fingerprint[: len(fingerprint) % 2] == self._fingerprint_keys[0][0]

    def fingerprint(self, number: PhoneNumber) -> bytes:
        """Return the keyed fingerprint under which a number is found."""
        lead, key = self._fingerprint_keys[0]
        return lead + blake2b(number.e164.encode(), digest_size=_FINGERPRINT_SIZE, key=key).digest()

    def fingerprints(self, number: PhoneNumber) -> tuple[bytes, ...]:
        """Return a number's fingerprint, and behind it those that older keys made."""
        plain = number.e164.encode()
        return tuple(
            lead + blake2b(plain, digest_size=_FINGERPRINT_SIZE, key=key).digest()
            for lead, key in self._fingerprint_keys
        )

    def code_digest(self, verification_id: str, typed: str) -> bytes:
        """Return the digest of a code, bound to its verification."""
        return code.digest(self._code_key, verification_id, typed)

    def secret_digest(self, secret: str) -> bytes:
        """Return the keyed digest under which a random secret (a link's, a session's, a device's) is kept."""
        return blake2b(secret.encode("utf-8", "surrogateescape"), digest_size=32, key=self._code_key).digest()

    def password_selector(self, enrollment_id: str, password: str) -> bytes:
        """Return the two bytes by which one of a person's app passwords is found. They say nothing without the key.

        It is the fingerprints': app passwords outlive a new `code` key.
        """
        return self.password_selectors(enrollment_id, password)[0]

    def password_selectors(self, enrollment_id: str, password: str) -> tuple[bytes, ...]:
        """Return the selector of an app password, and behind it those that older keys made."""
        bound = f"{enrollment_id}\n{password}".encode()
        return tuple(
            lead + blake2b(bound, digest_size=_SELECTOR_SIZE, key=key, person=b"app password").digest()
            for lead, key in self._fingerprint_keys
        )

    def pin_secrets(self, enrollment_id: str, pin: str) -> dict[int, str]:
        """Return what is hashed for a person's PIN, by the number of the key that made it, the newest first.

        The keys are the fingerprints', as for app passwords.
        """
        bound = f"{enrollment_id}\n{pin}".encode("utf-8", "surrogateescape")
        return {
            lead[0] if lead else FIRST_KEY: blake2b(bound, digest_size=32, key=key, person=b"pin").hexdigest()
            for lead, key in self._fingerprint_keys
        }

    def tally_keys(self, *parts: str) -> tuple[bytes, ...]:
        """Return the fingerprint under which something else than a number is counted, and those of older keys."""
        counted = "\n".join(parts).encode("utf-8", "surrogateescape")
        return tuple(
            lead + blake2b(counted, digest_size=_FINGERPRINT_SIZE, key=key, person=b"tally").digest()
            for lead, key in self._fingerprint_keys
        )


def sealed_by(sealed: bytes) -> int:
    """Return the id of the key that sealed a value."""
    return sealed[0]


def fingerprinted_by(fingerprint: bytes) -> int:
    """Return the id of the key that made a fingerprint, or a selector: both are even without a leading id."""
    return fingerprint[0] if len(fingerprint) % 2 else FIRST_KEY


def _lead(key_id: int) -> bytes:
    return b"" if key_id == FIRST_KEY else bytes([key_id])
