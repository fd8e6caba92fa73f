"""Reading a TwiML document, and what is odd about it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Collection

import msgspec

from simulator.outgoing.signed_requests import Answer

# Twilio: TwiML for Programmable Voice. The verbs that this network acts on, with the attributes they may have.
_ATTRIBUTES = {
    "Say": frozenset({"voice", "loop", "language"}),
    "Play": frozenset({"loop", "digits"}),
    "Pause": frozenset({"length"}),
    "Gather": frozenset(
        {
            "action", "method", "input", "timeout", "finishOnKey", "numDigits", "actionOnEmptyResult",
            "speechTimeout", "speechModel", "maxSpeechTime", "hints", "language", "profanityFilter", "enhanced",
            "partialResultCallback", "partialResultCallbackMethod", "bargeIn", "debug",
        }
    ),
    "Redirect": frozenset({"method"}),
    "Hangup": frozenset(),
    "Reject": frozenset({"reason"}),
}  # fmt: skip
# Twilio: Say, SSML. Only the voices of Polly and Google take it.
_SSML = frozenset({"break", "emphasis", "lang", "p", "phoneme", "prosody", "s", "say-as", "sub", "w"})
_SSML_VOICES = ("Polly.", "Google.")
SPOKEN = frozenset({"Say", "Play", "Pause"})

_XML_TYPES = frozenset({"text/xml", "application/xml", "text/html"})


class TwimlFailure(Exception):
    """The document cannot be fetched or read; `code` is the provider's (Twilio: Error and Warning Dictionary)."""

    def __init__(self, code: int, reason: str, url: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.url = url


class Document(msgspec.Struct, frozen=True):
    """The verbs of a `<Response>` in their order, and the address that relative ones start from."""

    url: str
    verbs: tuple[ET.Element, ...]


def read_answer(answer: Answer) -> Document:
    """Read what an application answered to a request for TwiML.

    XML is read as TwiML, audio is played, plain text is TwiML if it parses and else spoken (Twilio: TwiML, MIME types).

    Raises:
        TwimlFailure: 11200 for a status other than 2xx, 12300 for another content type, 12100 for what is not TwiML.
    """
    if answer.status // 100 != 2:  # noqa: PLR2004  the class of successes
        raise TwimlFailure(11200, f"HTTP {answer.status}", answer.url)
    if answer.content_type in _XML_TYPES:
        return read_text(answer.body, answer.url)
    if answer.content_type.startswith("audio/"):
        return Document(answer.url, (_element("Play", answer.url),))
    if answer.content_type == "text/plain":
        try:
            return read_text(answer.body, answer.url)
        except TwimlFailure:
            return Document(answer.url, (_element("Say", answer.body.decode(errors="replace")),))
    raise TwimlFailure(12300, f"content type {answer.content_type}", answer.url)


def read_text(text: str | bytes, url: str) -> Document:
    """Read TwiML.

    Args:
        text: The document; nothing may come before its prolog.
        url: Where it came from; empty for a document given in a request.

    Raises:
        TwimlFailure: 12100, it is not well-formed or its root is not `<Response>`.
    """
    try:
        root = ET.fromstring(text)  # noqa: S314  expat limits expansion, and the document is short and the developer's own
    except (ET.ParseError, ValueError, LookupError) as error:
        raise TwimlFailure(12100, f"not well-formed: {error}", url) from error
    if root.tag != "Response":
        raise TwimlFailure(12100, f"the root is <{root.tag}>, not <Response>", url)
    return Document(url, tuple(root))


def words(element: ET.Element) -> str:
    """Return the text of an element and of the elements in it, with single spaces."""
    return " ".join("".join(element.itertext()).split())


def oddities(document: Document) -> list[str]:
    """List the verbs and attributes that will be skipped (Twilio: warning 12200)."""
    warnings = []
    for verb in document.verbs:
        warnings += _oddities_of(verb, allowed=_ATTRIBUTES, place="Response")
        if verb.tag == "Gather":
            for nested in verb:
                warnings += _oddities_of(nested, allowed=SPOKEN, place="Gather")
    return warnings


def _oddities_of(verb: ET.Element, *, allowed: Collection[str], place: str) -> list[str]:
    if verb.tag not in allowed:
        return [f"<{verb.tag}> in <{place}> is skipped"]
    unknown = set(verb.keys()) - _ATTRIBUTES[verb.tag]
    warnings = [f"attribute {name} of <{verb.tag}> is skipped" for name in sorted(unknown)]
    return warnings + _oddities_of_ssml(verb) if verb.tag == "Say" else warnings


def _oddities_of_ssml(say: ET.Element) -> list[str]:
    tags = sorted({element.tag for element in say.iter() if element is not say})
    if tags and not say.get("voice", "").startswith(_SSML_VOICES):
        return [f"<{tag}> in <Say> is skipped: its voice takes no SSML" for tag in tags]
    return [f"<{tag}> in <Say> is skipped" for tag in tags if tag not in _SSML]


def _element(tag: str, text: str) -> ET.Element:
    element = ET.Element(tag)
    element.text = text
    return element
