"""The facts that a provider reports, in its own words.

`word` is a status and `answered_by` the verdict on who took a call, as the provider wrote them. What they mean is in
the provider's `gateway.providers.base.StatusWords`.
"""

import msgspec

from gateway.domain.inbound_sms import Keyword


class AttemptRef(msgspec.Struct, frozen=True, gc=False):
    """Which attempt a callback speaks of, as its path says: the verification's id and the attempt's secret token."""

    verification_id: str
    token: str


class CallAnswered(msgspec.Struct, frozen=True, gc=False):
    """The callee took the call and the provider asks what to say (Twilio: TwiML fetch of `Url`)."""

    attempt: AttemptRef
    sid: str
    answered_by: str | None


class DigitsGathered(msgspec.Struct, frozen=True, gc=False):
    """A Gather ended (Twilio: Gather, action).

    `digits` is empty when no key was pressed; `gather_number` counts our Gathers from 1. `cut_off` tells that no finish
    key ended it, if the provider says so: the number of digits was reached, or no further key came.
    """

    attempt: AttemptRef
    sid: str
    gather_number: int
    digits: str
    answered_by: str | None
    cut_off: bool = False


class CallStatusChanged(msgspec.Struct, frozen=True, gc=False):
    """The status of a call changed (Twilio: Call StatusCallback); `sequence` is the callback's place in their order."""

    attempt: AttemptRef
    sid: str
    word: str
    sequence: int | None
    answered_by: str | None
    sip_response_code: int | None


class MachineDetected(msgspec.Struct, frozen=True, gc=False):
    """The provider's verdict on who took the call, given while our script speaks (Twilio: AsyncAmdStatusCallback)."""

    attempt: AttemptRef
    sid: str
    answered_by: str


class MessageStatusChanged(msgspec.Struct, frozen=True, gc=False):
    """The status of a text changed (Twilio: Message StatusCallback); `error_code` says in digits why it failed."""

    attempt: AttemptRef
    sid: str
    word: str
    error_code: str | None


class MessageReceived(msgspec.Struct, frozen=True, gc=False):
    """A person texted one of our numbers (Twilio: inbound message webhook).

    `service` is the messaging service that the number belongs to. `opt_out` is the keyword that the provider has acted
    on (Twilio: OptOutType, Advanced Opt-Out), None where it leaves keywords to us.
    """

    sid: str
    sender: str
    recipient: str
    body: str
    service: str | None = None
    opt_out: Keyword | None = None
