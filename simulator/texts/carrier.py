"""The mobile network behind the provider: carries texts to handsets and back."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from simulator.clock import Clock
from simulator.config import SimulatorConfig
from simulator.handsets import Handsets
from simulator.outgoing.callbacks import Callbacks
from simulator.outgoing.forms import message_form
from simulator.outgoing.signed_requests import SignedRequest
from simulator.records import Records, now
from simulator.tasks import Tasks
from simulator.texts.keywords import ANSWERS, keyword
from simulator.texts.message import Message

_UNREACHABLE = 30003
_SENDING_SECONDS = 0.2
_SENT_SECONDS = 0.3
_DELIVERY_SECONDS = 1.0


class Carrier:
    """Carries texts and remembers who wants none."""

    def __init__(
        self, config: SimulatorConfig, clock: Clock, handsets: Handsets, callbacks: Callbacks, tasks: Tasks
    ) -> None:
        self.messages: Records[Message] = Records()
        self._config = config
        self._clock = clock
        self._handsets = handsets
        self._callbacks = callbacks
        self._tasks = tasks
        self._opted_out: set[tuple[str, str]] = set()

    def has_opted_out(self, number: str, handset: str) -> bool:
        """Tell whether the handset's person sent a stop word to this number, and no start word since."""
        return (number, handset) in self._opted_out

    def submit(
        self,
        account_sid: str,
        sender: str | None,
        to: str,
        body: str,
        *,
        direction: str = "outbound-api",
        messaging_service_sid: str | None = None,
        status_callback: str | None = None,
        send_at: datetime | None = None,
    ) -> Message:
        """Take a text for a handset; it is carried in the background.

        Args:
            account_sid: The account that sends it.
            sender: E.164 number that the reader sees; None lets the Messaging Service pick one.
            to: E.164 number of the handset.
            body: The words.
            direction: `outbound-api`, or `outbound-reply` for an answer to a text.
            messaging_service_sid: The Messaging Service, if one sends it.
            status_callback: URL that receives progress reports.
            send_at: Moment to send it at; None is now.
        """
        moment = now()
        message = Message(
            account_sid=account_sid,
            sid=self._config.spoken.new_sid("SM"),
            sender=sender,
            to=to,
            body=body,
            direction=direction,
            status="scheduled" if send_at else "accepted" if messaging_service_sid else "queued",
            created=moment,
            updated=moment,
            messaging_service_sid=messaging_service_sid,
            status_callback=status_callback,
        )
        self.messages.add(message)
        self._handsets.add_message(to, message)
        self._tasks.start(self._carry(message, send_at))
        return message

    def receive(self, handset: str, number: str, body: str) -> Message:
        """Take a text from a handset to one of the account's numbers; heed and answer stop, start and help words."""
        moment = now()
        message = Message(
            account_sid=self._config.account_sid,
            sid=self._config.spoken.new_sid("SM"),
            sender=handset,
            to=number,
            body=body,
            direction="inbound",
            status="received",
            created=moment,
            updated=moment,
            sent=moment,
            messaging_service_sid=self._config.messaging_service_sid,
        )
        self.messages.add(message)
        self._handsets.add_message(handset, message)
        self._heed(message, handset)
        return message

    def _heed(self, message: Message, handset: str) -> None:
        """Heed a keyword, and answer it where it changes something or asks for help (Twilio: default keywords)."""
        if not self._config.keeps_opt_outs:
            return
        message.opt_out = keyword(message.body)
        pair = (message.to, handset)
        out = pair in self._opted_out
        if message.opt_out == "STOP":
            self._opted_out.add(pair)
        elif message.opt_out == "START":
            self._opted_out.discard(pair)
        if message.opt_out and out == (message.opt_out == "START"):
            self.submit(message.account_sid, message.to, handset, ANSWERS[message.opt_out], direction="outbound-reply")

    async def _carry(self, message: Message, send_at: datetime | None) -> None:
        if send_at:
            await asyncio.sleep((send_at - datetime.now(UTC)).total_seconds())
            if message.finished:
                return  # cancelled meanwhile
        if message.sender is None:
            message.sender = self._config.numbers[0]
            self._become(message, "queued")
        await self._clock.sleep(_SENDING_SECONDS)
        message.become("sending")
        await self._clock.sleep(_SENT_SECONDS)
        self._become(message, "sent")
        await self._clock.sleep(_DELIVERY_SECONDS)
        if self._handsets.find(message.to).persona.receives_texts:
            self._become(message, "delivered")
        else:
            self._become(message, "undelivered", error_code=_UNREACHABLE)

    def _become(self, message: Message, status: str, *, error_code: int | None = None) -> None:
        """Move a text to a status and report it to the application (Twilio: Message, StatusCallback)."""
        message.become(status, error_code=error_code)
        self._handsets.changed(message.to)
        if message.status_callback:
            self._callbacks.enqueue(
                SignedRequest(
                    kind="callback",
                    method="POST",
                    url=message.status_callback,
                    form=message_form(message),
                    sid=message.sid,
                    voice=False,
                )
            )
