"""Requests that act once: an Idempotency-Key, and the response that a repeat of its request is given."""

from collections.abc import Callable
from typing import Any

import msgspec


class IdempotencyKey(msgspec.Struct, frozen=True, gc=False):
    """A key and its request, as SHA-256 digests.

    `response` renders the result of the request as it is stored for repeats; None stores nothing.
    """

    key: bytes
    request_digest: bytes
    response: Callable[[Any], bytes | None]

    def after(self, convert: Callable[[Any], Any]) -> "IdempotencyKey":
        """Return the key for an operation whose result is converted before `response` may render it."""
        return msgspec.structs.replace(self, response=lambda result: self.response(convert(result)))


class StoredResponse(msgspec.Struct, frozen=True, gc=False):
    """What `IdempotencyKey.response` rendered when the request was run."""

    content: bytes


class RepeatedRequest(Exception):
    """A request with this Idempotency-Key was run before: nothing was done again."""

    def __init__(self, response: StoredResponse) -> None:
        super().__init__("a request with this Idempotency-Key was run before")
        self.response = response
