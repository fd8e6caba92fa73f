"""Replacing keys: everything stays found and readable on the way, no limit is forgotten, and the old keys can go."""

import asyncio
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.verifications import a_request, an_enrollment, create_in

from gateway.domain import app_passwords, commands
from gateway.domain.app_passwords import find_usable
from gateway.domain.enrollment import AppPassword, Phone, PhoneKind
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.idempotency import IdempotencyKey, RepeatedRequest
from gateway.domain.limits import Limits
from gateway.domain.listing import ListFilter
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.phones import offer_phone
from gateway.security.vault import Vault, fingerprinted_by
from gateway.stores.suppressions import OptOutReason
from gateway.stores.verifications import Joining

LIMITS = Limits()
NUMBER, OTHER = PhoneNumber("+14255550123"), PhoneNumber("+14255550124")
SENDER = "+15005550006"
SEAL_1, SEAL_2, PRINT_1, PRINT_2, CODE = (os.urandom(32) for _ in range(5))
OLD = Vault({1: SEAL_1}, PRINT_1, CODE)
BOTH = Vault({1: SEAL_1, 2: SEAL_2}, {1: PRINT_1, 2: PRINT_2}, CODE)
NEW = Vault({2: SEAL_2}, {2: PRINT_2}, CODE)


@pytest.fixture
def vault() -> Vault:
    return OLD


async def create(store, vault, name="ver_1", number=NUMBER, idempotency_key=None, joining=None):
    request = a_request(name, vault=vault, number=number, enrollment_id=joining and "enr_1")
    return await create_in(store, request, limits=LIMITS, idempotency_key=idempotency_key, joining=joining)


async def check(store, vault, name, typed="000000"):
    digest = vault.code_digest(name, typed)
    return await store.verifications.apply_counted(
        name, lambda kept, rate_counters, now: commands.check_code(kept, digest, rate_counters, now, LIMITS)
    )


def offered(person, _sharers, now):
    return offer_phone(person, Phone("phn_1", PhoneKind.AUTHENTICATION, NUMBER), now, LIMITS)


async def fill(store, clock):
    """Keep something in each place, under the old keys."""
    await store.enrollments.enroll(an_enrollment(at=clock.now), None)
    key = IdempotencyKey(b"k" * 32, b"r", lambda _: b"kept")
    await create(store, OLD, idempotency_key=key, joining=Joining("enr_1", offered))
    await create(store, OLD, "ver_2", OTHER)
    await store.verifications.apply("ver_1", commands.cancel)
    await store.verifications.apply("ver_2", commands.cancel)
    await store.suppressions.add(OTHER, "asked for it")
    await store.suppressions.opt_out(NUMBER, [SENDER], OptOutReason.KEYWORD)


def needed(uses):
    return {(use.kind.value, use.key_id): dict(use.needed_for) for use in uses}


async def test_after_a_rotation_the_new_keys_alone_read_and_find_everything(store, clock, reopen):
    await fill(store, clock)
    await store.close()
    between = await reopen(BOTH)
    told = []
    await between.key_rotation.rotate(lambda what, seen: told.append((what, seen)))
    assert ("verifications", 2) in told
    uses = needed(await between.key_rotation.uses())
    assert not [key for key in uses if key[1] == 1]
    assert uses["fingerprint", 2] == {"verifications": 2, "phones": 1, "limits": 2, "stopped numbers": 1, "opt-outs": 1}
    await between.close()
    after = await reopen(NEW)
    assert (await after.verifications.get("ver_1")).number == NUMBER
    found = await after.verifications.page("app_1", ListFilter(number=OTHER))
    assert [kept.id for kept in found.verifications] == ["ver_2"]
    assert [phone.number for phone in (await after.enrollments.get("enr_1")).phones] == [NUMBER]
    assert await after.suppressions.opted_out(NUMBER, SENDER)
    with pytest.raises(Rejected) as refused:
        await create(after, NEW, "ver_3", OTHER)
    assert refused.value.code is ErrorCode.NUMBER_STOPPED
    assert len(await after.verifications.journal(after.suppressions.subject(OTHER), 0)) == 1
    with pytest.raises(RepeatedRequest) as repeated:
        await create(after, NEW, idempotency_key=IdempotencyKey(b"k" * 32, b"r", lambda _: b"other"))
    assert repeated.value.response.content == b"kept"
    await after.close()


@pytest.mark.parametrize("rotated", [False, True])
async def test_no_limit_is_forgotten_on_the_way(store, reopen, rotated):
    for place in range(LIMITS.sends_per_number - 1):
        await create(store, OLD, f"ver_{place}")
    for _ in range(4):
        await check(store, OLD, "ver_0")
    await store.close()
    between = await reopen(BOTH)
    if rotated:
        await between.key_rotation.rotate(lambda *_: None)
    last = await create(between, BOTH, "ver_last")
    assert len(last.change.rate_counters.sends) == LIMITS.sends_per_number
    assert len(last.change.rate_counters.failed_checks) == 4
    with pytest.raises(Rejected) as refused:
        await create(between, BOTH, "ver_over")
    assert refused.value.code is ErrorCode.RATE_LIMITED
    await between.key_rotation.rotate(lambda *_: None)
    with pytest.raises(Rejected):
        await create(between, BOTH, "ver_over")
    assert "limits" not in needed(await between.key_rotation.uses()).get(("fingerprint", 1), {})
    await between.close()


async def test_what_two_keys_have_counted_is_added_up(store, reopen):
    await create(store, OLD)
    await store.close()
    newer = await reopen(NEW)  # a gateway that knows nothing of the old key
    await create(newer, NEW, "ver_2")
    await newer.close()
    between = await reopen(BOTH)
    change = (await create(between, BOTH, "ver_3")).change
    assert len(change.rate_counters.sends) == 3
    await between.close()


async def test_guesses_of_app_passwords_are_counted_across_keys(store, reopen):
    def step(rate_counters, now):
        return rate_counters.with_app_password_tried(now, LIMITS)

    for _ in range(LIMITS.app_password_failures):
        await store.rate_counters.count(OLD.rate_counter_keys("app_password", "app_1", "alice"), step)
    await store.close()
    between = await reopen(BOTH)
    with pytest.raises(Rejected):
        await between.rate_counters.count(BOTH.rate_counter_keys("app_password", "app_1", "alice"), step)
    await between.close()


async def test_what_only_its_number_could_move_moves_when_the_number_is_seen(store, reopen):
    await store.suppressions.add(NUMBER, "by hand")  # no verification has it, so nobody knows which number it is
    await store.close()
    between = await reopen(BOTH)
    await between.key_rotation.rotate(lambda *_: None)
    assert needed(await between.key_rotation.uses())["fingerprint", 1] == {"stopped numbers": 1}
    with pytest.raises(Rejected):
        await create(between, BOTH)
    assert await between.suppressions.add(NUMBER, "again") is False
    assert needed(await between.key_rotation.uses()) == {("fingerprint", 2): {"stopped numbers": 1}}
    assert await between.suppressions.remove(NUMBER, "lifted") is True
    entries = await between.verifications.journal(between.suppressions.subject(NUMBER), 0)
    assert [entry.type for entry in entries] == ["stop_list.added", "stop_list.removed"]
    await between.close()


async def test_a_rotation_that_is_broken_off_is_begun_again_beside_requests(store, reopen):
    for place in range(250):
        await create(store, OLD, f"ver_{place:03}", PhoneNumber(f"+1425555{place:04}"))
    await store.close()
    between = await reopen(BOTH)

    async def requests_under_way():
        for place in range(40):
            await check(between, BOTH, f"ver_{place:03}")

    broken = asyncio.create_task(between.key_rotation.rotate(lambda *_: None))
    busy = asyncio.create_task(requests_under_way())
    while needed(await between.key_rotation.uses()).get(("fingerprint", 2), {}).get("verifications", 0) == 0:
        await asyncio.sleep(0)
    broken.cancel()
    await asyncio.gather(broken, return_exceptions=True)
    await between.key_rotation.rotate(lambda *_: None)
    await busy
    assert needed(await between.key_rotation.uses())["sealing", 1] == {"codes under way": 250}
    assert "verifications" not in needed(await between.key_rotation.uses()).get(("fingerprint", 1), {})
    assert (await check(between, BOTH, "ver_000", "123456")).verification.status == "approved"
    await between.close()


def test_an_app_password_is_found_by_the_old_key_and_then_by_the_new_one():
    [old] = OLD.password_selectors("enr_1", "secret")
    newest, older = BOTH.password_selectors("enr_1", "secret")
    assert older == old
    assert (fingerprinted_by(older), fingerprinted_by(newest)) == (1, 2)
    kept = AppPassword("apw_1", "mail", old, "hash", 1)
    person = an_enrollment(at=1, app_passwords=(kept,))
    assert find_usable(person, newest, None, 2) is None
    assert find_usable(person, older, None, 2) == kept
    change = app_passwords.record_use(person, "apw_1", 2, newest)
    assert find_usable(change.enrollment, newest, None, 2).last_used_at == 2
    assert app_passwords.record_use(change.enrollment, "apw_1", 3, newest).enrollment is change.enrollment


@given(st.text("0123456789", min_size=7, max_size=15), st.sampled_from([0, 2, 7, 255]))
def test_a_fingerprint_names_its_key(digits: str, key_id: int):
    number = PhoneNumber(f"+{digits}")
    vault = Vault({1: SEAL_1}, {1: PRINT_1, key_id: PRINT_2}, CODE)
    assert sorted(map(fingerprinted_by, vault.fingerprints(number))) == sorted([1, key_id])
    assert vault.fingerprints(number)[0] == vault.fingerprint(number)
    assert OLD.fingerprint(number) in vault.fingerprints(number)
    assert [vault.is_newest_fingerprint(one) for one in vault.fingerprints(number)] == [True, False]
