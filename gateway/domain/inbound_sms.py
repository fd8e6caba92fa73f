"""A person's inputs by text: a code or the fraud word that is sent back, and the words that stop texts."""

import unicodedata
from collections.abc import Callable, Collection, Sequence
from enum import StrEnum

import msgspec

from gateway.domain import code
from gateway.domain.attempts import add_report
from gateway.domain.commands import check_code
from gateway.domain.journal import JournalEntry
from gateway.domain.limits import Limits, RateCounters
from gateway.domain.verification import (
    Attempt,
    Change,
    Channel,
    Ending,
    Failure,
    FailureCode,
    Status,
    Verification,
    end_verification,
    update_verification,
)

OPTED_OUT = Failure(FailureCode.OPTED_OUT, "The person has told our sender to stop.")
STOPPED = Failure(FailureCode.NUMBER_BLOCKED, "The number is on the stop list.")

TEXT_REPLIED = "text.replied"
"""The journal's word for a text that was taken in; its fact `said` is `FRAUD`, or that it was a code."""
FRAUD = "fraud"

_FRAUD = Failure(FailureCode.REPORTED_FRAUD, "The person replied that they did not ask for this.")
_AROUND_WORDS = " .,;:!?\"'()[]-\u3002\u201c\u201d\u2018\u2019"
_UNSEEN = {"Cf", "Cc"}  # marks of direction, zero-width spaces, line breaks


class Keyword(StrEnum):
    """What the network's own words ask of a sender (CTIA: Messaging Principles; Twilio: default opt-out keywords)."""

    STOP = "stop"
    START = "start"
    HELP = "help"


_KEYWORDS = {
    **dict.fromkeys(
        ("stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"),
        Keyword.STOP,
    ),
    **dict.fromkeys(("start", "yes", "unstop"), Keyword.START),
    **dict.fromkeys(("help", "info"), Keyword.HELP),
}


def keyword(text: str) -> Keyword | None:
    """Return what a text asks for if it is one of the keywords, whatever its case, and nothing else."""
    return _KEYWORDS.get(word(text))


def word(text: str) -> str:
    """Return a text as words are compared: without case, unseen marks, and what stands around it."""
    seen = "".join(char for char in unicodedata.normalize("NFKC", text) if unicodedata.category(char) not in _UNSEEN)
    return seen.strip(_AROUND_WORDS).casefold()


def code_in(text: str, length: int) -> str | None:
    """Return the code that a text consists of, or None if it says something else.

    Digits of any script count: unlike a page, a text cannot show the person the digits in another script.
    """
    digits = "".join(str(unicodedata.decimal(char, char)) for char in word(text))
    return code.normalize(digits, length)


def select_verification(recent: Sequence[Verification], sid: str) -> Verification | None:
    """Return what a text from a number answers: of the number's verifications, the pending one that texted it last.

    None if there is none, or if any of them has taken in this text (`sid`) already: a repeated report of an answer to
    one that has ended must not be held against another.
    """
    texted = [(attempt, verification) for verification in recent if (attempt := _latest_text(verification))]
    if any(_fact(sid) in attempt.seen_reports for verification in recent for attempt in verification.attempts):
        return None
    pending = [
        (attempt.created_at, verification.id, verification)
        for attempt, verification in texted
        if verification.status is Status.PENDING
    ]
    return max(pending, default=(0, "", None))[2]


def receive_sms(
    verification: Verification,
    sid: str,
    text: str,
    fraud_words: Collection[str],
    digest: Callable[[str, str], bytes],
    rate_counters: RateCounters,
    now: int,
    limits: Limits,
) -> Change:
    """A text came from the number that this verification texted last. Its body is not stored.

    A fraud word denies, whatever the policy says. A code is judged as any other, by `check_code`, if the policy lets
    people reply with it. Anything else does nothing. Raises what `check_code` raises.

    Args:
        verification: The one that `select_verification` returned.
        sid: The provider's id of the text, which is taken in once.
        text: Its body.
        fraud_words: As `word` returns them.
        digest: Makes the digest of a code from the verification's id and the code.
        rate_counters: What is counted for the number.
        now: The time in ms since the epoch.
        limits: The gateway's.
    """
    attempt = _latest_text(verification)
    if attempt is None or verification.status is not Status.PENDING:
        return Change(verification)
    if word(text) in fraud_words:
        noted, entry = _noted(verification, attempt, sid, FRAUD, now)
        change = end_verification(noted, Ending.PERSON_REFUSED, now, failure=_FRAUD)
    else:
        guess = code_in(text, verification.code_length) if verification.reply_with_code else None
        if guess is None or add_report(attempt, _fact(sid)) is None:
            return Change(verification)
        noted, entry = _noted(verification, attempt, sid, "code", now)
        change = check_code(noted, digest(verification.id, guess), rate_counters, now, limits)
    return msgspec.structs.replace(change, entries=(entry, *change.entries))


def _noted(
    verification: Verification, attempt: Attempt, sid: str, content: str, now: int
) -> tuple[Verification, JournalEntry]:
    entry = JournalEntry(TEXT_REPLIED, {"attempt_id": attempt.id, "provider_sid": sid, "said": content})
    new = msgspec.structs.replace(attempt, seen_reports=add_report(attempt, _fact(sid)) or attempt.seen_reports)
    attempts = tuple(new if other.id == new.id else other for other in verification.attempts)
    return update_verification(verification, now, (entry,), attempts=attempts), entry


def _fact(sid: str) -> str:
    return f"reply:{sid}"


def _latest_text(verification: Verification) -> Attempt | None:
    """Return the latest text that may have left us: one that the provider never took has a failure and no sid."""
    texts = (attempt for attempt in reversed(verification.attempts) if attempt.channel is Channel.SMS)
    return next((attempt for attempt in texts if attempt.failure is None or attempt.provider_sid), None)
