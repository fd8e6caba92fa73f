"""How far a text or a call of ours got, read from one record of Twilio's, in the words of its callbacks."""

from typing import Annotated, TypeVar

import msgspec

from gateway.domain.delivery import DeliveryStatus
from gateway.domain.status_reports import CallReport, MessageReport
from gateway.ports import ProviderBusy
from gateway.providers.http_connection import Answer
from gateway.providers.refusals import delivery_failure, failure_of

_ASK_AGAIN_AFTER = 5.0
_NOT_FOUND = 404
_OK = 200

_Word = Annotated[str, msgspec.Meta(max_length=64)]


class _Text(msgspec.Struct):
    status: _Word
    error_code: int | _Word | None = None


class _Call(msgspec.Struct):
    status: _Word
    answered_by: _Word | None = None


# The words of a record are those of the callbacks (Twilio: Message and Call, status), but for `initiated`, which is
# told by callbacks only. A word that is missing is one that we do not know.
_TEXTS = {
    "accepted": DeliveryStatus.SENT,
    "queued": DeliveryStatus.SENT,
    "sending": DeliveryStatus.SENT,
    "sent": DeliveryStatus.SENT,
    "delivered": DeliveryStatus.DELIVERED,
    "read": DeliveryStatus.DELIVERED,
    "undelivered": DeliveryStatus.UNDELIVERED,
    "failed": DeliveryStatus.FAILED,
    "canceled": DeliveryStatus.FAILED,
}
_CALLS = {
    "queued": DeliveryStatus.SENT,
    "ringing": DeliveryStatus.RINGING,
    "in-progress": DeliveryStatus.IN_PROGRESS,
    "completed": DeliveryStatus.COMPLETED,
    "busy": DeliveryStatus.BUSY,
    "failed": DeliveryStatus.FAILED,
    "no-answer": DeliveryStatus.NO_ANSWER,
    "canceled": DeliveryStatus.CANCELED,
}
_LOST = {DeliveryStatus.UNDELIVERED, DeliveryStatus.FAILED}

Record = TypeVar("Record", _Text, _Call)


def text_report(sid: str, answer: Answer) -> MessageReport | None:
    """Read what became of a text; None if Twilio does not know it. Raises what `failure_of` returns, ProviderBusy."""
    record = _read(answer, _Text)
    if record is None:
        return None
    status = _TEXTS.get(record.status)
    code = None if record.error_code is None else str(record.error_code)
    return MessageReport(sid, status, record.status, delivery_failure(code) if status in _LOST else None)


def call_report(sid: str, answer: Answer) -> CallReport | None:
    """Read what became of a call; None if Twilio does not know it. Raises what `failure_of` returns, ProviderBusy."""
    record = _read(answer, _Call)
    if record is None:
        return None
    return CallReport(sid, _CALLS.get(record.status), record.status, None, _who(record.answered_by), None)


def _who(answered_by: str | None) -> str | None:
    if not answered_by:
        return None
    if answered_by == "fax" or answered_by.startswith("machine"):
        return "machine"
    return "human" if answered_by == "human" else "unknown"


def _read(answer: Answer, kind: type[Record]) -> Record | None:
    if answer.status == _NOT_FOUND:
        return None
    if answer.status != _OK:
        raise failure_of(answer)
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except (ValueError, RecursionError):
        raise ProviderBusy(_ASK_AGAIN_AFTER, "The provider gave no usable record.") from None
