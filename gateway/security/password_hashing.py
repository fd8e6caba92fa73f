"""Hashes of app passwords and PINs: argon2id, in a few threads with a bounded queue."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import argon2

from gateway.domain.limits import SECOND, rate_limited
from gateway.security.vault import Vault

_THREADS = 2
"""Each uses `memory_cost` and one core while it hashes."""
_MAX_QUEUED = 128
"""About two seconds of work."""

T = TypeVar("T")


def owasp_hasher() -> argon2.PasswordHasher:
    """Return argon2id with OWASP's minimum parameters: 19 MiB, two passes, one lane."""
    return argon2.PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


class PasswordHasher:
    """Hashes and verifies in threads; raises Rejected (`rate_limited`) when the queue is full."""

    def __init__(self, hasher: argon2.PasswordHasher) -> None:
        self._hasher = hasher
        self._unmatchable = _unmatchable_hash(hasher)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="argon2")
        self._in_progress = 0

    async def hash(self, password: str) -> str:
        """Return the hash to store, which includes its parameters and salt."""
        return await self._run(lambda: self._hasher.hash(password))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Tell whether a stored hash is this password's. Without a hash it is False, after the same time."""
        return await self._run(lambda: self._matches(stored or self._unmatchable, password))

    def close(self) -> None:
        """Stop the threads; queued work is canceled."""
        self._threads.shutdown(cancel_futures=True)

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except argon2.exceptions.VerifyMismatchError:
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self._in_progress >= _THREADS + _MAX_QUEUED:
            raise rate_limited("Too many passwords and PINs are being hashed.", SECOND)
        self._in_progress += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._in_progress -= 1


class PinHashes:
    """Hashes and verifies PINs: argon2id over a keyed digest, so that a stolen database alone does not reveal them.

    A stored hash is the id of the key and argon2id's encoded hash. Methods raise Rejected (`rate_limited`) when the
    queue is full.
    """

    def __init__(self, vault: Vault, passwords: PasswordHasher) -> None:
        self._vault = vault
        self._passwords = passwords

    async def hash(self, enrollment_id: str, pin: str) -> str:
        """Return the hash of a person's PIN to store, made with the newest key."""
        key_id, secret = next(iter(self._vault.pin_secrets(enrollment_id, pin).items()))
        return f"{key_id}{await self._passwords.hash(secret)}"

    async def verify(self, stored: str, enrollment_id: str, pin: str) -> bool:
        """Tell whether a stored hash is this PIN's; False if its key is not configured."""
        secret = self._vault.pin_secrets(enrollment_id, pin).get(pin_key_id(stored))
        if secret is None:
            return False
        return await self._passwords.verify(stored[stored.index("$") :], secret)

    def uses_newest_key(self, stored: str) -> bool:
        """Tell whether a stored hash was made with the newest key."""
        return pin_key_id(stored) == next(iter(self._vault.pin_secrets("", "")))


def pin_key_id(stored: str) -> int:
    """Return the id of the key of a stored PIN hash."""
    return int(stored[: stored.index("$")])


def _unmatchable_hash(hasher: argon2.PasswordHasher) -> str:
    """Return a hash with these parameters that no password has: salt and digest are zeros."""
    salt, digest = ("A" * -(-size * 8 // 6) for size in (hasher.salt_len, hasher.hash_len))
    return f"$argon2id$v=19$m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}${salt}${digest}"
