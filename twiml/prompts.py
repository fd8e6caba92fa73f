"""The sentences that ask for keys: who calls and why, what to press to refuse, and what to press to go on."""

import msgspec

from gateway.domain.scenes import PinFlaw
from gateway.domain.verification import FailureCode
from twiml.phrases import Phrasebook

POUND = "#"


class Keys(msgspec.Struct, frozen=True):
    """The keys that a call offers.

    Attributes:
        confirm: The key that confirms, 0-9 or #.
        never_call: The key that asks for no more calls and texts; empty if there is none.
        language: The key that changes to the language of `other`; empty if there is none.
        other: The book of that language.
        slower: The key that slows the speech; empty where it is not offered, as in a call that is slow already.
    """

    confirm: str = POUND
    never_call: str = ""
    language: str = ""
    other: Phrasebook | None = None
    slower: str = ""


USUAL_KEYS = Keys()


def to_confirm(book: Phrasebook, application: str, keys: Keys, again: FailureCode | None) -> tuple[str, ...]:
    """Ask for the key that confirms."""
    confirm = key_name(book, keys.confirm)
    if again is FailureCode.WRONG_KEY:
        wrong = book.text("That was not the {key}.", key=confirm)
        return wrong, book.text(
            "To verify this phone for {application}, please press the {key}.", application=application, key=confirm
        )
    please = book.text("If you did ask for it, please press the {key} now.", key=confirm)
    missed = None if again is None else book.text("We did not receive a key.")
    return _choice(book, application, keys, please, missed=missed)


def to_hear_the_code(book: Phrasebook, application: str, keys: Keys, again: FailureCode | None) -> tuple[str, ...]:
    """Ask for the key that shows that a person listens, so that the code can be told."""
    confirm = key_name(book, keys.confirm)
    if again is FailureCode.WRONG_KEY:
        wrong = book.text("That was not the {key}.", key=confirm)
        return wrong, book.text(
            "To hear your code for {application}, please press the {key}.", application=application, key=confirm
        )
    please = book.text("If you did ask for it, please press the {key} now to hear your code.", key=confirm)
    missed = None if again is None else book.text("We did not receive a key.")
    return _choice(book, application, keys, please, missed=missed)


def to_match(book: Phrasebook, application: str, keys: Keys, again: FailureCode | None) -> tuple[str, ...]:
    """Ask for the digits on the screen. They end with #, whatever key confirms elsewhere."""
    pound = key_name(book, POUND)
    if again is FailureCode.WRONG_KEY:
        wrong = book.text("Those were not the digits on the screen.")
        return wrong, book.text(
            "To verify this phone for {application}, please enter the two digits that you see on the screen, then press"
            " the {key}.",
            application=application,
            key=pound,
        )
    please = book.text(
        "If you did ask for it, please enter the two digits that you see on the screen, then press the {key}.",
        key=pound,
    )
    missed = None if again is None else book.text("We did not receive any digits.")
    return _choice(book, application, keys, please, missed=missed, finished_by=pound)


def to_enter_pin(book: Phrasebook, application: str, keys: Keys, again: FailureCode | None) -> tuple[str, ...]:
    """Ask for the PIN. It ends with #, whatever key confirms elsewhere."""
    pound = key_name(book, POUND)
    if again is FailureCode.WRONG_KEY:
        wrong = book.text("That was not your PIN.")
        return wrong, book.text(
            "To verify this phone for {application}, please enter your PIN, then press the {key}.",
            application=application,
            key=pound,
        )
    please = book.text("If you did ask for it, please enter your PIN, then press the {key}.", key=pound)
    missed = None if again is None else book.text("We did not receive any digits.")
    return _choice(book, application, keys, please, missed=missed, finished_by=pound)


def to_choose_pin(book: Phrasebook, again: FailureCode | None, flaw: PinFlaw | None) -> tuple[str, ...]:
    """Ask for a new PIN, and say first what was wrong with the one that was keyed in, or why there has to be one."""
    why = {
        None: book.text("Somebody else set this PIN, so please choose one that only you know."),
        PinFlaw.MALFORMED: book.text("A PIN has four to ten digits."),
        PinFlaw.TOO_SIMPLE: book.text("That PIN is too easy to guess."),
        PinFlaw.SAME: book.text("That is the PIN that you have already."),
        PinFlaw.MISMATCH: book.text("Those two PINs were not the same."),
    }
    said = book.text("We did not receive any digits.") if again is FailureCode.NO_KEY_PRESSED else why[flaw]
    please = book.text("Please enter a new PIN of four to ten digits, then press the {key}.", key=key_name(book, POUND))
    return said, please


def to_repeat_pin(book: Phrasebook, again: FailureCode | None) -> tuple[str, ...]:
    """Ask for the new PIN once more."""
    please = book.text("Please enter your new PIN once more, then press the {key}.", key=key_name(book, POUND))
    return (book.text("We did not receive any digits."), please) if again is FailureCode.NO_KEY_PRESSED else (please,)


def to_report_fraud(book: Phrasebook, keys: Keys) -> str:
    """Ask whether the callee means to report that they did not ask for the call."""
    return book.text(
        "To report that you did not ask for this call, please press the {key} now. To go back, press any other key.",
        key=key_name(book, keys.confirm),
    )


def to_stop_calls(book: Phrasebook, keys: Keys) -> str:
    """Ask whether the callee means to get no more calls and texts."""
    return book.text(
        "To get no more calls and text messages from this service, please press the {key} now."
        " To go back, press any other key.",
        key=key_name(book, keys.confirm),
    )


def to_block(book: Phrasebook) -> str:
    """Offer whoever has reported fraud to get no more calls and texts."""
    return book.text(
        "Thank you for your report. Nothing was confirmed. To get no more calls and text messages from this service,"
        " press 1. Otherwise, you can hang up now."
    )


def to_change_language(keys: Keys) -> str | None:
    """Offer the other language, in its own words; None if there is none."""
    if keys.other is None or not keys.language:
        return None
    return keys.other.text("For English, press {digit}.", digit=keys.language)


def key_name(book: Phrasebook, key: str) -> str:
    """Return how people call a key."""
    return book.text("pound key") if key == POUND else book.text("{digit} key", digit=key)


def _choice(
    book: Phrasebook,
    application: str,
    keys: Keys,
    please: str,
    *,
    missed: str | None,
    finished_by: str | None = None,
) -> tuple[str, ...]:
    """Say who calls and why, how to slow the speech and to refuse, and last how to go on: keys count from then on.

    Whoever has pressed a key too early hears that it was `missed`, and all of it again. `finished_by` names the key
    that has to follow any other.
    """
    who = book.text("{application} is calling to verify this phone.", application=application)
    if finished_by is None:
        slower = book.text("For slower speech, press {digit}.", digit=keys.slower)
        no = book.text("If you did not ask for this call, press 0.")
        never = book.text("If you never want to be called again, press {digit}.", digit=keys.never_call)
    else:
        slower = book.text("For slower speech, press {digit} and then the {key}.", digit=keys.slower, key=finished_by)
        no = book.text("If you did not ask for this call, press 0 and then the {key}.", key=finished_by)
        never = book.text(
            "If you never want to be called again, press {digit} and then the {key}.",
            digit=keys.never_call,
            key=finished_by,
        )
    offered = (*((slower,) if keys.slower else ()), no, *((never,) if keys.never_call else ()))
    return (*((missed,) if missed else ()), who, *offered, please)
