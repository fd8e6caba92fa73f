"""The prompts: sentences that say who calls and why, which keys refuse, and which key confirms."""

import msgspec

from gateway.domain.ivr.states import PinFlaw
from gateway.domain.verification import FailureCode
from twiml.phrases import Phrasebook

POUND = "#"


class OfferedKeys(msgspec.Struct, frozen=True):
    """The keys that a call offers.

    Attributes:
        confirm: The key that confirms, 0-9 or #.
        never_call: The key that asks for no more calls and texts; empty if there is none.
        language: The key that changes to the language of `other`; empty if there is none.
        other: The phrasebook of that language.
        slower: The key that slows the speech; empty if there is none, as in a call that is slow already.
    """

    confirm: str = POUND
    never_call: str = ""
    language: str = ""
    other: Phrasebook | None = None
    slower: str = ""


USUAL_KEYS = OfferedKeys()


def to_confirm(book: Phrasebook, application: str, keys: OfferedKeys, again: FailureCode | None) -> tuple[str, ...]:
    """Ask for the key that confirms."""
    confirm = key_name(book, keys.confirm)
    if again is FailureCode.WRONG_KEY:
        wrong = book.text("That was not the {key}.", key=confirm)
        return wrong, book.text(
            "To verify this phone for {application}, please press the {key}.", application=application, key=confirm
        )
    request = book.text("If you did ask for it, please press the {key} now.", key=confirm)
    no_input = None if again is None else book.text("We did not receive a key.")
    return _full_prompt(book, application, keys, request, no_input=no_input)


def to_hear_the_code(
    book: Phrasebook, application: str, keys: OfferedKeys, again: FailureCode | None
) -> tuple[str, ...]:
    """Ask for the key that shows that a person listens, so that the code can be spoken."""
    confirm = key_name(book, keys.confirm)
    if again is FailureCode.WRONG_KEY:
        wrong = book.text("That was not the {key}.", key=confirm)
        return wrong, book.text(
            "To hear your code for {application}, please press the {key}.", application=application, key=confirm
        )
    request = book.text("If you did ask for it, please press the {key} now to hear your code.", key=confirm)
    no_input = None if again is None else book.text("We did not receive a key.")
    return _full_prompt(book, application, keys, request, no_input=no_input)


def to_match(book: Phrasebook, application: str, keys: OfferedKeys, again: FailureCode | None) -> tuple[str, ...]:
    """Ask for the digits on the screen. They always end with #."""
    pound = key_name(book, POUND)
    if again is FailureCode.WRONG_KEY:
        wrong = book.text("Those were not the digits on the screen.")
        return wrong, book.text(
            "To verify this phone for {application}, please enter the two digits that you see on the screen, then press"
            " the {key}.",
            application=application,
            key=pound,
        )
    request = book.text(
        "If you did ask for it, please enter the two digits that you see on the screen, then press the {key}.",
        key=pound,
    )
    no_input = None if again is None else book.text("We did not receive any digits.")
    return _full_prompt(book, application, keys, request, no_input=no_input, finish_key=pound)


def to_enter_pin(book: Phrasebook, application: str, keys: OfferedKeys, again: FailureCode | None) -> tuple[str, ...]:
    """Ask for the PIN. It always ends with #."""
    pound = key_name(book, POUND)
    if again is FailureCode.WRONG_KEY:
        wrong = book.text("That was not your PIN.")
        return wrong, book.text(
            "To verify this phone for {application}, please enter your PIN, then press the {key}.",
            application=application,
            key=pound,
        )
    request = book.text("If you did ask for it, please enter your PIN, then press the {key}.", key=pound)
    no_input = None if again is None else book.text("We did not receive any digits.")
    return _full_prompt(book, application, keys, request, no_input=no_input, finish_key=pound)


def to_choose_pin(book: Phrasebook, again: FailureCode | None, flaw: PinFlaw | None) -> tuple[str, ...]:
    """Ask for a new PIN, after what was wrong with the last one, or the reason to choose one."""
    reasons = {
        None: book.text("Somebody else set this PIN, so please choose one that only you know."),
        PinFlaw.MALFORMED: book.text("A PIN has four to ten digits."),
        PinFlaw.TOO_SIMPLE: book.text("That PIN is too easy to guess."),
        PinFlaw.SAME: book.text("That is the PIN that you have already."),
        PinFlaw.MISMATCH: book.text("Those two PINs were not the same."),
    }
    no_input = book.text("We did not receive any digits.")
    reason = no_input if again is FailureCode.NO_KEY_PRESSED else reasons[flaw]
    request = book.text(
        "Please enter a new PIN of four to ten digits, then press the {key}.", key=key_name(book, POUND)
    )
    return reason, request


def to_repeat_pin(book: Phrasebook, again: FailureCode | None) -> tuple[str, ...]:
    """Ask for the new PIN a second time."""
    request = book.text("Please enter your new PIN once more, then press the {key}.", key=key_name(book, POUND))
    return (book.text("We did not receive any digits."), request) if again is FailureCode.NO_KEY_PRESSED else (request,)


def to_report_fraud(book: Phrasebook, keys: OfferedKeys) -> str:
    """Ask the callee to confirm that they report a call that they did not request."""
    return book.text(
        "To report that you did not ask for this call, please press the {key} now. To go back, press any other key.",
        key=key_name(book, keys.confirm),
    )


def to_stop_calls(book: Phrasebook, keys: OfferedKeys) -> str:
    """Ask the callee to confirm that they want no more calls and texts."""
    return book.text(
        "To get no more calls and text messages from this service, please press the {key} now."
        " To go back, press any other key.",
        key=key_name(book, keys.confirm),
    )


def to_block(book: Phrasebook) -> str:
    """Offer the callee, who has reported fraud, to get no more calls and texts."""
    return book.text(
        "Thank you for your report. Nothing was confirmed. To get no more calls and text messages from this service,"
        " press 1. Otherwise, you can hang up now."
    )


def to_change_language(keys: OfferedKeys) -> str | None:
    """Offer the other language, in that language; None if there is none."""
    if keys.other is None or not keys.language:
        return None
    return keys.other.text("For English, press {digit}.", digit=keys.language)


def key_name(book: Phrasebook, key: str) -> str:
    """Return the name of a key."""
    return book.text("pound key") if key == POUND else book.text("{digit} key", digit=key)


def _full_prompt(
    book: Phrasebook,
    application: str,
    keys: OfferedKeys,
    request: str,
    *,
    no_input: str | None,
    finish_key: str | None = None,
) -> tuple[str, ...]:
    """Say who calls and why, how to slow the speech and to refuse, and last how to confirm: keys count from then on.

    Args:
        book: The callee's language.
        application: Who calls.
        keys: The keys that the call offers.
        request: The sentence that asks for the confirmation.
        no_input: The sentence on missing input that comes first in a reprompt; None the first time. A callee who
            presses a key too early hears it too.
        finish_key: The name of the key that must follow any other; None if there is none.
    """
    caller = book.text("{application} is calling to verify this phone.", application=application)
    if finish_key is None:
        slower = book.text("For slower speech, press {digit}.", digit=keys.slower)
        refuse = book.text("If you did not ask for this call, press 0.")
        never_call = book.text("If you never want to be called again, press {digit}.", digit=keys.never_call)
    else:
        slower = book.text("For slower speech, press {digit} and then the {key}.", digit=keys.slower, key=finish_key)
        refuse = book.text("If you did not ask for this call, press 0 and then the {key}.", key=finish_key)
        never_call = book.text(
            "If you never want to be called again, press {digit} and then the {key}.",
            digit=keys.never_call,
            key=finish_key,
        )
    offered = (*((slower,) if keys.slower else ()), refuse, *((never_call,) if keys.never_call else ()))
    return (*((no_input,) if no_input else ()), caller, *offered, request)
