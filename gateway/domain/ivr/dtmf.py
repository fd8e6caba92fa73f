"""Classifies what a Gather returned into the inputs of the dialogue's table."""

from enum import StrEnum

import msgspec

from gateway.domain import pins
from gateway.domain.ivr.keypad import ACCEPT_KEY, FRAUD_KEY, POUND, REPEAT_KEY, SLOW_KEY, Keypad
from gateway.domain.ivr.states import CallState
from gateway.domain.verification import Attempt, Mode

FINISHED_BY_POUND = frozenset({Mode.MATCH, Mode.PIN})
"""The modes whose answers have several digits, which # finishes (Twilio: Gather, finishOnKey)."""


class Dtmf(msgspec.Struct, frozen=True, gc=False):
    """The digits of a Gather and the keys of this call. `unfinished`: no finish key ended them, so more may follow."""

    digits: str
    keypad: Keypad
    unfinished: bool = False


class DtmfInput(StrEnum):
    """What keyed digits mean. A finished refusal (0 or 9 with # behind it) has confirmed itself."""

    NO_INPUT = "no input"
    CONFIRM = "confirming key"
    HEAR_CODE = "confirming key, mode code"
    MATCH_DIGITS = "digits, mode match"
    PIN = "PIN"
    REPORT = "0"
    FINISHED_REPORT = "0 and #"
    STOP = "9"
    FINISHED_STOP = "9 and #"
    ACCEPT = "1"
    LANGUAGE = "2"
    SLOWER = "8"
    REPEAT = "*"
    NO_MATCH = "other keys"
    MALFORMED_PIN = "other keys, mode pin"


def classify(attempt: Attempt, dtmf: Dtmf) -> DtmfInput:
    """Return what the keys mean in the state that the call is in."""
    if attempt.call_state is CallState.OFFER_STOP:
        return DtmfInput.ACCEPT if dtmf.digits == ACCEPT_KEY else DtmfInput.NO_MATCH
    if not dtmf.digits:
        return DtmfInput.NO_INPUT
    if attempt.call_state in {CallState.CONFIRM_REPORT, CallState.CONFIRM_STOP}:
        confirms = dtmf.digits == POUND or dtmf.digits in confirming_keys(attempt, dtmf.keypad)
        return DtmfInput.CONFIRM if confirms else DtmfInput.NO_MATCH
    return _service_key(attempt, dtmf) or _answer(attempt, dtmf)


def confirming_keys(attempt: Attempt, keypad: Keypad) -> frozenset[str]:
    """Return the keys that confirm on this call: the usual one, and the one that it asks for."""
    return frozenset({keypad.confirm, keypad.asking(attempt.confirm_key).confirm})


def _service_key(attempt: Attempt, dtmf: Dtmf) -> DtmfInput | None:
    """Return the meaning of a key that has one in every mode."""
    finished = attempt.mode in FINISHED_BY_POUND and not dtmf.unfinished
    keypad = dtmf.keypad
    meanings = {
        REPEAT_KEY: DtmfInput.REPEAT,
        SLOW_KEY: DtmfInput.SLOWER,
        keypad.language: DtmfInput.LANGUAGE,
        keypad.never_call: DtmfInput.FINISHED_STOP if finished else DtmfInput.STOP,
        FRAUD_KEY: DtmfInput.FINISHED_REPORT if finished else DtmfInput.REPORT,
    }
    return meanings.get(dtmf.digits)


def _answer(attempt: Attempt, dtmf: Dtmf) -> DtmfInput:
    """Return the meaning of what answers the question of the mode."""
    if attempt.mode is Mode.MATCH:
        return DtmfInput.MATCH_DIGITS
    if attempt.mode is Mode.PIN:
        return DtmfInput.PIN if pins.is_pin(dtmf.digits) else DtmfInput.MALFORMED_PIN
    if dtmf.digits not in confirming_keys(attempt, dtmf.keypad):
        return DtmfInput.NO_MATCH
    return DtmfInput.HEAR_CODE if attempt.mode is Mode.CODE else DtmfInput.CONFIRM
