"""Reports of a call's progress to the application."""

from __future__ import annotations

from email.utils import format_datetime

from simulator.calls.call import Call, MachineDetection
from simulator.calls.line import Pickup
from simulator.outgoing.callbacks import Callbacks
from simulator.outgoing.forms import voice_form
from simulator.outgoing.signed_requests import SignedRequest
from simulator.records import now


class CallReports:
    """Status callbacks of one call, numbered in their order from 0 (Twilio: Call, StatusCallback)."""

    def __init__(self, call: Call, callbacks: Callbacks) -> None:
        self._call = call
        self._callbacks = callbacks
        self._sequence_number = 0

    def progress(self, event: str, status: str) -> None:
        """Report `initiated`, `ringing` or `answered`, with the status word that goes with it."""
        self._tell(event, {"CallStatus": status})

    def end(self, pickup: Pickup) -> None:
        """Report the end of the call, which is the event `completed` whatever the status."""
        seconds = self._call.duration or 0
        outcome = {
            "CallStatus": self._call.status,
            "CallDuration": str(seconds),
            "Duration": str(-(-seconds // 60)),  # billed in whole minutes
            "SipResponseCode": str(pickup.sip_code),
        }
        self._tell("completed", outcome)

    def verdict(self, detection: MachineDetection, answered_by: str, seconds: float) -> None:
        """Report who answered, when detected in the background (Twilio: AsyncAmdStatusCallback)."""
        if detection.callback is None:
            return
        form = {
            "CallSid": self._call.sid,
            "AccountSid": self._call.account_sid,
            "AnsweredBy": answered_by,
            "MachineDetectionDuration": str(round(seconds * 1000)),
        }
        self._put(detection.callback, detection.callback_method, form)

    def _tell(self, event: str, fields: dict[str, str]) -> None:
        order = self._call.order
        if order.status_callback is None or event not in order.status_callback_events:
            return
        form = voice_form(self._call) | {
            "Timestamp": format_datetime(now()),
            "CallbackSource": "call-progress-events",
            "SequenceNumber": str(self._sequence_number),
            **fields,
        }
        self._sequence_number += 1
        self._put(order.status_callback, order.status_callback_method, form)

    def _put(self, url: str, method: str, form: dict[str, str]) -> None:
        self._callbacks.enqueue(
            SignedRequest(kind="callback", method=method, url=url, form=form, sid=self._call.sid, voice=True)
        )
