"""The call scripts around a PIN: it is keyed in, and one that somebody else set is changed at once.

The digits end with the default finish key, #, as those of `twiml.scripts.match_digits` do, and are never said.
"""

from functools import lru_cache

from gateway.domain.scenes import PinFlaw
from gateway.domain.verification import FailureCode
from twiml import prompts
from twiml.documents import CACHED_DOCUMENTS, Around, ending, proof, with_action
from twiml.phrases import Phrasebook
from twiml.prompts import USUAL_KEYS, Keys

__all__ = ["choose_pin", "enter_pin", "pin_changed", "pin_locked", "pin_not_changed", "repeat_pin", "wrong_pin"]


def enter_pin(
    book: Phrasebook, *, application: str, action: str, again: FailureCode | None, keys: Keys = USUAL_KEYS
) -> str:
    """Ask for the PIN; the rest is as in `twiml.scripts.match_digits`."""
    return with_action(_enter_pin_around_action(book, application, again, keys), action)


def choose_pin(book: Phrasebook, *, action: str, again: FailureCode | None, flaw: PinFlaw | None = None) -> str:
    """Ask for a new PIN; `flaw` says what is wrong with the one that was keyed in."""
    return with_action(_choose_pin_around_action(book, again, flaw), action)


def repeat_pin(book: Phrasebook, *, action: str, again: FailureCode | None) -> str:
    """Ask for the new PIN once more, because nobody sees what they key in."""
    return with_action(_repeat_pin_around_action(book, again), action)


@lru_cache(CACHED_DOCUMENTS)
def _enter_pin_around_action(book: Phrasebook, application: str, again: FailureCode | None, keys: Keys) -> Around:
    request = prompts.to_enter_pin(book, application, keys, again)
    return proof(book, request, keys, offering=again is None, one_key=False)


@lru_cache(CACHED_DOCUMENTS)
def _choose_pin_around_action(book: Phrasebook, again: FailureCode | None, flaw: PinFlaw | None) -> Around:
    return proof(book, prompts.to_choose_pin(book, again, flaw), USUAL_KEYS, offering=False, one_key=False)


@lru_cache(CACHED_DOCUMENTS)
def _repeat_pin_around_action(book: Phrasebook, again: FailureCode | None) -> Around:
    return proof(book, prompts.to_repeat_pin(book, again), USUAL_KEYS, offering=False, one_key=False)


@lru_cache(CACHED_DOCUMENTS)
def pin_changed(book: Phrasebook) -> str:
    """Thank the callee, whose new PIN is kept, and hang up."""
    sentence = book.text(
        "Thank you. Your new PIN is set and the verification is complete. You can hang up now. Goodbye."
    )
    return ending(book, sentence)


@lru_cache(CACHED_DOCUMENTS)
def pin_not_changed(book: Phrasebook) -> str:
    """Say that nothing was verified because no new PIN was chosen, and hang up."""
    sentence = book.text(
        "No new PIN was set, so the verification was not completed. You can ask for another call. Goodbye."
    )
    return ending(book, sentence)


@lru_cache(CACHED_DOCUMENTS)
def wrong_pin(book: Phrasebook) -> str:
    """Say that nothing was verified because only wrong PINs came, and hang up."""
    sentence = book.text(
        "That was not your PIN, so the verification was not completed. You can ask for another call. Goodbye."
    )
    return ending(book, sentence)


@lru_cache(CACHED_DOCUMENTS)
def pin_locked(book: Phrasebook) -> str:
    """Say that the person had their wrong PINs for a while, and hang up."""
    sentence = book.text(
        "Too many wrong PINs were entered, so your PIN is locked for now. Please try again later, or ask for a new PIN."
        " Goodbye."
    )
    return ending(book, sentence)
