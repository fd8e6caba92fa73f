"""App passwords as kept: argon2id as OWASP has it, one verification whatever there is to verify, a bounded queue."""

import asyncio
import threading

import argon2
import pytest
from support.integrator import PATIENCE

from gateway.domain.errors import ErrorCode, Rejected
from gateway.security.password_hashing import _MAX_QUEUED, _THREADS, PasswordHasher, owasp_hasher

CHEAP = {"time_cost": 1, "memory_cost": 8, "parallelism": 1}


class Held(argon2.PasswordHasher):
    """Verifies nothing until it is let go."""

    def __init__(self) -> None:
        super().__init__(**CHEAP)
        self.let_go = threading.Event()

    def verify(self, *given):
        self.let_go.wait(PATIENCE)
        return super().verify(*given)


@pytest.fixture
def passwords():
    passwords = PasswordHasher(argon2.PasswordHasher(**CHEAP))
    yield passwords
    passwords.close()


async def test_a_hash_is_argon2id_and_costs_what_owasp_asks_for():
    passwords = PasswordHasher(owasp_hasher())
    kept = await passwords.hash("a password")
    passwords.close()
    parameters = argon2.extract_parameters(kept)
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert (parameters.salt_len, parameters.hash_len) == (16, 32)


async def test_the_hash_of_nothing_costs_the_same_and_is_unmatchable():
    hasher = owasp_hasher()
    passwords = PasswordHasher(hasher)
    assert argon2.extract_parameters(passwords._unmatchable) == argon2.extract_parameters(await passwords.hash("any"))
    assert await passwords.verify(None, "") is False
    passwords.close()


async def test_a_hash_is_its_passwords_alone(passwords):
    kept = await passwords.hash("right")
    assert kept != await passwords.hash("right")
    assert [await passwords.verify(kept, typed) for typed in ("right", "wrong", "", "Right")] == [True, *[False] * 3]


async def test_too_many_at_once_are_refused_and_the_others_answered():
    held = Held()
    passwords = PasswordHasher(held)
    waiting = [asyncio.create_task(passwords.verify(None, "any")) for _ in range(_THREADS + _MAX_QUEUED)]
    await asyncio.sleep(0)
    for work in (passwords.verify(None, "any"), passwords.hash("any")):
        with pytest.raises(Rejected) as refusal:
            await work
        assert (refusal.value.code, refusal.value.retry_after) == (ErrorCode.RATE_LIMITED, 1)
    held.let_go.set()
    assert not any(await asyncio.gather(*waiting))
    assert await passwords.verify(None, "any") is False
    passwords.close()
