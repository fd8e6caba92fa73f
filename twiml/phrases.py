"""The sentences we say and write, in one language."""

from collections.abc import Mapping
from string import Formatter

import msgspec


class Phrasebook(msgspec.Struct, frozen=True, eq=False):
    """Our sentences in one language, and the voice that speaks them.

    A message id is the English sentence itself, so a missing translation falls back to English. Books are compared by
    identity: each is loaded once and is a cheap cache key.

    Attributes:
        locale: BCP 47 tag of the language, such as "pt-BR".
        say_language: The provider's code for it (Twilio: Say, language), such as "pt-BR" or "arb".
        voice: The provider's voice (Twilio: Say, voice), or None for the one that the provider's account is set to.
        messages: Message id to translation. Both hold the same `{name}` placeholders.
        recordings: Sentence, as `text` returns it, to the URL of the file that says it on calls.
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
        """Return the same sentences for a callee who wants them slower; none is played, as a recording has its pace."""
        return msgspec.structs.replace(self, recordings={}, slow=True)

    def text(self, msgid: str, /, **values: str | int) -> str:
        """Return the sentence in this language with the values put in.

        A value becomes one line of printable characters, so it can neither break an XML document nor start a line of
        its own in a text.

        Raises:
            KeyError: A placeholder of the sentence has no value.
        """
        return filled(self.messages.get(msgid, msgid), **values)


def filled(sentence: str, /, **values: str | int) -> str:
    """Return a sentence with the values put in, each as one line of printable characters.

    Raises:
        KeyError: A placeholder of the sentence has no value.
    """
    return sentence.format_map({name: _one_line(str(value)) for name, value in values.items()})


def placeholders(sentence: str) -> list[str]:
    """List the names of a sentence's placeholders, one as often as it stands there.

    Raises:
        ValueError: Something in braces is not a plain name, or a brace stands alone.
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
