"""The TwiML documents that call scripts consist of: a prompt with a Gather, or a sentence and the end."""

from html import escape
from typing import Any

from twilio.twiml.voice_response import VoiceResponse

from twiml import prompts
from twiml.phrases import Phrasebook
from twiml.prompts import OfferedKeys
from twiml.speech import say

CACHED_DOCUMENTS = 1024
"""Cached documents of one script."""

TwimlTemplate = tuple[str, str, str]
"""A document split at its two action URLs, so that it can be cached for all of them."""

_GATHER_TIMEOUT = 8  # seconds

# Placeholder of the action URL. A private-use character, which no value in a sentence can contain.
_ACTION = "\ue000"


def fill_action(template: TwimlTemplate, action: str) -> str:
    """Return the document with the action URL; raises ValueError unless that is printable ASCII."""
    if not (action.isascii() and action.isprintable()):
        raise ValueError("the action is not a URL in printable ASCII")  # not in the message: it contains a secret
    before, between, after = template
    url = escape(action)
    return f"{before}{url}{between}{url}{after}"


def prompt_then_gather(
    book: Phrasebook, prompt: tuple[str, ...], keys: OfferedKeys, *, offer_language: bool, one_key: bool
) -> TwimlTemplate:
    """Return the document that says a prompt and then gathers keys; keys pressed during the prompt do not count.

    Args:
        book: The callee's language.
        prompt: The sentences. The first one says who calls.
        keys: The keys that the call offers.
        offer_language: Whether the other language is offered, if there is one, after the first sentence.
        one_key: Whether the Gather ends at its first key, or at #.
    """
    response = VoiceResponse()
    offer = prompts.to_change_language(keys) if offer_language else None
    if keys.other is not None and offer is not None:
        caller, *remaining = prompt
        say(response, book, caller)
        say(response, keys.other, offer)
        say(response, book, *remaining)
    else:
        say(response, book, *prompt)
    _gather(response, one_key=one_key)
    return _split_at_action(response)


def barge_in_gather(book: Phrasebook, prompt: str) -> TwimlTemplate:
    """Return the document that gathers one key, which counts from the first word of the prompt."""
    response = VoiceResponse()
    say(_gather(response, one_key=True), book, prompt)
    return _split_at_action(response)


def say_and_hang_up(book: Phrasebook, sentence: str) -> str:
    """Return the document that says a sentence and hangs up."""
    response = VoiceResponse()
    say(response, book, sentence)
    response.hangup()
    return str(response)


def _gather(response: VoiceResponse, *, one_key: bool) -> Any:  # noqa: ANN401 - the SDK ships no types
    """Gather one key, which may be #, or several keys that # ends."""
    end: dict[str, str | int] = {"finish_on_key": "", "num_digits": 1} if one_key else {}
    return response.gather(
        input="dtmf",
        **end,
        timeout=_GATHER_TIMEOUT,
        action=_ACTION,
        method="POST",
        action_on_empty_result=True,
    )


def _split_at_action(response: VoiceResponse) -> TwimlTemplate:
    """Add the Redirect after the Gather, and return the document split at its action URLs."""
    response.redirect(_ACTION, method="POST")
    before, between, after = str(response).split(_ACTION)
    return before, between, after
