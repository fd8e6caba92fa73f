"""PINs: what is taken for one, how many wrong ones are judged, and that only a right one of their own approves."""

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.verifications import a_new_attempt, a_request, an_enrollment, created

from gateway.domain import outcomes, pins, timeouts
from gateway.domain.assurance import Assurance
from gateway.domain.blocks import block_person, reset
from gateway.domain.enrollment import Enrollment, Notification, NotificationKind, Phone, PhoneKind, Pin
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.ivr import call_events
from gateway.domain.ivr import pin as ivr_pin
from gateway.domain.ivr.pin import KeyedPin, PinVerdict, StalePinHash
from gateway.domain.ivr.states import PinFlaw, Script
from gateway.domain.limits import SECOND, Limits, RateCounters
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.phones import remove_phone
from gateway.domain.verification import Channel, Failure, FailureCode, Mode, Outcome, Status, Verification

LIMITS = Limits()
START = 1_000_000_000
NUMBER = PhoneNumber("+14255550123")
PHONES = (Phone("phn_1", PhoneKind.AUTHENTICATION, NUMBER, START),)
CALL = ("token-0", "CA0")
PIN, OWN, OTHER = "583017", "40962", "71593"


def hashed(pin: str) -> str:
    """Stand for the hash, which the rules never look into."""
    return f"hash of {pin}"


def person(*, must_change: bool = False, pin: str | None = PIN) -> Enrollment:
    kept = None if pin is None else Pin(hashed(pin), must_change)
    return an_enrollment(at=START, phones=PHONES, pin=kept)


def answered(mode: Mode = Mode.PIN) -> Verification:
    request = a_request(channel=Channel.CALL, mode=mode, number=NUMBER, enrollment_id="enr_1")
    begun = created(request, a_new_attempt(0, Channel.CALL, mode, token=CALL[0]), now=START).verification
    return call_events.answer_call(begun, *CALL, None, START + 1).verification


class Line:
    """A call to a person, with the record as it is after each entry."""

    def __init__(self, enrollment: Enrollment, limits: Limits = LIMITS) -> None:
        self.verification, self.enrollment, self.limits, self.now = answered(), enrollment, limits, START + 1
        self.reply = None
        self.told: list[Notification] = []

    def key(self, digits: str, turn: int | None = None, *, keyed_to: Enrollment | None = None) -> "Line":
        """Key something in, judged against the record as it is, or as it was when it was `keyed_to`."""
        self.now += 1
        gathered = KeyedPin(*CALL, self.verification.attempts[0].gather_number if turn is None else turn, digits)
        change = call_events.gather_digits(
            self.verification, *gathered_args(gathered), RateCounters(), self.now, self.limits
        )
        attempt = ivr_pin.open_attempt(change.verification, gathered)
        if attempt is not None:
            against = ivr_pin.expected_hash(keyed_to or self.enrollment, attempt)
            verdict = PinVerdict(against, against == hashed(digits), hashed(digits))
            judged = ivr_pin.decide_pin(change.verification, self.enrollment, gathered, verdict, self.now, self.limits)
            self.enrollment, change = judged.person.enrollment, judged.change
            self.told += judged.person.notices
        self.verification, self.reply = change.verification, change.reply
        if change.outcome is not None:
            self.enrollment = outcomes.record_outcome(self.enrollment, self.verification, change.outcome).enrollment
        return self


def gathered_args(gathered: KeyedPin) -> tuple[str, str, int, str]:
    return gathered.token, gathered.sid, gathered.gather_number, gathered.digits


@given(st.from_regex(r"[0-9]{4,10}", fullmatch=True))
def test_four_to_ten_digits_are_taken_unless_they_are_guessed_first(pin: str):
    steps = {(int(after) - int(before)) % 10 for before, after in itertools.pairwise(pin)}
    easy = len(steps) == 1 and steps <= {0, 1, 9}
    assert pins.find_flaw(pin, ()) is (PinFlaw.TOO_SIMPLE if easy else None)


@given(st.text(max_size=12).filter(lambda text: not (text.isascii() and text.isdecimal() and 4 <= len(text) <= 10)))
def test_nothing_else_is_a_pin(typed: str):
    assert pins.find_flaw(typed, ()) is PinFlaw.MALFORMED
    with pytest.raises(Rejected) as caught:
        pins.set_pin(person(), typed, "", START, must_change=True)
    assert (caught.value.code, caught.value.field) == (ErrorCode.PIN_MALFORMED, "pin")


@pytest.mark.parametrize("length", range(4, 11))
def test_the_end_of_an_own_number_is_too_simple(length: int):
    assert pins.find_flaw(NUMBER.e164[-length:], PHONES) is PinFlaw.TOO_SIMPLE


def test_an_own_extension_is_too_simple():
    desk = msgspec.structs.replace(PHONES[0], extension="4096")
    assert pins.find_flaw("4096", (desk,)) is PinFlaw.TOO_SIMPLE


def test_a_right_pin_of_their_own_approves_as_possession():
    line = Line(person()).key(PIN)
    assert (line.verification.status, line.verification.assurance) == (Status.APPROVED, Assurance.POSSESSION)
    assert line.reply.script is Script.CONFIRMED


def test_one_that_another_set_is_changed_first():
    line = Line(person(must_change=True)).key(PIN)
    assert (line.verification.status, line.reply.script) == (Status.PENDING, Script.CHOOSE_PIN)
    assert line.key(OWN).reply.script is Script.REPEAT_PIN
    assert line.enrollment.pin.hash == hashed(PIN)
    assert line.key(OWN).reply.script is Script.PIN_CHANGED
    assert line.verification.status is Status.APPROVED
    assert line.enrollment.pin == Pin(hashed(OWN))
    assert line.told == [Notification(NotificationKind.PIN_SET, NUMBER)]


@pytest.mark.parametrize(
    ("choices", "flaw"),
    [
        (["12"], PinFlaw.MALFORMED),
        (["123456789012"], PinFlaw.MALFORMED),
        (["1234"], PinFlaw.TOO_SIMPLE),
        ([PIN], PinFlaw.SAME),
        ([OWN, OTHER], PinFlaw.MISMATCH),
        ([OWN, "12"], PinFlaw.MISMATCH),
    ],
)
def test_what_is_wrong_with_a_new_pin_is_said_three_times_at_most(choices: list[str], flaw: PinFlaw):
    line = Line(person(must_change=True)).key(PIN)
    for times in range(1, 4):
        for digits in choices:
            line.key(digits)
        assert line.reply.script is (Script.CHOOSE_PIN if times < 3 else Script.PIN_NOT_CHANGED)
        assert line.reply.flaw is flaw
    assert (line.verification.status, line.verification.failure.code) == (Status.FAILED, FailureCode.WRONG_KEY)
    assert line.enrollment.pin == Pin(hashed(PIN), must_change=True)


def test_tries_of_the_pin_leave_three_for_the_new_one():
    line = Line(person(must_change=True)).key(OTHER).key(OTHER).key(PIN)
    assert line.key("1234").key("1234").key(OWN).key(OWN).verification.status is Status.APPROVED


@pytest.mark.parametrize("entries", [["", ""], [PIN, "", ""], [PIN, OWN, "", ""]])
def test_silence_ends_it_wherever_it_comes(entries: list[str]):
    line = Line(person(must_change=True))
    for digits in entries:
        line.key(digits)
    assert (line.verification.failure.code, line.reply.script) == (FailureCode.NO_KEY_PRESSED, Script.NO_DIGITS)


def test_what_was_chosen_and_not_repeated_ends_with_the_verification():
    line = Line(person(must_change=True)).key(PIN).key(OWN)
    assert line.enrollment.pin.chosen == hashed(OWN)
    ended = timeouts.pass_deadline(line.verification, line.verification.expires_at)
    after = outcomes.record_outcome(line.enrollment, ended.verification, ended.outcome).enrollment
    assert after.pin == Pin(hashed(PIN), must_change=True)


def test_a_verdict_on_another_hash_is_undone():
    before = person()
    line = Line(before)
    line.enrollment = person(pin=OTHER)
    with pytest.raises(StalePinHash):
        line.key(PIN, keyed_to=before)
    assert line.verification.status is Status.PENDING


def test_a_right_pin_behind_the_lifetime_finds_it_over():
    line = Line(person())
    gathered = KeyedPin(*CALL, 1, PIN)
    verdict = PinVerdict(hashed(PIN), fits=True)
    judged = ivr_pin.decide_pin(
        line.verification, line.enrollment, gathered, verdict, line.verification.expires_at, LIMITS
    )
    assert (judged.change.verification.status, judged.change.reply.script) == (Status.EXPIRED, Script.NOT_NEEDED)
    assert judged.person.enrollment is line.enrollment


def test_a_pin_that_was_taken_away_fits_nothing():
    line = Line(person(pin=None)).key(PIN)
    assert (line.verification.status, line.reply.script) == (Status.PENDING, Script.ENTER_PIN)


ENTRIES = st.lists(
    st.tuples(st.sampled_from([PIN, OWN, OTHER, "12", "", "*", "1234"]), st.integers(-1, 1)), max_size=25
)


@given(ENTRIES, st.booleans())
def test_only_the_pin_at_the_open_turn_approves_and_a_given_one_never_alone(entries, must_change: bool):  # noqa: FBT001 - drawn
    line = Line(person(must_change=must_change))
    for digits, late in entries:
        before, turn = line.verification, line.verification.attempts[0].gather_number
        script = line.reply.script if line.reply else Script.ENTER_PIN
        line.key(digits, turn + late)
        if late:
            assert line.verification is before
        assert len(line.told) == (must_change and line.verification.status is Status.APPROVED)
        if before.status is Status.PENDING and line.verification.status is Status.APPROVED:
            assert script is (Script.REPEAT_PIN if must_change else Script.ENTER_PIN)
            assert line.enrollment.pin.hash == hashed(digits)
            assert not line.enrollment.pin.must_change


@given(st.lists(st.tuples(st.integers(0, LIMITS.pin_window * SECOND), st.booleans()), max_size=40))
def test_in_no_window_are_more_wrong_pins_judged_than_the_limit(tries: list[tuple[int, bool]]):
    enrollment, now, judged = person(), START, []
    for wait, right in tries:
        now += wait // 8
        line = Line(enrollment)
        line.now = now
        line.key(PIN if right else OTHER)
        judged += [line.now] * (line.enrollment.pin.failures != enrollment.pin.failures)
        enrollment = line.enrollment
        assert sum(at > line.now - LIMITS.pin_window * SECOND for at in judged) <= LIMITS.pin_failures
        if enrollment.pin.locked(line.now):
            assert line.verification.status is not Status.APPROVED


def test_the_last_wrong_pin_ends_the_call_and_refuses_the_next_one_until_its_time():
    line = Line(person(), msgspec.structs.replace(LIMITS, wrong_keys_per_call=9))
    for _ in range(LIMITS.pin_failures):
        assert line.verification.status is Status.PENDING
        line.key(OTHER)
    assert (line.verification.failure.code, line.reply.script) == (FailureCode.RATE_LIMITED, Script.PIN_LOCKED)
    with pytest.raises(Rejected) as caught:
        pins.reject_pin_call(line.enrollment, line.now)
    assert (caught.value.code, caught.value.retry_after) == (ErrorCode.PIN_LOCKED, LIMITS.pin_window)
    pins.reject_pin_call(line.enrollment, line.enrollment.pin.locked_until)
    assert Line(line.enrollment).key(PIN).verification.status is Status.FAILED


def test_a_new_pin_ends_the_lock_and_whoever_is_blocked_gets_none():
    locked = msgspec.structs.replace(person(), pin=Pin(hashed(PIN), locked_until=START + 9))
    given_anew = pins.set_pin(locked, OWN, hashed(OWN), START, must_change=True).enrollment
    assert given_anew.pin == Pin(hashed(OWN), must_change=True)
    shut = block_person(locked, "stolen", None, START).enrollment
    with pytest.raises(Rejected) as caught:
        pins.set_pin(shut, OWN, hashed(OWN), START, must_change=True)
    assert caught.value.code is ErrorCode.ENROLLMENT_BLOCKED


@pytest.mark.parametrize("pin", [None, PIN])
@pytest.mark.parametrize("must_change", [True, False])
def test_every_proven_phone_that_takes_texts_is_told_of_a_pin_whoever_sets_it(pin: str | None, must_change: bool):  # noqa: FBT001 - a case
    others = [
        Phone(f"phn_{kind}", kind, PhoneNumber(f"+1425555012{place}"), verified_at)
        for place, (kind, verified_at) in enumerate(itertools.product(PhoneKind, [START, None]), start=4)
    ]
    somebody = msgspec.structs.replace(person(pin=pin), phones=(*PHONES, *others))
    told = {NUMBER, others[0].number, others[2].number}
    assert {phone.kind for phone in others if phone.number in told} == {PhoneKind.AUTHENTICATION, PhoneKind.ALTERNATE}
    change = pins.set_pin(somebody, OWN, hashed(OWN), START, must_change=must_change)
    assert {(notice.kind, notice.number) for notice in change.notices} == {
        (NotificationKind.PIN_SET, to) for to in told
    }
    change = pins.remove_pin(change.enrollment, START)
    assert {(notice.kind, notice.number) for notice in change.notices} == {
        (NotificationKind.PIN_REMOVED, to) for to in told
    }


def test_wrong_pins_their_lock_and_a_newer_key_of_the_same_pin_are_no_news():
    line = Line(person(), msgspec.structs.replace(LIMITS, wrong_keys_per_call=9))
    for _ in range(LIMITS.pin_failures):
        line.key(OTHER)
    assert line.enrollment.pin.locked(line.now)
    assert line.told == []
    assert pins.rehash_pin(person(), "newer", START).notices == ()


def test_a_block_a_report_of_fraud_and_a_reset_take_the_pin_and_a_lost_phone_does_not():
    fraud = Outcome("ver_1", Status.DENIED, None, Failure(FailureCode.REPORTED_FRAUD, ""), START)
    assert outcomes.record_outcome(person(), answered(), fraud).enrollment.pin is None
    assert block_person(person(), "stolen", None, START).enrollment.pin is None
    assert reset(person(), "starts over", START).enrollment.pin is None
    assert remove_phone(person(), "phn_1", START, lost=True).enrollment.pin == person().pin
