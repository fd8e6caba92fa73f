"""A desk phone that keeps # to itself: the call asks for a digit instead, and later calls begin with it."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.verifications import RIGHT, a_new_attempt, a_request, an_enrollment, created

from gateway.domain import commands
from gateway.domain.enrollment import Enrollment, Phone, PhoneKind
from gateway.domain.ivr import call_events
from gateway.domain.ivr.keypad import Keypad
from gateway.domain.ivr.states import Script
from gateway.domain.limits import Limits, RateCounters
from gateway.domain.outcomes import record_outcome
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.phones import remove_phone
from gateway.domain.verification import Change, Channel, FailureCode, Mode, Status, Verification

LIMITS = Limits()
NUMBER = PhoneNumber("+14255550123")
CALL = ("token-0", "CA0")
USUAL = Keypad()


def answered(*, learns: bool = True, own: str = "", mode: Mode = Mode.CONFIRM) -> Verification:
    new = a_new_attempt(0, Channel.CALL, mode, match_digits="42")
    request = a_request(channel=Channel.CALL, mode=mode, enrollment_id="enr_1", confirm_key=own, learns_key=learns)
    begun = created(request, new, now=1_000).verification
    return call_events.answer_call(begun, *CALL, None, 1_001).verification


def after(verification: Verification, *entries: str, keypad: Keypad = USUAL) -> Change:
    change = Change(verification)
    for digits in entries:
        kept = change.verification
        turn = kept.attempts[0].gather_number
        change = call_events.gather_digits(kept, *CALL, turn, digits, RateCounters(), 1_002, LIMITS, keypad=keypad)
    return change


def person(own: str = "", verified_at: int | None = None) -> Enrollment:
    keys = {"phn_2": "6"} | ({"phn_1": own} if own else {})
    phone = Phone("phn_1", PhoneKind.OFFICE, NUMBER, verified_at)
    return an_enrollment(at=0, phones=(phone,), confirm_keys=keys)


def learned(change: Change, before: Enrollment) -> str:
    """Return the key that is kept of a phone once a change was written to its person's record."""
    assert change.outcome
    after = record_outcome(before, change.verification, change.outcome).enrollment
    assert after.confirm_keys["phn_2"] == "6"
    return after.confirm_key(after.phones[0])


def test_after_silence_a_digit_is_asked_for_and_kept():
    asked = after(answered(), "")
    assert asked.verification.attempts[0].confirm_key == "5"
    approved = after(asked.verification, "5")
    assert approved.verification.status is Status.APPROVED
    assert learned(approved, person()) == "5"


def test_a_pound_that_arrives_after_all_counts_and_nothing_is_learned():
    approved = after(answered(), "", "#")
    assert approved.verification.status is Status.APPROVED
    assert learned(approved, person()) == ""


def test_the_digit_is_a_wrong_key_before_it_is_asked_for():
    change = after(answered(), "5")
    assert change.verification.attempts[0].no_match_count == 1
    assert after(answered(learns=False), "", "5").verification.attempts[0].no_match_count == 1


def test_silence_twice_ends_it_all_the_same():
    ended = after(answered(), "", "").verification
    assert ended.failure
    assert ended.failure.code is FailureCode.NO_KEY_PRESSED


@pytest.mark.parametrize("mode", [Mode.MATCH, Mode.CODE])
def test_other_modes_learn_nothing(mode: Mode):
    assert after(answered(mode=mode), "").verification.attempts[0].confirm_key == ""


@pytest.mark.parametrize(("keypad", "digit"), [(Keypad(confirm="7"), ""), (Keypad(never_call="5"), "6")])
def test_only_the_pound_key_is_stood_in_for_by_a_digit_that_means_nothing_else(keypad: Keypad, digit: str):
    assert after(answered(), "", keypad=keypad).verification.attempts[0].confirm_key == digit


def test_a_phone_with_a_key_of_its_own_is_confirmed_by_it_at_once_and_keeps_it():
    approved = after(answered(learns=False, own="5"), "5")
    assert approved.verification.status is Status.APPROVED
    assert learned(approved, person("5", verified_at=1)) == "5"


def test_a_phone_from_which_pound_arrives_is_asked_for_it_again():
    approved = after(answered(learns=False, own="5"), "#")
    assert learned(approved, person("5", verified_at=1)) == ""


@pytest.mark.parametrize("key", ["0", "9"])
def test_a_refusal_is_confirmed_by_the_phone_s_own_key(key: str):
    assert after(answered(own="5"), key, "5").verification.status is Status.DENIED


def test_a_key_that_has_come_to_mean_something_else_confirms_nothing():
    change = after(answered(own="5"), "5", keypad=Keypad(never_call="5"))
    assert change.reply
    assert (change.verification.status, change.reply.script) == (Status.PENDING, Script.NO_MORE_CALLS)


def test_the_next_call_of_a_verification_asks_for_the_same_key():
    hung_up = after(answered(), "").verification
    new = a_new_attempt(1, Channel.CALL, Mode.CONFIRM)
    again = commands.next_attempt(hung_up, new, RateCounters(), 2_000, LIMITS).verification
    assert again.attempts[1].confirm_key == "5"


def test_the_key_goes_with_its_phone():
    removed = remove_phone(person("5", verified_at=1), "phn_1", 2).enrollment
    assert removed.confirm_keys == {"phn_2": "6"}


def test_a_code_that_was_typed_teaches_nothing():
    text = msgspec.structs.replace(answered(own="5"), proved_by=None, status=Status.PENDING)
    told = msgspec.structs.replace(text, attempts=(msgspec.structs.replace(text.attempts[0], mode=Mode.CODE),))
    approved = commands.check_code(told, RIGHT, RateCounters(), 1_003, LIMITS)
    assert learned(approved, person("6", verified_at=1)) == "6"


@given(
    st.lists(st.sampled_from(["", "#", "5", "6", "7", "*", "8"]), max_size=8),
    st.sampled_from([{"learns": True}, {"learns": False}, {"own": "5"}, {"learns": False, "own": "5"}]),
)
def test_nothing_but_the_usual_key_and_the_one_that_was_asked_for_approves(entries: list[str], phone: dict):
    verification = answered(**phone)
    for digits in entries:
        asked = verification.attempts[0].confirm_key
        change = after(verification, digits)
        if change.verification.status is Status.APPROVED and verification.status is Status.PENDING:
            assert digits in {"#", asked} - {""}
        verification = change.verification
