"""Where a call is, in the contract's words: told for every status, state of the dialogue and end."""

import itertools

import msgspec
from support.attempts import calling, on, sending
from support.tables import for_each

from gateway.domain.delivery import CALL_ENDED, AnsweredBy, DeliveryStatus
from gateway.domain.ivr.call_phase import PHASES, CallPhase, call_phase
from gateway.domain.ivr.replies import unchanged
from gateway.domain.ivr.states import CallState, Script
from gateway.domain.verification import Channel, Failure, FailureCode, Mode, Status, Verification

BUSY = Failure(FailureCode.LINE_BUSY, "The line was busy.")
SAID = {
    Script.PRESS_POUND: CallPhase.ASKING,
    Script.MATCH_DIGITS: CallPhase.ASKING,
    Script.ENTER_PIN: CallPhase.ASKING,
    Script.OFFER_CODE: CallPhase.ASKING,
    Script.CHOOSE_PIN: CallPhase.CHOOSING_PIN,
    Script.REPEAT_PIN: CallPhase.CHOOSING_PIN,
    Script.SPEAK_CODE: CallPhase.TELLING_CODE,
    Script.REPORT_FRAUD: CallPhase.CONFIRM_REPORT,
    Script.NO_MORE_CALLS: CallPhase.CONFIRM_STOP,
    Script.FRAUD_REPORTED: CallPhase.CONFIRM_STOP,
    Script.FRAUD_NOTED: CallPhase.OVER,
    Script.CALLS_STOPPED: CallPhase.OVER,
    Script.CONFIRMED: CallPhase.THANKING,
    Script.PIN_CHANGED: CallPhase.THANKING,
    Script.HANG_UP: CallPhase.OVER,
}
"""What the callee hears, and what everybody else is told meanwhile."""


def followed(first: Verification, second: Verification) -> Verification:
    """Return the first verification with the second one's attempt after its own."""
    return msgspec.structs.replace(first, attempts=(*first.attempts, *second.attempts))


def test_every_state_of_the_dialogue_has_its_phase():
    assert {state.value for state in CallState} <= PHASES.keys()


@for_each("status", DeliveryStatus)
def test_a_call_that_nobody_took_rings_or_is_over_or_is_not_there_yet(status):
    over = CallPhase.OVER if status in CALL_ENDED else None
    told = {DeliveryStatus.RINGING: CallPhase.RINGING, DeliveryStatus.IN_PROGRESS: CallPhase.ANNOUNCING}
    assert call_phase(calling(status=status)) is told.get(status, over)


@for_each(("state", "mode"), list(itertools.product([state for state in CallState if state.value != "holding"], Mode)))
def test_what_is_told_is_what_the_call_says(state, mode):
    verification = calling(mode, **on(state))
    reply = unchanged(verification, verification.attempts[0]).reply
    assert reply is not None
    assert call_phase(verification) is SAID[reply.script]


@for_each("mode", Mode)
def test_an_approved_call_thanks_until_it_ends(mode):
    approved = msgspec.structs.replace(calling(mode, Status.APPROVED, **on()), proved_by="att_1")
    assert call_phase(approved) is CallPhase.THANKING
    ended = msgspec.structs.replace(approved.attempts[0], status=DeliveryStatus.COMPLETED)
    assert call_phase(msgspec.structs.replace(approved, attempts=(ended,))) is CallPhase.OVER


@for_each(("state", "status"), list(itertools.product(CallState, DeliveryStatus)))
def test_a_call_is_over_for_good_once_it_has_ended_failed_or_met_a_machine(state, status):
    fields = on(state) | {"status": status}
    assert call_phase(calling(**fields, answered_by=AnsweredBy.MACHINE)) is CallPhase.OVER
    if state not in {CallState.OFFER_STOP, CallState.CODE_SPOKEN}:
        assert call_phase(calling(**fields, failure=BUSY)) is CallPhase.OVER
    if status in CALL_ENDED:
        assert call_phase(calling(**fields)) is CallPhase.OVER


@for_each("status", [status for status in Status if status is not Status.PENDING])
def test_what_a_call_still_says_after_the_end_is_told(status):
    assert call_phase(calling(ended=status, **on())) is CallPhase.OVER
    assert call_phase(calling(Mode.CODE, status, **on(CallState.CODE_SPOKEN))) is CallPhase.TELLING_CODE
    assert call_phase(calling(ended=status, **on(CallState.OFFER_STOP, failure=BUSY))) is CallPhase.CONFIRM_STOP


@for_each("status", Status)
def test_a_text_has_none_and_a_call_before_it_counts_while_it_is_on(status):
    text = sending(Channel.SMS, None, status)
    assert call_phase(text) is None
    assert call_phase(msgspec.structs.replace(text, attempts=())) is None
    assert call_phase(followed(calling(**on()), text)) is CallPhase.ASKING
    assert call_phase(followed(calling(status=DeliveryStatus.BUSY), text)) is None
    assert call_phase(followed(text, calling(status=DeliveryStatus.BUSY))) is CallPhase.OVER
