"""A text: its record, and its form in the REST API."""

from __future__ import annotations

from datetime import datetime

import msgspec

from simulator.records import API_VERSION, now, rfc2822, rfc3339
from simulator.texts.segments import count_segments

_FINAL = frozenset({"delivered", "undelivered", "failed", "received", "canceled"})
_BILLED = frozenset({"sent", "delivered", "undelivered", "received"})

# Twilio: Error and Warning Dictionary, 30xxx.
ERROR_MESSAGES = {30003: "Unreachable destination handset"}


class Message(msgspec.Struct, kw_only=True):
    """A text on its way or at its end, under the provider's words (Twilio: Message resource).

    `sender` is None until a Messaging Service has picked a number. `opt_out` is what an inbound text asks for, if it is
    a keyword.
    """

    account_sid: str
    sid: str
    sender: str | None
    to: str
    body: str
    direction: str
    status: str
    created: datetime
    updated: datetime
    sent: datetime | None = None
    error_code: int | None = None
    messaging_service_sid: str | None = None
    status_callback: str | None = None
    send_at: datetime | None = None
    opt_out: str | None = None

    @property
    def finished(self) -> bool:
        """Whether the status is one that the provider never changes again."""
        return self.status in _FINAL

    def become(self, status: str, *, error_code: int | None = None) -> None:
        """Move to a status and stamp the change; the first `sent` or `received` is also the date of sending."""
        self.status = status
        self.error_code = error_code
        self.updated = now()
        if status in {"sent", "received"}:
            self.sent = self.updated

    def resource(self) -> dict[str, object]:
        """Return the JSON form (Twilio OpenAPI: api.v2010.account.message): counts and price are strings."""
        uri = f"/{API_VERSION}/Accounts/{self.account_sid}/Messages/{self.sid}"
        segments = count_segments(self.body) if self.sender else 0
        return {
            "account_sid": self.account_sid,
            "api_version": API_VERSION,
            "body": self.body,
            "date_created": rfc2822(self.created),
            "date_sent": rfc2822(self.sent),
            "date_updated": rfc2822(self.updated),
            "direction": self.direction,
            "error_code": self.error_code,
            "error_message": ERROR_MESSAGES.get(self.error_code) if self.error_code else None,
            "from": self.sender,
            "messaging_service_sid": self.messaging_service_sid,
            "num_media": "0",
            "num_segments": str(segments),
            "price": f"-{0.0075 * segments:.5f}" if self.status in _BILLED else None,
            "price_unit": "USD",
            "sid": self.sid,
            "status": self.status,
            "subresource_uris": {"media": f"{uri}/Media.json", "feedback": f"{uri}/Feedback.json"},
            "to": self.to,
            "uri": f"{uri}.json",
        }

    def on_handset(self) -> dict[str, object]:
        """Return the text as the control API shows it on a handset."""
        return {
            "sid": self.sid,
            "from": self.sender,
            "to": self.to,
            "direction": self.direction,
            "body": self.body,
            "status": self.status,
            "at": rfc3339(self.created),
        }
