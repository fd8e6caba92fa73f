"""What every store promises, whatever its engine."""

import asyncio

import msgspec
import pytest
from support.verifications import NUMBER, a_request, an_enrollment, create_in

from gateway.domain import commands, send_results
from gateway.domain.api_keys import ApiKey, Application
from gateway.domain.enrollment import EnrollmentStatus, Phone, PhoneKind
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.idempotency import IdempotencyKey, RepeatedRequest, StoredResponse
from gateway.domain.limits import Limits
from gateway.domain.listing import ListFilter
from gateway.domain.outbox import OutboxKind, OutboxState, OutboxUpdate
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.phones import offer_phone
from gateway.domain.timeouts import pass_deadline
from gateway.domain.verification import Status
from gateway.stores.verifications import Joining

LIMITS = Limits()


async def create(
    store, vault, *, number=NUMBER, name="ver_1", idempotency_key=None, enrollment_id=None, application="app_1"
):
    request = a_request(
        name,
        vault=vault,
        application_id=application,
        number=number,
        enrollment_id=enrollment_id,
        metadata={"order": "7"},
    )
    phone = Phone(f"phn_{name}", PhoneKind.AUTHENTICATION, number)
    joining = Joining(enrollment_id, lambda person, _sharers, now: offer_phone(person, phone, now, LIMITS))
    joined = joining if enrollment_id else None
    created = await create_in(store, request, limits=LIMITS, idempotency_key=idempotency_key, joining=joined)
    return created.change


def check(store, vault, code, name="ver_1"):
    digest = vault.code_digest(name, code)
    return store.verifications.apply_counted(
        name,
        lambda verification, rate_counters, now: commands.check_code(verification, digest, rate_counters, now, LIMITS),
    )


def key(key=b"k" * 32, request=b"r"):
    return IdempotencyKey(key, request, lambda created: b"201 " + created.change.verification.id.encode())


async def test_what_is_created_is_there_with_all_that_belongs_to_it(store, vault):
    change = await create(store, vault)
    assert await store.verifications.get("ver_1") == change.verification
    assert change.verification.number == NUMBER
    entries = await store.verifications.journal("ver_1", 0)
    assert [(entry.sequence, entry.type) for entry in entries] == [
        (1, "verification.created"),
        (2, "attempt.queued"),
    ]
    assert await store.verifications.journal("ver_1", 1) == entries[1:]


async def test_a_store_opened_again_has_everything(store, vault, reopen):
    await create(store, vault)
    kept = (await check(store, vault, "000000")).verification
    await store.close()
    again = await reopen()
    assert await again.verifications.get("ver_1") == kept
    assert len(await again.verifications.journal("ver_1", 0)) == kept.entries
    await again.close()


async def test_unknown_verifications_are_refused(store, vault):
    assert await store.verifications.get("ver_none") is None
    with pytest.raises(Rejected) as refusal:
        await check(store, vault, "123456", "ver_none")
    assert refusal.value.code is ErrorCode.NOT_FOUND


async def test_a_refusal_leaves_nothing_behind_and_its_neighbours_alone(store, vault):
    await create(store, vault)

    def broken(_verification, _now):
        raise ZeroDivisionError

    results = await asyncio.gather(
        check(store, vault, "000000"),
        store.verifications.apply("ver_1", broken),
        create(store, vault, name="ver_1"),  # its id is taken: the database itself refuses
        check(store, vault, "000001"),
        return_exceptions=True,
    )
    taken = type(results.pop(2)).__name__
    assert taken in {"IntegrityError", "UniqueViolationError"}
    assert [type(result).__name__ for result in results] == ["Change", "ZeroDivisionError", "Change"]
    assert (await store.verifications.get("ver_1")).checks_left == 3
    assert len(await store.verifications.journal("ver_1", 0)) == (await store.verifications.get("ver_1")).entries == 4


@pytest.mark.parametrize("right", [0, 1, 200])
async def test_two_hundred_checks_at_once_are_five_guesses_and_one_approval(store, vault, right):
    await create(store, vault)
    codes = ["123456"] * right + [f"{number:06}" for number in range(200 - right)]
    results = await asyncio.gather(*(check(store, vault, code) for code in codes), return_exceptions=True)
    judged = [result for result in results if not isinstance(result, BaseException)]
    approvals = [result for result in judged if result.verification.status is Status.APPROVED]
    refused = [result for result in results if isinstance(result, Rejected)]
    assert len(judged) + len(refused) == 200
    assert len(judged) <= 5
    assert len(approvals) == min(right, 1)
    assert (await store.verifications.get("ver_1")).status in {Status.APPROVED, Status.MAX_ATTEMPTS_REACHED}


async def test_sends_are_counted_per_number_over_all_its_verifications(store, vault):
    results = await asyncio.gather(
        *(create(store, vault, name=f"ver_{number}", application=f"app_{number}") for number in range(20)),
        return_exceptions=True,
    )
    assert sum(not isinstance(result, BaseException) for result in results) == LIMITS.sends_per_number
    assert {result.code for result in results if isinstance(result, Rejected)} == {ErrorCode.RATE_LIMITED}
    await create(store, vault, name="ver_other", number=PhoneNumber("+14255550124"))


async def test_failed_checks_are_counted_per_number_over_all_its_verifications(store, vault, clock):
    judged = 0
    for number in range(6):
        clock.now += LIMITS.send_window * 1_000
        await create(store, vault, name=f"ver_{number}")
        for _ in range(5):
            try:
                await check(store, vault, "000000", f"ver_{number}")
                judged += 1
            except Rejected as refusal:
                assert refusal.code is ErrorCode.RATE_LIMITED
    assert judged == LIMITS.failed_checks_per_day


async def test_an_idempotency_key_acts_once_and_answers_the_same(store, vault):
    creating = (create(store, vault, name=f"ver_{n}", idempotency_key=key()) for n in range(50))
    results = await asyncio.gather(*creating, return_exceptions=True)
    assert [isinstance(result, RepeatedRequest) for result in results] == [False] + [True] * 49
    assert {result.response.content for result in results[1:]} == {b"201 ver_0"}
    page = await store.verifications.page("app_1", ListFilter())
    assert [verification.id for verification in page.verifications] == ["ver_0"]


async def test_an_idempotency_key_with_another_request_is_refused(store, vault):
    await create(store, vault, idempotency_key=key())
    with pytest.raises(Rejected) as refusal:
        await create(store, vault, name="ver_2", idempotency_key=key(request=b"other"))
    assert refusal.value.code is ErrorCode.IDEMPOTENCY_KEY_REUSED
    assert await store.verifications.get("ver_2") is None


async def test_a_kept_answer_is_found_by_its_idempotency_key(store, vault, beside):
    assert await store.idempotency.response(b"k" * 32, b"r") is None
    await create(store, vault, idempotency_key=key())
    for any_process in (store, beside):
        assert await any_process.idempotency.response(b"k" * 32, b"r") == StoredResponse(b"201 ver_1")
        with pytest.raises(Rejected) as refusal:
            await any_process.idempotency.response(b"k" * 32, b"other")
        assert refusal.value.code is ErrorCode.IDEMPOTENCY_KEY_REUSED
    assert await store.idempotency.response(b"o" * 32, b"r") is None


async def test_a_refused_request_leaves_its_idempotency_key_free(store, vault):
    for number in range(LIMITS.sends_per_number):
        await create(store, vault, name=f"ver_{number}")
    with pytest.raises(Rejected):
        await create(store, vault, name="ver_over", idempotency_key=key())
    await create(store, vault, name="ver_next", number=PhoneNumber("+14255550124"), idempotency_key=key())
    assert await store.verifications.get("ver_next")


async def test_lists_are_narrowed_and_paged(store, vault):
    for number in range(5):
        await create(store, vault, name=f"ver_{number}", number=PhoneNumber(f"+1425555012{number}"))
    await create(store, vault, name="ver_foreign", application="app_2")
    await check(store, vault, "123456", "ver_3")
    first = await store.verifications.page("app_1", ListFilter(limit=2))
    assert ([kept.id for kept in first.verifications], first.has_more) == (["ver_4", "ver_3"], True)
    rest = await store.verifications.page("app_1", ListFilter(limit=3, starting_after="ver_3"))
    assert ([kept.id for kept in rest.verifications], rest.has_more) == (["ver_2", "ver_1", "ver_0"], False)
    approved = await store.verifications.page("app_1", ListFilter(status=Status.APPROVED))
    assert [kept.id for kept in approved.verifications] == ["ver_3"]
    by_number = await store.verifications.page("app_1", ListFilter(number=PhoneNumber("+14255550121")))
    assert [kept.id for kept in by_number.verifications] == ["ver_1"]


async def test_a_send_is_claimed_once_and_leaves_when_it_is_done(store, vault, clock):
    await create(store, vault)
    assert await store.outbox.claim_due(10, OutboxKind.ATTEMPT) == []
    clock.now += 60_000
    (due,) = await store.outbox.claim_due(10, OutboxKind.ATTEMPT)
    assert (due.id, due.subject_id, due.state, due.tries) == ("att_ver_1", "ver_1", OutboxState.QUEUED, 0)
    claims = await asyncio.gather(*(store.outbox.claim("att_ver_1", 60_000) for _ in range(20)))
    assert sum(claims) == 1
    assert await store.outbox.claim_due(10, OutboxKind.ATTEMPT) == []
    clock.now += 60_000
    (due,) = await store.outbox.claim_due(10, OutboxKind.ATTEMPT)
    assert (due.state, due.tries) == (OutboxState.SENDING, 1)
    await store.verifications.apply(
        "ver_1",
        lambda kept, now: send_results.record_unknown(kept, "att_ver_1", now),
        update=OutboxUpdate("att_ver_1", OutboxState.UNKNOWN, 5_000),
    )
    assert not await store.outbox.claim("att_ver_1", 60_000)
    clock.now += 5_000
    assert [due.state for due in await store.outbox.claim_due(10, OutboxKind.ATTEMPT)] == [OutboxState.UNKNOWN]
    await store.outbox.update(OutboxUpdate("att_ver_1"))
    clock.now += 600_000
    assert await store.outbox.claim_due(10, OutboxKind.ATTEMPT) == []


async def test_deadlines_are_found_and_gone_once_acted_on(store, vault, clock):
    await create(store, vault)
    assert await store.verifications.claim_due(10) == []
    clock.now += LIMITS.lifetime * 1_000
    assert await store.verifications.claim_due(10) == ["ver_1"]
    await store.verifications.apply("ver_1", pass_deadline)
    assert (await store.verifications.get("ver_1")).status is Status.EXPIRED
    assert await store.verifications.claim_due(10) == []


async def test_whoever_waits_is_told_of_the_next_change_only(store, vault):
    await create(store, vault)
    await create(store, vault, name="ver_2", number=PhoneNumber("+14255550124"))
    mine, other = store.verifications.changed("ver_1"), store.verifications.changed("ver_2")
    await check(store, vault, "000000")
    assert mine.done()
    assert not other.done()
    quiet = store.verifications.changed("ver_1")
    await store.verifications.apply("ver_1", pass_deadline)
    assert not quiet.done()
    store.verifications.wake_all()
    assert other.done()
    assert quiet.done()


async def test_an_enrollment_is_made_once_and_hears_every_outcome(store, vault, clock):
    made = an_enrollment(at=clock.now, user="alice@example.com")
    assert await store.enrollments.enroll(made, None) == (made, True)
    assert await store.enrollments.enroll(msgspec.structs.replace(made, id="enr_2"), None) == (made, False)
    assert await store.enrollments.of_user("app_1", "alice@example.com") == made
    assert await store.enrollments.of_user("app_2", "alice@example.com") is None

    await create(store, vault, enrollment_id="enr_1")
    before = await store.enrollments.get("enr_1")
    assert [(phone.number, phone.verified_at) for phone in before.phones] == [(NUMBER, None)]
    for _ in range(5):
        await check(store, vault, "000000")
    failed = await store.enrollments.get("enr_1")
    assert (failed.status(clock.now), failed.last_outcome.status) == (
        EnrollmentStatus.PENDING,
        Status.MAX_ATTEMPTS_REACHED,
    )

    await create(store, vault, name="ver_2", enrollment_id="enr_1")
    await check(store, vault, "123456", "ver_2")
    after = await store.enrollments.get("enr_1")
    assert (after.status(clock.now), after.last_outcome.verification_id) == (EnrollmentStatus.ENROLLED, "ver_2")
    assert [(phone.id, phone.verified_at) for phone in after.phones] == [("phn_ver_1", clock.now)]
    assert after.default_method.phone_id == "phn_ver_1"


async def test_keys_are_kept_listed_and_revoked(store, clock):
    key = ApiKey("key_1", Application("app_1", "Bank"), "ci", b"d" * 32, clock.now, None)
    assert await store.api_keys.add(key) == key
    second = await store.api_keys.add(ApiKey("key_2", Application("app_x", "Bank"), "two", b"e" * 32, clock.now, None))
    assert second.application == Application("app_1", "Bank")
    clock.now += 1_000
    assert await store.api_keys.revoke("key_1")
    assert not await store.api_keys.revoke("key_none")
    assert [(kept.id, kept.revoked_at) for kept in await store.api_keys.all()] == [
        ("key_1", clock.now),
        ("key_2", None),
    ]


async def test_old_receipts_and_tallies_are_purged(store, vault, clock):
    await create(store, vault, idempotency_key=key())
    await store.retention.delete_expired(clock.now + 1)
    change = await create(store, vault, name="ver_2", idempotency_key=key())
    assert len(change.rate_counters.sends) == 1


async def test_what_was_undone_behind_its_change_is_seen_by_nobody(store, vault, fill_up):
    await fill_up("receipts")
    with pytest.raises(Exception, match="is_full"):
        await create(store, vault, idempotency_key=key())
    assert await store.verifications.get("ver_1") is None
    with pytest.raises(Rejected):
        await check(store, vault, "123456")


async def test_it_is_ready_at_head(store):
    await store.ready()
