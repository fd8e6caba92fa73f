"""Mode match: only the digits that are shown approve, whatever else is pressed, reported or repeated, in any order."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tables import for_each
from support.verifications import a_new_attempt, a_request, created

from gateway.domain import commands, status_reports, timeouts
from gateway.domain.assurance import Assurance
from gateway.domain.delivery import DeliveryStatus
from gateway.domain.ivr import call_events, flow
from gateway.domain.limits import DAY, Limits, RateCounters
from gateway.domain.verification import Change, Channel, FailureCode, Mode, Script, Status, Verification

LIMITS = Limits()
START = 1_000_000
SHOWN = "42"
CALL = ("token-0", "CA0")
KEYS = st.text("0123456789*#", min_size=1, max_size=4)
WRONG = KEYS.filter(lambda keys: keys != SHOWN and keys not in {"0", "9", "*"})  # these are wishes, not entries
NONE_WRONG = RateCounters()
SPENT = RateCounters(failed_checks=(START,) * LIMITS.failed_checks_per_day)


def attempt(number: int = 0, mode: Mode | None = Mode.MATCH, digits: str | None = SHOWN) -> commands.NewAttempt:
    channel = Channel.CALL if mode else Channel.SMS
    return a_new_attempt(number, channel, mode, match_digits=digits)


def started(new: commands.NewAttempt | None = None) -> Change:
    new = new or attempt()
    return created(a_request(channel=new.channel, mode=new.mode), new, now=START, limits=LIMITS)


def answered() -> Verification:
    return call_events.answer_call(started().verification, *CALL, None, START + 1).verification


def keyed(
    verification: Verification,
    digits: str,
    rate_counters: RateCounters = NONE_WRONG,
    *,
    turn: int | None = None,
    now: int = START + 2,
) -> Change:
    turn = verification.attempts[0].gather_number if turn is None else turn
    return call_events.gather_digits(verification, *CALL, turn, digits, rate_counters, now, LIMITS)


def test_the_digits_that_are_shown_approve_as_possession():
    change = keyed(answered(), SHOWN)
    assert (change.verification.status, change.verification.assurance) == (Status.APPROVED, Assurance.POSSESSION)
    assert change.verification.match_digits is None
    assert change.reply
    assert change.reply.script is Script.CONFIRMED
    assert change.rate_counters is None


@for_each("digits", ["#", "4", "24", "042", "420", "42#", "#42", "4242", "**"])
def test_nothing_else_approves_and_each_wrong_entry_counts_for_the_number(digits: str):
    change = keyed(answered(), digits)
    assert change.verification.status is Status.PENDING
    assert change.reply
    assert (change.reply.script, change.reply.gather_number, change.reply.reprompt_reason) == (
        Script.MATCH_DIGITS,
        2,
        FailureCode.WRONG_KEY,
    )
    assert change.rate_counters == RateCounters(failed_checks=(START + 2,))


def test_a_lone_pound_is_silence_and_counts_as_no_guess():
    change = keyed(answered(), "")
    assert change.reply
    assert (change.reply.script, change.reply.reprompt_reason) == (Script.MATCH_DIGITS, FailureCode.NO_KEY_PRESSED)
    assert (change.rate_counters, change.verification.attempts[0].no_match_count) == (None, 0)


@pytest.mark.parametrize(
    ("entries", "failure", "script"),
    [
        (["1", "2", "3"], FailureCode.WRONG_KEY, Script.WRONG_DIGITS),
        (["", ""], FailureCode.NO_KEY_PRESSED, Script.NO_DIGITS),
        (["1", "", "2", ""], FailureCode.NO_KEY_PRESSED, Script.NO_DIGITS),
    ],
)
def test_the_last_try_ends_it_and_says_why(entries: list[str], failure: FailureCode, script: Script):
    verification = answered()
    for entry in entries:
        change = keyed(verification, entry)
        verification = change.verification
    assert verification.status is Status.FAILED
    assert verification.failure
    assert verification.failure.code is failure
    assert change.reply
    assert change.reply.script is script


def test_a_call_whose_tries_are_used_up_judges_no_more_though_a_text_is_still_open():
    verification = commands.resend(
        answered(), attempt(1, None, None), RateCounters(), START + 60_000, LIMITS
    ).verification
    for entry in ("1", "2", "3"):
        verification = keyed(verification, entry).verification
    assert verification.status is Status.PENDING
    assert keyed(verification, SHOWN).verification is verification


@pytest.mark.parametrize("digits", [SHOWN, "13"])
def test_over_the_limit_of_the_number_nothing_is_judged(digits: str):
    change = keyed(answered(), digits, SPENT)
    assert change.verification.status is Status.FAILED
    assert change.verification.failure
    assert change.verification.failure.code is FailureCode.RATE_LIMITED
    assert change.reply
    assert change.reply.script is Script.TOO_MANY_WRONG
    assert change.rate_counters is None
    assert keyed(answered(), digits, SPENT, now=START + DAY).verification.failure is None


def test_a_bare_pound_needs_no_digits_and_is_not_limited_by_wrong_ones():
    confirming = started(attempt(mode=Mode.CONFIRM, digits=None)).verification
    confirming = call_events.answer_call(confirming, *CALL, None, START + 1).verification
    assert keyed(confirming, "#", SPENT).verification.assurance is Assurance.PRESENCE


@given(st.lists(st.tuples(st.integers(0, 6), KEYS | st.just("")), max_size=12))
def test_late_repeated_and_early_turns_count_for_nothing(entries: list[tuple[int, str]]):
    verification = answered()
    for turn, digits in entries:
        before, open_turn = verification, verification.attempts[0].gather_number
        verification = keyed(before, digits, turn=turn).verification
        if turn != open_turn:
            assert verification is before


INPUTS = (
    st.builds(lambda digits: ("keyed", digits), WRONG | st.just(""))
    | st.builds(lambda turn: ("late", turn), st.integers(-1, 8))
    | st.sampled_from(
        [
            ("answered", None),
            ("foreign", None),
            ("other leg", None),
            ("machine", None),
            ("person", None),
            ("completed", None),
            ("passed", None),
        ]
    )
)


def after(verification: Verification, word: str, value: object, now: int) -> Change:  # noqa: PLR0911 - one answer an input
    turn = verification.attempts[0].gather_number
    match word:
        case "keyed":
            return keyed(verification, str(value), now=now)
        case "late":  # the right digits, for another Gather than the open one
            return keyed(verification, SHOWN, turn=turn + 1 if value == turn else int(str(value)), now=now)
        case "answered":
            return call_events.answer_call(verification, *CALL, None, now)
        case "foreign":
            return call_events.gather_digits(verification, "other", CALL[1], turn, SHOWN, RateCounters(), now, LIMITS)
        case "other leg":
            return call_events.gather_digits(verification, CALL[0], "CA1", turn, SHOWN, RateCounters(), now, LIMITS)
        case "machine":
            return call_events.detect_machine(verification, *CALL, now)
        case "person":
            return call_events.detect_person(verification, *CALL, "human", now)
        case "completed":
            report = status_reports.CallReport(CALL[1], DeliveryStatus.COMPLETED, "completed", 3, None, None)
            return status_reports.apply_call_report(verification, CALL[0], report, now, LIMITS)
        case _:
            return timeouts.pass_deadline(verification, now + 1_000)


@given(st.lists(INPUTS, max_size=20))
def test_nothing_approves_without_the_digits_of_the_open_gather(inputs: list[tuple[str, object]]):
    # The sid is known, as it is once the provider has taken the call, so that another leg is another call.
    verification, judged = (
        call_events.detect_person(started().verification, *CALL, "unknown", START).verification,
        0,
    )
    for now, (word, value) in enumerate(inputs, START + 1):
        change = after(verification, word, value, now)
        judged += change.rate_counters is not None
        verification = change.verification
        assert verification.status is not Status.APPROVED
    assert judged <= LIMITS.wrong_keys_per_call


@given(st.lists(WRONG, max_size=LIMITS.wrong_keys_per_call - 1), st.booleans())
def test_the_digits_still_approve_after_wrong_ones_and_one_silence(wrong: list[str], silence: bool):  # noqa: FBT001 - drawn
    verification = answered()
    for digits in [*wrong, *([""] if silence else [])]:
        verification = keyed(verification, digits).verification
    assert keyed(verification, SHOWN).verification.status is Status.APPROVED


@pytest.mark.parametrize("order", [["answered", "machine"], ["machine", "answered"]])
@pytest.mark.parametrize("mode", [Mode.MATCH, Mode.CONFIRM])
def test_what_a_machine_keys_in_never_approves_though_a_text_is_still_open(order: list[str], mode: Mode):
    verification = started(attempt(mode=mode)).verification
    verification = commands.resend(
        verification, attempt(1, None, None), RateCounters(), START + 60_000, LIMITS
    ).verification
    for word in order:
        verification = after(verification, word, None, START + 60_001).verification
    for keys in (SHOWN, "#"):
        change = keyed(verification, keys)
        assert change.verification is verification
        assert change.reply
        assert change.reply.script is Script.HANG_UP
    assert verification.status is Status.PENDING


def test_a_verification_keeps_its_digits_over_all_its_calls():
    verification = started().verification
    failed = msgspec.structs.replace(verification.attempts[0], failure=flow._NO_KEY)
    verification = msgspec.structs.replace(verification, attempts=(failed,))
    again = commands.resend(verification, attempt(1, digits="99"), RateCounters(), START + 60_000, LIMITS).verification
    assert (again.match_digits, again.mode) == (SHOWN, Mode.MATCH)
    texted = commands.resend(again, attempt(2, None, None), RateCounters(), START + 600_000 - 1, LIMITS).verification
    assert (texted.match_digits, texted.mode) == (SHOWN, None)


def test_a_text_that_is_followed_by_a_call_has_digits_from_then_on():
    texted = started(attempt(mode=None, digits=None)).verification
    assert texted.match_digits is None
    called = commands.resend(texted, attempt(1), RateCounters(), START + 60_000, LIMITS).verification
    assert called.match_digits == SHOWN
