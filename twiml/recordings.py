"""The prompts that operators can record: every sentence of a call without an application's name, and the digits."""

from collections.abc import Iterator, Mapping

from twiml.phrases import Phrasebook, placeholders
from twiml.prompts import POUND, key_name

DIGITS = "0123456789"

SENTENCES: Mapping[str, str] = {
    "slower": "For slower speech, press {digit}.",
    "slower_and_pound": "For slower speech, press {digit} and then the {key}.",
    "not_asked": "If you did not ask for this call, press 0.",
    "not_asked_and_pound": "If you did not ask for this call, press 0 and then the {key}.",
    "never_call": "If you never want to be called again, press {digit}.",
    "never_call_and_pound": "If you never want to be called again, press {digit} and then the {key}.",
    "press_now": "If you did ask for it, please press the {key} now.",
    "press_for_code": "If you did ask for it, please press the {key} now to hear your code.",
    "match_now": "If you did ask for it, please enter the two digits that you see on the screen, then press the {key}.",
    "this_language": "For English, press {digit}.",
    "wrong_key": "That was not the {key}.",
    "no_key": "We did not receive a key.",
    "pin_now": "If you did ask for it, please enter your PIN, then press the {key}.",
    "wrong_pin": "That was not your PIN.",
    "pin_given": "Somebody else set this PIN, so please choose one that only you know.",
    "new_pin_now": "Please enter a new PIN of four to ten digits, then press the {key}.",
    "pin_malformed": "A PIN has four to ten digits.",
    "pin_too_simple": "That PIN is too easy to guess.",
    "pin_same": "That is the PIN that you have already.",
    "pin_mismatch": "Those two PINs were not the same.",
    "repeat_pin": "Please enter your new PIN once more, then press the {key}.",
    "wrong_digits": "Those were not the digits on the screen.",
    "no_digits": "We did not receive any digits.",
    "report_fraud": "To report that you did not ask for this call, please press the {key} now. To go back, press any"
    " other key.",
    "stop_calls": "To get no more calls and text messages from this service, please press the {key} now. To go back,"
    " press any other key.",
    "offer_block": "Thank you for your report. Nothing was confirmed. To get no more calls and text messages from this"
    " service, press 1. Otherwise, you can hang up now.",
    "code_again": "Once more, your code is:",
    "enter_code": "Enter this code where you asked for it, and tell it to nobody. Goodbye.",
    "confirmed": "Thank you. The verification is complete. You can hang up now. Goodbye.",
    "end_no_key": "We did not receive a key, so the verification was not completed. You can ask for another call."
    " Goodbye.",
    "end_wrong_keys": "No key that we asked for was pressed, so the verification was not completed. You can ask for"
    " another call. Goodbye.",
    "end_no_digits": "We did not receive any digits, so the verification was not completed. You can ask for another"
    " call. Goodbye.",
    "end_wrong_digits": "Those were not the digits on the screen, so the verification was not completed. You can ask"
    " for another call. Goodbye.",
    "end_too_many_wrong": "Too many wrong codes were entered for this phone, so it cannot be verified now. Please try"
    " again tomorrow. Goodbye.",
    "pin_changed": "Thank you. Your new PIN is set and the verification is complete. You can hang up now. Goodbye.",
    "end_pin_not_changed": "No new PIN was set, so the verification was not completed. You can ask for another call."
    " Goodbye.",
    "end_wrong_pin": "That was not your PIN, so the verification was not completed. You can ask for another call."
    " Goodbye.",
    "end_pin_locked": "Too many wrong PINs were entered, so your PIN is locked for now. Please try again later, or ask"
    " for a new PIN. Goodbye.",
    "fraud_noted": "Thank you. Your report has been received. Goodbye.",
    "calls_stopped": "You will get no more calls and text messages from this service. Goodbye.",
    "not_needed": "This verification has already ended. There is nothing more to do. Goodbye.",
    "apology": "We are sorry. Something went wrong on our side. Please ask for another call. Goodbye.",
}
"""Name of each recording to its message id; the name of one that names a key is followed by the key."""


def recordable(book: Phrasebook) -> dict[str, str]:
    """Return the text of each recording by its name, in a language.

    A sentence that names one key has a recording for each key: `press_now_pound`, `press_now_5`, `never_call_9`. One
    that always names # has a single recording. The digits are `digit_0` to `digit_9`.
    """
    sentences = {name: text for stem, message in SENTENCES.items() for name, text in _variants(book, stem, message)}
    return sentences | {f"digit_{digit}": digit for digit in DIGITS}


def _variants(book: Phrasebook, stem: str, message: str) -> Iterator[tuple[str, str]]:
    names = set(placeholders(message))
    pound = key_name(book, POUND)
    if "digit" in names:
        for digit in DIGITS:
            yield f"{stem}_{digit}", book.text(message, digit=digit, key=pound)
    elif "key" not in names or stem in _ALWAYS_POUND:
        yield stem, book.text(message, key=pound)
    else:
        yield f"{stem}_pound", book.text(message, key=pound)
        for digit in DIGITS:
            yield f"{stem}_{digit}", book.text(message, key=key_name(book, digit))


_ALWAYS_POUND = {"not_asked_and_pound", "match_now", "pin_now", "new_pin_now", "repeat_pin"}
