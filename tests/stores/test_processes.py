"""Several gateways on one PostgreSQL: what one commits the other sees, hears of, and does not do again."""

import asyncio

import pytest
from support.verifications import NUMBER, a_request, an_enrollment, create_in

from gateway.domain import commands
from gateway.domain.api_keys import ApiKey, Application
from gateway.domain.errors import Rejected
from gateway.domain.idempotency import IdempotencyKey, RepeatedRequest
from gateway.domain.limits import Limits
from gateway.domain.outbox import OutboxKind
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.verification import Status

LIMITS = Limits()


@pytest.fixture
def engine() -> str:
    return "postgres"


def create(store, vault, name="ver_1", number=NUMBER, idempotency_key=None):
    return create_in(store, a_request(name, vault=vault, number=number), limits=LIMITS, idempotency_key=idempotency_key)


def check(store, vault, code, name="ver_1"):
    digest = vault.code_digest(name, code)
    return store.verifications.apply_counted(
        name,
        lambda verification, rate_counters, now: commands.check_code(verification, digest, rate_counters, now, LIMITS),
    )


async def test_who_waits_on_one_hears_of_what_the_other_commits(store, beside, vault):
    await create(store, vault)
    told = beside.verifications.changed("ver_1")
    other = beside.verifications.changed("ver_2")
    await check(store, vault, "123456")
    await asyncio.wait_for(told, 5)
    assert (await beside.verifications.get("ver_1")).status is Status.APPROVED
    assert not other.done()


async def test_a_great_batch_is_told_of_to_the_last(store, beside, vault):
    names = [f"ver_{place}_of_a_batch_whose_names_do_not_fit_in_one_note" for place in range(250)]
    told = [beside.verifications.changed(name) for name in names]
    await asyncio.gather(*(create(store, vault, name, PhoneNumber(f"+1425555{i:04}")) for i, name in enumerate(names)))
    await asyncio.wait_for(asyncio.gather(*told), 5)


@pytest.mark.parametrize("right", [0, 1, 100])
async def test_checks_on_two_processes_share_five_guesses_and_one_approval(store, beside, vault, right):
    await create(store, vault)
    codes = ["123456"] * right + [f"{number:06}" for number in range(200 - right)]
    stores = [store, beside] * 100
    results = await asyncio.gather(
        *(check(one, vault, code) for one, code in zip(stores, codes, strict=True)), return_exceptions=True
    )
    judged = [result for result in results if not isinstance(result, BaseException)]
    assert {type(result) for result in results} <= {Rejected, type(judged[0])}
    assert sum(result.verification.status is Status.APPROVED for result in judged) == min(right, 1) or right == 1
    assert len(judged) <= LIMITS.checks_per_verification
    kept = await store.verifications.get("ver_1")
    assert [entry.sequence for entry in await store.verifications.journal("ver_1", 0)] == list(
        range(1, kept.entries + 1)
    )


async def test_the_sends_of_a_new_number_are_counted_by_all(store, beside, vault):
    """Nobody has a row for the number yet, so there is none to lock."""
    results = await asyncio.gather(
        *(create([store, beside][place % 2], vault, f"ver_{place}") for place in range(40)), return_exceptions=True
    )
    assert sum(not isinstance(result, BaseException) for result in results) == LIMITS.sends_per_number
    assert {type(result) for result in results if isinstance(result, BaseException)} == {Rejected}


async def test_one_idempotency_key_has_one_effect(store, beside, vault, clock):
    key = IdempotencyKey(b"k" * 32, b"r", lambda created: created.change.verification.id.encode())
    results = await asyncio.gather(
        *(create([store, beside][place % 2], vault, f"ver_{place}", idempotency_key=key) for place in range(20)),
        return_exceptions=True,
    )
    [first] = [result.change.verification.id for result in results if not isinstance(result, RepeatedRequest)]
    repeats = {result.response.content for result in results if isinstance(result, RepeatedRequest)}
    assert repeats == {first.encode()}
    clock.now += 20_000
    assert len(await store.outbox.claim_due(100, OutboxKind.ATTEMPT)) == 1


async def test_a_user_is_enrolled_once(store, beside):
    people = [an_enrollment(f"enr_{place}", at=1) for place in range(20)]
    results = await asyncio.gather(
        *([store, beside][place % 2].enrollments.enroll(person, None) for place, person in enumerate(people))
    )
    assert sum(new for _, new in results) == 1
    assert len({enrollment.id for enrollment, _ in results}) == 1


async def test_a_send_is_claimed_once(store, beside, vault):
    await create(store, vault)
    claims = await asyncio.gather(
        *([store, beside][place % 2].outbox.claim("att_ver_1", 60_000) for place in range(20))
    )
    assert sum(claims) == 1


async def test_what_is_due_is_shared_out(store, beside, vault, clock):
    names = [f"ver_{place}" for place in range(60)]
    await asyncio.gather(*(create(store, vault, name, PhoneNumber(f"+1425555{i:04}")) for i, name in enumerate(names)))
    clock.now += 20_000
    found = await asyncio.gather(
        *([store, beside][place % 2].outbox.claim_due(15, OutboxKind.ATTEMPT) for place in range(6))
    )
    taken = [due.subject_id for dues in found for due in dues]
    assert sorted(taken) == sorted(names)
    clock.now += LIMITS.lifetime * 1_000
    ended = await asyncio.gather(*([store, beside][place % 2].verifications.claim_due(15) for place in range(6)))
    assert sorted(name for dues in ended for name in dues) == sorted(names)
    assert await store.verifications.claim_due(15) == []
    clock.now += 10_000  # whoever took them up is gone
    assert len(await beside.verifications.claim_due(100)) == len(names)


async def test_a_key_made_twice_at_once_belongs_to_one_application(store, beside):
    keys = [ApiKey(f"key_{n}", Application(f"app_{n}", "Bank"), "", b"%32d" % n, 1, None) for n in range(10)]
    made = await asyncio.gather(*([store, beside][n % 2].api_keys.add(key) for n, key in enumerate(keys)))
    assert len({key.application.id for key in made}) == 1
