"""The words with which people stop texts, start them again or ask for help, and the provider's answers."""

from __future__ import annotations

# Twilio: default opt-out, opt-in and help keywords. The whole text must be one of them, in any case.
_WORDS = {
    **dict.fromkeys(("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"), "STOP"),
    **dict.fromkeys(("START", "YES", "UNSTOP"), "START"),
    **dict.fromkeys(("HELP", "INFO"), "HELP"),
}

ANSWERS = {
    "STOP": "You have successfully been unsubscribed. You will not receive any more messages from this number. "
    "Reply START to resubscribe.",
    "START": "You have successfully been re-subscribed to messages from this number. Reply HELP for help. "
    "Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
    "HELP": "Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
}
"""The provider's own answers, by what was asked for."""


def keyword(body: str) -> str | None:
    """Return what a text asks for, `STOP`, `START` or `HELP`; None if it is not a keyword and nothing else."""
    return _WORDS.get(body.strip().upper())
