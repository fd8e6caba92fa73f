"""The states of a call's dialogue, and the scripts that it plays."""

from enum import StrEnum


class CallState(StrEnum):
    """What the open gather of a call asks for, or, in the last three, what was said at its end.

    PROOF asks for what the mode requires, CONFIRM_REPORT and CONFIRM_STOP whether a refusal was meant, OFFER_STOP
    whether who reported fraud wants no more calls. The values are stored with each attempt.
    """

    PROOF = "proof"
    NEW_PIN = "new_pin"
    NEW_PIN_AGAIN = "new_pin_again"
    CONFIRM_REPORT = "report"
    CONFIRM_STOP = "no_more"
    OFFER_STOP = "block"
    CODE_SPOKEN = "code_told"
    REPORTED = "reported"
    STOPPED = "stopped"


PIN_CHOICE = frozenset({CallState.NEW_PIN, CallState.NEW_PIN_AGAIN})
"""The states in which a person chooses a PIN of their own."""


class PinFlaw(StrEnum):
    """Why what was keyed in or typed is rejected as a new PIN."""

    MALFORMED = "malformed"
    TOO_SIMPLE = "too_simple"
    SAME = "same"
    MISMATCH = "mismatch"


class Script(StrEnum):
    """What a call plays next."""

    PRESS_POUND = "press_pound"
    MATCH_DIGITS = "match_digits"
    ENTER_PIN = "enter_pin"
    CHOOSE_PIN = "choose_pin"
    REPEAT_PIN = "repeat_pin"
    PIN_CHANGED = "pin_changed"
    PIN_NOT_CHANGED = "pin_not_changed"
    WRONG_PIN = "wrong_pin"
    PIN_LOCKED = "pin_locked"
    OFFER_CODE = "offer_code"
    SPEAK_CODE = "speak_code"
    REPORT_FRAUD = "report_fraud"
    NO_MORE_CALLS = "no_more_calls"
    FRAUD_REPORTED = "fraud_reported"
    FRAUD_NOTED = "fraud_noted"
    CALLS_STOPPED = "calls_stopped"
    CONFIRMED = "confirmed"
    NO_KEY = "no_key"
    NO_DIGITS = "no_digits"
    WRONG_KEYS = "wrong_keys"
    WRONG_DIGITS = "wrong_digits"
    TOO_MANY_WRONG = "too_many_wrong"
    NOT_NEEDED = "not_needed"
    HANG_UP = "hang_up"
