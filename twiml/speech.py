"""How a call says its sentences: spoken or played, at the usual pace or slowly."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from twiml.phrases import Phrasebook

_BETWEEN_DIGITS = 1  # seconds
_BETWEEN_DIGITS_SLOWLY = 2
_BETWEEN_SENTENCES_SLOWLY = 1

# The voices that take SSML; Twilio's basic ones do not, and an account's own is not known here (Twilio: Say, SSML).
_SSML_VOICES = ("Polly.", "Google.", "gcloud.")


def say(verb: Any, book: Phrasebook, *sentences: str) -> None:  # noqa: ANN401 - the SDK ships no types
    """Say sentences one after the other in a document or a Gather.

    What the operator has recorded is played, and what stands between recordings is spoken in one piece. Slowly, every
    sentence is spoken by itself with a pause before it, by every voice; a voice that takes SSML speaks slower, too.
    """
    if book.slow:
        for sentence in sentences:
            if verb.verbs and verb.verbs[-1].name != "Pause":
                verb.pause(length=_BETWEEN_SENTENCES_SLOWLY)
            _speak(verb, book, sentence)
        return
    for url, said in groupby(sentences, book.recordings.get):
        if url is None:
            _speak(verb, book, " ".join(said))
        else:
            _play(verb, url, said)


def spell(response: Any, book: Phrasebook, digits: str) -> None:  # noqa: ANN401 - likewise
    """Say digits one by one, with a pause behind each."""
    pause = _BETWEEN_DIGITS_SLOWLY if book.slow else _BETWEEN_DIGITS
    for digit in digits:
        url = book.recordings.get(digit)
        if url is None:
            _speak(response, book, digit)
        else:
            response.play(url)
        response.pause(length=pause)


def _play(verb: Any, url: str, said: Iterable[str]) -> None:  # noqa: ANN401 - likewise
    for _ in said:
        verb.play(url)


def _speak(verb: Any, book: Phrasebook, words: str) -> None:  # noqa: ANN401 - likewise
    voice = {"language": book.say_language, "voice": book.voice}
    if book.slow and (book.voice or "").startswith(_SSML_VOICES):
        verb.say(**voice).prosody(words, rate="slow")
    else:
        verb.say(words, **voice)
