"""What has been kept for its time goes: numbers, journals, verifications; and what is counted of them stays."""

import asyncio

import msgspec
import pytest
from support.verifications import a_request, create_in

from gateway.domain import commands
from gateway.domain.errors import Rejected
from gateway.domain.limits import DAY, Limits
from gateway.domain.listing import ListFilter
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.retention import Retention
from gateway.domain.status_reports import MessageReport, apply_message_report
from gateway.domain.timeouts import pass_deadline
from gateway.domain.verification import Channel
from gateway.stores.statement import select

LIMITS = Limits(sends_per_number=1_000)
NUMBER = PhoneNumber("+14255550123")
FOREVER = Retention(0, 0, 0)


def name_at(at, tail=""):
    return f"ver_{at:012x}{tail}"


async def create(store, vault, name, *, channel=Channel.SMS):
    await create_in(store, a_request(name, channel, vault=vault), limits=LIMITS)
    return name


async def ended(store, vault, clock, tail="", **how):
    name = await create(store, vault, name_at(clock(), tail), **how)
    await store.verifications.apply(name, commands.cancel)
    return name


async def let_go(store, retention):
    while await store.retention.apply(retention):
        pass


async def test_a_number_goes_after_its_days_and_not_a_day_before(store, vault, clock, reopen):
    name = await ended(store, vault, clock)
    clock.now += 30 * DAY
    await let_go(store, Retention(numbers=30, journal=0, verifications=0))
    assert (await store.verifications.get(name)).number == NUMBER
    clock.now += 1
    await let_go(store, Retention(numbers=30, journal=0, verifications=0))
    kept = await store.verifications.get(name)
    assert kept.number.is_wiped
    assert kept.status == "canceled"
    assert (await store.verifications.page("app_1", ListFilter(number=NUMBER))).verifications == []
    assert len((await store.verifications.page("app_1", ListFilter())).verifications) == 1
    assert len(await store.verifications.journal(name, 0)) == kept.entries
    await store.close()
    again = await reopen()
    assert await again.verifications.get(name) == kept
    await again.close()


async def test_a_late_report_finds_its_attempt_until_the_journal_goes(store, vault, clock):
    name = await ended(store, vault, clock)
    report = MessageReport("SM1", None, "delivered", None)
    clock.now += 40 * DAY
    await let_go(store, Retention(numbers=30, journal=0, verifications=0))
    told = await store.verifications.apply(
        name, lambda kept, now: apply_message_report(kept, f"token-{name}", report, now, LIMITS)
    )
    assert told.entries
    await let_go(store, Retention(numbers=30, journal=30, verifications=0))
    assert await store.verifications.journal(name, 0) == []
    late = msgspec.structs.replace(report, word="read")
    for token in (f"token-{name}", ""):
        told = await store.verifications.apply(
            name, lambda kept, now, of=token: apply_message_report(kept, of, late, now, LIMITS)
        )
        assert told.entries == ()


async def test_what_goes_is_counted_by_day_application_channel_and_outcome(store, vault, clock):
    for place in range(3):
        await ended(store, vault, clock, f"a{place}")
    await ended(store, vault, clock, "b", channel=Channel.CALL)
    clock.now += DAY
    await ended(store, vault, clock)
    clock.now += 400 * DAY + 1
    left = await create(store, vault, name_at(clock()))
    await let_go(store, Retention())
    asked = select("SELECT day, application_id, channel, outcome, count FROM daily_counts ORDER BY 1, 3")
    counts = await store.run(lambda work: work.read_all(asked))
    assert counts == [
        ("2027-01-15", "app_1", "call", "canceled", 1),
        ("2027-01-15", "app_1", "sms", "canceled", 3),
        ("2027-01-16", "app_1", "sms", "canceled", 1),
    ]
    page = await store.verifications.page("app_1", ListFilter())
    assert [kept.id for kept in page.verifications] == [left]
    [entries] = await store.run(lambda work: work.read(select("SELECT COUNT(DISTINCT subject_id) FROM journal")))
    assert entries == 1


async def test_zero_keeps_for_ever(store, vault, clock):
    name = await ended(store, vault, clock)
    clock.now += 10_000 * DAY
    await let_go(store, FOREVER)
    assert (await store.verifications.get(name)).number == NUMBER
    assert await store.verifications.journal(name, 0)


async def test_one_that_the_clock_has_still_to_end_is_waited_for(store, vault, clock):
    waiting = await create(store, vault, name_at(clock(), "a"))
    behind = await ended(store, vault, clock, "b")
    clock.now += 31 * DAY
    await let_go(store, Retention())
    assert [(await store.verifications.get(name)).number for name in (waiting, behind)] == [NUMBER, NUMBER]
    await store.verifications.apply(waiting, pass_deadline)
    await let_go(store, Retention())
    assert all([(await store.verifications.get(name)).number.is_wiped for name in (waiting, behind)])


async def test_two_processes_take_each_row_once_in_bounded_batches(store, beside, vault, clock):
    for place in range(450):
        await ended(store, vault, clock, f"{place:03}")
    clock.now += 500 * DAY
    assert all(await asyncio.gather(store.retention.apply(Retention()), beside.retention.apply(Retention())))
    while any(await asyncio.gather(store.retention.apply(Retention()), beside.retention.apply(Retention()))):
        pass
    counts = await store.run(lambda work: work.read_all(select("SELECT count FROM daily_counts")))
    assert counts == [(450,)]
    assert (await store.verifications.page("app_1", ListFilter())).verifications == []


@pytest.mark.parametrize("typed", ["000000", "123456"])
async def test_a_code_for_one_that_was_wiped_is_refused_as_ever(store, vault, clock, typed):
    name = await ended(store, vault, clock)
    clock.now += 31 * DAY
    await let_go(store, Retention())
    digest = vault.code_digest(name, typed)
    with pytest.raises(Rejected, match="ended"):
        await store.verifications.apply_counted(
            name, lambda kept, rate_counters, now: commands.check_code(kept, digest, rate_counters, now, LIMITS)
        )
