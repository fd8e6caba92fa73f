"""Graces: what the end of an attempt has overtaken counts for as long as granted, whatever becomes of the others."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.verifications import RIGHT, a_new_attempt, a_request, created

from gateway.domain import commands, fallback, recovery, send_results, status_reports, timeouts
from gateway.domain.delivery import DeliveryStatus
from gateway.domain.errors import ErrorCode
from gateway.domain.ivr import call_events
from gateway.domain.limits import SECOND, Limits, RateCounters, resend_wait
from gateway.domain.verification import Channel, Failure, FailureCode, FallbackStep, Mode, Status

LIMITS = Limits()
START = 1_000_000
CALL, SMS = Channel.CALL, Channel.SMS
LOST = Failure(FailureCode.NUMBER_UNREACHABLE, "out of reach")
REFUSED = Failure(FailureCode.PROVIDER_REFUSED, "no")
CALL_GRACE, TEXT_GRACE = int(LIMITS.call_grace * SECOND), int(LIMITS.text_grace * SECOND)


def drawn(count, channel):
    mode = Mode.CONFIRM if channel is CALL else None
    return a_new_attempt(count, channel, mode)


def begun(channel, *, steps=()):
    plan = fallback.plan_steps(steps, lambda _step: None)
    request = a_request(channel=channel, enrollment_id="enr_1", plan=plan)
    return created(request, drawn(1, channel), now=START, limits=LIMITS).verification


def again(verification, channel, now):
    new = drawn(len(verification.attempts) + 1, channel)
    return commands.next_attempt(verification, new, RateCounters(), now, LIMITS).verification


def moved_on(verification):
    def draw(channel, _mode, _number):
        return drawn(len(verification.attempts) + 1, channel)

    return fallback.take_next_step(verification, draw, RateCounters(), verification.next_at, LIMITS).verification


def answered(verification, now, number=1):
    return call_events.answer_call(verification, f"token-{number}", f"CA{number}", None, now).verification


def keyed(verification, now, digits="#", number=1):
    turn = verification.attempts[number - 1].gather_number
    return call_events.gather_digits(
        verification, f"token-{number}", f"CA{number}", turn, digits, RateCounters(), now, LIMITS
    ).verification


def call_over(verification, now, number=1, status=DeliveryStatus.COMPLETED, answered_by=None):
    report = status_reports.CallReport(f"CA{number}", status, status.value, 1, answered_by, None)
    return status_reports.apply_call_report(verification, f"token-{number}", report, now, LIMITS).verification


def lost(verification, now, number=1):
    report = status_reports.MessageReport(f"SM{number}", DeliveryStatus.UNDELIVERED, "undelivered", LOST)
    return status_reports.apply_message_report(verification, f"token-{number}", report, now, LIMITS).verification


def refused(verification, now, number=2):
    return send_results.record_rejected(verification, f"att_{number}", REFUSED, now).verification


def machine(verification, now, number=2):
    return call_events.detect_machine(verification, f"token-{number}", f"CA{number}", now).verification


def wrong_to_the_end(verification, now, number=2):
    verification = answered(verification, now, number)
    for _ in range(LIMITS.wrong_keys_per_call):
        verification = keyed(verification, now, "7", number)
    return verification


def never_arrived(verification, now, number=2):
    unknown = send_results.record_unknown(verification, f"att_{number}", now).verification
    return send_results.record_not_received(unknown, f"att_{number}", now).verification


AT_ONCE = [refused, machine, wrong_to_the_end, never_arrived]
"""How a call ends without any grace of its own."""


@pytest.mark.parametrize("channel", Channel)
def test_a_resend_that_is_refused_takes_no_time_from_a_key_on_its_way(channel):
    over = call_over(answered(begun(CALL), START + 10), START + 1_000)
    both = refused(again(over, channel, START + 1_100), START + 1_200)
    assert (both.status, both.ends_at, both.ending) == (Status.PENDING, START + 1_000 + CALL_GRACE, REFUSED)
    assert keyed(both, both.ends_at - 1).status is Status.APPROVED
    ended = timeouts.pass_deadline(both, both.ends_at).verification
    assert (ended.status, ended.failure) == (Status.FAILED, REFUSED)


@pytest.mark.parametrize("fail", AT_ONCE)
def test_a_call_that_fails_at_once_takes_no_time_from_a_text_that_may_still_arrive(fail):
    both = fail(again(lost(begun(SMS), START + 10), CALL, START + 20), START + 30)
    assert (both.status, both.ends_at) == (Status.PENDING, START + 10 + TEXT_GRACE)
    checked = commands.check_code(both, RIGHT, RateCounters(), both.ends_at - 1, LIMITS).verification
    assert checked.status is Status.APPROVED


@pytest.mark.parametrize("order", [(lost, call_over), (call_over, lost)], ids=["text first", "call first"])
def test_the_latest_grace_of_any_attempt_holds(order):
    both = again(begun(SMS), CALL, START + 20)
    for place, fail in enumerate(order):
        both = fail(both, START + 1_000 * (1 + place), 1 if fail is lost else 2)
    assert both.ends_at == START + 1_000 * (1 + order.index(lost)) + TEXT_GRACE


def test_of_two_texts_the_one_that_was_lost_last_decides():
    both = again(begun(SMS), SMS, START + 20)
    second_first = lost(lost(both, START + 1_000, 2), START + 5_000, 1)
    assert second_first.ends_at == START + 5_000 + TEXT_GRACE


def test_a_grace_is_granted_once():
    over = call_over(answered(begun(CALL), START + 10), START + 1_000)
    anew = status_reports.CallReport("CA1", DeliveryStatus.COMPLETED, "completed", 2, None, None)
    repeated = status_reports.apply_call_report(over, "token-1", anew, START + 2_000, LIMITS).verification
    assert (repeated.revision, repeated.ends_at) == (over.revision + 1, over.ends_at)


def test_what_was_keyed_in_before_and_the_verdict_on_who_did_take_no_time_away():
    over = call_over(answered(begun(CALL), START + 10), START + 1_000)
    person = call_events.detect_person(over, "token-1", "CA1", "human", START + 1_100).verification
    for later in (keyed(over, START + 1_100, "7"), machine(over, START + 1_100, 1), person):
        assert (later.status, later.ends_at) == (Status.PENDING, over.ends_at)
    assert keyed(keyed(over, START + 1_100, "7"), START + 1_200).status is Status.APPROVED
    assert keyed(machine(over, START + 1_100, 1), START + 1_200).status is Status.PENDING


def test_the_grace_of_an_attempt_whose_tries_are_used_up_is_none():
    both = again(begun(SMS), CALL, START + 20)
    used_up = call_over(wrong_to_the_end(both, START + 30), START + 1_000, 2)
    gone = refused(used_up, START + 1_100, 1)
    assert (gone.status, gone.failure.code) == (Status.FAILED, FailureCode.WRONG_KEY)


def test_a_text_that_arrived_after_all_ends_nothing():
    both = refused(again(lost(begun(SMS), START + 10), CALL, START + 20), START + 30)
    report = status_reports.MessageReport("SM1", DeliveryStatus.DELIVERED, "delivered", None)
    arrived = status_reports.apply_message_report(both, "token-1", report, START + 40, LIMITS).verification
    assert (arrived.ends_at, arrived.ending, arrived.due_at) == (None, None, arrived.expires_at)


TEXT_THEN_CALL = (FallbackStep(SMS, wait=60), FallbackStep(CALL, Mode.CONFIRM, 60))


@pytest.mark.parametrize("fail", [*AT_ONCE, call_over])
def test_the_last_step_takes_no_time_from_a_text_that_may_still_arrive(fail):
    called = moved_on(lost(begun(SMS, steps=TEXT_THEN_CALL), START + 10))
    both = fail(called, START + 1_000, 2)
    assert (both.status, both.steps, both.ends_at) == (Status.PENDING, (), START + 10 + TEXT_GRACE)


def test_a_last_step_that_is_left_out_takes_no_time_from_an_attempt_before():
    steps = (*TEXT_THEN_CALL, FallbackStep(SMS))
    called = moved_on(lost(begun(SMS, steps=steps), START + 10))
    failed = wrong_to_the_end(called, START + 1_000)
    after = fallback.skip_step(failed, ErrorCode.RATE_LIMITED, failed.next_at).verification
    assert (after.status, after.steps, after.next_at) == (Status.PENDING, (), None)
    assert after.ends_at == START + 10 + TEXT_GRACE


def test_a_restore_that_leaves_the_steps_out_takes_no_time_from_a_text_that_may_still_arrive():
    failed = lost(begun(SMS, steps=TEXT_THEN_CALL), START + 10)
    after = recovery.recover_verification(failed, START + 1_000).verification
    assert (after.status, after.steps, after.ends_at) == (Status.PENDING, (), START + 10 + TEXT_GRACE)


def test_a_text_that_is_lost_hurries_no_step_past_a_key_on_its_way():
    steps = (*TEXT_THEN_CALL, FallbackStep(SMS))
    ringing = moved_on(begun(SMS, steps=steps))
    over = call_over(answered(ringing, START + 70_000, 2), START + 71_000, 2)
    assert over.next_at == START + 71_000 + CALL_GRACE
    assert lost(over, START + 71_100).next_at == over.next_at


def test_what_is_kept_comes_back_with_its_grace():
    over = call_over(answered(begun(CALL), START + 10), START + 1_000)
    kept = msgspec.json.decode(msgspec.json.encode(over), type=type(over))
    both = refused(again(kept, SMS, START + 1_100), START + 1_200)
    assert both.ends_at == START + 1_000 + CALL_GRACE


GRACES = {call_over: CALL_GRACE, lost: TEXT_GRACE}
ENDS = {CALL: st.sampled_from([call_over, *AT_ONCE]), SMS: st.sampled_from([lost, refused, never_arrived])}
CHANNELS = st.lists(st.sampled_from(Channel), min_size=2, max_size=4)
WAITS = st.lists(st.sampled_from([0, 1, SECOND, CALL_GRACE, 30 * SECOND, TEXT_GRACE]), min_size=4, max_size=12)


@given(CHANNELS, WAITS, st.data())
def test_in_any_order_it_fails_when_the_latest_grace_of_its_attempts_is_over(channels, waits, data):
    first, *following = channels
    now, verification, granted = START, msgspec.structs.replace(begun(first), expires_at=START + 9_999 * SECOND), {}
    for wait in waits:
        number = data.draw(st.integers(1, len(verification.attempts)))
        if following and (number in granted or data.draw(st.booleans())):
            verification = again(verification, following.pop(0), now)
        else:
            end = data.draw(ENDS[verification.attempts[number - 1].channel])
            granted.setdefault(number, now + GRACES.get(end, 0))
            verification = end(verification, now, number)
        over_at = max(granted.values()) if len(granted) == len(verification.attempts) else None
        for _ in range(2):
            over = over_at is not None and over_at <= now
            assert verification.status is (Status.FAILED if over else Status.PENDING)
            assert verification.ends_at == (None if over else over_at)
            if over:
                return
            now += wait
            verification = timeouts.pass_deadline(verification, now).verification


def test_what_has_failed_is_waited_for_no_longer():
    wait, soon = resend_wait(2, LIMITS), START + SECOND
    sent = again(begun(SMS), SMS, START)
    waiting, at_once = (START + wait, START + wait), (soon, soon)
    assert commands.resend_times(sent, LIMITS) == commands.resend_times(lost(sent, soon), LIMITS) == waiting
    assert (
        commands.resend_times(lost(sent, soon, 2), LIMITS)
        == commands.resend_times(refused(sent, soon), LIMITS)
        == at_once
    )
    called = answered(again(begun(SMS), CALL, START), soon, 2)
    assert commands.resend_times(called, LIMITS) == (START + wait, None)
    assert commands.resend_times(call_over(called, soon, 2), LIMITS) == at_once
