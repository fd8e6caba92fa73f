"""Sentences for the journal entries and the outcome of a verification."""

from datetime import datetime

from gateway.cli.client import VerificationEvent, VerificationState

_DESCRIPTIONS = {
    "attempt.queued": "queued",
    "attempt.sent": "handed to the provider",
    "attempt.refused": "the provider refused it",
    "attempt.rerouted": "handed to the next provider",
    "attempt.unknown": "the provider gave no answer; waiting to learn whether it was sent",
    "attempt.never_arrived": "the provider never received it: it was not sent",
    "call.hung_up": "no longer needed, hung up",
    "call.answered_by_machine": "answered by a machine",
    "call.wrong_key": "a wrong key was pressed",
    "call.repeated": "asked for a repetition",
    "call.language_changed": "changed the language",
    "call.pace_changed": "changed the pace of the speech",
    "call.refusal_begun": "started to refuse",
    "call.refusal_dropped": "went back to the question",
    "call.fraud_reported": "reported that they did not ask for this",
    "call.no_more_calls": "asked for no more calls and texts",
    "call.code_told": "a key was pressed, the code is being spoken",
    "call.wrong_digits": "other digits than those",
    "call.digits_not_judged": "not checked: too many wrong codes for this number today",
    "call.no_key": "no key yet",
    "call.key_pressed": "the key was pressed",
    "call.digits_matched": "the digits were keyed in",
}
_MATCH = "match"
_ANSWERED = "call.answered"
_STATUS_WORDS = {
    "call.status": {
        "initiated": "dialling",
        "ringing": "ringing",
        "completed": "the call is over",
        "busy": "the line is busy",
        "no-answer": "nobody answers",
        "failed": "the call failed",
        "canceled": "the call was ended before it was answered",
    },
    "message.status": {
        "sent": "sent",
        "delivered": "delivered",
        "undelivered": "not delivered",
        "failed": "the text failed",
    },
}
_MOVED_ON = "fallback.moved_on"
_FALLBACK_DESCRIPTIONS = {
    _MOVED_ON: "nothing came of it, {method} now",
    "fallback.left_out": "{method} is skipped ({reason})",
}
_ASSURANCE_WORDS = {"presence": "somebody pressed the key", "possession": "the code was right"}
_DIGITS_MATCHED = "the digits were right"


def describe_event(event: VerificationEvent) -> str | None:
    """Describe a journal entry in a few words; None for entries that are not shown."""
    if event.type == _ANSWERED:
        return f"answered, waiting for {'the digits and #' if event.facts.get('mode') == _MATCH else 'a key'}"
    if event.type in _FALLBACK_DESCRIPTIONS:
        return _FALLBACK_DESCRIPTIONS[event.type].format(
            method=_fallback_method(event), reason=event.facts.get("reason")
        )
    if event.type in _STATUS_WORDS:
        return _STATUS_WORDS[event.type].get(str(event.facts.get("word")))
    return _DESCRIPTIONS.get(event.type)


def sends_code(event: VerificationEvent) -> bool:
    """Tell whether a fallback step starts that sends or speaks the code."""
    has_code = event.facts.get("channel") == "sms" or event.facts.get("mode") == "code"
    return event.type == _MOVED_ON and has_code


def asks_for_digits(event: VerificationEvent) -> bool:
    """Tell whether a fallback step starts that asks for the match digits."""
    return event.type == _MOVED_ON and event.facts.get("mode") == _MATCH


def _fallback_method(event: VerificationEvent) -> str:
    mode = event.facts.get("mode")
    return "texting" if event.facts.get("channel") == "sms" else f"calling ({mode})"


def elapsed(since: str, at: str) -> float:
    """Return the seconds between two RFC 3339 times."""
    return (datetime.fromisoformat(at) - datetime.fromisoformat(since)).total_seconds()


def describe_outcome(verification: VerificationState) -> str:
    """Describe how a verification ended, in one line."""
    if verification.status == "approved":
        proof = (
            _DIGITS_MATCHED
            if verification.mode == _MATCH
            else _ASSURANCE_WORDS.get(verification.assurance or "", "proven")
        )
        return f"✓ approved: {verification.to}, {proof}"
    words = verification.status.replace("_", " ")
    reason = f": {verification.failure.detail} ({verification.failure.code})" if verification.failure else ""
    return f"✗ {words}{reason}"
