"""The texts we send: codes, each ending with the line that phones fill in by themselves, notices, and answers."""

import re
from collections.abc import Callable, Mapping
from html import escape

from twiml.phrases import Phrasebook, filled, placeholders
from twiml.segments import count_segments

NO_REPLY = "<Response/>"
"""The TwiML that leaves an inbound text without an answer."""

APP_HASH_LENGTH = 11
"""Characters (Google: SMS Retriever, "computing your app's hash string")."""
LONGEST_FOR_APPS = 140
"""Bytes of a text that an Android app is shown (Google: SMS Retriever, "construct a verification message")."""
MOST_SEGMENTS = 3
"""Of a text with a code: each costs as much as a text."""

_LONGEST_CODE = 10
_MOST_MINUTES = 1_440
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HTTPS_ORIGIN = re.compile(rf"https://(?P<host>{_LABEL}(\.{_LABEL})*)")


def code_text(
    book: Phrasebook,
    *,
    application: str,
    code: str,
    minutes: int,
    origin: str | None,
    template: str | None = None,
    app_hash: str | None = None,
) -> str:
    """Write the text that carries a code.

    Every sentence starts with the code or with words of ours, so no application name can pass for the last line.

    The hash of an Android app stands behind the bound code, in the same line. That line must be the last one and must
    begin with the host, and what follows the code in it is ignored (WICG: origin-bound one-time codes delivered via
    SMS, "parsing"); the hash may stand anywhere in the text (Google: SMS Retriever, "construct a verification
    message"), and older versions of the phone's software look for it at the end.

    Args:
        book: The person's language.
        application: Who asks for the code, as the person knows it.
        code: ASCII digits.
        minutes: How long the code is valid, from now.
        origin: The one site that phones may fill the code in on, such as "https://login.example.com"; None for a
            last line that is bound to no site.
        template: A sentence that `check_template` accepts, in place of ours.
        app_hash: The 11 characters by which a phone finds the Android app that may read the text.

    Raises:
        ValueError: The origin is not one that `bound_host` accepts.
    """
    if template is None:
        sentence = book.text(
            "{code} is your {application} code. Valid for {minutes} min. Do not share it with anyone.",
            code=code,
            application=application,
            minutes=minutes,
        )
    else:
        sentence = filled(template, code=code, application=application, minutes=minutes)
    behind = [app_hash] if app_hash else []
    if origin is None:
        return "\n".join([sentence, book.text("Code: {code}", code=code), *behind])
    return f"{sentence}\n" + " ".join([f"@{bound_host(origin)} #{code}", *behind])


def check_template(template: str, *, application: str, origin: str | None) -> None:
    """Accept a sentence that an operator wrote for texts with a code, or say what is wrong with it.

    Args:
        template: The sentence.
        application: A name that it is used with.
        origin: As in `code_text`.

    Raises:
        ValueError: It has no {code}, or more than one; another placeholder than {application} and {minutes}; a line
            break or a character that nobody sees; it begins as only the last line may, or with a name that could; or
            the text takes more than `MOST_SEGMENTS`.
    """
    if not template.isprintable():
        raise ValueError("must be one line of characters that can be seen, with plain spaces")
    try:
        named = placeholders(template)
    except ValueError as error:
        raise ValueError(f"{error}; it can have {_PLACEHOLDERS}, and {{{{ for a brace") from None
    unknown = [f"{{{name}}}" for name in named if name not in {"code", "application", "minutes"}]
    if unknown:
        raise ValueError(f"{', '.join(unknown)}: it can have {_PLACEHOLDERS}")
    if named.count("code") != 1:
        raise ValueError("must have {code} exactly once")
    if template.lstrip().startswith(("@", "{application}")):
        raise ValueError("must begin with {code} or with words, neither with @ nor with {application}")
    longest = code_text(
        Phrasebook("en", "en-US", None, {}),
        application=application,
        code="0" * _LONGEST_CODE,
        minutes=_MOST_MINUTES,
        origin=origin,
        template=template,
        app_hash="0" * APP_HASH_LENGTH,
    )
    segments = count_segments(longest)
    if segments > MOST_SEGMENTS:
        raise ValueError(f"makes a text of {segments} segments, and {MOST_SEGMENTS} are the most")


_PLACEHOLDERS = "{code}, {application} and {minutes}"


def fraud_word(book: Phrasebook) -> str:
    """Return the word with which a person replies that they did not ask for a code."""
    return book.text("FRAUD")


ANSWERS: Mapping[str, Callable[[Phrasebook], str]] = {
    "stop": lambda book: book.text("You will get no more texts from this number. Reply START to get them again."),
    "start": lambda book: book.text("You will get texts from this number again. Reply STOP to get none."),
    "help": lambda book: book.text(
        "This number texts codes to people who ask for one. Reply STOP to get no more of them."
    ),
}
"""What each kind of keyword is answered with, if we answer."""


def answer(book: Phrasebook, keyword: str) -> str:
    """Write the TwiML that answers a keyword of `ANSWERS`."""
    return f"<Response><Message>{escape(ANSWERS[keyword](book))}</Message></Response>"


NOTICES: Mapping[str, Callable[[Phrasebook, str], str]] = {
    "phone_added": lambda book, application: book.text(
        "A phone was added to your {application} account.", application=application
    ),
    "phone_replaced": lambda book, application: book.text(
        "A phone of your {application} account was replaced.", application=application
    ),
    "phone_removed": lambda book, application: book.text(
        "A phone was removed from your {application} account.", application=application
    ),
    "app_password_created": lambda book, application: book.text(
        "An app password was created for your {application} account.", application=application
    ),
    "pin_set": lambda book, application: book.text(
        "A new PIN was set for your {application} account.", application=application
    ),
    "pin_removed": lambda book, application: book.text(
        "The PIN of your {application} account was removed.", application=application
    ),
    "blocked": lambda book, application: book.text(
        "Sign-in to your {application} account was blocked.", application=application
    ),
}
"""What each kind of notice says, from the person's language and the application's name."""


def notice_text(book: Phrasebook, kind: str, *, application: str, support: str | None) -> str:
    """Write the text that tells a person of a change of their record.

    Every line starts with words of ours, so no application name can pass for a line that carries a code.

    Args:
        book: The person's language.
        kind: A key of `NOTICES`.
        application: Whose account it is, as the person knows it.
        support: Where to turn to: a phone number, a URL, an e-mail address; None for a text without that line.
    """
    told = NOTICES[kind](book, application)
    if support is None:
        return told
    next_step = book.text("Not you? Contact {support}.", support=support)
    return f"{told}\n{next_step}"


def bound_host(origin: str) -> str:
    """Return the host that an origin's codes are bound to (WICG: origin-bound one-time codes delivered via SMS).

    Raises:
        ValueError: Not an https origin on the default port with a lower-case ASCII host; an international name is
            written in its xn-- form.
    """
    match = _HTTPS_ORIGIN.fullmatch(origin)
    if match is None:
        raise ValueError(f"not an https origin without port and path, such as https://login.example.com: {origin!r}")
    return match["host"]
