"""The call scripts: what the callee hears and which keys we wait for, each a complete TwiML document."""

from enum import StrEnum
from functools import lru_cache
from html import escape
from typing import Any

from twilio.twiml.voice_response import VoiceResponse

from twiml.phrases import Phrasebook

_CACHED_DOCUMENTS = 1024
_GATHER_TIMEOUT = 8  # seconds

# Stands for the action URL in a cached document. A private-use character: no value in a sentence can hold one.
_ACTION = "\ue000"


class Again(StrEnum):
    """Why the callee is asked once more."""

    WRONG_KEY = "wrong_key"
    NO_KEY = "no_key"


def press_pound(book: Phrasebook, *, application: str, action: str, again: Again | None) -> str:
    """Ask for the pound key; on any key, or on silence, the provider then posts to `action`.

    The prompt stands before the Gather, not in it: the tones of a voicemail greeting that plays meanwhile are no keys.
    With the default finish key a lone # would make no request at all (Twilio: Gather, finishOnKey), so the Gather has
    none and ends at its first digit. The Redirect behind it repeats the action for a provider that ignores
    actionOnEmptyResult. The first words are the caller's name and purpose, for people and call screening alike.

    Args:
        book: The callee's language.
        application: Who calls, as the callee knows it.
        action: Absolute URL that takes the digits, in printable ASCII.
        again: Why the callee is asked once more; None the first time.

    Raises:
        ValueError: The action is not printable ASCII.
    """
    return _with_action(_press_pound_around_action(book, application, again), action)


def match_digits(book: Phrasebook, *, application: str, action: str, again: Again | None) -> str:
    """Ask for the two digits that the person sees on the screen; the provider then posts what was keyed in to `action`.

    The Gather has the default finish key, #, which is no part of what is posted; a lone # posts no digits, as silence
    does. It has no number of digits: it would end before the # that we ask for, and leave that to the next Gather. The
    digits themselves are never said, so who only answers the phone does not learn them. The rest is as in
    `press_pound`.

    Args:
        book: The callee's language.
        application: Who calls, as the callee knows it.
        action: Absolute URL that takes the digits, in printable ASCII.
        again: Why the callee is asked once more; None the first time.

    Raises:
        ValueError: The action is not printable ASCII.
    """
    return _with_action(_match_digits_around_action(book, application, again), action)


def _with_action(around: tuple[str, str, str], action: str) -> str:
    if not (action.isascii() and action.isprintable()):
        raise ValueError("the action is not a URL in printable ASCII")  # not shown: it carries a secret
    before, between, after = around
    url = escape(action)
    return f"{before}{url}{between}{url}{after}"


@lru_cache(_CACHED_DOCUMENTS)
def _press_pound_around_action(book: Phrasebook, application: str, again: Again | None) -> tuple[str, str, str]:
    return _around_action(book, _request_for_pound(book, application, again), finish_on_key="", num_digits=1)


@lru_cache(_CACHED_DOCUMENTS)
def _match_digits_around_action(book: Phrasebook, application: str, again: Again | None) -> tuple[str, str, str]:
    return _around_action(book, _request_for_digits(book, application, again))


def _around_action(book: Phrasebook, request: str, **keys: str | int) -> tuple[str, str, str]:
    """Return the document that asks, cut at the places of its action URL; `keys` say what ends the Gather."""
    response = VoiceResponse()
    _say(response, book, request)
    response.gather(
        input="dtmf",
        **keys,
        timeout=_GATHER_TIMEOUT,
        action=_ACTION,
        method="POST",
        action_on_empty_result=True,
    )
    response.redirect(_ACTION, method="POST")
    before, between, after = str(response).split(_ACTION)
    return before, between, after


def _request_for_pound(book: Phrasebook, application: str, again: Again | None) -> str:
    match again:
        case None:
            return book.text(
                "{application} is calling to verify this phone. If you did not ask for this call, please hang up."
                " If you did, please press the pound key now.",
                application=application,
            )
        case Again.WRONG_KEY:
            return book.text(
                "That was not the pound key. To verify this phone for {application}, please press the pound key.",
                application=application,
            )
        case Again.NO_KEY:
            return book.text(
                "We did not receive a key. To verify this phone for {application}, please press the pound key.",
                application=application,
            )


def _request_for_digits(book: Phrasebook, application: str, again: Again | None) -> str:
    match again:
        case None:
            return book.text(
                "{application} is calling to verify this phone. If you did not ask for this call, please hang up."
                " If you did, please enter the two digits that you see on the screen, then press the pound key.",
                application=application,
            )
        case Again.WRONG_KEY:
            return book.text(
                "Those were not the digits on the screen. To verify this phone for {application}, please enter the two"
                " digits that you see on the screen, then press the pound key.",
                application=application,
            )
        case Again.NO_KEY:
            return book.text(
                "We did not receive any digits. To verify this phone for {application}, please enter the two digits"
                " that you see on the screen, then press the pound key.",
                application=application,
            )


@lru_cache(_CACHED_DOCUMENTS)
def confirmed(book: Phrasebook) -> str:
    """Thank the callee, whose key was accepted, and hang up."""
    return _ending(book, book.text("Thank you. The verification is complete. You can hang up now. Goodbye."))


@lru_cache(_CACHED_DOCUMENTS)
def no_key(book: Phrasebook) -> str:
    """Say that nothing was verified because no key came, and hang up."""
    sentence = book.text(
        "We did not receive a key, so the verification was not completed. You can ask for another call. Goodbye."
    )
    return _ending(book, sentence)


@lru_cache(_CACHED_DOCUMENTS)
def wrong_keys(book: Phrasebook) -> str:
    """Say that nothing was verified because only wrong keys came, and hang up."""
    sentence = book.text(
        "The pound key was not pressed, so the verification was not completed. You can ask for another call. Goodbye."
    )
    return _ending(book, sentence)


@lru_cache(_CACHED_DOCUMENTS)
def no_digits(book: Phrasebook) -> str:
    """Say that nothing was verified because no digits came, and hang up."""
    sentence = book.text(
        "We did not receive any digits, so the verification was not completed. You can ask for another call. Goodbye."
    )
    return _ending(book, sentence)


@lru_cache(_CACHED_DOCUMENTS)
def wrong_digits(book: Phrasebook) -> str:
    """Say that nothing was verified because only other digits came than are on the screen, and hang up."""
    sentence = book.text(
        "Those were not the digits on the screen, so the verification was not completed."
        " You can ask for another call. Goodbye."
    )
    return _ending(book, sentence)


@lru_cache(_CACHED_DOCUMENTS)
def too_many_wrong(book: Phrasebook) -> str:
    """Say that this phone has had its wrong codes and digits for a day, and hang up."""
    sentence = book.text(
        "Too many wrong codes were entered for this phone, so it cannot be verified now."
        " Please try again tomorrow. Goodbye."
    )
    return _ending(book, sentence)


@lru_cache(_CACHED_DOCUMENTS)
def not_needed(book: Phrasebook) -> str:
    """Say that the verification is over, or one that nobody knows of, and hang up."""
    return _ending(book, book.text("This verification has already ended. There is nothing more to do. Goodbye."))


@lru_cache(_CACHED_DOCUMENTS)
def apology(book: Phrasebook) -> str:
    """Say that the failure is ours, and hang up."""
    sentence = book.text("We are sorry. Something went wrong on our side. Please ask for another call. Goodbye.")
    return _ending(book, sentence)


@lru_cache(_CACHED_DOCUMENTS)
def hang_up(_book: Phrasebook) -> str:
    """Hang up without a word: a machine took the call."""
    response = VoiceResponse()
    response.hangup()
    return str(response)


def _ending(book: Phrasebook, sentence: str) -> str:
    response = VoiceResponse()
    _say(response, book, sentence)
    response.hangup()
    return str(response)


def _say(verb: Any, book: Phrasebook, sentence: str) -> None:  # noqa: ANN401 - the SDK ships no types
    verb.say(sentence, language=book.say_language, voice=book.voice)
