"""Places calls, limits their rate, and finds the lines of calls that are not over."""

from __future__ import annotations

import asyncio
from functools import partial

from simulator.calls.call import Call, CallOrder
from simulator.calls.documents import Documents
from simulator.calls.lifecycle import CallLifecycle
from simulator.calls.line import Line
from simulator.calls.reports import CallReports
from simulator.calls.timeline import Timeline
from simulator.calls.twiml_interpreter import Interpreter
from simulator.clock import Clock
from simulator.config import SimulatorConfig
from simulator.exchanges import Exchanges
from simulator.handsets import Handsets
from simulator.outgoing.callbacks import Callbacks
from simulator.personas import Callee
from simulator.records import Records, now
from simulator.tasks import Tasks


class Switchboard:
    """Places calls to handsets and holds their lines until they are over."""

    def __init__(
        self,
        config: SimulatorConfig,
        clock: Clock,
        handsets: Handsets,
        documents: Documents,
        callbacks: Callbacks,
        exchanges: Exchanges,
        tasks: Tasks,
    ) -> None:
        self.calls: Records[Call] = Records()
        self._config = config
        self._clock = clock
        self._handsets = handsets
        self._documents = documents
        self._callbacks = callbacks
        self._exchanges = exchanges
        self._tasks = tasks
        self._lines: dict[str, Line] = {}
        self._next_dial_at = 0.0

    def place(self, account_sid: str, caller: str, to: str, order: CallOrder) -> Call:
        """Queue a call; it is dialled in the background.

        Args:
            account_sid: The account that placed it.
            caller: E.164 number that the callee sees.
            to: E.164 number to call.
            order: The parameters of the request.
        """
        moment = now()
        sid = self._config.spoken.new_sid("CA")
        call = Call(account_sid=account_sid, sid=sid, caller=caller, to=to, order=order, created=moment, updated=moment)
        persona = self._handsets.find(to).persona
        line = Line(
            call,
            Timeline(
                self._clock,
                patient=not persona.automatic,
                caught_up=partial(self._callbacks.delivered, sid),
            ),
            on_change=partial(self._handsets.changed, to),
            silent_keys=persona.silent_keys,
            keeps_leftover_keys=self._config.quirks.leftover_keys_carry_over,
        )
        self.calls.add(call)
        self._lines[sid] = line
        self._handsets.add_call(to, call)
        self._tasks.start(self._run_call(line, Callee(persona, line)))
        return call

    def line(self, call: Call) -> Line | None:
        """Return the line of a call that is not over."""
        return self._lines.get(call.sid)

    async def _run_call(self, line: Line, callee: Callee) -> None:
        interpreter = Interpreter(line, callee, self._documents, self._exchanges, self._config.quirks)
        reports = CallReports(line.call, self._callbacks)
        try:
            await self._limit_rate(line)
            await CallLifecycle(line, callee, interpreter, reports).run()
        finally:
            del self._lines[line.call.sid]
            line.timeline.close()
            line.over.set()

    async def _limit_rate(self, line: Line) -> None:
        """Wait until the account may dial again (Twilio: calls per second); a cancelled call waits no longer."""
        if self._config.calls_per_second is None:
            return
        moment = asyncio.get_running_loop().time()
        dial_at = max(moment, self._next_dial_at)
        self._next_dial_at = dial_at + self._clock.real_seconds(1 / self._config.calls_per_second)
        line.call.queued_milliseconds = round((dial_at - moment) * 1000)
        await line.timeline.wait((dial_at - moment) * self._clock.speed)
