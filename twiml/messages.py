"""The texts we send: codes, each ending with the line that phones fill in by themselves, and notices about a record."""

import re
from collections.abc import Callable, Mapping

from twiml.phrases import Phrasebook

NO_REPLY = "<Response/>"
"""The TwiML that leaves an inbound text without an answer."""

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HTTPS_ORIGIN = re.compile(rf"https://(?P<host>{_LABEL}(\.{_LABEL})*)")


def code_text(book: Phrasebook, *, application: str, code: str, minutes: int, origin: str | None) -> str:
    """Write the text that carries a code.

    Every sentence starts with the code or with words of ours, so no application name can pass for the last line.

    Args:
        book: The person's language.
        application: Who asks for the code, as the person knows it.
        code: ASCII digits.
        minutes: How long the code is valid, from now.
        origin: The one site that phones may fill the code in on, such as "https://login.example.com"; None for a
            last line that is bound to no site.

    Raises:
        ValueError: The origin is not one that `bound_host` accepts.
    """
    sentence = book.text(
        "{code} is your {application} code. Valid for {minutes} min. Do not share it with anyone.",
        code=code,
        application=application,
        minutes=minutes,
    )
    last_line = book.text("Code: {code}", code=code) if origin is None else f"@{bound_host(origin)} #{code}"
    return f"{sentence}\n{last_line}"


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
