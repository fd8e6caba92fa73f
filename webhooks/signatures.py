"""Whether a callback comes from the provider: by an HMAC with a secret that we share, or by its Ed25519 signature."""

import base64
import binascii
import hmac
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Protocol
from urllib.parse import urlsplit

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from webhooks.forms import Form

HMAC_HEADER = "X-Twilio-Signature"
ED25519_HEADER = "telnyx-signature-ed25519"
TIME_HEADER = "telnyx-timestamp"

TOLERANCE = 300
"""Seconds that a callback's time may be away from ours, to either side."""

_KEY_BYTES = 32
_SIGNATURE_BYTES = 64
_ED25519_LENGTH = 88
"""Characters: base64 of a signature."""
_LONGEST_TIME = 12


class SignatureVerifier(Protocol):
    """Verifies one provider's callbacks. Whatever the request holds, both methods return, and neither raises."""

    def has_signature(self, headers: Mapping[str, str], /) -> bool:
        """Tell at almost no cost whether the headers can hold a signature at all, before the body is read."""
        ...

    def verify(self, headers: Mapping[str, str], target: bytes, body: bytes, form: Form, /) -> bool:
        """Tell whether the provider sent this: `target` is the raw path and query, `form` the pairs of the raw body."""
        ...


class Algorithm(StrEnum):
    """The hash of the HMAC, by configuration and never from the request, or a forger could choose the weaker one.

    SHA1 goes with the account's auth token; SHA256 with a shared key (Twilio: X-Twilio-Webhooks-Signature-Settings).
    """

    SHA1 = "sha1"
    SHA256 = "sha256"


class HmacVerifier(msgspec.Struct, frozen=True):
    """Verifies the HMAC over our public URL, the raw request target and the form (Twilio: Webhooks security).

    Made by `prepared`, once. Only forms are verified. A JSON body, whose hash the provider would put into the query
    (Twilio: bodySHA256), is refused as a form that does not match: none of the callbacks we ask for has one.

    Attributes:
        bases: The public URL with and without its port, the likelier form first.
        tokens: The secrets in use, the newest first.
        algorithm: The hash of the HMAC.
        length: The characters of a signature: base64 of one hash.
        headers: The headers that may hold it; the first that is there counts.
        signs_repeats: Whether a pair that the form holds twice is signed twice.
    """

    bases: tuple[bytes, ...]
    tokens: tuple[bytes, ...]
    algorithm: Algorithm
    length: int
    headers: tuple[str, ...] = (HMAC_HEADER,)
    signs_repeats: bool = False

    @classmethod
    def prepared(
        cls,
        public_url: str,
        tokens: Sequence[str],
        algorithm: Algorithm,
        *,
        headers: tuple[str, ...] = (HMAC_HEADER,),
        signs_repeats: bool = False,
    ) -> "HmacVerifier":
        """Prepare what verifies callbacks to one public URL.

        Args:
            public_url: What stands before the raw path that the gateway sees: `Addresses.public_url`.
            tokens: The secrets that may have signed, the likeliest first; several while one is being replaced.
            algorithm: The only hash accepted.
            headers: The headers that may hold the signature, the one that counts first.
            signs_repeats: Whether a pair that the form holds twice is signed twice, as by carriers of the dialect.

        Raises:
            ValueError: There is no token, one is empty, or the URL's port is not a port.
        """
        if not tokens or not all(tokens):
            raise ValueError("a callback can only be proven with at least one token, and no empty one")
        secrets = tuple(token.encode() for token in tokens)
        length = len(_sign(secrets[0], b"", algorithm))
        return cls(_port_forms(public_url), secrets, algorithm, length, headers, signs_repeats)

    def __repr__(self) -> str:
        return f"HmacVerifier({self.algorithm}, {len(self.tokens)} tokens)"

    def has_shape(self, signature: str | None) -> bool:
        """Tell at almost no cost whether a header can be a signature at all, before the body is read."""
        return signature is not None and len(signature) == self.length

    def has_signature(self, headers: Mapping[str, str]) -> bool:
        """Tell whether the first of our headers has the length of a signature."""
        return self.has_shape(self._claim(headers))

    def verify(self, headers: Mapping[str, str], target: bytes, _body: bytes, form: Form) -> bool:
        """Tell whether the provider signed this target and form; the body counts by its form."""
        return is_authentic(self, target, form, self._claim(headers))

    def _claim(self, headers: Mapping[str, str]) -> str | None:
        return next((headers[name] for name in self.headers if name in headers), None)


class Ed25519Verifier(msgspec.Struct, frozen=True):
    """Verifies the Ed25519 signature over the callback's time and the raw body (Telnyx: Webhook signing).

    Made by `prepared`, once. Neither path nor query is signed, so that a callback can be replayed at another of our
    paths while it is young. What it may change there is bounded by what a path needs beside the signature: the
    attempt's own token, and the sid of its call.

    Attributes:
        keys: The public keys in use, the likeliest first.
        clock: The time in ms since the epoch.
    """

    keys: tuple[Ed25519PublicKey, ...]
    clock: Callable[[], int]

    @classmethod
    def prepared(cls, keys: Sequence[str], clock: Callable[[], int]) -> "Ed25519Verifier":
        """Prepare what verifies callbacks.

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
        return f"Ed25519Verifier({len(self.keys)} keys)"

    def has_signature(self, headers: Mapping[str, str]) -> bool:
        """Tell whether the headers hold a signature's length and a time of these minutes."""
        return len(headers.get(ED25519_HEADER, "")) == _ED25519_LENGTH and self._is_timely(headers.get(TIME_HEADER, ""))

    def verify(self, headers: Mapping[str, str], _target: bytes, body: bytes, _form: Form) -> bool:
        """Tell whether the provider signed this body, at the time in the headers."""
        if not self.has_signature(headers):
            return False
        try:
            signature = base64.b64decode(headers[ED25519_HEADER], validate=True)
        except (binascii.Error, ValueError):
            return False
        signed = headers[TIME_HEADER].encode() + b"|" + body
        return len(signature) == _SIGNATURE_BYTES and any(_signed_by(key, signature, signed) for key in self.keys)

    def _is_timely(self, time: str) -> bool:
        if not (time.isascii() and time.isdigit() and len(time) <= _LONGEST_TIME):
            return False
        return abs(int(time) - self.clock() // 1000) <= TOLERANCE


def is_authentic(verifier: HmacVerifier, target: bytes, form: Form, signature: str | None) -> bool:
    """Tell whether the provider signed this request; any input is answered, and in constant time per attempt.

    Signed are the URL and then, in the byte order of the names, each distinct pair of name and value, with nothing in
    between (Twilio: Webhooks security; the removal of repeated pairs is its SDKs', and not every carrier's). Calls over
    HTTPS are signed without the port, everything else with the port as in the URL, so both forms are tried.

    Args:
        verifier: The prepared part.
        target: Path and query as they came over the wire, never decoded or rebuilt.
        form: The body's pairs, blank ones included.
        signature: The value of HMAC_HEADER, base64.
    """
    if signature is None or not verifier.has_shape(signature):
        return False
    claimed = signature.encode("ascii", "replace")
    pairs = sorted(form if verifier.signs_repeats else set(form))
    signed = target + b"".join([name + value for name, value in pairs])
    return any(
        hmac.compare_digest(_sign(token, base + signed, verifier.algorithm), claimed)
        for base in verifier.bases
        for token in verifier.tokens
    )


def _sign(token: bytes, text: bytes, algorithm: Algorithm) -> bytes:
    return binascii.b2a_base64(hmac.digest(token, text, algorithm), newline=False)


def _port_forms(public_url: str) -> tuple[bytes, ...]:
    parts = urlsplit(public_url)
    if parts.port is None:
        default_port = 443 if parts.scheme == "https" else 80
        without, full = parts.netloc, f"{parts.netloc}:{default_port}"
    else:
        without, full = parts.netloc.rpartition(":")[0], parts.netloc
    likelier_first = (without, full) if parts.scheme == "https" or parts.port is None else (full, without)
    return tuple(parts._replace(netloc=netloc).geturl().encode() for netloc in likelier_first)


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
