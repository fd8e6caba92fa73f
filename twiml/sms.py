"""The texts that we send: codes, each with a last line that phones autofill, notifications, and replies to keywords."""

import re
from collections.abc import Callable, Mapping
from html import escape

from twiml.phrases import Phrasebook, filled, placeholders
from twiml.segments import count_segments

NO_REPLY = "<Response/>"
"""The TwiML that leaves an inbound text without a reply."""

APP_HASH_LENGTH = 11
"""Characters (Google: SMS Retriever, "computing your app's hash string")."""
MAX_BYTES_FOR_APPS = 140
"""Bytes of a text that Android shows an app (Google: SMS Retriever, "construct a verification message")."""
MAX_SEGMENTS = 3
"""Of a text with a code; each segment costs as much as a text."""

_MAX_CODE_LENGTH = 10
_MAX_MINUTES = 1_440
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

    Each line starts with the code or with our own words, so that no application name can imitate the last line.

    The hash of an Android app follows the bound code, in the same line. That line must be the last one and must
    begin with the host, and what follows the code in it is ignored (WICG: origin-bound one-time codes delivered via
    SMS, "parsing"); the hash may be anywhere in the text (Google: SMS Retriever, "construct a verification
    message"), and older versions of the phone's software look for it at the end.

    Args:
        book: The person's language.
        application: The name of the application, as the person knows it.
        code: ASCII digits.
        minutes: How long the code is valid, from now.
        origin: The only site on which phones autofill the code, such as "https://login.example.com"; None for a
            last line that is bound to no site.
        template: A sentence that `check_template` accepts, in place of ours.
        app_hash: The 11 characters by which Android finds the app that may read the text.

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
    suffix = [app_hash] if app_hash else []
    if origin is None:
        return "\n".join([sentence, book.text("Code: {code}", code=code), *suffix])
    return f"{sentence}\n" + " ".join([f"@{bound_host(origin)} #{code}", *suffix])


def check_template(template: str, *, application: str, origin: str | None) -> None:
    """Check a sentence that an operator wrote for texts with a code.

    Args:
        template: The sentence.
        application: The name that it is used with.
        origin: As in `code_text`.

    Raises:
        ValueError: It has no {code}, or several; an unknown placeholder; a line break or an invisible character; it
            begins with "@", as only the last line may, or with {application}; or the text takes more than
            `MAX_SEGMENTS`.
    """
    if not template.isprintable():
        raise ValueError("must be one line of characters that can be seen, with plain spaces")
    try:
        names = placeholders(template)
    except ValueError as error:
        raise ValueError(f"{error}; it can have {_PLACEHOLDERS}, and {{{{ for a brace") from None
    unknown = [f"{{{name}}}" for name in names if name not in {"code", "application", "minutes"}]
    if unknown:
        raise ValueError(f"{', '.join(unknown)}: it can have {_PLACEHOLDERS}")
    if names.count("code") != 1:
        raise ValueError("must have {code} exactly once")
    if template.lstrip().startswith(("@", "{application}")):
        raise ValueError("must begin with {code} or with words, neither with @ nor with {application}")
    longest = code_text(
        Phrasebook("en", "en-US", None, {}),
        application=application,
        code="0" * _MAX_CODE_LENGTH,
        minutes=_MAX_MINUTES,
        origin=origin,
        template=template,
        app_hash="0" * APP_HASH_LENGTH,
    )
    segments = count_segments(longest)
    if segments > MAX_SEGMENTS:
        raise ValueError(f"makes a text of {segments} segments, and {MAX_SEGMENTS} are the most")


_PLACEHOLDERS = "{code}, {application} and {minutes}"


def fraud_word(book: Phrasebook) -> str:
    """Return the word with which a person replies that they did not ask for a code."""
    return book.text("FRAUD")


KEYWORD_REPLIES: Mapping[str, Callable[[Phrasebook], str]] = {
    "stop": lambda book: book.text("You will get no more texts from this number. Reply START to get them again."),
    "start": lambda book: book.text("You will get texts from this number again. Reply STOP to get none."),
    "help": lambda book: book.text(
        "This number texts codes to people who ask for one. Reply STOP to get no more of them."
    ),
}
"""The reply to each kind of keyword, where we reply."""


def keyword_reply(book: Phrasebook, keyword: str) -> str:
    """Write the TwiML that replies to a keyword of `KEYWORD_REPLIES`."""
    return f"<Response><Message>{escape(KEYWORD_REPLIES[keyword](book))}</Message></Response>"


NOTIFICATIONS: Mapping[str, Callable[[Phrasebook, str], str]] = {
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
"""The text of each kind of notification, from the person's language and the application's name."""


def notification_text(book: Phrasebook, kind: str, *, application: str, support: str | None) -> str:
    """Write the text that notifies a person of a change of their enrollment.

    Each line starts with our own words, so that no application name can imitate a line with a code.

    Args:
        book: The person's language.
        kind: A key of `NOTIFICATIONS`.
        application: The name of the application, as the person knows it.
        support: Contact for help: a phone number, a URL, an e-mail address; None for a text without that line.
    """
    sentence = NOTIFICATIONS[kind](book, application)
    if support is None:
        return sentence
    next_step = book.text("Not you? Contact {support}.", support=support)
    return f"{sentence}\n{next_step}"


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
