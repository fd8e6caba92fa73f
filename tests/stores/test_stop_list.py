"""The stop list: what is on it is sent nothing, whichever application asks, until an operator lifts it."""

import asyncio

import msgspec
import pytest
from support.verifications import a_new_attempt, a_request, create_in, recognized

from gateway.domain import commands
from gateway.domain.assurance import Basis
from gateway.domain.enrollment import EnrollmentChange
from gateway.domain.errors import ErrorCode, Rejected, StoreUnavailable
from gateway.domain.limits import Limits
from gateway.domain.outbox import OutboxKind
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.verification import Change, Status
from gateway.stores.opening import store_beside

LIMITS = Limits(resend_wait=0)
NUMBER, OTHER = PhoneNumber("+14255550123"), PhoneNumber("+14255550124")


async def create(store, name="ver_1", number=NUMBER, application="app_1"):
    return await create_in(store, a_request(name, number=number, application_id=application), limits=LIMITS)


async def stop(store, name="ver_1"):
    """Have a change put the number on the list, as a key on a call does."""
    return await store.verifications.apply_counted(
        name,
        lambda verification, _rate_counters, now: Change(
            msgspec.structs.replace(commands.cancel(verification, now).verification), suppress="asked for it"
        ),
    )


async def resend(store, name="ver_1"):
    return await store.verifications.resend(
        name,
        lambda kept, rate_counters, now: commands.resend(kept, a_new_attempt("again"), rate_counters, now, LIMITS),
        None,
        person=lambda enrollment, _now: EnrollmentChange(enrollment),
    )


async def test_a_stopped_number_is_refused_for_every_application_and_no_other_number_is(store):
    await create(store)
    await stop(store)
    for name, application in (("ver_2", "app_1"), ("ver_3", "app_2")):
        with pytest.raises(Rejected) as refused:
            await create(store, name, application=application)
        assert refused.value.code is ErrorCode.NUMBER_STOPPED
        assert await store.verifications.get(name) is None
    await create(store, "ver_4", OTHER)
    assert {due.id for due in await store.outbox.claim_due(10, OutboxKind.ATTEMPT)} <= {"att_ver_1", "att_ver_4"}


async def test_what_is_under_way_for_a_stopped_number_is_not_resent(store):
    await create(store)
    await create(store, "ver_2", application="app_2")
    await stop(store)
    before = await store.verifications.get("ver_2")
    with pytest.raises(Rejected) as refused:
        await resend(store, "ver_2")
    assert refused.value.code is ErrorCode.NUMBER_STOPPED
    assert await store.verifications.get("ver_2") == before


async def test_a_code_that_has_arrived_still_counts_and_the_list_is_not_kept_in_the_tally(store):
    await create(store)
    await create(store, "ver_2")
    await stop(store)
    guess = b"wrong"
    change = await store.verifications.apply_counted(
        "ver_2", lambda kept, rate_counters, now: commands.check_code(kept, guess, rate_counters, now, LIMITS)
    )
    assert change.verification.checks_left == 4
    assert await store.suppressions.remove(NUMBER, "she called us") is True
    await create(store, "ver_3")


async def test_a_sign_in_that_sends_nothing_is_not_refused(store):
    await create(store)
    await stop(store)
    created = await store.verifications.create(
        "ver_2",
        NUMBER,
        lambda _rate_counters, now: recognized(a_request("ver_2"), Basis.TRUSTED_DEVICE, None, now),
        idempotency_key=None,
        joining=None,
    )
    assert created.change.verification.status is Status.APPROVED


async def test_a_stop_and_a_send_at_once_leave_no_send_behind_the_stop(store):
    await create(store)
    results = await asyncio.gather(
        *(create(store, f"ver_a{number}", application="app_2") for number in range(2)),
        stop(store),
        *(create(store, f"ver_b{number}", application="app_2") for number in range(2)),
        return_exceptions=True,
    )
    assert [isinstance(result, Rejected) for result in results] == [False, False, False, True, True]


async def test_every_change_is_journalled_with_its_reason(store, clock):
    await create(store)
    await stop(store)
    stops = store.suppressions
    [one] = await stops.all()
    assert (one.id, one.reason, one.added_at) == (stops.subject(NUMBER), "asked for it", clock())
    assert await stops.add(NUMBER, "again") is False
    assert await stops.remove(NUMBER, "a mistake") is True
    assert await stops.remove(NUMBER, "a mistake") is False
    assert await stops.add(NUMBER, "asked by letter") is True
    entries = await store.verifications.journal(one.id, 0)
    assert [(entry.sequence, entry.type, entry.facts["reason"]) for entry in entries] == [
        (1, "stop_list.added", "asked for it"),
        (2, "stop_list.removed", "a mistake"),
        (3, "stop_list.added", "asked by letter"),
    ]


async def test_the_list_holds_no_number(store, disk):
    await store.suppressions.add(NUMBER, "asked by letter")
    assert NUMBER.e164.encode() not in await disk()


async def test_the_console_changes_the_list_beside_the_gateway(store, beside):
    await beside.suppressions.add(NUMBER, "asked by letter")
    with pytest.raises(Rejected):
        await create(store)
    assert await store.suppressions.remove(NUMBER, "she called us") is True
    assert await beside.suppressions.all() == []


async def test_a_database_that_is_not_there_is_named(tmp_path, vault, clock):
    with pytest.raises(StoreUnavailable, match="no database"):
        async with store_beside(f"sqlite:///{tmp_path / 'none.db'}", vault, clock):
            pass
    assert list(tmp_path.iterdir()) == []
