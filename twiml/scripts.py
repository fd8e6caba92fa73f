"""The call scripts: TwiML documents that say what the callee hears and gather keys."""

from functools import lru_cache

from twilio.twiml.voice_response import VoiceResponse

from gateway.domain.verification import FailureCode
from twiml import prompts
from twiml.documents import (
    CACHED_DOCUMENTS,
    TwimlTemplate,
    barge_in_gather,
    fill_action,
    prompt_then_gather,
    say_and_hang_up,
)
from twiml.phrases import Phrasebook
from twiml.prompts import USUAL_KEYS, OfferedKeys
from twiml.speech import say, spell

__all__ = [
    "OfferedKeys",
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
    book: Phrasebook, *, application: str, action: str, again: FailureCode | None, keys: OfferedKeys = USUAL_KEYS
) -> str:
    """Ask for the key that confirms; on any key, or on no input, the provider then posts to `action`.

    The prompt is before the Gather, not in it: tones of a voicemail greeting that plays meanwhile do not count as keys.
    With the default finish key a lone # would make no request at all (Twilio: Gather, finishOnKey), so the Gather has
    none and ends at its first digit. The Redirect after it repeats the action for a provider that ignores
    actionOnEmptyResult. The first words are the caller's name and purpose, for people and call screening alike.

    Args:
        book: The callee's language.
        application: Who calls, as the callee knows it.
        action: Absolute URL that receives the digits, in printable ASCII.
        again: Why this is a reprompt, `WRONG_KEY` or `NO_KEY_PRESSED`; None the first time.
        keys: The keys that the call offers.

    Raises:
        ValueError: The action is not printable ASCII.
    """
    return fill_action(_press_pound_template(book, application, again, keys), action)


def offer_code(
    book: Phrasebook, *, application: str, action: str, again: FailureCode | None, keys: OfferedKeys = USUAL_KEYS
) -> str:
    """Ask for the key that shows that a person listens, before the code is spoken. The rest is as in `press_pound`."""
    return fill_action(_offer_code_template(book, application, again, keys), action)


def match_digits(
    book: Phrasebook, *, application: str, action: str, again: FailureCode | None, keys: OfferedKeys = USUAL_KEYS
) -> str:
    """Ask for the two digits that the person sees on the screen; the provider then posts what was keyed in to `action`.

    The Gather has the default finish key, #, which is not posted; a lone # posts no digits, as no input does. It has no
    numDigits, which would end it before the # that the prompt asks for, and leave that # to the next Gather. The digits
    themselves are never spoken, so whoever only answers the phone does not learn them. The rest is as in `press_pound`.
    """
    return fill_action(_match_digits_template(book, application, again, keys), action)


def report_fraud(book: Phrasebook, *, action: str, keys: OfferedKeys = USUAL_KEYS) -> str:
    """Ask the callee to confirm key 0, the report of fraud. The prompt is in the Gather, so # counts at once.

    A machine's tones could press keys here, but can only refuse.
    """
    return fill_action(_report_fraud_template(book, keys), action)


def no_more_calls(book: Phrasebook, *, action: str, keys: OfferedKeys = USUAL_KEYS) -> str:
    """Ask the callee to confirm that they want no more calls and texts, as `report_fraud` does."""
    return fill_action(_no_more_calls_template(book, keys), action)


def fraud_reported(book: Phrasebook, *, action: str) -> str:
    """Thank for the report of fraud, and offer key 1 to get no more calls and texts."""
    return fill_action(_fraud_reported_template(book), action)


def speak_code(book: Phrasebook, *, application: str, code: str) -> str:
    """Say the code twice, digit by digit and slowly, and hang up. The document is secret and not cached."""
    response = VoiceResponse()
    say(response, book, book.text("Your code for {application} is:", application=application))
    spell(response, book, code)
    say(response, book, book.text("Once more, your code is:"))
    spell(response, book, code)
    say(response, book, book.text("Enter this code where you asked for it, and tell it to nobody. Goodbye."))
    response.hangup()
    return str(response)


@lru_cache(CACHED_DOCUMENTS)
def _press_pound_template(
    book: Phrasebook, application: str, again: FailureCode | None, keys: OfferedKeys
) -> TwimlTemplate:
    return prompt_then_gather(
        book, prompts.to_confirm(book, application, keys, again), keys, offer_language=again is None, one_key=True
    )


@lru_cache(CACHED_DOCUMENTS)
def _offer_code_template(
    book: Phrasebook, application: str, again: FailureCode | None, keys: OfferedKeys
) -> TwimlTemplate:
    return prompt_then_gather(
        book, prompts.to_hear_the_code(book, application, keys, again), keys, offer_language=again is None, one_key=True
    )


@lru_cache(CACHED_DOCUMENTS)
def _match_digits_template(
    book: Phrasebook, application: str, again: FailureCode | None, keys: OfferedKeys
) -> TwimlTemplate:
    return prompt_then_gather(
        book, prompts.to_match(book, application, keys, again), keys, offer_language=again is None, one_key=False
    )


@lru_cache(CACHED_DOCUMENTS)
def _report_fraud_template(book: Phrasebook, keys: OfferedKeys) -> TwimlTemplate:
    return barge_in_gather(book, prompts.to_report_fraud(book, keys))


@lru_cache(CACHED_DOCUMENTS)
def _no_more_calls_template(book: Phrasebook, keys: OfferedKeys) -> TwimlTemplate:
    return barge_in_gather(book, prompts.to_stop_calls(book, keys))


@lru_cache(CACHED_DOCUMENTS)
def _fraud_reported_template(book: Phrasebook) -> TwimlTemplate:
    return barge_in_gather(book, prompts.to_block(book))


@lru_cache(CACHED_DOCUMENTS)
def confirmed(book: Phrasebook) -> str:
    """Thank the callee, whose key was accepted, and hang up."""
    return say_and_hang_up(book, book.text("Thank you. The verification is complete. You can hang up now. Goodbye."))


@lru_cache(CACHED_DOCUMENTS)
def no_key(book: Phrasebook) -> str:
    """Say that nothing was verified because no key came, and hang up."""
    sentence = book.text(
        "We did not receive a key, so the verification was not completed. You can ask for another call. Goodbye."
    )
    return say_and_hang_up(book, sentence)


@lru_cache(CACHED_DOCUMENTS)
def wrong_keys(book: Phrasebook) -> str:
    """Say that nothing was verified because only wrong keys came, and hang up."""
    sentence = book.text(
        "No key that we asked for was pressed, so the verification was not completed."
        " You can ask for another call. Goodbye."
    )
    return say_and_hang_up(book, sentence)


@lru_cache(CACHED_DOCUMENTS)
def no_digits(book: Phrasebook) -> str:
    """Say that nothing was verified because no digits came, and hang up."""
    sentence = book.text(
        "We did not receive any digits, so the verification was not completed. You can ask for another call. Goodbye."
    )
    return say_and_hang_up(book, sentence)


@lru_cache(CACHED_DOCUMENTS)
def wrong_digits(book: Phrasebook) -> str:
    """Say that nothing was verified because only other digits came than are on the screen, and hang up."""
    sentence = book.text(
        "Those were not the digits on the screen, so the verification was not completed."
        " You can ask for another call. Goodbye."
    )
    return say_and_hang_up(book, sentence)


@lru_cache(CACHED_DOCUMENTS)
def too_many_wrong(book: Phrasebook) -> str:
    """Say that this phone had too many wrong codes and digits today, and hang up."""
    sentence = book.text(
        "Too many wrong codes were entered for this phone, so it cannot be verified now."
        " Please try again tomorrow. Goodbye."
    )
    return say_and_hang_up(book, sentence)


@lru_cache(CACHED_DOCUMENTS)
def fraud_noted(book: Phrasebook) -> str:
    """Thank the callee for the report of fraud, and hang up."""
    return say_and_hang_up(book, book.text("Thank you. Your report has been received. Goodbye."))


@lru_cache(CACHED_DOCUMENTS)
def calls_stopped(book: Phrasebook) -> str:
    """Say that this number gets no more calls and texts, and hang up."""
    sentence = book.text("You will get no more calls and text messages from this service. Goodbye.")
    return say_and_hang_up(book, sentence)


@lru_cache(CACHED_DOCUMENTS)
def not_needed(book: Phrasebook) -> str:
    """Say that the verification has ended or does not exist, and hang up."""
    return say_and_hang_up(
        book, book.text("This verification has already ended. There is nothing more to do. Goodbye.")
    )


@lru_cache(CACHED_DOCUMENTS)
def apology(book: Phrasebook) -> str:
    """Apologize for an unexpected error, and hang up."""
    sentence = book.text("We are sorry. Something went wrong on our side. Please ask for another call. Goodbye.")
    return say_and_hang_up(book, sentence)


@lru_cache(CACHED_DOCUMENTS)
def hang_up(_book: Phrasebook) -> str:
    """Hang up without a prompt: a machine answered the call."""
    response = VoiceResponse()
    response.hangup()
    return str(response)
