"""The caller's side of a call: performs TwiML documents on a line, one after the other."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Awaitable, Callable

import msgspec

from simulator.calls.call import DocumentSource
from simulator.calls.documents import Documents
from simulator.calls.gather import Gathered, GatherRules, KeyCollector, read_rules
from simulator.calls.line import Line, Redirected
from simulator.calls.speech import Speaker
from simulator.calls.twiml_document import TwimlFailure
from simulator.config import Quirks
from simulator.exchanges import Exchanges
from simulator.outgoing.addresses import resolve
from simulator.personas import Callee

_MOST_DOCUMENTS = 200
"""A script that sends a call in circles at speed 0 would else never let go of the application."""


class Next(msgspec.Struct, frozen=True):
    """Where the script goes on, with fields to send beside the usual ones."""

    source: DocumentSource
    fields: dict[str, str] = {}


class CallEnds(Exception):
    """The document says that the call is over."""


class Interpreter:
    """Performs the script of one call. One instance serves one call."""

    def __init__(self, line: Line, callee: Callee, documents: Documents, exchanges: Exchanges, quirks: Quirks) -> None:
        self._line = line
        self._callee = callee
        self._speaker = Speaker(line, callee)
        self._documents = documents
        self._exchanges = exchanges
        self._quirks = quirks
        self._documents_left = _MOST_DOCUMENTS
        self._verbs: dict[str, Callable[[ET.Element, str], Awaitable[Next | None]]] = {
            "Gather": self._gather,
            "Redirect": self._redirect,
            "Hangup": self._hang_up,
            "Reject": self._hang_up,
        }

    async def run(self, script: DocumentSource) -> None:
        """Perform the call's documents until one ends it or there is nothing left to do.

        Args:
            script: The first of them.

        Raises:
            HungUp: The callee or the REST API ended the call first.
        """
        upcoming: Next | None = Next(script)
        while upcoming:
            current = upcoming
            try:
                upcoming = await self._perform(current)
            except CallEnds:
                return
            except Redirected as redirected:
                upcoming = Next(redirected.source)
            except TwimlFailure as failure:
                upcoming = await self._recover(current, failure)

    async def _perform(self, upcoming: Next) -> Next | None:
        """Perform one document; return the next one, or None when it has been performed to its end."""
        self._documents_left -= 1
        if self._documents_left < 0:
            raise TwimlFailure(11215, "too many documents in one call", upcoming.source.url or "")
        document = await self._documents.get(upcoming.source, self._line, upcoming.fields)
        for verb in document.verbs:
            if Speaker.can(verb.tag):
                await self._speaker.perform(verb)
            elif (perform := self._verbs.get(verb.tag)) and (successor := await perform(verb, document.url)):
                return successor
        return None

    async def _recover(self, failed: Next, failure: TwimlFailure) -> Next | None:
        """Turn to the fallback, or apologise when there is none or it failed itself (Twilio: Call, FallbackUrl)."""
        self._exchanges.warn(self._line.call.sid, str(failure))
        fallback = self._line.call.order.fallback
        if fallback and failed.source != fallback:
            return Next(fallback, {"ErrorCode": str(failure.code), "ErrorUrl": failure.url})
        try:
            await self._speaker.say("We are sorry, an application error has occurred. Goodbye.", "en-US")
        except Redirected as redirected:
            return Next(redirected.source)
        return None

    async def _gather(self, verb: ET.Element, base: str) -> Next | None:
        rules = read_rules(verb, lambda warning: self._exchanges.warn(self._line.call.sid, warning))
        gathered = await self._collect(verb, rules)
        if not (gathered.digits or rules.action_on_empty_result):
            return None
        fields = {"Digits": gathered.digits, "FinishedOnKey": gathered.finished_on_key, "msg": "Gather End"}
        if not gathered.digits and self._quirks.empty_result_omits_digits:
            del fields["Digits"]
        return Next(_source(base, verb.get("action", ""), verb.get("method")), fields)

    async def _collect(self, verb: ET.Element, rules: GatherRules) -> Gathered:
        """Prompt and take keys; the time-out starts when the prompt is over or cut short, and anew with every key."""
        collector = KeyCollector(rules, lone_finish_key_waits=self._quirks.lone_finish_key_waits)
        if rules.takes_keys:
            self._line.open_gather()
        try:
            await self._prompt(verb)
            while not await self._line.pass_time(rules.timeout, for_person=True, until_key=rules.takes_keys):
                if gathered := collector.press(self._line.take_key()):
                    return gathered
            return collector.time_out()
        finally:
            self._line.close_gather()

    async def _prompt(self, gather: ET.Element) -> None:
        """Speak what is nested in a Gather, until a key comes; tell the callee when all of it was heard."""
        for nested in gather:
            if Speaker.can(nested.tag) and not await self._speaker.perform(nested, until_key=True):
                return
        self._callee.prompt_ended()

    async def _redirect(self, verb: ET.Element, base: str) -> Next:
        return Next(_source(base, (verb.text or "").strip(), verb.get("method")))

    async def _hang_up(self, verb: ET.Element, _base: str) -> None:
        self._line.add_to_transcript(verb.tag)
        raise CallEnds


def _source(base: str, reference: str, method: str | None) -> DocumentSource:
    """Return where an action or redirect leads; relative references start from the document's own address."""
    try:
        return DocumentSource(url=resolve(base, reference), method="GET" if method == "GET" else "POST")
    except ValueError as error:
        raise TwimlFailure(11100, str(error), base) from error
