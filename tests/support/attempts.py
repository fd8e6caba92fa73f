"""Verifications whose one text or call stands anywhere: for tests that go over all states."""

import msgspec

from gateway.domain.delivery import DeliveryStatus
from gateway.domain.ivr.states import CallState
from gateway.domain.verification import Channel, Mode, Status, Verification
from support.verifications import a_new_attempt, a_request, created


def calling(mode: Mode = Mode.CONFIRM, ended: Status = Status.PENDING, **fields: object) -> Verification:
    """Return a verification with one call, whose attempt has these fields."""
    return sending(Channel.CALL, mode, ended, **fields)


def sending(channel: Channel, mode: Mode | None, ended: Status = Status.PENDING, **fields: object) -> Verification:
    """Return a verification with one text or call, whose attempt has these fields."""
    request = a_request(channel=channel, mode=mode, enrollment_id="enr_1")
    new = a_new_attempt(1, channel, mode, match_digits="42")
    begun = created(request, new, now=1_000).verification
    attempt = msgspec.structs.replace(begun.attempts[0], **fields)
    return msgspec.structs.replace(begun, attempts=(attempt,), status=ended)


def on(state: CallState = CallState.PROOF, **fields: object) -> dict[str, object]:
    """Return the fields of a call on which a gather is open."""
    return {"status": DeliveryStatus.IN_PROGRESS, "gather_number": 1, "call_state": state, **fields}
