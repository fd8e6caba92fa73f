"""The sentences of calls and texts in one language."""

from collections.abc import Mapping
from string import Formatter

import msgspec


class Phrasebook(msgspec.Struct, frozen=True, eq=False):
    """The sentences in one language, and the voice that speaks them.

    A message id is the English sentence itself, so a missing translation falls back to English. Phrasebooks compare by
    identity: each is loaded once and is a cheap cache key.

    Attributes:
        locale: BCP 47 tag of the language, such as "pt-BR".
        say_language: The provider's code for it (Twilio: Say, language), such as "pt-BR" or "arb".
        voice: The provider's voice (Twilio: Say, voice), or None for the default of the provider's account.
        messages: Message id to translation. Both hold the same `{name}` placeholders.
        recordings: Sentence, as `text` returns it, to the URL of its recording.
        slow: Whether the voice speaks slowly.

    Raises:
        ValueError: A translation whose placeholders differ from its message id's, or are not plain names.
    """

    locale: str
    say_language: str
    voice: str | None
    messages: Mapping[str, str]
    recordings: Mapping[str, str] = {}
    slow: bool = False

    def __post_init__(self) -> None:
        for msgid, translation in self.messages.items():
            try:
                same = set(placeholders(translation)) == set(placeholders(msgid))
            except ValueError as error:
                raise ValueError(f"{self.locale}: {error} in the translation of {msgid!r}") from error
            if not same:
                raise ValueError(
                    f"{self.locale}: other placeholders than the original's in the translation of {msgid!r}"
                )

    @property
    def slower(self) -> "Phrasebook":
        """Return the same sentences at a slower pace, without recordings, whose pace is fixed."""
        return msgspec.structs.replace(self, recordings={}, slow=True)

    def text(self, msgid: str, /, **values: str | int) -> str:
        """Return the sentence in this language with the values filled in.

        A value becomes one line of printable characters, so it can neither break an XML document nor start a new line
        in a text.

        Raises:
            KeyError: A placeholder of the sentence has no value.
        """
        return filled(self.messages.get(msgid, msgid), **values)


def filled(sentence: str, /, **values: str | int) -> str:
    """Return a sentence with the values filled in, each as one line of printable characters.

    Raises:
        KeyError: A placeholder of the sentence has no value.
    """
    return sentence.format_map({name: _one_line(str(value)) for name, value in values.items()})


def placeholders(sentence: str) -> list[str]:
    """List the names of a sentence's placeholders, with repetitions.

    Raises:
        ValueError: A placeholder is not a plain name, or a brace is unmatched.
    """
    names = []
    for _, name, spec, conversion in Formatter().parse(sentence):
        if name is None:
            continue
        if spec or conversion or not name.isidentifier():
            raise ValueError(f"{{{name}}} is not a plain name")
        names.append(name)
    return names


def _one_line(value: str) -> str:
    printable = "".join(char if char.isprintable() else " " for char in value)
    return " ".join(printable.split())
