"""The state machine as a whole: endings are final, approval happens at most once, the order of reports is free."""

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tables import for_each
from support.verifications import a_new_attempt, a_request, an_attempt, created

from gateway.domain import commands, send_results, status_reports, timeouts
from gateway.domain.assurance import Assurance
from gateway.domain.attempts import REPORT_LIMIT
from gateway.domain.delivery import DeliveryStatus, merge
from gateway.domain.errors import Rejected
from gateway.domain.ivr import call_events
from gateway.domain.ivr.replies import MACHINE_FAILURE
from gateway.domain.limits import Limits, RateCounters
from gateway.domain.verification import (
    TRANSITIONS,
    Channel,
    Ending,
    Failure,
    FailureCode,
    Mode,
    Reply,
    Script,
    Status,
    end_verification,
)

LIMITS = Limits()
CALL, TEXT = ("att_call", "token-call", "CA1"), ("att_text", "token-text", "SM1")
START = 1_000_000


def started(channel: Channel = Channel.CALL, limits: Limits = LIMITS) -> commands.Change:
    mode = Mode.CONFIRM if channel is Channel.CALL else None
    attempt_id, token, _ = CALL if channel is Channel.CALL else TEXT
    request = a_request(channel=channel, mode=mode, enrollment_id="enr_1")
    return created(
        request, a_new_attempt(id=attempt_id, token=token, channel=channel, mode=mode), now=START, limits=limits
    )


def call_report(status: DeliveryStatus | None, word: str, sequence: int | None = 0, sip: int | None = None):
    return status_reports.CallReport("CA1", status, word, sequence, None, sip)


CALL_INPUTS = {
    "answered": lambda v, now: call_events.answer_call(v, CALL[1], CALL[2], None, now),
    "answered_by_machine": lambda v, now: call_events.answer_call(v, CALL[1], CALL[2], "machine", now),
    "person": lambda v, now: call_events.detect_person(v, CALL[1], CALL[2], "human", now),
    "machine": lambda v, now: call_events.detect_machine(v, CALL[1], CALL[2], now),
    "pound": lambda v, now: call_events.gather_digits(
        v, CALL[1], CALL[2], turn_of(v), "#", RateCounters(), now, LIMITS
    ),
    "seven": lambda v, now: call_events.gather_digits(
        v, CALL[1], CALL[2], turn_of(v), "7", RateCounters(), now, LIMITS
    ),
    "silence": lambda v, now: call_events.gather_digits(
        v, CALL[1], CALL[2], turn_of(v), "", RateCounters(), now, LIMITS
    ),
    "late_pound": lambda v, now: call_events.gather_digits(
        v, CALL[1], CALL[2], turn_of(v) - 1, "#", RateCounters(), now, LIMITS
    ),
    "foreign_pound": lambda v, now: call_events.gather_digits(
        v, "other", CALL[2], turn_of(v), "#", RateCounters(), now, LIMITS
    ),
    "other_leg_pound": lambda v, now: call_events.gather_digits(
        v, CALL[1], "CA2", turn_of(v), "#", RateCounters(), now, LIMITS
    ),
    "sent": lambda v, now: send_results.record_sent(v, CALL[0], CALL[2], now),
    "unknown_send": lambda v, now: send_results.record_unknown(v, CALL[0], now),
    "never_arrived": lambda v, now: send_results.record_not_received(v, CALL[0], now),
    "odd_word": lambda v, now: status_reports.apply_call_report(
        v, CALL[1], call_report(None, "levitating"), now, LIMITS
    ),
    "canceled": commands.cancel,
    "grace_over": lambda v, now: timeouts.pass_deadline(v, (v.ends_at or now)),
    "lifetime_over": lambda v, _now: timeouts.pass_deadline(v, v.expires_at),
    **{
        status.value: lambda v, now, status=status: status_reports.apply_call_report(
            v, CALL[1], call_report(status, status.value), now, LIMITS
        )
        for status in (
            DeliveryStatus.INITIATED,
            DeliveryStatus.RINGING,
            DeliveryStatus.IN_PROGRESS,
            DeliveryStatus.COMPLETED,
            DeliveryStatus.BUSY,
            DeliveryStatus.NO_ANSWER,
            DeliveryStatus.FAILED,
        )
    },
}


def turn_of(verification) -> int:
    return verification.attempts[0].gather_number


def run(verification, names, now=START):
    outcomes = []
    for name in names:
        now += 1
        try:
            change = CALL_INPUTS[name](verification, now)
        except Rejected:
            continue
        outcomes += [change.outcome] if change.outcome else []
        verification = change.verification
    return verification, outcomes


def test_only_pending_has_ways_out():
    assert {status for status, _ in TRANSITIONS} == {Status.PENDING}
    assert {ending for _, ending in TRANSITIONS} == set(Ending)


@for_each("ending", Ending)
@for_each("status", [status for status in Status if status is not Status.PENDING])
def test_an_ended_verification_takes_no_ending(status: Status, ending: Ending):
    verification = msgspec.structs.replace(started().verification, status=status)
    change = end_verification(verification, ending, START + 1)
    assert change.verification is verification
    assert change.outcome is None


@given(st.lists(st.sampled_from(sorted(CALL_INPUTS)), max_size=25))
def test_endings_are_final_and_told_once(names: list[str]):
    verification, first_end = started().verification, None
    outcomes = []
    now = START
    for name in names:
        now += 1
        before = verification
        verification, told = run(verification, [name], now)
        outcomes += told
        if first_end is not None:
            assert verification.status is first_end
        elif verification.status is not Status.PENDING:
            first_end = verification.status
            assert told
            assert told[0].status is verification.status
        assert verification.revision >= before.revision
        assert (verification.revision == before.revision) == (verification == before)
        assert verification.entries >= before.entries
    assert len(outcomes) == (first_end is not None)
    assert (verification.code_digest is None) == (first_end is not None)
    assert (verification.due_at is None) == (first_end is not None)


@given(st.permutations(["initiated", "ringing", "in_progress", "completed"]), st.integers(0, 4))
def test_a_pound_pressed_before_the_deadline_wins_whatever_overtakes_it(order: list[str], place: int):
    verification, _ = run(started().verification, ["answered"])
    verification, outcomes = run(verification, [*order[:place], "pound", *order[place:]])
    assert verification.status is Status.APPROVED
    assert verification.assurance is Assurance.PRESENCE
    assert verification.attempts[0].failure is None
    assert len(outcomes) == 1


@given(st.lists(st.sampled_from(["initiated", "ringing", "in_progress", "busy", "completed", "sent"]), unique=True))
def test_the_order_of_reports_does_not_matter(words: list[str]):
    def end(order):
        verification, _ = run(started().verification, order)
        return verification.status, verification.attempts[0].status

    assert len({end(order) for order in itertools.islice(itertools.permutations(words), 24)}) == 1


@given(st.lists(st.sampled_from(sorted(CALL_INPUTS)), max_size=12))
def test_everything_said_twice_is_said_once(names: list[str]):
    idempotent = {"pound", "seven", "silence", "late_pound", "grace_over", "lifetime_over"}
    names = [name for name in names if name not in idempotent]
    once, outcomes = run(started().verification, names)
    twice, outcomes_twice = run(started().verification, [name for name in names for _ in range(2)])
    assert (once.status, once.entries, once.revision) == (twice.status, twice.entries, twice.revision)
    assert len(outcomes) == len(outcomes_twice)


@given(st.sampled_from(DeliveryStatus), st.sampled_from(DeliveryStatus), st.sampled_from(DeliveryStatus))
def test_merge_is_an_order(one: DeliveryStatus, two: DeliveryStatus, three: DeliveryStatus):
    assert merge(one, one) is one
    assert merge(one, two) is merge(two, one)
    assert merge(merge(one, two), three) is merge(one, merge(two, three))


@pytest.mark.parametrize(
    "names", [["answered", "machine", "pound"], ["answered_by_machine", "pound"], ["machine", "answered", "pound"]]
)
def test_a_machine_never_approves(names: list[str]):
    verification, _ = run(started().verification, names)
    assert verification.status is Status.FAILED
    assert verification.failure
    assert verification.failure.code is FailureCode.ANSWERED_BY_MACHINE


def told(answered_by: str, status: DeliveryStatus, sequence: int) -> status_reports.CallReport:
    return status_reports.CallReport(CALL[2], status, status.value, sequence, answered_by, None)


def test_no_later_word_makes_a_person_of_a_machine():
    text = a_new_attempt(id=TEXT[0], token=TEXT[1])
    verification, _ = run(started().verification, ["answered"])
    verification = commands.next_attempt(verification, text, RateCounters(), START + 2, LIMITS).verification
    verification, _ = run(verification, ["machine"])
    for sequence, word in enumerate(("unknown", "human")):
        report = told(word, DeliveryStatus.IN_PROGRESS, sequence)
        verification = status_reports.apply_call_report(verification, CALL[1], report, START + 3, LIMITS).verification
    verification, _ = run(verification, ["pound"])
    assert (verification.status, verification.attempts[0].answered_by) == (Status.PENDING, "machine")


@pytest.mark.parametrize("status", [DeliveryStatus.IN_PROGRESS, DeliveryStatus.COMPLETED])
def test_a_report_that_a_machine_took_the_call_is_a_verdict(status: DeliveryStatus):
    verification, _ = run(started().verification, ["answered"])
    after = status_reports.apply_call_report(verification, CALL[1], told("machine", status, 1), START + 2, LIMITS)
    assert (after.verification.status, after.verification.failure) == (Status.FAILED, MACHINE_FAILURE)


def test_a_report_of_a_machine_after_the_approval_is_only_noted():
    verification, _ = run(started().verification, ["answered", "pound"])
    report = told("machine", DeliveryStatus.COMPLETED, 1)
    after = status_reports.apply_call_report(verification, CALL[1], report, START + 9, LIMITS).verification
    assert (after.status, after.failure, after.attempts[0].failure) == (Status.APPROVED, None, None)


@pytest.mark.parametrize("name", ["pound", "seven", "silence", "answered"])
def test_what_comes_behind_the_lifetime_finds_it_over(name: str):
    verification, _ = run(started().verification, [] if name == "answered" else ["answered"])
    change = CALL_INPUTS[name](verification, verification.expires_at)
    assert change.verification.status is Status.EXPIRED
    assert change.reply == Reply(Script.NOT_NEEDED, turn_of(verification))


def test_a_human_verdict_is_noted_and_proves_nothing():
    verification, outcomes = run(started().verification, ["answered", "person", "person"])
    assert (verification.status, verification.attempts[0].answered_by) == (Status.PENDING, "human")
    assert outcomes == []
    still_dying, _ = run(started().verification, ["answered", "completed", "person"])
    assert still_dying.ends_at is not None


def test_a_machine_verdict_after_the_approval_is_only_noted():
    verification, outcomes = run(started().verification, ["answered", "pound", "machine"])
    assert verification.status is Status.APPROVED
    assert verification.attempts[0].answered_by == "machine"
    assert len(outcomes) == 1


@pytest.mark.parametrize("name", ["late_pound", "foreign_pound", "other_leg_pound"])
def test_keys_that_no_open_gather_asked_for_count_for_nothing(name: str):
    before, _ = run(started().verification, ["sent", "answered", "seven"])
    after, _ = run(before, [name])
    assert after is before


@for_each(
    ("names", "failure"),
    [
        (["answered", "seven", "seven", "seven"], FailureCode.WRONG_KEY),
        (["answered", "silence", "silence"], FailureCode.NO_KEY_PRESSED),
        (["answered", "seven", "silence", "silence"], FailureCode.NO_KEY_PRESSED),
        (["busy", "grace_over"], FailureCode.LINE_BUSY),
        (["no_answer", "grace_over"], FailureCode.NO_ANSWER),
        (["failed", "grace_over"], FailureCode.NUMBER_UNREACHABLE),
        (["answered", "completed", "grace_over"], FailureCode.HUNG_UP),
        (["unknown_send", "never_arrived"], FailureCode.OUTCOME_UNKNOWN),
    ],
)
def test_each_end_of_a_call_has_its_own_failure(names: list[str], failure: FailureCode):
    verification, outcomes = run(started().verification, names)
    assert verification.status is Status.FAILED
    assert verification.failure
    assert verification.failure.code is failure
    assert outcomes[0].failure == verification.failure


def test_a_declined_call_is_told_from_a_busy_line():
    change = status_reports.apply_call_report(
        started().verification, CALL[1], call_report(DeliveryStatus.BUSY, "busy", 3, 603), START, LIMITS
    )
    assert change.verification.ending
    assert change.verification.ending.code is FailureCode.CALL_REJECTED


@pytest.mark.parametrize(
    ("names", "script"),
    [
        (["answered"], Script.PRESS_POUND),
        (["answered", "pound"], Script.CONFIRMED),
        (["answered", "seven"], Script.PRESS_POUND),
        (["answered", "seven", "seven", "seven"], Script.WRONG_KEYS),
        (["answered", "silence", "silence"], Script.NO_KEY),
        (["canceled"], Script.NOT_NEEDED),
        (["machine"], Script.HANG_UP),
    ],
)
def test_a_repeated_fetch_hears_what_the_state_calls_for(names: list[str], script: Script):
    verification, _ = run(started().verification, names)
    change = CALL_INPUTS["answered"](verification, START + 50)
    assert change.verification is verification
    assert change.reply
    assert change.reply.script is script


def test_a_noisy_provider_is_not_listened_to_for_ever():
    verification = started().verification
    for number in range(REPORT_LIMIT + 50):
        report = call_report(None, f"word-{number}", number)
        verification = status_reports.apply_call_report(verification, CALL[1], report, START, LIMITS).verification
    assert len(verification.attempts[0].seen_reports) == REPORT_LIMIT


def test_a_refused_text_fails_at_once_and_a_lost_one_after_its_grace():
    failure = Failure(FailureCode.NUMBER_INVALID, "no such number", "21211")
    refused = send_results.record_rejected(started(Channel.SMS).verification, TEXT[0], failure, START + 1)
    assert refused.verification.status is Status.FAILED
    report = status_reports.MessageReport("SM1", DeliveryStatus.UNDELIVERED, "undelivered", failure)
    lost = status_reports.apply_message_report(started(Channel.SMS).verification, TEXT[1], report, START + 1, LIMITS)
    assert lost.verification.status is Status.PENDING
    assert lost.verification.due_at == START + 1 + LIMITS.text_grace * 1_000
    late = status_reports.MessageReport("SM1", DeliveryStatus.DELIVERED, "delivered", None)
    arrived = status_reports.apply_message_report(lost.verification, TEXT[1], late, START + 2, LIMITS).verification
    assert (arrived.due_at, arrived.attempts[0].failure) == (arrived.expires_at, None)


def test_attempts_are_immutable():
    with pytest.raises(AttributeError):
        an_attempt().status = DeliveryStatus.SENT
