"""The journal of a verification in plain words."""

from datetime import datetime

from gateway.cli.client import VerificationEvent, VerificationState

_WORDS = {
    "attempt.queued": "queued",
    "attempt.sent": "handed to the provider",
    "attempt.refused": "the provider refused it",
    "attempt.rerouted": "the next provider is asked",
    "attempt.unknown": "the provider gave no answer; waiting to learn whether it was sent",
    "attempt.never_arrived": "the provider knows nothing of it: it was never sent",
    "call.hung_up": "no longer needed, hung up",
    "call.answered_by_machine": "answered by a machine",
    "call.wrong_key": "a key that was not asked for",
    "call.repeated": "asked to hear it again",
    "call.language_changed": "changed the language",
    "call.pace_changed": "changed the pace of the speech",
    "call.refusal_begun": "began to say no",
    "call.refusal_dropped": "went on after all",
    "call.fraud_reported": "reported that they did not ask for this",
    "call.no_more_calls": "asked for no more calls and texts",
    "call.code_told": "a key was pressed, telling the code",
    "call.wrong_digits": "other digits than those",
    "call.digits_not_judged": "too many wrong codes for this number today",
    "call.no_key": "no key yet",
    "call.key_pressed": "the key was pressed",
    "call.digits_matched": "the digits were keyed in",
}
_MATCH = "match"
_ANSWERED = "call.answered"
_REPORTS = {
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
_FALLBACKS = {
    _MOVED_ON: "nothing came of it, {way} now",
    "fallback.left_out": "{way} is left out ({reason})",
}
_PROOFS = {"presence": "somebody pressed the key", "possession": "the code was right"}
_MATCHED = "the digits were right"


def step(event: VerificationEvent) -> str | None:
    """Say what happened in a few words; None if it is told elsewhere, or is a detail of the provider's."""
    if event.type == _ANSWERED:
        return f"answered, waiting for {'the digits and #' if event.facts.get('mode') == _MATCH else 'a key'}"
    if event.type in _FALLBACKS:
        return _FALLBACKS[event.type].format(way=_way(event), reason=event.facts.get("reason"))
    if event.type in _REPORTS:
        return _REPORTS[event.type].get(str(event.facts.get("word")))
    return _WORDS.get(event.type)


def tells_code(event: VerificationEvent) -> bool:
    """Tell whether the way that follows now tells the person the code."""
    told = event.facts.get("channel") == "sms" or event.facts.get("mode") == "code"
    return event.type == _MOVED_ON and told


def asks_for_digits(event: VerificationEvent) -> bool:
    """Tell whether the way that follows now asks for the digits that are shown."""
    return event.type == _MOVED_ON and event.facts.get("mode") == _MATCH


def _way(event: VerificationEvent) -> str:
    mode = event.facts.get("mode")
    return "texting" if event.facts.get("channel") == "sms" else f"calling ({mode})"


def elapsed(since: str, at: str) -> float:
    """Return the seconds between two RFC 3339 times."""
    return (datetime.fromisoformat(at) - datetime.fromisoformat(since)).total_seconds()


def verdict(verification: VerificationState) -> str:
    """Say how it ended, in one line."""
    if verification.status == "approved":
        proof = _MATCHED if verification.mode == _MATCH else _PROOFS.get(verification.assurance or "", "proven")
        return f"✓ approved: {verification.to}, {proof}"
    words = verification.status.replace("_", " ")
    reason = f": {verification.failure.detail} ({verification.failure.code})" if verification.failure else ""
    return f"✗ {words}{reason}"
