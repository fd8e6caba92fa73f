"""Whether a callback comes from a provider that signs with a private key: Ed25519 over its time and the raw body.

Neither path nor query is signed, so that a callback can be replayed at another of our paths while it is young. What it
may change there is bounded by what a path needs beside the proof: the attempt's own token, and the sid of its call.
"""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from webhooks.parse import Form

SIGNATURE_HEADER = "telnyx-signature-ed25519"
TIME_HEADER = "telnyx-timestamp"

TOLERANCE = 300
"""Seconds that a callback's time may be away from ours, to either side."""

_KEY_BYTES = 32
_SIGNATURE_BYTES = 64
_LENGTH = 88
"""Characters: base64 of a signature."""
_LONGEST_TIME = 12


class PublicKeyScheme(msgspec.Struct, frozen=True):
    """Fills `webhooks.signature.Proof` (Telnyx: Webhook signing). See `prepared`.

    Attributes:
        keys: The public keys in use, the likeliest first.
        clock: The time in ms since the epoch.
    """

    keys: tuple[Ed25519PublicKey, ...]
    clock: Callable[[], int]

    @classmethod
    def prepared(cls, keys: Sequence[str], clock: Callable[[], int]) -> "PublicKeyScheme":
        """Prepare the proof.

        Args:
            keys: The provider's public keys, base64 of 32 bytes each; several while one is being replaced.
            clock: The time in ms since the epoch.

        Raises:
            ValueError: There is no key, or one is none.
        """
        if not keys:
            raise ValueError("a callback can only be proven with at least one public key")
        return cls(tuple(public_key(key) for key in keys), clock)

    def __repr__(self) -> str:
        return f"PublicKeyScheme({len(self.keys)} keys)"

    def is_claimed(self, headers: Mapping[str, str]) -> bool:
        """See `webhooks.signature.Proof`; a callback that is not of these minutes claims nothing."""
        return len(headers.get(SIGNATURE_HEADER, "")) == _LENGTH and self._is_timely(headers.get(TIME_HEADER, ""))

    def is_given(self, headers: Mapping[str, str], _target: bytes, body: bytes, _form: Form) -> bool:
        """See `webhooks.signature.Proof`."""
        if not self.is_claimed(headers):
            return False
        try:
            signature = base64.b64decode(headers[SIGNATURE_HEADER], validate=True)
        except (binascii.Error, ValueError):
            return False
        signed = headers[TIME_HEADER].encode() + b"|" + body
        return len(signature) == _SIGNATURE_BYTES and any(_signed_by(key, signature, signed) for key in self.keys)

    def _is_timely(self, time: str) -> bool:
        if not (time.isascii() and time.isdigit() and len(time) <= _LONGEST_TIME):
            return False
        return abs(int(time) - self.clock() // 1000) <= TOLERANCE


def public_key(written: str) -> Ed25519PublicKey:
    """Decode a public key; raises ValueError if it is not base64 of 32 bytes."""
    try:
        raw = base64.b64decode(written, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != _KEY_BYTES:
        raise ValueError("must be base64 of the 32 bytes of an Ed25519 public key")
    return Ed25519PublicKey.from_public_bytes(raw)


def _signed_by(key: Ed25519PublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        key.verify(signature, signed)
    except InvalidSignature:
        return False
    return True
