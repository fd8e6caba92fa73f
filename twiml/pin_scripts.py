"""The call scripts for PINs: enter it, and replace one that somebody else set.

The digits end with the default finish key, #, as in `twiml.scripts.match_digits`, and are never spoken.
"""

from functools import lru_cache

from gateway.domain.ivr.states import PinFlaw
from gateway.domain.verification import FailureCode
from twiml import prompts
from twiml.documents import CACHED_DOCUMENTS, TwimlTemplate, fill_action, prompt_then_gather, say_and_hang_up
from twiml.phrases import Phrasebook
from twiml.prompts import USUAL_KEYS, OfferedKeys

__all__ = ["choose_pin", "enter_pin", "pin_changed", "pin_locked", "pin_not_changed", "repeat_pin", "wrong_pin"]


def enter_pin(
    book: Phrasebook, *, application: str, action: str, again: FailureCode | None, keys: OfferedKeys = USUAL_KEYS
) -> str:
    """Ask for the PIN; the rest is as in `twiml.scripts.match_digits`."""
    return fill_action(_enter_pin_template(book, application, again, keys), action)


def choose_pin(book: Phrasebook, *, action: str, again: FailureCode | None, flaw: PinFlaw | None = None) -> str:
    """Ask for a new PIN; `flaw` is what was wrong with the last one."""
    return fill_action(_choose_pin_template(book, again, flaw), action)


def repeat_pin(book: Phrasebook, *, action: str, again: FailureCode | None) -> str:
    """Ask for the new PIN a second time, to catch typing errors."""
    return fill_action(_repeat_pin_template(book, again), action)


@lru_cache(CACHED_DOCUMENTS)
def _enter_pin_template(
    book: Phrasebook, application: str, again: FailureCode | None, keys: OfferedKeys
) -> TwimlTemplate:
    request = prompts.to_enter_pin(book, application, keys, again)
    return prompt_then_gather(book, request, keys, offer_language=again is None, one_key=False)


@lru_cache(CACHED_DOCUMENTS)
def _choose_pin_template(book: Phrasebook, again: FailureCode | None, flaw: PinFlaw | None) -> TwimlTemplate:
    return prompt_then_gather(
        book, prompts.to_choose_pin(book, again, flaw), USUAL_KEYS, offer_language=False, one_key=False
    )


@lru_cache(CACHED_DOCUMENTS)
def _repeat_pin_template(book: Phrasebook, again: FailureCode | None) -> TwimlTemplate:
    return prompt_then_gather(book, prompts.to_repeat_pin(book, again), USUAL_KEYS, offer_language=False, one_key=False)


@lru_cache(CACHED_DOCUMENTS)
def pin_changed(book: Phrasebook) -> str:
    """Thank the callee for the new PIN, and hang up."""
    sentence = book.text(
        "Thank you. Your new PIN is set and the verification is complete. You can hang up now. Goodbye."
    )
    return say_and_hang_up(book, sentence)


@lru_cache(CACHED_DOCUMENTS)
def pin_not_changed(book: Phrasebook) -> str:
    """Say that nothing was verified because no new PIN was chosen, and hang up."""
    sentence = book.text(
        "No new PIN was set, so the verification was not completed. You can ask for another call. Goodbye."
    )
    return say_and_hang_up(book, sentence)


@lru_cache(CACHED_DOCUMENTS)
def wrong_pin(book: Phrasebook) -> str:
    """Say that nothing was verified because all PINs were wrong, and hang up."""
    sentence = book.text(
        "That was not your PIN, so the verification was not completed. You can ask for another call. Goodbye."
    )
    return say_and_hang_up(book, sentence)


@lru_cache(CACHED_DOCUMENTS)
def pin_locked(book: Phrasebook) -> str:
    """Say that the PIN is locked after too many wrong ones, and hang up."""
    sentence = book.text(
        "Too many wrong PINs were entered, so your PIN is locked for now. Please try again later, or ask for a new PIN."
        " Goodbye."
    )
    return say_and_hang_up(book, sentence)
