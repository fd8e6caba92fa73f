"""A call: the order that created it, its record, and its form in the REST API."""

from __future__ import annotations

from datetime import datetime

import msgspec

from simulator.numbers import formatted
from simulator.records import API_VERSION, now, rfc2822, rfc3339

_FINAL = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})

_SUBRESOURCES = {
    "notifications": "Notifications",
    "recordings": "Recordings",
    "payments": "Payments",
    "events": "Events",
    "siprec": "Siprec",
    "streams": "Streams",
    "transcriptions": "Transcriptions",
    "user_defined_message_subscriptions": "UserDefinedMessageSubscriptions",
    "user_defined_messages": "UserDefinedMessages",
}

_TRANSCRIPT_LIMIT = 200
"""Entries of one call; a script that loops for hours must not fill the memory."""


class DocumentSource(msgspec.Struct, frozen=True, kw_only=True):
    """Where a TwiML document comes from: an address, or text given in the request (Twilio: Call, Url and Twiml)."""

    url: str | None = None
    method: str = "POST"
    twiml: str | None = None


class MachineDetection(msgspec.Struct, frozen=True, kw_only=True):
    """How to detect who answers (Twilio: Answering Machine Detection).

    Attributes:
        waits_for_end: `DetectMessageEnd` rather than `Enable`: machines are reported when their greeting ends.
        in_background: `AsyncAmd`: the script starts at once and the verdict goes to a callback.
        callback: `AsyncAmdStatusCallback`, if given.
        callback_method: Its HTTP method.
    """

    waits_for_end: bool
    in_background: bool = False
    callback: str | None = None
    callback_method: str = "POST"


class CallOrder(msgspec.Struct, frozen=True, kw_only=True):
    """The parameters of the REST request that created a call.

    Attributes:
        script: The first TwiML document.
        fallback: Document to fetch when another cannot be fetched or read.
        status_callback: URL that receives progress reports.
        status_callback_method: Its HTTP method.
        status_callback_events: Of initiated, ringing, answered and completed, those that are reported.
        ring_timeout: Seconds to ring.
        time_limit: Longest length of the call in seconds.
        send_digits: Keys to play once somebody has answered, before the script.
        machine_detection: Set when the request asked for it.
    """

    script: DocumentSource
    ring_timeout: int
    time_limit: int
    fallback: DocumentSource | None = None
    status_callback: str | None = None
    status_callback_method: str = "POST"
    status_callback_events: frozenset[str] = frozenset({"completed"})
    send_digits: str | None = None
    machine_detection: MachineDetection | None = None


class Utterance(msgspec.Struct, frozen=True):
    """One entry of a transcript.

    Attributes:
        verb: The TwiML verb, `Callee` when the callee speaks, or `Keys` when the caller sends keys before the script.
        text: The words, the recording's address, a pause's seconds, or the keys as they were ordered.
        language: BCP 47 tag, if the document gives one.
        at: RFC 3339 moment in UTC.
    """

    verb: str
    text: str
    language: str | None
    at: str


class Call(msgspec.Struct, kw_only=True):
    """A call from its creation on, under the provider's words (Twilio: Call resource)."""

    account_sid: str
    sid: str
    caller: str
    to: str
    order: CallOrder
    created: datetime
    updated: datetime
    status: str = "queued"
    started: datetime | None = None
    ended: datetime | None = None
    duration: int | None = None
    queued_milliseconds: int = 0
    answered_by: str | None = None
    gathering: bool = False
    transcript: list[Utterance] = []

    @property
    def finished(self) -> bool:
        """Whether the status is one that the provider never changes again."""
        return self.status in _FINAL

    def become(self, status: str) -> None:
        """Move to a status and stamp the change."""
        self.status = status
        self.updated = now()

    def add_to_transcript(self, verb: str, text: str = "", language: str | None = None) -> None:
        """Add to the transcript, of which the oldest entries are removed above a limit."""
        self.transcript.append(Utterance(verb, text, language, rfc3339(now())))
        del self.transcript[:-_TRANSCRIPT_LIMIT]

    def resource(self) -> dict[str, object]:
        """Return the JSON form (Twilio OpenAPI: api.v2010.account.call): durations and price are strings."""
        uri = f"/{API_VERSION}/Accounts/{self.account_sid}/Calls/{self.sid}"
        minutes = -(-(self.duration or 0) // 60)
        return {
            "account_sid": self.account_sid,
            "answered_by": self.answered_by,
            "api_version": API_VERSION,
            "caller_name": None,
            "date_created": rfc2822(self.created),
            "date_updated": rfc2822(self.updated),
            "direction": "outbound-api",
            "duration": None if self.duration is None else str(self.duration),
            "end_time": rfc2822(self.ended),
            "forwarded_from": None,
            "from": self.caller,
            "from_formatted": formatted(self.caller),
            "group_sid": None,
            "parent_call_sid": None,
            "phone_number_sid": None,
            "price": f"-{0.014 * minutes:.5f}" if self.duration is not None else None,
            "price_unit": "USD",
            "queue_time": str(self.queued_milliseconds),
            "sid": self.sid,
            "start_time": rfc2822(self.started),
            "status": self.status,
            "subresource_uris": {name: f"{uri}/{path}.json" for name, path in _SUBRESOURCES.items()},
            "to": self.to,
            "to_formatted": formatted(self.to),
            "trunk_sid": None,
            "uri": f"{uri}.json",
        }

    def on_handset(self) -> dict[str, object]:
        """Return the call as the control API shows it on a handset."""
        return {
            "sid": self.sid,
            "from": self.caller,
            "to": self.to,
            "status": self.status,
            "direction": "outbound-api",
            "at": rfc3339(self.created),
            "transcript": msgspec.to_builtins(self.transcript),
            "gathering": self.gathering,
            "answered_by": self.answered_by,
            "send_digits": self.order.send_digits,
        }
