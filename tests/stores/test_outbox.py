"""The outbox of every store: what is asked about, until its last word, and calls that nobody needs any more."""

import pytest
from support.verifications import a_new_attempt, a_request, an_enrollment, create_in

from gateway.domain import commands, send_results, status_reports
from gateway.domain.delivery import DeliveryStatus
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.limits import Limits
from gateway.domain.outbox import TO_RECONCILE, TO_SEND, OutboxKind, OutboxState, OutboxUpdate
from gateway.domain.phones import count_send
from gateway.domain.timeouts import pass_deadline
from gateway.domain.verification import Channel, Mode, Status
from gateway.stores.statement import select

LIMITS = Limits(resend_wait=0, sends_per_person=1)
FAR = 10_000_000


def new_attempt(name: str, channel: Channel) -> commands.NewAttempt:
    mode = Mode.CONFIRM if channel is Channel.CALL else None
    return a_new_attempt(name, channel, mode)


async def begin(store, vault, channel=Channel.SMS, *, enrollment_id=None, name="1"):
    new = new_attempt(name, channel)
    request = a_request(f"ver_{name}", channel, vault=vault, mode=new.mode, enrollment_id=enrollment_id)
    await create_in(store, request, new, limits=LIMITS)
    return new


async def taken(store, vault, channel=Channel.SMS, delay=1_000):
    """Let the provider take a send."""
    new = await begin(store, vault, channel)
    await store.verifications.apply(
        "ver_1",
        lambda kept, now: send_results.record_sent(kept, new.id, "SID1", now),
        update=OutboxUpdate(new.id, OutboxState.SETTLING, delay),
    )


def text_reported(store, status):
    report = status_reports.MessageReport("SID1", status, status.value, None)
    return store.verifications.apply(
        "ver_1", lambda kept, now: status_reports.apply_message_report(kept, "token-1", report, now, LIMITS)
    )


async def states(store) -> dict[str, str]:
    return dict(await store.run(lambda work: work.read_all(select("SELECT id, state FROM outbox"))))


def resend(store, person):
    new = new_attempt("2", Channel.SMS)
    return store.verifications.resend(
        "ver_1",
        lambda kept, rate_counters, now: commands.resend(kept, new, rate_counters, now, LIMITS),
        None,
        person=person,
    )


async def test_what_was_taken_is_asked_about_until_its_last_word(store, vault):
    await taken(store, vault)
    assert await states(store) == {"att_1": OutboxState.SETTLING}
    await text_reported(store, DeliveryStatus.SENT)
    assert await states(store) == {"att_1": OutboxState.SETTLING}
    await text_reported(store, DeliveryStatus.DELIVERED)
    assert await states(store) == {}


async def test_what_is_to_be_sent_never_waits_behind_what_is_asked_about(store, vault, clock):
    await taken(store, vault, delay=0)
    await begin(store, vault, name="2")
    clock.now += FAR
    assert [due.id for due in await store.outbox.claim_due(1, OutboxKind.ATTEMPT, TO_SEND)] == ["att_2"]
    assert [due.id for due in await store.outbox.claim_due(1, OutboxKind.ATTEMPT, TO_RECONCILE)] == ["att_1"]
    clock.now += FAR  # PostgreSQL leaves what it has listed to the one that it was listed to, for a while
    assert len(await store.outbox.claim_due(10, OutboxKind.ATTEMPT)) == 2


async def test_tries_are_kept_with_the_send(store, vault, clock):
    await taken(store, vault)
    await store.outbox.update(OutboxUpdate("att_1", OutboxState.SETTLING, 5_000, tries=3))
    clock.now += 4_999
    assert await store.outbox.claim_due(10, OutboxKind.ATTEMPT) == []
    clock.now += 1
    [due] = await store.outbox.claim_due(10, OutboxKind.ATTEMPT)
    assert (due.state, due.tries) == (OutboxState.SETTLING, 3)


@pytest.mark.parametrize("end", [commands.cancel, lambda kept, _now: pass_deadline(kept, kept.expires_at)])
async def test_a_call_that_nobody_needs_any_more_is_to_be_hung_up_at_once(store, vault, end):
    await taken(store, vault, Channel.CALL, delay=FAR)
    await store.verifications.apply("ver_1", end)
    [due] = await store.outbox.claim_due(10, OutboxKind.ATTEMPT)
    assert (due.id, due.state) == ("att_1", OutboxState.HANGING_UP)


async def test_a_text_of_an_ended_verification_is_not_asked_about(store, vault):
    await taken(store, vault)
    await store.verifications.apply("ver_1", commands.cancel)
    assert await states(store) == {}


@pytest.mark.parametrize("state", [OutboxState.QUEUED, OutboxState.SENDING, OutboxState.UNKNOWN])
async def test_a_send_that_the_provider_may_not_have_stays_where_it_is(store, vault, state):
    await begin(store, vault, Channel.CALL)
    await store.outbox.update(OutboxUpdate("att_1", state, FAR))
    await store.verifications.apply("ver_1", commands.cancel)
    assert await states(store) == {"att_1": state}


async def test_a_resend_counts_for_the_person_and_is_refused_whole(store, vault, clock):
    await store.enrollments.enroll(an_enrollment(at=clock.now, user="alice@example.com"), None)
    await begin(store, vault, enrollment_id="enr_1")

    def person(enrollment, now):
        return count_send(enrollment, now, LIMITS)

    await resend(store, person)
    assert (await store.enrollments.get("enr_1")).sends == (clock.now,)
    before = await store.verifications.get("ver_1")
    with pytest.raises(Rejected) as refused:
        await resend(store, person)
    assert refused.value.code is ErrorCode.RATE_LIMITED
    assert await store.verifications.get("ver_1") == before
    assert len(before.attempts) == 2
    assert before.status is Status.PENDING


@pytest.mark.parametrize("state", [OutboxState.SETTLING, None])
async def test_an_answer_that_overtook_the_end_takes_no_hang_up_back(store, vault, state):
    await taken(store, vault, Channel.CALL)
    await store.verifications.apply("ver_1", commands.cancel)
    await store.outbox.update(OutboxUpdate("att_1", state, FAR, only_from=OutboxState.SETTLING))
    assert await states(store) == {"att_1": OutboxState.HANGING_UP}
    [due] = await store.outbox.claim_due(10, OutboxKind.ATTEMPT)
    assert due.state is OutboxState.HANGING_UP
    later = state and OutboxState.HANGING_UP
    await store.outbox.update(OutboxUpdate("att_1", later, FAR, tries=2, only_from=OutboxState.HANGING_UP))
    kept = await store.run(lambda work: work.read_all(select("SELECT state, tries FROM outbox")))
    assert kept == ([] if state is None else [(OutboxState.HANGING_UP, 2)])
