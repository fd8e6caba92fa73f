"""Getting a call's TwiML: from the request that gave it, or from the application over HTTP."""

from __future__ import annotations

import asyncio

from simulator.calls.call import Call, DocumentSource
from simulator.calls.line import Line
from simulator.calls.twiml_document import Document, TwimlFailure, oddities, read_answer, read_text
from simulator.exchanges import Exchanges
from simulator.faults import FaultBoard
from simulator.outgoing.forms import voice_form
from simulator.outgoing.signed_requests import Answer, NoAnswer, SignedRequest, SignedRequests
from simulator.tasks import Tasks


class Documents:
    """Fetches and reads the documents of all calls."""

    def __init__(self, requests: SignedRequests, faults: FaultBoard, exchanges: Exchanges, tasks: Tasks) -> None:
        self._requests = requests
        self._faults = faults
        self._exchanges = exchanges
        self._tasks = tasks

    async def get(self, source: DocumentSource, line: Line, extra: dict[str, str]) -> Document:
        """Return a document, and log a warning for everything odd in it.

        Args:
            source: Where it comes from.
            line: The call, whose end does not stop a request that was begun.
            extra: Fields to send beside those of the call.

        Raises:
            TwimlFailure: It cannot be had or read.
            HungUp: The call is over.
            Redirected: The script must go on elsewhere.
        """
        if source.url is None:
            document = read_text(source.twiml or "", "")
        else:
            form = voice_form(line.call) | extra
            work = self._tasks.start(self._fetch(source.url, source.method, form, line.call))
            answer = await line.meanwhile(work)
            if isinstance(answer, NoAnswer):
                raise TwimlFailure(answer.code, answer.reason, source.url)
            document = read_answer(answer)
        for oddity in oddities(document):
            self._exchanges.warn(line.call.sid, f"12200 {oddity}")
        return document

    async def _fetch(self, url: str, method: str, form: dict[str, str], call: Call) -> Answer | NoAnswer:
        """Ask the application; a failure is a result, so that nobody need be there to see it."""
        fault = self._faults.current.fetches
        await asyncio.sleep(fault.delay_ms / 1000)
        if fault.drop:
            return NoAnswer(11205, "dropped by a fault")
        request = SignedRequest(kind="fetch", method=method, url=url, form=form, sid=call.sid, voice=True)
        try:
            answer = await self._requests.send(request)
            for _ in range(fault.duplicate):
                answer = await self._requests.send(request)
        except NoAnswer as failure:
            return failure
        return answer
