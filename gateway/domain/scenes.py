"""Where a call's script is, and what it says next."""

from enum import StrEnum


class Scene(StrEnum):
    """What the open Gather of a call asks for, or, in the last three, what was said at its end."""

    PROOF = "proof"
    NEW_PIN = "new_pin"
    NEW_PIN_AGAIN = "new_pin_again"
    REPORT = "report"
    NO_MORE = "no_more"
    BLOCK = "block"
    CODE_TOLD = "code_told"
    REPORTED = "reported"
    STOPPED = "stopped"


PIN_CHOICE = frozenset({Scene.NEW_PIN, Scene.NEW_PIN_AGAIN})
"""The scenes in which a person chooses a PIN of their own."""


class PinFlaw(StrEnum):
    """Why what was keyed in or typed is not taken as a new PIN."""

    MALFORMED = "malformed"
    TOO_SIMPLE = "too_simple"
    SAME = "same"
    MISMATCH = "mismatch"


class Script(StrEnum):
    """What a call says next."""

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
