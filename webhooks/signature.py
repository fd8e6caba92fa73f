"""Whether a callback comes from the provider: the HMAC over our public URL, the raw request target and the form.

Only forms are proven. A JSON body, whose hash the provider would put into the query (Twilio: bodySHA256), is refused as
a form that does not match: none of the callbacks we ask for has one.
"""

import binascii
import hmac
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Protocol
from urllib.parse import urlsplit

import msgspec

from webhooks.parse import Form

SIGNATURE_HEADER = "X-Twilio-Signature"


class Proof(Protocol):
    """What proves one provider's callbacks. Whatever the request holds, both answers come, and neither raises."""

    def is_claimed(self, headers: Mapping[str, str], /) -> bool:
        """Tell at almost no cost whether the headers can hold a proof at all, before the body is read."""
        ...

    def is_given(self, headers: Mapping[str, str], target: bytes, body: bytes, form: Form, /) -> bool:
        """Tell whether the provider sent this: `target` is the raw path and query, `form` the pairs of the raw body."""
        ...


class Algorithm(StrEnum):
    """The hash of the HMAC, by configuration and never from the request, or a forger could choose the weaker one.

    SHA1 goes with the account's auth token; SHA256 with a shared key (Twilio: X-Twilio-Webhooks-Signature-Settings).
    """

    SHA1 = "sha1"
    SHA256 = "sha256"


class SignatureScheme(msgspec.Struct, frozen=True):
    """All that a proof needs and that no request changes, prepared once; see `prepared`.

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
    headers: tuple[str, ...] = (SIGNATURE_HEADER,)
    signs_repeats: bool = False

    @classmethod
    def prepared(
        cls,
        public_url: str,
        tokens: Sequence[str],
        algorithm: Algorithm,
        *,
        headers: tuple[str, ...] = (SIGNATURE_HEADER,),
        signs_repeats: bool = False,
    ) -> "SignatureScheme":
        """Prepare the proof of callbacks to one public URL.

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
        return f"SignatureScheme({self.algorithm}, {len(self.tokens)} tokens)"

    def has_shape(self, signature: str | None) -> bool:
        """Tell at almost no cost whether a header can be a signature at all, before the body is read."""
        return signature is not None and len(signature) == self.length

    def is_claimed(self, headers: Mapping[str, str]) -> bool:
        """See `Proof`."""
        return self.has_shape(self._claim(headers))

    def is_given(self, headers: Mapping[str, str], target: bytes, _body: bytes, form: Form) -> bool:
        """See `Proof`; the body counts by its form."""
        return is_authentic(self, target, form, self._claim(headers))

    def _claim(self, headers: Mapping[str, str]) -> str | None:
        return next((headers[name] for name in self.headers if name in headers), None)


def is_authentic(scheme: SignatureScheme, target: bytes, form: Form, signature: str | None) -> bool:
    """Tell whether the provider signed this request; any input is answered, and in constant time per attempt.

    Signed are the URL and then, in the byte order of the names, each distinct pair of name and value, with nothing in
    between (Twilio: Webhooks security; the removal of repeated pairs is its SDKs', and not every carrier's). Calls over
    HTTPS are signed without the port, everything else with the port as in the URL, so both forms are tried.

    Args:
        scheme: The prepared part.
        target: Path and query as they came over the wire, never decoded or rebuilt.
        form: The body's pairs, blank ones included.
        signature: The value of SIGNATURE_HEADER, base64.
    """
    if signature is None or not scheme.has_shape(signature):
        return False
    claimed = signature.encode("ascii", "replace")
    pairs = sorted(form if scheme.signs_repeats else set(form))
    signed = target + b"".join([name + value for name, value in pairs])
    return any(
        hmac.compare_digest(_sign(token, base + signed, scheme.algorithm), claimed)
        for base in scheme.bases
        for token in scheme.tokens
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
