"""Texts that people send back: what they mean, and that no order of them approves more than the one check allows."""

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from support.tables import for_each
from support.verifications import a_new_attempt, a_request, created

from gateway.domain import commands, send_results, status_reports, timeouts
from gateway.domain.assurance import Assurance
from gateway.domain.delivery import DeliveryStatus
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.inbound_sms import OPTED_OUT, Keyword, code_in, keyword, receive_sms, select_verification, word
from gateway.domain.limits import Limits, RateCounters
from gateway.domain.verification import Change, Channel, FailureCode, Mode, Status, Verification

LIMITS = Limits()
START = 1_000_000
RIGHT, WRONG = "123456", "654321"
WORDS = frozenset(map(word, ("FRAUD", "Betrug", "詐欺")))


def digest(verification_id: str, code: str) -> bytes:
    return f"{verification_id}:{code}".encode()


def started(name: str = "ver_1", *, allowed: bool = True, channel: Channel = Channel.SMS, at: int = START) -> Change:
    mode = Mode.CONFIRM if channel is Channel.CALL else None
    request = a_request(
        name, channel, mode=mode, enrollment_id="enr_1", code_digest=digest(name, RIGHT), reply_with_code=allowed
    )
    return created(request, now=at, limits=LIMITS)


def replied(
    verification: Verification,
    text: str,
    sid: str = "SM1",
    rate_counters: RateCounters | None = None,
    now: int = START + 1,
) -> Change:
    return receive_sms(verification, sid, text, WORDS, digest, rate_counters or RateCounters(), now, LIMITS)


@for_each(
    ("text", "asked"),
    [
        *[(text, Keyword.STOP) for text in ("STOP", "stop", " Stop. ", "stopall", "UNSUBSCRIBE", "Cancel", "END")],
        *[(text, Keyword.STOP) for text in ("quit", "Revoke", "OptOut", "ＳＴＯＰ", "\u200estop\n", "“STOP”")],
        *[(text, Keyword.START) for text in ("START", "yes", "Unstop!")],
        *[(text, Keyword.HELP) for text in ("HELP", "info", "help?")],
        *[(text, None) for text in ("", "please stop", "stop it", "123456", "FRAUD", "s top", "non-stop")],
    ],
)
def test_a_keyword_is_the_whole_text(text: str, asked: Keyword | None):
    assert keyword(text) is asked


@for_each(
    "text",
    ["123456", " 123 456 ", "123-456", "123456.", "“123456”", "١٢٣٤٥٦", "１２３４５６", "1\u200b23456\n", "(123456)"],
)
def test_a_code_may_be_written_as_people_write_it(text: str):
    assert code_in(text, 6) == RIGHT


@for_each("text", ["", "12345", "1234567", "code 123456", "123456 123456", "12345a", "1²3456x", "FRAUD"])
def test_what_is_no_code_is_none(text: str):
    assert code_in(text, 6) is None


@given(st.text(max_size=40), st.integers(4, 10))
def test_whatever_is_texted_is_understood_or_not_and_nothing_breaks(text: str, length: int):
    code = code_in(text, length)
    assert code is None or (len(code) == length and code.isascii() and code.isdigit())
    assert keyword(text) is None or code is None
    change = replied(started().verification, text)
    assert change.verification.status in {Status.PENDING, Status.APPROVED, Status.DENIED}


def test_the_right_code_approves_as_possession():
    change = replied(started().verification, RIGHT)
    after = change.verification
    assert (after.status, after.assurance) == (Status.APPROVED, Assurance.POSSESSION)
    assert change.outcome
    assert [entry.type for entry in change.entries] == ["text.replied", "code.checked", "verification.approved"]
    assert after.entries == 2 + len(change.entries)


def test_a_wrong_code_counts_as_it_does_anywhere():
    begun = started().verification
    change, checked = (
        replied(begun, WRONG),
        commands.check_code(begun, digest("ver_1", WRONG), RateCounters(), START + 1, LIMITS),
    )
    assert change.verification.checks_left == checked.verification.checks_left == 4
    assert change.rate_counters == checked.rate_counters == RateCounters(failed_checks=(START + 1,))


def test_a_number_that_had_its_wrong_codes_is_refused_and_keeps_nothing():
    spent = RateCounters(failed_checks=(START,) * LIMITS.failed_checks_per_day)
    with pytest.raises(Rejected) as refusal:
        replied(started().verification, RIGHT, rate_counters=spent)
    assert refusal.value.code is ErrorCode.RATE_LIMITED


@pytest.mark.parametrize("text", [RIGHT, WRONG])
def test_without_the_policy_a_code_does_nothing(text: str):
    begun = started(allowed=False).verification
    assert replied(begun, text).verification is begun


@for_each("allowed", [True, False])
@for_each("text", ["FRAUD", "fraud!", " Fraud", "BETRUG", "詐欺", "詐欺。"])
def test_a_fraud_word_denies_whatever_the_policy_says(text: str, allowed: bool):  # noqa: FBT001 - both
    change = replied(started(allowed=allowed).verification, text)
    assert change.verification.status is Status.DENIED
    assert change.verification.failure
    assert change.verification.failure.code is FailureCode.REPORTED_FRAUD
    assert change.outcome
    assert change.outcome.failure == change.verification.failure


@pytest.mark.parametrize("text", ["fraud is bad", "hello", "", "12345", "STOP"])
def test_other_words_do_nothing(text: str):
    begun = started().verification
    assert replied(begun, text).verification is begun


def test_a_late_code_finds_it_expired():
    begun = started().verification
    change = replied(begun, RIGHT, now=begun.expires_at)
    assert change.verification.status is Status.EXPIRED
    assert change.verification.entries == begun.entries + len(change.entries)


@pytest.mark.parametrize("text", [RIGHT, "FRAUD"])
def test_an_ended_one_takes_nothing(text: str):
    over = commands.cancel(started().verification, START + 1).verification
    assert replied(over, text).verification is over


def test_a_reply_answers_what_was_texted_last():
    old, new = started("ver_1"), started("ver_2", at=START + 1_000)
    assert select_verification([new.verification, old.verification], "SM1") is new.verification
    again = a_new_attempt("again")
    resent = commands.resend(old.verification, again, RateCounters(), START + 60_000, LIMITS).verification
    assert select_verification([new.verification, resent], "SM1") is resent


def test_calls_ended_ones_and_texts_that_never_left_us_are_not_answered():
    call = started("ver_1", channel=Channel.CALL).verification
    over = commands.cancel(started("ver_2").verification, START + 1).verification
    call_first = started("ver_3", channel=Channel.CALL).verification
    again = a_new_attempt("text")
    then_text = msgspec.structs.replace(call_first, attempts=(*call_first.attempts, again.at(START)))
    unsent = send_results.record_rejected(then_text, "att_text", OPTED_OUT, START + 1).verification
    assert unsent.status is Status.PENDING
    assert select_verification([unsent, over, call], "SM1") is None
    assert select_verification([then_text, over, call], "SM1") is then_text


@pytest.mark.parametrize("text", [RIGHT, WRONG, "FRAUD"])
def test_a_repeated_report_is_held_against_no_other_verification(text: str):
    older, newer = started("ver_1").verification, started("ver_2", at=START + 1_000).verification
    answered = replied(newer, text, now=START + 2_000).verification
    assert answered is not newer
    assert select_verification([answered, older], "SM1") is None
    next_one = select_verification([answered, older], "SM2")
    assert next_one is (answered if answered.status is Status.PENDING else older)


STEPS = {
    "reply": lambda v, t, now: replied(v, WRONG, f"SM{now}", t, now),
    "check": lambda v, t, now: commands.check_code(v, digest(v.id, WRONG), t, now, LIMITS),
    "delivered": lambda v, _t, now: status_reports.apply_message_report(
        v, "token-ver_1", status_reports.MessageReport("SM0", DeliveryStatus.DELIVERED, "delivered", None), now, LIMITS
    ),
    "lost": lambda v, _t, now: status_reports.apply_message_report(
        v,
        "token-ver_1",
        status_reports.MessageReport("SM0", DeliveryStatus.UNDELIVERED, "undelivered", OPTED_OUT),
        now,
        LIMITS,
    ),
    "sent": lambda v, _t, now: send_results.record_sent(v, "att_ver_1", "SM0", now),
    "approve": lambda v, t, now: replied(v, RIGHT, "SM_right", t, now),
}


def run(names: tuple[str, ...]) -> tuple[Verification, RateCounters]:
    verification, rate_counters = started().verification, RateCounters()
    for place, name in enumerate(names):
        try:
            change = STEPS[name](verification, rate_counters, START + 1 + place)
        except Rejected:
            continue
        verification, rate_counters = change.verification, change.rate_counters or rate_counters
    return verification, rate_counters


@pytest.mark.parametrize(
    "names", [("reply", "check", "delivered", "sent"), ("reply", "reply", "check", "lost"), ("sent", "lost", "approve")]
)
def test_the_order_of_replies_checks_and_reports_does_not_matter(names: tuple[str, ...]):
    ends = set()
    for order in itertools.permutations(names):
        verification, rate_counters = run(order)
        ends.add((verification.status, verification.checks_left, len(rate_counters.failed_checks)))
    assert len(ends) == 1


class Replies(RuleBasedStateMachine):
    """Replies and checks against a simple count: at most five are judged, and only the right code approves."""

    def __init__(self) -> None:
        super().__init__()
        self.verification, self.rate_counters = started().verification, RateCounters()
        self.now, self.sid, self.approved, self.denied = START, 0, False, False
        self.outcomes = 0

    def take(self, change: Change) -> None:
        self.verification, self.rate_counters = change.verification, change.rate_counters or self.rate_counters
        self.outcomes += change.outcome is not None

    def text(self, text: str, sid: str) -> None:
        chosen = select_verification([self.verification], sid)
        if chosen is not None:
            self.take(replied(chosen, text, sid, self.rate_counters, self.now))

    @rule(text=st.sampled_from([RIGHT, WRONG, "hello", "12345"]), copies=st.integers(1, 3))
    def reply(self, text: str, copies: int) -> None:
        live = self.verification.status is Status.PENDING and self.now < self.verification.expires_at
        self.sid += 1
        for _ in range(copies):
            self.text(text, f"SM{self.sid}")
        self.approved |= live and text == RIGHT

    @rule()
    def report_fraud(self) -> None:
        pending = self.verification.status is Status.PENDING
        self.sid += 1
        self.text("Fraud", f"SM{self.sid}")
        self.denied |= pending

    @rule(code=st.sampled_from([RIGHT, WRONG]))
    def check(self, code: str) -> None:
        live = self.verification.status is Status.PENDING and self.now < self.verification.expires_at
        try:
            self.take(
                commands.check_code(self.verification, digest("ver_1", code), self.rate_counters, self.now, LIMITS)
            )
        except Rejected:
            return
        self.approved |= live and code == RIGHT

    @rule(seconds=st.integers(1, 300))
    def wait(self, seconds: int) -> None:
        self.now += seconds * 1_000
        self.take(timeouts.pass_deadline(self.verification, self.now))

    @invariant()
    def no_more_than_the_one_check_allows(self) -> None:
        wrong = len(self.rate_counters.failed_checks)
        assert wrong == LIMITS.checks_per_verification - self.verification.checks_left
        assert wrong <= LIMITS.checks_per_verification

    @invariant()
    def it_ends_once_and_for_its_reason(self) -> None:
        assert (self.verification.status is Status.APPROVED) == self.approved
        assert (self.verification.status is Status.DENIED) == self.denied
        assert self.outcomes == (self.verification.status is not Status.PENDING)


TestReplies = Replies.TestCase
