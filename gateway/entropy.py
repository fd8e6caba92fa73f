"""Random bytes in bulk: a system call for each nonce and token would cost more than what they are for."""

import os

_BULK = 4_096


class Entropy:
    """Hands out the operating system's random bytes, each of them once. Not shared with a forked process."""

    def __init__(self) -> None:
        self._bytes = b""
        self._at = 0

    def __call__(self, count: int) -> bytes:
        """Return so many bytes that were never handed out before; at most 4,096."""
        end = self._at + count
        if end > len(self._bytes):
            self._bytes = os.urandom(_BULK)
            self._at, end = 0, count
        taken = self._bytes[self._at : end]
        self._at = end
        return taken
