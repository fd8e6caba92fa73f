"""Verifications whose one text or call stands anywhere: for tests that go over all states."""

import msgspec

from gateway.domain import commands
from gateway.domain.delivery import DeliveryStatus
from gateway.domain.ivr.states import CallState
from gateway.domain.limits import Limits, RateCounters
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.verification import Channel, Mode, Status, Verification
from support import creation


def calling(mode: Mode = Mode.CONFIRM, ended: Status = Status.PENDING, **fields: object) -> Verification:
    """Return a verification with one call, whose attempt has these fields."""
    return sending(Channel.CALL, mode, ended, **fields)


def sending(channel: Channel, mode: Mode | None, ended: Status = Status.PENDING, **fields: object) -> Verification:
    """Return a verification with one text or call, whose attempt has these fields."""
    new = commands.NewAttempt("att_1", "token", channel, mode, "twilio", "42")
    number = PhoneNumber("+14255550123")
    start = creation.start("ver_1", "app_1", "Bank", number, channel, mode, "en", "enr_1", {}, b"right", b"sealed")
    begun = creation.created(start, new, RateCounters(), 1_000, Limits()).verification
    attempt = msgspec.structs.replace(begun.attempts[0], **fields)
    return msgspec.structs.replace(begun, attempts=(attempt,), status=ended)


def on(state: CallState = CallState.PROOF, **fields: object) -> dict[str, object]:
    """Return the fields of a call on which a gather is open."""
    return {"status": DeliveryStatus.IN_PROGRESS, "gather_number": 1, "call_state": state, **fields}
