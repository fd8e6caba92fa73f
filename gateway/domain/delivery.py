"""How far a text or a call got: an order with a merge, so repeated, late and reordered reports are harmless."""

from enum import StrEnum


class DeliveryStatus(StrEnum):
    """Where an attempt stands. UNKNOWN means that the provider may or may not have taken it."""

    QUEUED = "queued"
    SENDING = "sending"
    UNKNOWN = "unknown"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    INITIATED = "initiated"
    RINGING = "ringing"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    CANCELED = "canceled"


class AnsweredBy(StrEnum):
    """Who took a call, as the provider judges. Fax and every kind of machine are MACHINE."""

    HUMAN = "human"
    MACHINE = "machine"
    UNKNOWN = "unknown"


_RANK = {
    DeliveryStatus.QUEUED: 0,
    DeliveryStatus.SENDING: 1,
    DeliveryStatus.UNKNOWN: 2,
    DeliveryStatus.SENT: 3,
    DeliveryStatus.INITIATED: 4,
    DeliveryStatus.RINGING: 5,
    DeliveryStatus.IN_PROGRESS: 6,
    DeliveryStatus.UNDELIVERED: 7,
    DeliveryStatus.CANCELED: 8,
    DeliveryStatus.FAILED: 9,
    DeliveryStatus.NO_ANSWER: 10,
    DeliveryStatus.BUSY: 11,
    DeliveryStatus.COMPLETED: 12,
    DeliveryStatus.DELIVERED: 13,
}

CALL_ENDED = frozenset(
    {
        DeliveryStatus.COMPLETED,
        DeliveryStatus.BUSY,
        DeliveryStatus.NO_ANSWER,
        DeliveryStatus.CANCELED,
        DeliveryStatus.FAILED,
    }
)
TEXT_ENDED = frozenset(
    {
        DeliveryStatus.DELIVERED,
        DeliveryStatus.UNDELIVERED,
        DeliveryStatus.FAILED,
        DeliveryStatus.CANCELED,
    }
)
NOT_DELIVERED = frozenset({DeliveryStatus.UNDELIVERED, DeliveryStatus.FAILED, DeliveryStatus.CANCELED})


def merge(known: DeliveryStatus, reported: DeliveryStatus) -> DeliveryStatus:
    """Return the furthest of the two. Commutative, associative and idempotent, so the order of reports is free."""
    return reported if _RANK[reported] > _RANK[known] else known
