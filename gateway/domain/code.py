"""One-time codes: their format, and the digest by which they are stored."""

import hmac
import re
from hashlib import blake2b

_SEPARATORS = str.maketrans("", "", " -\u00a0")
_DIGITS = re.compile(r"[0-9]+", re.ASCII)


def normalize(typed: str, length: int) -> str | None:
    """Return the code in what a person typed (spaces and hyphens are fine), or None if it cannot be one.

    Only ASCII digits count: other scripts' digits are normalized by pages, where the person can see the result.
    """
    code = typed.translate(_SEPARATORS)
    return code if len(code) == length and _DIGITS.fullmatch(code) else None


def digest(key: bytes, verification_id: str, code: str) -> bytes:
    """Return the keyed digest (BLAKE2b) of a code, bound to the verification it was made for."""
    return blake2b(f"{verification_id}:{code}".encode(), digest_size=32, key=key).digest()


def matches(stored: bytes, guess: bytes) -> bool:
    """Compare two digests in constant time."""
    return hmac.compare_digest(stored, guess)
