"""Fallback: the next way follows when the last one failed or nothing came of it, and not while the person has it."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.verifications import a_new_attempt, a_request, created

from gateway.domain import commands, fallback, send_results, status_reports, timeouts
from gateway.domain.delivery import DeliveryStatus
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.ivr import call_events
from gateway.domain.limits import SECOND, Limits, RateCounters
from gateway.domain.verification import Channel, Failure, FailureCode, FallbackStep, Mode, Status

LIMITS = Limits()
START = 1_000_000
NO_RATE_COUNTERS = RateCounters()
SMS, CALL = Channel.SMS, Channel.CALL
TEXT_FIRST = (FallbackStep(SMS, wait=60), FallbackStep(CALL, Mode.CODE, 40), FallbackStep(SMS, wait=20))
CALL_FIRST = (FallbackStep(CALL, Mode.CONFIRM, 20), FallbackStep(CALL, Mode.CONFIRM, 40), FallbackStep(SMS))
LOST = Failure(FailureCode.NUMBER_UNREACHABLE, "out of reach", "30003")


def begun(steps=TEXT_FIRST, denial=lambda _step: None) -> commands.Change:
    first = steps[0]
    plan = fallback.plan_steps(steps, denial)
    request = a_request(channel=first.channel, mode=first.mode, enrollment_id="enr_1", plan=plan)
    return created(request, a_new_attempt(1, first.channel, first.mode), now=START, limits=LIMITS)


def started(steps=TEXT_FIRST):
    return begun(steps).verification


def waited(verification, now, rate_counters=NO_RATE_COUNTERS):
    count = len(verification.attempts) + 1
    return fallback.take_next_step(
        verification, lambda channel, mode, _number: a_new_attempt(count, channel, mode), rate_counters, now, LIMITS
    )


def text_report(verification, status, now, number=1, failure=None):
    report = status_reports.MessageReport(f"SM{number}", status, status.value, failure)
    return status_reports.apply_message_report(verification, f"token-{number}", report, now, LIMITS).verification


def call_report(verification, status, now, number=1):
    report = status_reports.CallReport(f"CA{number}", status, status.value, 1, None, None)
    return status_reports.apply_call_report(verification, f"token-{number}", report, now, LIMITS).verification


def test_the_first_step_is_waited_for_and_the_others_are_kept():
    verification = started()
    assert verification.next_at == verification.due_at == START + 60 * SECOND
    assert verification.steps == TEXT_FIRST[1:]
    assert not fallback.is_due(verification, verification.next_at - 1)
    assert fallback.is_due(verification, verification.next_at)


def test_what_is_forbidden_is_left_out_and_the_journal_says_why():
    change = begun(denial=lambda step: ErrorCode.METHOD_FORBIDDEN if step.channel is CALL else None)
    assert change.verification.steps == TEXT_FIRST[2:]
    [left_out] = [entry for entry in change.entries if entry.type == "fallback.left_out"]
    assert left_out.facts == {"channel": "call", "mode": "code", "reason": "method_forbidden"}
    assert change.verification.entries == len(change.entries) == 3


def test_after_the_wait_the_next_way_is_taken_with_the_same_code():
    before = started()
    change = waited(before, before.next_at)
    after = change.verification
    assert (after.channel, after.mode, after.status) == (CALL, Mode.CODE, Status.PENDING)
    assert [attempt.channel for attempt in after.attempts] == [SMS, CALL]
    assert change.send == after.attempts[-1]
    assert len(change.rate_counters.sends) == 1
    assert (after.code_digest, after.sealed_code) == (before.code_digest, before.sealed_code)
    assert (after.steps, after.next_at) == (TEXT_FIRST[2:], before.next_at + 40 * SECOND)
    assert [entry.type for entry in change.entries] == ["fallback.moved_on", "attempt.queued"]


def test_too_early_nothing_happens():
    verification = started()
    assert waited(verification, verification.next_at - 1).verification is verification


def test_a_definite_failure_moves_on_at_once():
    refused = send_results.record_rejected(started(), "att_1", LOST, START + 5).verification
    lost = text_report(started(), DeliveryStatus.UNDELIVERED, START + 5, failure=LOST)
    for failed in (refused, lost):
        assert (failed.status, failed.next_at, failed.ends_at) == (Status.PENDING, START + 5, None)
    change = waited(lost, START + 5)
    assert change.entries[0].facts["after"] == "number_unreachable"


def test_the_end_of_a_call_leaves_a_key_the_time_to_arrive():
    steps = (FallbackStep(CALL, Mode.CONFIRM, 60), FallbackStep(SMS))
    answered = call_events.answer_call(started(steps), "token-1", "CA1", None, START + 1).verification
    over = call_report(answered, DeliveryStatus.COMPLETED, START + 2_000)
    assert over.next_at == START + 2_000 + int(LIMITS.call_grace * SECOND)
    pressed = call_events.gather_digits(over, "token-1", "CA1", 1, "#", RateCounters(), START + 2_100, LIMITS)
    assert pressed.verification.status is Status.APPROVED


def test_a_text_that_arrived_is_followed_by_nothing():
    arrived = text_report(started(), DeliveryStatus.DELIVERED, START + 5)
    assert (arrived.next_at, arrived.due_at) == (None, arrived.expires_at)
    assert arrived.steps == TEXT_FIRST[1:]


def test_a_text_that_arrived_after_all_stops_what_its_loss_had_begun():
    lost = text_report(started(), DeliveryStatus.UNDELIVERED, START + 5, failure=LOST)
    assert text_report(lost, DeliveryStatus.DELIVERED, START + 6).next_at is None


def test_a_text_without_any_report_is_followed_after_its_wait():
    sent = text_report(started(), DeliveryStatus.SENT, START + 5)
    assert sent.next_at == START + 60 * SECOND


def test_no_second_call_is_placed_while_one_is_under_way():
    verification = call_report(started(CALL_FIRST), DeliveryStatus.RINGING, START + 1)
    held = waited(verification, verification.next_at)
    assert (held.send, held.verification.next_at) == (None, None)
    over = call_report(held.verification, DeliveryStatus.NO_ANSWER, START + 30_000)
    assert over.next_at == START + 30_000 + int(LIMITS.call_grace * SECOND)
    assert waited(over, over.next_at).send


def test_nobody_is_texted_while_on_the_phone_with_us():
    steps = (FallbackStep(CALL, Mode.CONFIRM, 20), FallbackStep(SMS))
    ringing = call_report(started(steps), DeliveryStatus.RINGING, START + 1)
    assert waited(ringing, ringing.next_at).send, "a phone that only rings holds no text up"
    answered = call_events.answer_call(ringing, "token-1", "CA1", None, START + 2).verification
    held = waited(answered, answered.next_at)
    assert (held.send, held.verification.next_at) == (None, None)


def test_no_verification_fails_while_a_way_is_left_and_it_fails_with_the_last():
    verification = started(TEXT_FIRST[:2])
    failed = text_report(verification, DeliveryStatus.FAILED, START + 5, failure=LOST)
    assert timeouts.pass_deadline(failed, failed.next_at).verification is failed
    called = waited(failed, failed.next_at).verification
    over = call_report(called, DeliveryStatus.BUSY, START + 9, number=2)
    assert (over.status, over.steps) == (Status.PENDING, ())
    ended = timeouts.pass_deadline(over, over.ends_at)
    assert (ended.verification.status, ended.verification.failure.code) == (Status.FAILED, FailureCode.LINE_BUSY)
    assert ended.outcome


def test_a_resend_takes_the_place_of_the_next_step():
    verification = started()
    change = commands.resend(verification, a_new_attempt(2, SMS, None), RateCounters(), START + 40_000, LIMITS)
    assert change.verification.steps == TEXT_FIRST[2:]
    assert change.verification.next_at == START + 40_000 + 40 * SECOND
    last = commands.resend(
        change.verification, a_new_attempt(3, CALL, Mode.CODE), RateCounters(), START + 200_000, LIMITS
    )
    assert (last.verification.steps, last.verification.next_at) == ((), None)


def test_a_number_that_had_its_sends_is_refused_and_the_step_left_out():
    full = RateCounters(sends=(START,) * LIMITS.sends_per_number)
    verification = started()
    with pytest.raises(Rejected) as refused:
        waited(verification, verification.next_at, full)
    change = fallback.skip_step(verification, refused.value.code, verification.next_at)
    assert change.entries[0].facts["reason"] == "rate_limited"
    assert (change.verification.steps, change.verification.next_at) == (TEXT_FIRST[2:], verification.next_at)
    assert fallback.skip_step(verification, refused.value.code, START).verification is verification


def test_a_number_on_the_stop_list_gets_no_further_step():
    with pytest.raises(Rejected) as refused:
        waited(started(), START + 60_000, RateCounters(stopped=True))
    assert refused.value.code is ErrorCode.NUMBER_STOPPED


@pytest.mark.parametrize(
    ("fail", "status", "grace"),
    [
        (lambda v: send_results.record_rejected(v, "att_1", LOST, START + 5).verification, Status.FAILED, 0),
        (
            lambda v: text_report(v, DeliveryStatus.UNDELIVERED, START + 5, failure=LOST),
            Status.PENDING,
            int(LIMITS.text_grace * SECOND),
        ),
    ],
    ids=["a text that was refused", "a text that was lost"],
)
def test_when_the_last_step_is_left_out_nothing_waits_for_ever(fail, status, grace):
    failed = fail(started(TEXT_FIRST[:2]))
    after = fallback.skip_step(failed, ErrorCode.RATE_LIMITED, failed.next_at).verification
    assert (after.status, after.steps, after.next_at) == (status, (), None)
    if grace:
        ended = timeouts.pass_deadline(after, START + 5 + grace).verification
        assert (ended.status, ended.failure) == (Status.FAILED, LOST)


def test_at_the_end_of_its_lifetime_it_expires_whatever_is_left():
    verification = msgspec.structs.replace(started(), next_at=START + 700_000)
    change = waited(verification, verification.expires_at)
    assert (change.verification.status, change.send) == (Status.EXPIRED, None)


def test_an_ended_one_takes_no_further_way():
    canceled = commands.cancel(started(), START + 1).verification
    assert not fallback.is_due(canceled, START + 60_000)
    assert waited(canceled, START + 60_000).verification is canceled


@pytest.mark.parametrize(
    ("steps", "wrong"),
    [
        ((), None),
        (TEXT_FIRST, None),
        (TEXT_FIRST[:1], "2 to 5 steps"),
        ((FallbackStep(SMS),) * 6, "2 to 5 steps"),
        ((FallbackStep(SMS), FallbackStep(SMS, Mode.CODE)), "Step 2: a text has no mode"),
        ((FallbackStep(SMS), FallbackStep(CALL, Mode.PIN)), None),
    ],
)
def test_steps_that_cannot_be_are_named(steps, wrong):
    said = fallback.find_mistake(steps)
    assert (said is None) == (wrong is None)
    assert wrong is None or wrong in said


@given(st.lists(st.integers(5, 100), min_size=2, max_size=5), st.integers(1, 100))
def test_without_any_news_each_step_has_its_wait(waits, late):
    steps = tuple(FallbackStep(SMS, wait=wait) for wait in waits)
    verification, now = started(steps), START
    for wait in waits[:-1]:
        assert verification.next_at == now + wait * SECOND
        now = verification.next_at + late
        verification = waited(verification, now).verification
    assert (len(verification.attempts), verification.next_at) == (len(waits), None)
