"""App passwords and PINs as they are kept: argon2id, in a few threads of its own, with a bounded queue before them."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import argon2

from gateway.domain.limits import SECOND, rate_limited

_THREADS = 2
"""Each takes `memory_cost` while it works, and one core."""
_MOST_WAITING = 128
"""Two seconds' work on a usual machine."""

T = TypeVar("T")


def owasp_hasher() -> argon2.PasswordHasher:
    """Return argon2id with what OWASP asks for at least: 19 MiB, two passes, one lane."""
    return argon2.PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


class Passwords:
    """Hashes and verifies outside of the event loop; raises Refused (`rate_limited`) when too many wait for that."""

    def __init__(self, hasher: argon2.PasswordHasher) -> None:
        self._hasher = hasher
        self._nobodys = _hash_of_nothing(hasher)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="argon2")
        self._under_way = 0

    async def hash(self, password: str) -> str:
        """Return the hash to keep, with its parameters and salt in it."""
        return await self._run(lambda: self._hasher.hash(password))

    async def verify(self, kept: str | None, password: str) -> bool:
        """Tell whether a hash is this password's. Without a hash the answer is no, and takes just as long."""
        return await self._run(lambda: self._is_right(kept or self._nobodys, password))

    def close(self) -> None:
        """Let go of the threads; what waits for them is not begun any more."""
        self._threads.shutdown(cancel_futures=True)

    def _is_right(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except argon2.exceptions.VerifyMismatchError:
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self._under_way >= _THREADS + _MOST_WAITING:
            raise rate_limited("Too many passwords and PINs are being hashed.", SECOND)
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._under_way -= 1


def _hash_of_nothing(hasher: argon2.PasswordHasher) -> str:
    """Return a hash that no password has, in these parameters: salt and digest are zeros."""
    salt, digest = ("A" * -(-size * 8 // 6) for size in (hasher.salt_len, hasher.hash_len))
    return f"$argon2id$v=19$m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}${salt}${digest}"
