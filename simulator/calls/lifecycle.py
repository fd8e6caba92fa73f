"""The life of one call: dialled, ringing, answered, over."""

from __future__ import annotations

from simulator.calls.call import DocumentSource, MachineDetection
from simulator.calls.line import ANSWERED, HungUp, Line, Pickup, Redirected
from simulator.calls.reports import CallReports
from simulator.calls.twiml_interpreter import Interpreter
from simulator.personas import Callee
from simulator.records import now

_DIALLING_SECONDS = 0.5
_DETECTION_SECONDS = 4.0
_KEY_SECONDS = 0.2
"""A tone and the silence after it."""
_PAUSE_SECONDS = {"w": 0.5, "W": 1.0}
"""Pauses between sent keys (Twilio: Call, SendDigits)."""


class CallLifecycle:
    """Takes one call from the first dialled digit to its end."""

    def __init__(self, line: Line, callee: Callee, interpreter: Interpreter, reports: CallReports) -> None:
        self._line = line
        self._call = line.call
        self._callee = callee
        self._interpreter = interpreter
        self._reports = reports

    async def run(self) -> None:
        """Run the call to its end; one that was cancelled before it started only ends."""
        pickup = self._line.pickup or await self._dial()
        answered_at = self._line.timeline.now
        if pickup is ANSWERED:
            await self._talk()
            self._call.duration = round(self._line.timeline.now - answered_at)
        self._end(pickup)

    async def _dial(self) -> Pickup:
        self._call.started = now()
        self._reports.progress("initiated", "initiated")
        self._callee.called()
        await self._line.timeline.wait(_DIALLING_SECONDS)
        if self._line.pickup is None:
            self._become("ringing")
            self._reports.progress("ringing", "ringing")
        return await self._line.ring(self._call.order.ring_timeout)

    async def _talk(self) -> None:
        self._become("in-progress")
        self._line.settled.set()
        self._reports.progress("answered", "in-progress")
        self._line.timeline.after(self._call.order.time_limit, self._line.hang_up)
        self._callee.answered()
        try:
            await self._interpreter.run(await self._prepare())
        except HungUp:
            return

    async def _prepare(self) -> DocumentSource:
        """Send keys or detect who answered (Twilio: SendDigits, AMD); return the script's first document."""
        order = self._call.order
        try:
            if order.send_digits:
                await self._send(order.send_digits)
            elif order.machine_detection:
                await self._detect_machine(order.machine_detection)
        except Redirected as redirected:
            return redirected.source
        return order.script

    async def _send(self, keys: str) -> None:
        """Play keys and pauses to whoever answered, such as the phone system of an office."""
        self._line.add_to_transcript("Keys", keys)
        await self._line.pass_time(sum(_PAUSE_SECONDS.get(key, _KEY_SECONDS) for key in keys))

    async def _detect_machine(self, detection: MachineDetection) -> None:
        """Detect who answered, before the script or in the background."""
        if detection.in_background:
            self._line.timeline.after(_DETECTION_SECONDS, lambda: self._detected(detection))
        else:
            await self._line.pass_time(_DETECTION_SECONDS)
            self._detected(detection)

    def _detected(self, detection: MachineDetection) -> None:
        persona = self._callee.persona
        verdict = persona.verdict_at_end if detection.waits_for_end else persona.verdict
        self._call.answered_by = verdict
        self._line.changed()
        self._reports.verdict(detection, verdict, _DETECTION_SECONDS)

    def _end(self, pickup: Pickup) -> None:
        self._call.ended = now()
        self._become("completed" if pickup is ANSWERED else pickup.status)
        self._line.settled.set()
        self._reports.end(pickup)

    def _become(self, status: str) -> None:
        self._call.become(status)
        self._line.changed()
