"""Texts from handsets: handed to the application, whose answer may be texts back."""

from __future__ import annotations

import asyncio

import msgspec

from simulator.calls.twiml_document import TwimlFailure, read_text, words
from simulator.exchanges import Exchanges
from simulator.faults import FaultBoard
from simulator.outgoing.addresses import resolve
from simulator.outgoing.forms import inbound_form
from simulator.outgoing.signed_requests import Answer, NoAnswer, SignedRequest, SignedRequests
from simulator.tasks import Tasks
from simulator.texts.carrier import Carrier
from simulator.texts.message import Message

_MOST_REDIRECTS = 10


class Inbox:
    """Receives texts for the account's numbers (Twilio: incoming message webhook)."""

    def __init__(
        self,
        carrier: Carrier,
        requests: SignedRequests,
        faults: FaultBoard,
        exchanges: Exchanges,
        tasks: Tasks,
        webhook: str | None,
    ) -> None:
        """An inbox that asks `webhook` about each text; None asks nobody."""
        self.webhook = webhook
        self._carrier = carrier
        self._requests = requests
        self._faults = faults
        self._exchanges = exchanges
        self._tasks = tasks

    def receive(self, handset: str, number: str, body: str) -> Message:
        """Take a text from a handset; the application is asked in the background."""
        message = self._carrier.receive(handset, number, body)
        if self.webhook:
            self._tasks.start(self._deliver(message, self.webhook))
        return message

    async def _deliver(self, message: Message, webhook: str) -> None:
        fault = self._faults.current.callbacks
        await asyncio.sleep(fault.delay_ms / 1000)
        if fault.drop:
            return
        request = SignedRequest(
            kind="callback", method="POST", url=webhook, form=inbound_form(message), sid=message.sid, voice=False
        )
        for _ in range(1 + fault.duplicate):
            try:
                await self._converse(message, request)
            except (NoAnswer, TwimlFailure) as failure:
                self._exchanges.warn(message.sid, str(failure))

    async def _converse(self, message: Message, request: SignedRequest) -> None:
        """Ask the application and follow its `<Redirect>`s, sending what it says on the way."""
        for _ in range(_MOST_REDIRECTS):
            answer = await self._requests.send(request)
            target = self._reply(message, answer)
            if target is None:
                return
            try:
                request = msgspec.structs.replace(request, url=resolve(answer.url, target))
            except ValueError as error:
                raise TwimlFailure(11100, str(error), answer.url) from error
        raise TwimlFailure(11215, "too many redirects", request.url)

    def _reply(self, message: Message, answer: Answer) -> str | None:
        """Send the texts in an answer to the handset; return where a `<Redirect>` leads, if there is one."""
        if answer.status // 100 != 2:  # noqa: PLR2004  the class of successes
            raise TwimlFailure(11200, f"HTTP {answer.status}", answer.url)
        if not answer.body.strip():
            return None
        if answer.content_type == "text/plain":
            self._send_back(message, answer.body.decode(errors="replace"))
            return None
        for verb in read_text(answer.body, answer.url).verbs:
            if verb.tag == "Message":
                body = verb.find("Body")
                self._send_back(message, words(verb if body is None else body))
            elif verb.tag == "Redirect":
                return words(verb)
            else:
                self._exchanges.warn(message.sid, f"12200 <{verb.tag}> is skipped")
        return None

    def _send_back(self, message: Message, body: str) -> None:
        handset = message.sender or ""
        if not self._carrier.has_opted_out(message.to, handset):
            self._carrier.submit(message.account_sid, message.to, handset, body, direction="outbound-reply")
