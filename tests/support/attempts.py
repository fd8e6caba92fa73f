"""Verifications whose one text or call stands anywhere: for tests that go over all states."""

from gateway.domain.delivery import DeliveryStatus
from gateway.domain.ivr.states import CallState
from gateway.domain.verification import Channel, Mode, Status, Verification
from support.verifications import a_verification, an_attempt


def calling(mode: Mode = Mode.CONFIRM, ended: Status = Status.PENDING, **fields: object) -> Verification:
    """Return a verification with one call, whose attempt has these fields."""
    return sending(Channel.CALL, mode, ended, **fields)


def sending(channel: Channel, mode: Mode | None, ended: Status = Status.PENDING, **fields: object) -> Verification:
    """Return a verification with one text or call, whose attempt has these fields."""
    attempt = an_attempt(1, channel, **{"mode": mode, **fields})
    digits = "42" if mode is Mode.MATCH else None
    return a_verification(channel=channel, mode=mode, match_digits=digits, status=ended, attempts=(attempt,))


def on(state: CallState = CallState.PROOF, **fields: object) -> dict[str, object]:
    """Return the fields of a call on which a gather is open."""
    return {"status": DeliveryStatus.IN_PROGRESS, "gather_number": 1, "call_state": state, **fields}
