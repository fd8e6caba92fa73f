"""The facts a provider reports, in our words; the provider's own word is kept beside each for the journal."""

from enum import StrEnum

import msgspec


class CallStatus(StrEnum):
    """Progress of a call (Twilio: Call StatusCallback, CallStatus). A word we do not know is UNKNOWN."""

    QUEUED = "queued"
    INITIATED = "initiated"
    RINGING = "ringing"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    BUSY = "busy"
    FAILED = "failed"
    NO_ANSWER = "no_answer"
    CANCELED = "canceled"
    UNKNOWN = "unknown"


class MessageStatus(StrEnum):
    """Progress of a text (Twilio: Message StatusCallback, MessageStatus). A word we do not know is UNKNOWN."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    CANCELED = "canceled"
    UNKNOWN = "unknown"


class AnsweredBy(StrEnum):
    """Who took the call (Twilio: AnsweredBy). Fax and every kind of machine are MACHINE."""

    HUMAN = "human"
    MACHINE = "machine"
    UNKNOWN = "unknown"


class AttemptRef(msgspec.Struct, frozen=True, gc=False):
    """Which attempt a callback speaks of, as its path says: the verification's id and the attempt's secret token."""

    verification_id: str
    token: str


class CallAnswered(msgspec.Struct, frozen=True, gc=False):
    """The callee took the call and the provider asks what to say (Twilio: TwiML fetch of `Url`)."""

    attempt: AttemptRef
    sid: str
    answered_by: AnsweredBy | None


class DigitsGathered(msgspec.Struct, frozen=True, gc=False):
    """A Gather ended (Twilio: Gather, action).

    `digits` is empty when no key was pressed; `turn` counts our Gathers from 1. `cut_off` tells that no finish key
    ended it, if the provider says so: the number of digits was reached, or no further key came.
    """

    attempt: AttemptRef
    sid: str
    turn: int
    digits: str
    answered_by: AnsweredBy | None
    cut_off: bool = False


class CallStatusChanged(msgspec.Struct, frozen=True, gc=False):
    """A call moved on. `word` is the provider's own status, `sequence` its place in the order of reports if told."""

    attempt: AttemptRef
    sid: str
    status: CallStatus
    word: str
    sequence: int | None
    answered_by: AnsweredBy | None
    sip_response_code: int | None


class MachineDetected(msgspec.Struct, frozen=True, gc=False):
    """The provider's verdict on who took the call, given while our script speaks (Twilio: AsyncAmdStatusCallback)."""

    attempt: AttemptRef
    sid: str
    answered_by: AnsweredBy


class MessageStatusChanged(msgspec.Struct, frozen=True, gc=False):
    """A text moved on. `error_code` is the provider's, as digits, when the text failed."""

    attempt: AttemptRef
    sid: str
    status: MessageStatus
    word: str
    error_code: str | None


class OptOut(StrEnum):
    """What the provider made of a text by its own list of words (Twilio: OptOutType, Advanced Opt-Out)."""

    STOP = "stop"
    START = "start"
    HELP = "help"


class MessageReceived(msgspec.Struct, frozen=True, gc=False):
    """A person texted one of our numbers (Twilio: inbound message webhook).

    `service` is the messaging service that the number belongs to. `opt_out` is None where the provider leaves it to us.
    """

    sid: str
    sender: str
    recipient: str
    body: str
    service: str | None = None
    opt_out: OptOut | None = None
