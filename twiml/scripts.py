"""The call scripts: what the callee hears and which keys we wait for, each a complete TwiML document."""

from functools import lru_cache

from twilio.twiml.voice_response import VoiceResponse

from gateway.domain.verification import FailureCode
from twiml import prompts
from twiml.documents import CACHED_DOCUMENTS, Around, ending, interruptible, proof, with_action
from twiml.phrases import Phrasebook
from twiml.prompts import USUAL_KEYS, Keys
from twiml.speech import say, spell

__all__ = [
    "Keys",
    "apology",
    "calls_stopped",
    "confirmed",
    "fraud_noted",
    "fraud_reported",
    "hang_up",
    "match_digits",
    "no_digits",
    "no_key",
    "no_more_calls",
    "not_needed",
    "offer_code",
    "press_pound",
    "report_fraud",
    "speak_code",
    "too_many_wrong",
    "wrong_digits",
    "wrong_keys",
]


def press_pound(
    book: Phrasebook, *, application: str, action: str, again: FailureCode | None, keys: Keys = USUAL_KEYS
) -> str:
    """Ask for the key that confirms; on any key, or on silence, the provider then posts to `action`.

    The prompt stands before the Gather, not in it: the tones of a voicemail greeting that plays meanwhile are no keys.
    With the default finish key a lone # would make no request at all (Twilio: Gather, finishOnKey), so the Gather has
    none and ends at its first digit. The Redirect behind it repeats the action for a provider that ignores
    actionOnEmptyResult. The first words are the caller's name and purpose, for people and call screening alike.

    Args:
        book: The callee's language.
        application: Who calls, as the callee knows it.
        action: Absolute URL that takes the digits, in printable ASCII.
        again: Why the callee is asked once more, `WRONG_KEY` or `NO_KEY_PRESSED`; None the first time.
        keys: The keys that the call offers.

    Raises:
        ValueError: The action is not printable ASCII.
    """
    return with_action(_press_pound_around_action(book, application, again, keys), action)


def offer_code(
    book: Phrasebook, *, application: str, action: str, again: FailureCode | None, keys: Keys = USUAL_KEYS
) -> str:
    """Ask for the key that shows that a person listens, before the code is told. The rest is as in `press_pound`."""
    return with_action(_offer_code_around_action(book, application, again, keys), action)


def match_digits(
    book: Phrasebook, *, application: str, action: str, again: FailureCode | None, keys: Keys = USUAL_KEYS
) -> str:
    """Ask for the two digits that the person sees on the screen; the provider then posts what was keyed in to `action`.

    The Gather has the default finish key, #, which is no part of what is posted; a lone # posts no digits, as silence
    does. It has no number of digits: it would end before the # that we ask for, and leave that to the next Gather. The
    digits themselves are never said, so who only answers the phone does not learn them. The rest is as in
    `press_pound`.
    """
    return with_action(_match_digits_around_action(book, application, again, keys), action)


def report_fraud(book: Phrasebook, *, action: str, keys: Keys = USUAL_KEYS) -> str:
    """Ask whether 0 was meant. The prompt stands in the Gather: who presses # behind it at once need not wait.

    Tones of a machine could cut in here, and do no more than to refuse.
    """
    return with_action(_report_fraud_around_action(book, keys), action)


def no_more_calls(book: Phrasebook, *, action: str, keys: Keys = USUAL_KEYS) -> str:
    """Ask whether the callee wants no more calls and texts, as `report_fraud` asks."""
    return with_action(_no_more_calls_around_action(book, keys), action)


def fraud_reported(book: Phrasebook, *, action: str) -> str:
    """Thank for the report of fraud, and offer with the key 1 that the number gets no more calls and texts."""
    return with_action(_fraud_reported_around_action(book), action)


def speak_code(book: Phrasebook, *, application: str, code: str) -> str:
    """Tell the code twice, digit by digit and slowly, and hang up. This document is a secret: it is not cached."""
    response = VoiceResponse()
    say(response, book, book.text("Your code for {application} is:", application=application))
    spell(response, book, code)
    say(response, book, book.text("Once more, your code is:"))
    spell(response, book, code)
    say(response, book, book.text("Enter this code where you asked for it, and tell it to nobody. Goodbye."))
    response.hangup()
    return str(response)


@lru_cache(CACHED_DOCUMENTS)
def _press_pound_around_action(book: Phrasebook, application: str, again: FailureCode | None, keys: Keys) -> Around:
    return proof(book, prompts.to_confirm(book, application, keys, again), keys, offering=again is None, one_key=True)


@lru_cache(CACHED_DOCUMENTS)
def _offer_code_around_action(book: Phrasebook, application: str, again: FailureCode | None, keys: Keys) -> Around:
    return proof(
        book, prompts.to_hear_the_code(book, application, keys, again), keys, offering=again is None, one_key=True
    )


@lru_cache(CACHED_DOCUMENTS)
def _match_digits_around_action(book: Phrasebook, application: str, again: FailureCode | None, keys: Keys) -> Around:
    return proof(book, prompts.to_match(book, application, keys, again), keys, offering=again is None, one_key=False)


@lru_cache(CACHED_DOCUMENTS)
def _report_fraud_around_action(book: Phrasebook, keys: Keys) -> Around:
    return interruptible(book, prompts.to_report_fraud(book, keys))


@lru_cache(CACHED_DOCUMENTS)
def _no_more_calls_around_action(book: Phrasebook, keys: Keys) -> Around:
    return interruptible(book, prompts.to_stop_calls(book, keys))


@lru_cache(CACHED_DOCUMENTS)
def _fraud_reported_around_action(book: Phrasebook) -> Around:
    return interruptible(book, prompts.to_block(book))


@lru_cache(CACHED_DOCUMENTS)
def confirmed(book: Phrasebook) -> str:
    """Thank the callee, whose key was accepted, and hang up."""
    return ending(book, book.text("Thank you. The verification is complete. You can hang up now. Goodbye."))


@lru_cache(CACHED_DOCUMENTS)
def no_key(book: Phrasebook) -> str:
    """Say that nothing was verified because no key came, and hang up."""
    sentence = book.text(
        "We did not receive a key, so the verification was not completed. You can ask for another call. Goodbye."
    )
    return ending(book, sentence)


@lru_cache(CACHED_DOCUMENTS)
def wrong_keys(book: Phrasebook) -> str:
    """Say that nothing was verified because only wrong keys came, and hang up."""
    sentence = book.text(
        "No key that we asked for was pressed, so the verification was not completed."
        " You can ask for another call. Goodbye."
    )
    return ending(book, sentence)


@lru_cache(CACHED_DOCUMENTS)
def no_digits(book: Phrasebook) -> str:
    """Say that nothing was verified because no digits came, and hang up."""
    sentence = book.text(
        "We did not receive any digits, so the verification was not completed. You can ask for another call. Goodbye."
    )
    return ending(book, sentence)


@lru_cache(CACHED_DOCUMENTS)
def wrong_digits(book: Phrasebook) -> str:
    """Say that nothing was verified because only other digits came than are on the screen, and hang up."""
    sentence = book.text(
        "Those were not the digits on the screen, so the verification was not completed."
        " You can ask for another call. Goodbye."
    )
    return ending(book, sentence)


@lru_cache(CACHED_DOCUMENTS)
def too_many_wrong(book: Phrasebook) -> str:
    """Say that this phone has had its wrong codes and digits for a day, and hang up."""
    sentence = book.text(
        "Too many wrong codes were entered for this phone, so it cannot be verified now."
        " Please try again tomorrow. Goodbye."
    )
    return ending(book, sentence)


@lru_cache(CACHED_DOCUMENTS)
def fraud_noted(book: Phrasebook) -> str:
    """Thank the callee for the report of fraud, and hang up."""
    return ending(book, book.text("Thank you. Your report has been received. Goodbye."))


@lru_cache(CACHED_DOCUMENTS)
def calls_stopped(book: Phrasebook) -> str:
    """Say that this number gets no more calls and texts, and hang up."""
    sentence = book.text("You will get no more calls and text messages from this service. Goodbye.")
    return ending(book, sentence)


@lru_cache(CACHED_DOCUMENTS)
def not_needed(book: Phrasebook) -> str:
    """Say that the verification is over, or one that nobody knows of, and hang up."""
    return ending(book, book.text("This verification has already ended. There is nothing more to do. Goodbye."))


@lru_cache(CACHED_DOCUMENTS)
def apology(book: Phrasebook) -> str:
    """Say that the failure is ours, and hang up."""
    sentence = book.text("We are sorry. Something went wrong on our side. Please ask for another call. Goodbye.")
    return ending(book, sentence)


@lru_cache(CACHED_DOCUMENTS)
def hang_up(_book: Phrasebook) -> str:
    """Hang up without a word: a machine took the call."""
    response = VoiceResponse()
    response.hangup()
    return str(response)
