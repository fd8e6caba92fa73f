"""The dialogue's table is total, and every row of it is reached."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.ivr.dtmf import Dtmf, classify
from gateway.domain.ivr.flow import FLOW
from gateway.domain.ivr.keypad import Keypad
from gateway.domain.ivr.states import PIN_CHOICE, CallState
from gateway.domain.verification import Attempt, Channel, Mode

LISTENING = sorted({state for state, _ in FLOW})
KEYS = ["", "#", "0", "1", "2", "5", "7", "8", "9", "*", "42", "1234", "12345678901", "0#"]
KEYPADS = [Keypad(), Keypad(confirm="5"), Keypad(never_call=""), Keypad(language="2")]


def attempt_in(state: CallState, mode: Mode, confirm_key: str = "") -> Attempt:
    return Attempt("att_1", "token", Channel.CALL, "twilio", 0, 0, mode, call_state=state, confirm_key=confirm_key)


def can_be(state: CallState, mode: Mode) -> bool:
    return mode is Mode.PIN or state not in PIN_CHOICE


@given(
    state=st.sampled_from(LISTENING),
    mode=st.sampled_from(Mode),
    digits=st.text("0123456789*#ABCD", max_size=12) | st.sampled_from(KEYS),
    keypad=st.sampled_from(KEYPADS),
    own_key=st.sampled_from(["", "5", "#"]),
    unfinished=st.booleans(),
)
def test_whatever_is_keyed_in_has_a_row(state, mode, digits, keypad, own_key, unfinished):
    if can_be(state, mode):
        assert (state, classify(attempt_in(state, mode, own_key), Dtmf(digits, keypad, unfinished))) in FLOW


def test_every_row_is_reached_by_some_keys():
    reached = {
        (state, classify(attempt_in(state, mode), Dtmf(digits, keypad, unfinished)))
        for state in LISTENING
        for mode in Mode
        if can_be(state, mode)
        for digits in KEYS
        for keypad in KEYPADS
        for unfinished in (False, True)
    }
    assert set(FLOW) - reached == set()


def test_an_attempt_that_an_earlier_gateway_stored_is_read_in_todays_words():
    stored = b"""{"id":"att_1","token":"t","channel":"call","provider":"twilio","created_at":1,"updated_at":2,
    "mode":"pin","heard":["ringing:1"],"turn":3,"wrong_keys":1,"silent_prompts":2,"repeats":4,"scene":"no_more"}"""
    attempt = msgspec.json.decode(stored, type=Attempt)
    assert attempt == Attempt(
        "att_1", "t", Channel.CALL, "twilio", 1, 2, Mode.PIN, seen_reports=("ringing:1",), gather_number=3,
        no_match_count=1, no_input_count=2, reprompt_count=4, call_state=CallState.CONFIRM_STOP,
    )  # fmt: skip
    assert msgspec.json.decode(msgspec.json.encode(attempt)) == msgspec.json.decode(stored)
