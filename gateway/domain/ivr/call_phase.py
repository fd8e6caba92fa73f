"""What a call says or asks for at the moment, in the words of the contract: what pages and integrators are told."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from gateway.domain.delivery import CALL_ENDED, AnsweredBy, DeliveryStatus
from gateway.domain.ivr.states import CallState
from gateway.domain.verification import Attempt, Channel, Status, Verification


class CallPhase(StrEnum):
    """Where a call is, as the callee hears it (API: `call_state`)."""

    RINGING = "ringing"
    ANNOUNCING = "announcing"
    ASKING = "asking"
    HOLDING = "holding"
    CONFIRM_REPORT = "confirm_report"
    CONFIRM_STOP = "confirm_stop"
    TELLING_CODE = "telling_code"
    CHOOSING_PIN = "choosing_pin"
    THANKING = "thanking"
    OVER = "over"


PHASES: Mapping[str, CallPhase] = MappingProxyType(
    {
        "proof": CallPhase.ASKING,
        "holding": CallPhase.HOLDING,
        "new_pin": CallPhase.CHOOSING_PIN,
        "new_pin_again": CallPhase.CHOOSING_PIN,
        "report": CallPhase.CONFIRM_REPORT,
        "no_more": CallPhase.CONFIRM_STOP,
        "block": CallPhase.CONFIRM_STOP,
        "code_told": CallPhase.TELLING_CODE,
        "reported": CallPhase.OVER,
        "stopped": CallPhase.OVER,
    }
)
"""The phase of each state of the dialogue, by its stored value, while the call is on."""


def call_phase(verification: Verification) -> CallPhase | None:
    """Return the phase of the latest call; None without one, before it rings, or once a text has followed its end."""
    call = next((attempt for attempt in reversed(verification.attempts) if attempt.channel is Channel.CALL), None)
    phase = None if call is None else phase_of(verification, call)
    return None if phase is CallPhase.OVER and call is not verification.attempts[-1] else phase


def phase_of(verification: Verification, call: Attempt) -> CallPhase | None:
    """Return the phase of one call of a verification; None while nobody can say that it rings."""
    if call.status in CALL_ENDED:
        return CallPhase.OVER
    if verification.proved_by == call.id:
        return CallPhase.THANKING
    if call.answered_by == AnsweredBy.MACHINE:
        return CallPhase.OVER
    if call.call_state in {CallState.OFFER_STOP, CallState.CODE_SPOKEN}:
        return PHASES[call.call_state.value]  # the call goes on when its verification has ended
    if call.failure is not None or verification.status is not Status.PENDING:
        return CallPhase.OVER
    return PHASES[call.call_state.value] if call.gather_number else _UNANSWERED.get(call.status)


_UNANSWERED = {
    DeliveryStatus.RINGING: CallPhase.RINGING,
    DeliveryStatus.IN_PROGRESS: CallPhase.ANNOUNCING,
}
