"""What a callee may ask for beside the proof: to refuse, to hear it again, another language; and the code by voice."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tables import for_each
from support.verifications import RIGHT, a_new_attempt, a_request, created

from gateway.domain import commands, status_reports
from gateway.domain.assurance import Assurance
from gateway.domain.delivery import DeliveryStatus
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.ivr import call_events
from gateway.domain.ivr.flow import MAX_REPROMPTS
from gateway.domain.ivr.keypad import Keypad
from gateway.domain.ivr.states import CallState, Script
from gateway.domain.limits import Limits, RateCounters
from gateway.domain.verification import Change, Channel, FailureCode, Mode, Status, Verification

LIMITS = Limits()
START = 1_000_000
CALL = ("token-0", "CA0")
BOTH = Keypad(language="2")
MODES = [Mode.CONFIRM, Mode.MATCH, Mode.CODE]
KEYS = st.text("0123456789*#", max_size=3)


def started(mode: Mode = Mode.CONFIRM, number: int = 0) -> Verification:
    new = a_new_attempt(number, Channel.CALL, mode, match_digits="42")
    request = a_request(channel=Channel.CALL, mode=mode, enrollment_id="enr_1")
    return created(request, new, now=START).verification


def answered(mode: Mode = Mode.CONFIRM) -> Verification:
    return call_events.answer_call(started(mode), *CALL, None, START + 1).verification


def pressed(
    verification: Verification,
    digits: str,
    *,
    turn: int | None = None,
    keypad: Keypad = BOTH,
    cut_off: bool = False,
    call: tuple[str, str] = CALL,
) -> Change:
    turn = verification.attempts[0].gather_number if turn is None else turn
    return call_events.gather_digits(
        verification, *call, turn, digits, RateCounters(), START + 2, LIMITS, keypad=keypad, cut_off=cut_off
    )


def after(verification: Verification, *entries: str) -> Change:
    change = Change(verification)
    for digits in entries:
        change = pressed(change.verification, digits)
    return change


def script(change: Change) -> Script:
    assert change.reply
    return change.reply.script


@pytest.mark.parametrize(
    ("mode", "entries"),
    [(Mode.CONFIRM, ["0", "#"]), (Mode.CODE, ["0", "#"]), (Mode.MATCH, ["0"])],
)
def test_0_and_pound_end_it_as_reported_fraud_in_every_mode(mode: Mode, entries: list[str]):
    change = after(answered(mode), *entries)
    verification = change.verification
    assert (verification.status, verification.assurance) == (Status.DENIED, None)
    assert verification.failure
    assert verification.failure.code is FailureCode.REPORTED_FRAUD
    assert change.outcome
    assert change.outcome.failure == verification.failure
    assert (verification.code_digest, verification.sealed_code, verification.match_digits) == (None, None, None)
    assert script(change) is Script.FRAUD_REPORTED
    assert change.suppress is None


@pytest.mark.parametrize(
    ("mode", "entries"), [(Mode.CONFIRM, ["9", "#"]), (Mode.CODE, ["9", "#"]), (Mode.MATCH, ["9"])]
)
def test_9_and_pound_end_it_and_stop_the_number_in_every_mode(mode: Mode, entries: list[str]):
    change = after(answered(mode), *entries)
    assert change.verification.status is Status.DENIED
    assert change.verification.failure
    assert change.verification.failure.code is FailureCode.NUMBER_BLOCKED
    assert change.suppress
    assert script(change) is Script.CALLS_STOPPED


@pytest.mark.parametrize(("digits", "asked"), [("0", Script.REPORT_FRAUD), ("9", Script.NO_MORE_CALLS)])
def test_a_first_digit_after_which_a_slow_person_is_cut_off_refuses_nothing(digits: str, asked: Script):
    change = pressed(answered(Mode.MATCH), digits, cut_off=True)
    assert change.verification.status is Status.PENDING
    assert script(change) is asked
    back = pressed(change.verification, "7", cut_off=True)
    assert pressed(back.verification, "42").verification.status is Status.APPROVED


@pytest.mark.parametrize("first", ["0", "9"])
@pytest.mark.parametrize("mode", [Mode.CONFIRM, Mode.CODE])
def test_one_key_alone_refuses_nothing_and_any_other_leads_back(mode: Mode, first: str):
    change = after(answered(mode), first, "5")
    assert change.verification.status is Status.PENDING
    assert script(change) is (Script.PRESS_POUND if mode is Mode.CONFIRM else Script.OFFER_CODE)
    assert change.verification.attempts[0].no_match_count == 0
    assert change.suppress is None


def test_after_a_report_1_stops_the_number_and_nothing_else_does():
    reported = after(answered(), "0", "#").verification
    stopped = pressed(reported, "1")
    assert stopped.suppress
    assert script(stopped) is Script.CALLS_STOPPED
    for digits in ("", "2", "#", "0"):
        change = pressed(reported, digits)
        assert change.suppress is None
        assert script(change) is Script.FRAUD_NOTED
        assert pressed(change.verification, "1").suppress is None, "that Gather is closed"
    assert pressed(reported, "1", turn=1).suppress is None


def test_the_end_of_a_call_that_refused_changes_nothing():
    reported = after(answered(), "0", "#").verification
    report = status_reports.CallReport("CA0", DeliveryStatus.COMPLETED, "completed", 3, None, None)
    over = status_reports.apply_call_report(reported, CALL[0], report, START + 3, LIMITS).verification
    assert (over.status, over.failure) == (Status.DENIED, reported.failure)
    assert over.attempts[0].failure == reported.failure


@given(st.lists(st.tuples(KEYS, st.booleans()), max_size=15), st.sampled_from(MODES))
def test_only_the_keys_for_it_ever_refuse_or_stop(entries: list[tuple[str, bool]], mode: Mode):
    verification = answered(mode)
    for digits, cut_off in entries:
        scene = verification.attempts[0].call_state
        change = pressed(verification, digits, cut_off=cut_off)
        if change.suppress:
            assert digits == "9" or scene in {CallState.CONFIRM_STOP, CallState.OFFER_STOP}
        if verification.status is Status.PENDING and change.verification.status is Status.DENIED:
            asked = scene in {CallState.CONFIRM_REPORT, CallState.CONFIRM_STOP} and digits == "#"
            assert asked or (mode is Mode.MATCH and digits in {"0", "9"} and not cut_off)
        if change.verification.status is Status.APPROVED and verification.status is Status.PENDING:
            assert (digits, scene) == ("42" if mode is Mode.MATCH else "#", CallState.PROOF)
            assert mode is not Mode.CODE
        verification = change.verification


def test_a_star_says_it_again_and_is_no_wrong_key_but_not_for_ever():
    change = after(answered(), *["*"] * MAX_REPROMPTS)
    attempt = change.verification.attempts[0]
    assert (attempt.no_match_count, attempt.failure, script(change)) == (0, None, Script.PRESS_POUND)
    ended = after(change.verification, *["*"] * LIMITS.wrong_keys_per_call).verification
    assert ended.failure
    assert ended.failure.code is FailureCode.WRONG_KEY


@given(st.lists(st.sampled_from(["*", "2", "8", "0", "9", "5", ""]), min_size=40, max_size=60), st.sampled_from(MODES))
def test_no_call_goes_on_for_ever(entries: list[str], mode: Mode):
    assert after(answered(mode), *entries).verification.status is not Status.PENDING


def test_2_changes_the_language_and_back():
    change = after(answered(), "2")
    assert change.reply
    assert (change.reply.script, change.reply.second_language, change.reply.reprompt_reason) == (
        Script.PRESS_POUND,
        True,
        None,
    )
    back = pressed(change.verification, "2")
    assert back.reply
    assert back.reply.second_language is False


@pytest.mark.parametrize("mode", MODES)
def test_8_slows_the_speech_and_back_and_is_no_wrong_key(mode: Mode):
    change = after(answered(mode), "8")
    assert change.reply
    assert (change.reply.slow, change.reply.reprompt_reason, script(change)) == (
        True,
        None,
        script(after(answered(mode), "*")),
    )
    assert change.verification.attempts[0].no_match_count == 0
    back = pressed(change.verification, "8")
    assert back.reply
    assert back.reply.slow is False


@given(st.lists(st.sampled_from(["8", "2"]), max_size=MAX_REPROMPTS), st.sampled_from(["5", "", "0"]))
def test_the_pace_and_the_language_hold_until_they_are_changed(wishes: list[str], then: str):
    change = after(answered(), *wishes, then)
    assert change.reply
    assert change.reply.slow == bool(wishes.count("8") % 2)
    assert change.reply.second_language == bool(wishes.count("2") % 2)


def test_the_code_is_told_at_the_pace_that_was_asked_for():
    change = after(answered(Mode.CODE), "8", "#")
    assert change.reply
    assert (script(change), change.reply.slow) == (Script.SPEAK_CODE, True)


def test_2_is_a_wrong_key_where_no_language_is_offered():
    change = pressed(answered(), "2", keypad=Keypad())
    assert change.verification.attempts[0].no_match_count == 1


def test_9_is_a_wrong_key_where_nobody_may_stop_calls():
    change = pressed(answered(), "9", keypad=Keypad(never_call=""))
    assert change.verification.attempts[0].no_match_count == 1


def test_another_confirm_key_approves_and_pound_does_not():
    desk = Keypad(confirm="5")
    assert pressed(answered(), "5", keypad=desk).verification.assurance is Assurance.PRESENCE
    assert pressed(answered(), "#", keypad=desk).verification.status is Status.PENDING
    begun = pressed(answered(), "0", keypad=desk).verification
    assert pressed(begun, "5", keypad=desk).verification.status is Status.DENIED
    assert pressed(begun, "#", keypad=desk).verification.status is Status.DENIED


def test_a_key_has_the_code_told_and_proves_nothing():
    change = after(answered(Mode.CODE), "#")
    assert (change.verification.status, change.outcome) == (Status.PENDING, None)
    assert script(change) is Script.SPEAK_CODE
    again = call_events.answer_call(change.verification, *CALL, None, START + 5)
    assert again.verification is change.verification
    assert script(again) is Script.SPEAK_CODE


def test_the_end_of_a_call_that_told_the_code_leaves_time_to_type_it():
    told = after(answered(Mode.CODE), "#").verification
    report = status_reports.CallReport("CA0", DeliveryStatus.COMPLETED, "completed", 3, None, None)
    over = status_reports.apply_call_report(told, CALL[0], report, START + 3, LIMITS).verification
    assert (over.status, over.due_at) == (Status.PENDING, over.expires_at)
    assert commands.resend_at(over, Channel.CALL, LIMITS) is not None
    checked = commands.check_code(over, RIGHT, RateCounters(), START + 4, LIMITS).verification
    assert (checked.status, checked.assurance) == (Status.APPROVED, Assurance.POSSESSION)


def test_a_call_that_is_over_tells_no_code():
    report = status_reports.CallReport("CA0", DeliveryStatus.COMPLETED, "completed", 3, None, None)
    over = status_reports.apply_call_report(answered(Mode.CODE), CALL[0], report, START + 3, LIMITS).verification
    assert pressed(over, "#").verification is over


@for_each("mode", MODES)
@for_each("keys", ["#", "42", "0", "9"])
def test_a_machine_is_told_nothing_and_refuses_nothing(mode: Mode, keys: str):
    machine = call_events.detect_machine(answered(mode), *CALL, START + 2).verification
    change = pressed(machine, keys)
    assert change.verification is machine
    assert script(change) is Script.HANG_UP
    assert change.suppress is None


def test_a_late_verdict_of_a_machine_ends_a_call_that_told_the_code():
    told = after(answered(Mode.CODE), "#").verification
    change = call_events.detect_machine(told, *CALL, START + 3)
    assert change.verification.status is Status.FAILED
    assert change.verification.sealed_code is None
    assert script(change) is Script.HANG_UP


@for_each("mode", MODES)
@for_each("call", [("token-0", "CA1"), ("token-1", "CA0")])
@for_each("keys", ["#", "42", "0", "9", "*"])
def test_keys_on_another_leg_or_another_call_count_for_nothing(mode: Mode, call: tuple[str, str], keys: str):
    verification = answered(mode)
    change = pressed(verification, keys, call=call)
    assert change.verification is verification
    assert script(change) is Script.NOT_NEEDED


@given(st.sampled_from(MODES), st.lists(KEYS, max_size=6), st.integers(0, 9), KEYS)
def test_a_gather_that_is_not_open_counts_for_nothing(mode: Mode, entries: list[str], turn: int, digits: str):
    verification = after(answered(mode), *entries).verification
    if turn != verification.attempts[0].gather_number:
        assert pressed(verification, digits, turn=turn).verification is verification


def test_a_stopped_number_is_sent_nothing():
    with pytest.raises(Rejected) as refused:
        RateCounters(stopped=True).with_send(START, LIMITS)
    assert refused.value.code is ErrorCode.NUMBER_STOPPED
    assert refused.value.retry_after is None


def test_the_journal_holds_no_code_and_no_digits():
    verification = msgspec.structs.replace(answered(Mode.CODE), sealed_code=b"canary")
    change = pressed(verification, "#")
    assert "canary" not in repr(change.entries)
    assert all(set(entry.facts) <= {"attempt_id", "turn", "scene", "failure"} for entry in change.entries)
