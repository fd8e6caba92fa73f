"""Adds sentences to a TwiML document: spoken or played, at the usual pace or slowly."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from twiml.phrases import Phrasebook

_DIGIT_PAUSE = 1  # seconds
_SLOW_DIGIT_PAUSE = 2
_SLOW_SENTENCE_PAUSE = 1

# Voices that support SSML; Twilio's basic ones do not, and an account's default is unknown (Twilio: Say, SSML).
_SSML_VOICES = ("Polly.", "Google.", "gcloud.")


def say(verb: Any, book: Phrasebook, *sentences: str) -> None:  # noqa: ANN401 - the SDK ships no types
    """Add sentences to a document or a Gather.

    Recorded sentences are played; adjacent others are spoken in one Say. At the slow pace each sentence is spoken by
    itself with a pause before it; a voice that supports SSML also speaks slower.
    """
    if book.slow:
        for sentence in sentences:
            if verb.verbs and verb.verbs[-1].name != "Pause":
                verb.pause(length=_SLOW_SENTENCE_PAUSE)
            _speak(verb, book, sentence)
        return
    for url, group in groupby(sentences, book.recordings.get):
        if url is None:
            _speak(verb, book, " ".join(group))
        else:
            _play(verb, url, group)


def spell(response: Any, book: Phrasebook, digits: str) -> None:  # noqa: ANN401 - likewise
    """Add digits one by one, with a pause after each."""
    pause = _SLOW_DIGIT_PAUSE if book.slow else _DIGIT_PAUSE
    for digit in digits:
        url = book.recordings.get(digit)
        if url is None:
            _speak(response, book, digit)
        else:
            response.play(url)
        response.pause(length=pause)


def _play(verb: Any, url: str, sentences: Iterable[str]) -> None:  # noqa: ANN401 - likewise
    for _ in sentences:
        verb.play(url)


def _speak(verb: Any, book: Phrasebook, words: str) -> None:  # noqa: ANN401 - likewise
    voice = {"language": book.say_language, "voice": book.voice}
    if book.slow and (book.voice or "").startswith(_SSML_VOICES):
        verb.say(**voice).prosody(words, rate="slow")
    else:
        verb.say(words, **voice)
