"""The dialogue of a call as one table: in which state which input does what, and which state follows.

`FLOW` is total over what `dtmf.classify` can return in a state that listens; a test holds that. The actions are the few
things that any input can do. docs/call-dialogue.md is drawn from the table.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from gateway.domain.assurance import Assurance
from gateway.domain.attempts import update_attempt
from gateway.domain.delivery import CALL_ENDED
from gateway.domain.errors import Rejected
from gateway.domain.ivr.dtmf import FINISHED_BY_POUND, Dtmf, DtmfInput, classify
from gateway.domain.ivr.keypad import POUND
from gateway.domain.ivr.replies import replied, unchanged
from gateway.domain.ivr.states import CallState, PinFlaw
from gateway.domain.journal import JournalEntry
from gateway.domain.limits import Limits, RateCounters
from gateway.domain.verification import (
    Attempt,
    Change,
    Ending,
    Failure,
    FailureCode,
    Mode,
    Verification,
    end_verification,
)

MAX_REPROMPTS = 5
"""How often a callee may have the prompt played again; after that, the keys for it are no-matches."""
FRAUD_REPORTED = "call.fraud_reported"
"""The journal's word for a report of fraud on a call."""
_NO_MORE_CALLS = "call.no_more_calls"

WRONG_KEY = Failure(FailureCode.WRONG_KEY, "Other keys than the one that was asked for were pressed.")
WRONG_DIGITS = Failure(FailureCode.WRONG_KEY, "Other digits than those that are shown were keyed in.")
WRONG_PIN = Failure(FailureCode.WRONG_KEY, "Something else than the PIN was keyed in.")
PIN_NOT_CHANGED = Failure(FailureCode.WRONG_KEY, "The PIN that somebody else set was not changed.")
_NO_KEY = Failure(FailureCode.NO_KEY_PRESSED, "The call was answered, but no key was pressed.")
_NO_DIGITS = Failure(FailureCode.NO_KEY_PRESSED, "The call was answered, but no digits were keyed in.")
_FRAUD = Failure(FailureCode.REPORTED_FRAUD, "The person said that they did not ask for this call.")
_STOPPED = Failure(FailureCode.NUMBER_BLOCKED, "The person asked for no more calls and texts.")


class Gathered(msgspec.Struct, frozen=True, gc=False):
    """What the open gather of a call got, with everything that deciding on it takes."""

    verification: Verification
    attempt: Attempt
    dtmf: Dtmf
    rate_counters: RateCounters
    now: int
    limits: Limits


class Row(msgspec.Struct, frozen=True, gc=False):
    """One row of the table: what to do, its word in the journal, the next state (None: it stays as it is).

    `failure` is why the attempt or verification ends by this row, `flaw` what is wrong with a new PIN, and
    `suppressed` why the number goes on the suppression list.
    """

    action: Callable[["Gathered", "Row"], Change]
    entry: str = ""
    state: CallState | None = None
    failure: Failure | None = None
    flaw: PinFlaw | None = None
    suppressed: str | None = None
    assurance: Assurance | None = None


def run(gathered: Gathered) -> Change:
    """Do what the table says for the state of the call and what was keyed in."""
    row = FLOW[gathered.attempt.call_state, classify(gathered.attempt, gathered.dtmf)]
    return row.action(gathered, row)


def approve(gathered: Gathered, row: Row) -> Change:
    """Approve the verification. The key that worked is the one that the next call to this phone asks for."""
    digits, usual = gathered.dtmf.digits, gathered.dtmf.keypad.confirm
    attempt = gathered.attempt
    if attempt.mode not in FINISHED_BY_POUND:
        attempt = msgspec.structs.replace(attempt, confirm_key="" if digits == usual else digits)
    return approve_by(gathered.verification, attempt, row.entry, row.assurance or Assurance.PRESENCE, gathered.now)


def approve_by(verification: Verification, attempt: Attempt, entry: str, assurance: Assurance, now: int) -> Change:
    """Approve a verification by what was keyed in on this call."""
    proven = msgspec.structs.replace(attempt, updated_at=now, failure=None)
    change = end_verification(
        verification,
        Ending.KEY_PRESSED,
        now,
        entries=(journal_entry(entry, attempt),),
        assurance=assurance,
        attempts=_with_attempt(verification, proven),
        proved_by=attempt.id,
    )
    return replied(change, attempt.id)


def check_digits(gathered: Gathered, row: Row) -> Change:
    """Compare what was keyed in with what the page shows. Wrong digits count for the number as a wrong code does."""
    verification, attempt, rate_counters, now = (
        gathered.verification,
        gathered.attempt,
        gathered.rate_counters,
        gathered.now,
    )
    try:
        rate_counters.reject_check_over_limit(now, gathered.limits)
    except Rejected as rejected:
        return fail_unchecked(verification, attempt, "call.digits_not_judged", rejected.detail, now)
    if gathered.dtmf.digits == verification.match_digits:
        return approve(gathered, row)
    change = no_match(gathered, _WRONG_DIGITS_ROW)
    return msgspec.structs.replace(change, rate_counters=rate_counters.with_failed_check(now))


def no_match(gathered: Gathered, row: Row) -> Change:
    """Ask again, or fail the attempt when this was the last try."""
    return count_no_match(gathered.verification, gathered.attempt, row, gathered.now, gathered.limits)


def count_no_match(verification: Verification, attempt: Attempt, row: Row, now: int, limits: Limits) -> Change:
    """Count a no-match of this call and ask again in the row's state; the last one fails the attempt."""
    count = attempt.no_match_count + 1
    change = move_to(
        verification,
        attempt,
        row,
        now,
        no_match_count=count,
        failure=row.failure if count >= limits.wrong_keys_per_call else attempt.failure,
    )
    return replied(change, attempt.id, FailureCode.WRONG_KEY, row.flaw)


def no_input(gathered: Gathered, row: Row) -> Change:
    """Ask again because no key was pressed, or fail the attempt when this was the last try."""
    attempt, now = _asking_for_a_digit(gathered), gathered.now
    count = attempt.no_input_count + 1
    failure = _NO_DIGITS if attempt.mode in FINISHED_BY_POUND else _NO_KEY
    change = move_to(
        gathered.verification,
        attempt,
        row,
        now,
        no_input_count=count,
        failure=failure if count >= gathered.limits.silent_prompts_per_call else attempt.failure,
    )
    return replied(change, attempt.id, FailureCode.NO_KEY_PRESSED)


def reprompt(gathered: Gathered, row: Row) -> Change:
    """Play the prompt again at the callee's request, which is no try; too often, and it is one."""
    attempt, count = gathered.attempt, gathered.attempt.reprompt_count + 1
    if count > MAX_REPROMPTS:
        return no_match(gathered, Row(no_match, "call.wrong_key", row.state or attempt.call_state, WRONG_KEY))
    second, slow = attempt.second_language, attempt.slow
    if row.entry == "call.language_changed":
        second = not second
    if row.entry == "call.pace_changed":
        slow = not slow
    change = move_to(
        gathered.verification,
        attempt,
        row,
        gathered.now,
        reprompt_count=count,
        second_language=second,
        slow=slow,
    )
    return replied(change, attempt.id)


def move(gathered: Gathered, row: Row) -> Change:
    """Go to the row's state and play its script."""
    change = move_to(gathered.verification, gathered.attempt, row, gathered.now)
    return msgspec.structs.replace(replied(change, gathered.attempt.id), suppress=row.suppressed)


def confirm_refusal(gathered: Gathered, row: Row) -> Change:
    """Ask whether the refusal is meant: one key alone is pressed by mistake too easily."""
    attempt = gathered.attempt
    facts: dict[str, str | int | None] = {
        "attempt_id": attempt.id,
        "turn": attempt.gather_number,
        "scene": row.state and row.state.value,
    }
    change = update_attempt(
        gathered.verification,
        attempt,
        gathered.now,
        (JournalEntry(row.entry, facts),),
        gather_number=attempt.gather_number + 1,
        call_state=row.state,
    )
    return replied(change, attempt.id)


def speak_code(gathered: Gathered, row: Row) -> Change:
    """Speak the code, because a person pressed a key; a call that is over changes nothing."""
    if gathered.attempt.status in CALL_ENDED:
        return unchanged(gathered.verification, gathered.attempt)
    return move(gathered, row)


def deny(gathered: Gathered, row: Row) -> Change:
    """End the verification as denied by the callee."""
    attempt = gathered.attempt
    denied = msgspec.structs.replace(
        attempt,
        updated_at=gathered.now,
        gather_number=attempt.gather_number + 1,
        call_state=row.state or attempt.call_state,
        failure=row.failure,
    )
    change = end_verification(
        gathered.verification,
        Ending.PERSON_REFUSED,
        gathered.now,
        entries=(journal_entry(row.entry, attempt),),
        failure=row.failure,
        attempts=_with_attempt(gathered.verification, denied),
    )
    return msgspec.structs.replace(replied(change, attempt.id), suppress=row.suppressed)


def leave_to_pin_check(gathered: Gathered, _row: Row) -> Change:
    """Change nothing: a PIN is hashed outside of the transaction, and `ivr.pin` then decides."""
    return unchanged(gathered.verification, gathered.attempt)


def fail_unchecked(verification: Verification, attempt: Attempt, entry: str, detail: str, now: int) -> Change:
    """Fail the attempt because there were too many wrong tries already, on whatever calls."""
    change = move_to(verification, attempt, Row(move, entry), now, failure=Failure(FailureCode.RATE_LIMITED, detail))
    return replied(change, attempt.id)


def move_to(verification: Verification, attempt: Attempt, row: Row, now: int, **fields: Any) -> Change:  # noqa: ANN401 - any field of the attempt
    """Open the next gather in the row's state, with new values of the attempt's fields."""
    return update_attempt(
        verification,
        attempt,
        now,
        (journal_entry(row.entry, attempt),) if row.entry else (),
        gather_number=attempt.gather_number + 1,
        call_state=row.state or attempt.call_state,
        **fields,
    )


def journal_entry(word: str, attempt: Attempt) -> JournalEntry:
    """Return the journal entry of an input on this call."""
    return JournalEntry(word, {"attempt_id": attempt.id, "turn": attempt.gather_number})


def _with_attempt(verification: Verification, changed: Attempt) -> tuple[Attempt, ...]:
    return tuple(changed if attempt.id == changed.id else attempt for attempt in verification.attempts)


def _asking_for_a_digit(gathered: Gathered) -> Attempt:
    """Let a call to a new office phone ask for a digit in place of #, which the phone may have kept to itself."""
    attempt, keypad = gathered.attempt, gathered.dtmf.keypad
    if not gathered.verification.learns_key or attempt.mode is not Mode.CONFIRM or keypad.confirm != POUND:
        return attempt
    return msgspec.structs.replace(attempt, confirm_key=keypad.stand_in)


_WRONG_DIGITS_ROW = Row(no_match, "call.wrong_digits", CallState.PROOF, WRONG_DIGITS)

_ASK = {  # what the keys do whose meaning is the same in every state that asks for a proof or a new PIN
    DtmfInput.NO_INPUT: Row(no_input, "call.no_key"),
    DtmfInput.REPORT: Row(confirm_refusal, "call.refusal_begun", CallState.CONFIRM_REPORT),
    DtmfInput.STOP: Row(confirm_refusal, "call.refusal_begun", CallState.CONFIRM_STOP),
    DtmfInput.FINISHED_REPORT: Row(deny, FRAUD_REPORTED, CallState.OFFER_STOP, _FRAUD),
    DtmfInput.FINISHED_STOP: Row(
        deny, _NO_MORE_CALLS, CallState.STOPPED, _STOPPED, suppressed="asked for it on a call"
    ),
    DtmfInput.LANGUAGE: Row(reprompt, "call.language_changed"),
    DtmfInput.SLOWER: Row(reprompt, "call.pace_changed"),
    DtmfInput.REPEAT: Row(reprompt, "call.repeated"),
    DtmfInput.PIN: Row(leave_to_pin_check),
}
_STATES: Mapping[CallState, Mapping[DtmfInput, Row]] = {
    CallState.PROOF: {
        **_ASK,
        DtmfInput.CONFIRM: Row(approve, "call.key_pressed", assurance=Assurance.PRESENCE),
        DtmfInput.HEAR_CODE: Row(speak_code, "call.code_told", CallState.CODE_SPOKEN),
        DtmfInput.MATCH_DIGITS: Row(check_digits, "call.digits_matched", assurance=Assurance.POSSESSION),
        DtmfInput.NO_MATCH: Row(no_match, "call.wrong_key", CallState.PROOF, WRONG_KEY),
        DtmfInput.MALFORMED_PIN: Row(no_match, "call.wrong_pin", CallState.PROOF, WRONG_PIN),
    },
    CallState.NEW_PIN: {
        **_ASK,
        DtmfInput.MALFORMED_PIN: Row(
            no_match, "call.pin_not_taken", CallState.NEW_PIN, PIN_NOT_CHANGED, PinFlaw.MALFORMED
        ),
    },
    CallState.NEW_PIN_AGAIN: {
        **_ASK,
        DtmfInput.MALFORMED_PIN: Row(
            no_match, "call.pin_not_taken", CallState.NEW_PIN, PIN_NOT_CHANGED, PinFlaw.MISMATCH
        ),
    },
    CallState.CONFIRM_REPORT: {
        DtmfInput.CONFIRM: Row(deny, FRAUD_REPORTED, CallState.OFFER_STOP, _FRAUD),
        DtmfInput.NO_MATCH: Row(reprompt, "call.refusal_dropped", CallState.PROOF),
        DtmfInput.NO_INPUT: Row(no_input, "call.no_key", CallState.PROOF),
    },
    CallState.CONFIRM_STOP: {
        DtmfInput.CONFIRM: Row(deny, _NO_MORE_CALLS, CallState.STOPPED, _STOPPED, suppressed="asked for it on a call"),
        DtmfInput.NO_MATCH: Row(reprompt, "call.refusal_dropped", CallState.PROOF),
        DtmfInput.NO_INPUT: Row(no_input, "call.no_key", CallState.PROOF),
    },
    CallState.OFFER_STOP: {
        DtmfInput.ACCEPT: Row(move, _NO_MORE_CALLS, CallState.STOPPED, suppressed="reported fraud on a call"),
        DtmfInput.NO_MATCH: Row(move, state=CallState.REPORTED),
    },
}
FLOW: Mapping[tuple[CallState, DtmfInput], Row] = MappingProxyType(
    {(state, dtmf): row for state, rows in _STATES.items() for dtmf, row in rows.items()}
)
"""What each input does in each state. The states that are not in it do not listen: `replies.listens` is false there."""
