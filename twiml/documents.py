"""How the call scripts are put together: what is said, what is waited for, and where the keys are sent."""

from html import escape
from typing import Any

from twilio.twiml.voice_response import VoiceResponse

from twiml import prompts
from twiml.phrases import Phrasebook
from twiml.prompts import Keys
from twiml.speech import say

CACHED_DOCUMENTS = 1024
"""Documents of one script that are kept."""

Around = tuple[str, str, str]
"""A document cut at the two places of its action URL, so that it can be kept for all of them."""

_GATHER_TIMEOUT = 8  # seconds

# Stands for the action URL in a cached document. A private-use character: no value in a sentence can hold one.
_ACTION = "\ue000"


def with_action(around: Around, action: str) -> str:
    """Put the action URL in its places; raises ValueError for one that is not printable ASCII."""
    if not (action.isascii() and action.isprintable()):
        raise ValueError("the action is not a URL in printable ASCII")  # not shown: it carries a secret
    before, between, after = around
    url = escape(action)
    return f"{before}{url}{between}{url}{after}"


def proof(book: Phrasebook, request: tuple[str, ...], keys: Keys, *, offering: bool, one_key: bool) -> Around:
    """Return the document that asks for a proof; if `offering`, the other language is offered behind who calls."""
    response = VoiceResponse()
    offer = prompts.to_change_language(keys) if offering else None
    if keys.other is not None and offer is not None:
        who, *request_left = request
        say(response, book, who)
        say(response, keys.other, offer)
        say(response, book, *request_left)
    else:
        say(response, book, *request)
    _gather(response, one_key=one_key)
    return _around_action(response)


def interruptible(book: Phrasebook, request: str) -> Around:
    """Return the document that asks a question which one key answers, also while it is being said."""
    response = VoiceResponse()
    say(_gather(response, one_key=True), book, request)
    return _around_action(response)


def ending(book: Phrasebook, sentence: str) -> str:
    """Return the document that says a sentence and hangs up."""
    response = VoiceResponse()
    say(response, book, sentence)
    response.hangup()
    return str(response)


def _gather(response: VoiceResponse, *, one_key: bool) -> Any:  # noqa: ANN401 - the SDK ships no types
    """Wait for one key of any kind, or for keys that # ends."""
    ends: dict[str, str | int] = {"finish_on_key": "", "num_digits": 1} if one_key else {}
    return response.gather(
        input="dtmf",
        **ends,
        timeout=_GATHER_TIMEOUT,
        action=_ACTION,
        method="POST",
        action_on_empty_result=True,
    )


def _around_action(response: VoiceResponse) -> Around:
    """Close a document behind its Gather, and return it cut at the places of its action URL."""
    response.redirect(_ACTION, method="POST")
    before, between, after = str(response).split(_ACTION)
    return before, between, after
