"""Twilio's status words in ours, for its callbacks and its records alike, and for every carrier of its dialect."""

from collections.abc import Mapping
from typing import Annotated, TypeVar

import msgspec

from gateway.domain.delivery import AnsweredBy, DeliveryStatus
from gateway.domain.status_reports import CallReport, MessageReport
from gateway.providers.base import ProviderBusy, StatusWords
from gateway.providers.http_client import HttpResponse
from gateway.providers.twilio.errors import delivery_failure, failure_of

# Source: Twilio, Message resource, status. `read` comes from WhatsApp and RCS, after `delivered`.
TEXT_STATUSES: Mapping[str, DeliveryStatus] = {
    "accepted": DeliveryStatus.SENT,
    "scheduled": DeliveryStatus.SENT,
    "queued": DeliveryStatus.SENT,
    "sending": DeliveryStatus.SENT,
    "sent": DeliveryStatus.SENT,
    "delivered": DeliveryStatus.DELIVERED,
    "read": DeliveryStatus.DELIVERED,
    "undelivered": DeliveryStatus.UNDELIVERED,
    "failed": DeliveryStatus.FAILED,
    "canceled": DeliveryStatus.FAILED,
}

# Source: Twilio, Call resource, status. `initiated` comes in callbacks only (Twilio: StatusCallbackEvent).
CALL_STATUSES: Mapping[str, DeliveryStatus] = {
    "queued": DeliveryStatus.SENT,
    "initiated": DeliveryStatus.INITIATED,
    "ringing": DeliveryStatus.RINGING,
    "in-progress": DeliveryStatus.IN_PROGRESS,
    "completed": DeliveryStatus.COMPLETED,
    "busy": DeliveryStatus.BUSY,
    "failed": DeliveryStatus.FAILED,
    "no-answer": DeliveryStatus.NO_ANSWER,
    "canceled": DeliveryStatus.CANCELED,
}

_RETRY_AFTER = 5.0  # seconds
_NOT_FOUND = 404
_OK = 200

_Word = Annotated[str, msgspec.Meta(max_length=64)]


class _Text(msgspec.Struct):
    status: _Word
    error_code: int | _Word | None = None


class _Call(msgspec.Struct):
    status: _Word
    answered_by: _Word | None = None


Record = TypeVar("Record", _Text, _Call)


def answered_by(word: str | None) -> AnsweredBy | None:
    """Read who took a call (Twilio: Answering Machine Detection, AnsweredBy); None for no word.

    A fax is a machine, and so is every kind of machine: `machine_start`, `machine_end_beep` ….
    """
    if not word:
        return None
    if word == "fax" or word.startswith("machine"):
        return AnsweredBy.MACHINE
    return AnsweredBy.HUMAN if word == "human" else AnsweredBy.UNKNOWN


STATUS_WORDS = StatusWords(TEXT_STATUSES, CALL_STATUSES, answered_by, delivery_failure)


def fetched_text(sid: str, response: HttpResponse) -> MessageReport | None:
    """Read what became of a text (Twilio: fetch a Message); None if the provider does not know it.

    Raises:
        ProviderBusy: the answer is no record.
        ProviderRefused, ProviderUncertain: as `failure_of` returns them.
    """
    record = _record(response, _Text)
    if record is None:
        return None
    code = None if record.error_code is None else str(record.error_code)
    return STATUS_WORDS.text_report(sid, record.status, code)


def fetched_call(sid: str, response: HttpResponse) -> CallReport | None:
    """Read what became of a call (Twilio: fetch a Call); None if the provider does not know it.

    Raises:
        ProviderBusy: the answer is no record.
        ProviderRefused, ProviderUncertain: as `failure_of` returns them.
    """
    record = _record(response, _Call)
    if record is None:
        return None
    return STATUS_WORDS.call_report(sid, record.status, record.answered_by)


def _record(response: HttpResponse, kind: type[Record]) -> Record | None:
    if response.status == _NOT_FOUND:
        return None
    if response.status != _OK:
        raise failure_of(response)
    try:
        return msgspec.json.decode(response.body, type=kind)
    except (ValueError, RecursionError):
        raise ProviderBusy(_RETRY_AFTER, "The provider gave no usable record.") from None
