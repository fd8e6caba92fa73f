"""Reads a callback's form into its event. The provider's words stay as they are; a missing field is Malformed.

New fields and new words appear without notice, so only what an event needs is looked at, and all of it is bounded.
"""

import re
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from gateway.domain.inbound_sms import Keyword
from webhooks.events import (
    AttemptRef,
    CallAnswered,
    CallStatusChanged,
    DigitsGathered,
    MachineDetected,
    MessageReceived,
    MessageStatusChanged,
)

Form = list[tuple[bytes, bytes]]
"""The decoded pairs of a form in their order, as bytes because that is what the provider signed."""

MOST_FIELDS = 256  # a call has about 30, a text with ten pictures 50
LONGEST_DIGITS = 64
LONGEST_BODY = 1600  # Twilio: Messages, Body

_LONGEST_WORD = 64

_PLAIN = re.compile(rb"[ -~]{1,64}")
_NUMBER = re.compile(rb"[0-9]{1,9}")
_KEYS = re.compile(rb"[0-9A-D*#]*")

_OPT_OUT_TYPES = {b"STOP": Keyword.STOP, b"START": Keyword.START, b"HELP": Keyword.HELP}


class Malformed(Exception):
    """The body is no form, or lacks what its kind of callback must have. The message names a field, never its value."""


def read_form(body: bytes) -> Form:
    """Split an `application/x-www-form-urlencoded` body into its pairs.

    Blank values count, since they are signed; a broken escape stays as it is.

    Raises:
        Malformed: There are more than MOST_FIELDS fields.
    """
    if body.count(b"&") >= MOST_FIELDS:
        raise Malformed(f"the form has more than {MOST_FIELDS} fields")
    # The plus of the phone numbers is nearly every escape there is. It can be decoded at one go and ahead of the others
    # because neither it nor what it leaves behind can be part of another escape, a separator or an equals sign.
    unspaced = body.replace(b"+", b" ").replace(b"%2B", b"+")
    form = []
    for field in unspaced.split(b"&"):
        name, _, value = field.partition(b"=")
        if b"%" in field:
            name, value = unquote_to_bytes(name), unquote_to_bytes(value)
        if field:
            form.append((name, value))
    return form


def call_answered(path: Mapping[str, str], form: Form) -> CallAnswered:
    """Read a TwiML fetch (Twilio: voice request).

    Args:
        path: The variables of the callback's path, as `webhooks.urls` names them; so in all functions of this module.
        form: The pairs of the body; of a repeated name the last counts.

    Raises:
        Malformed: CallSid is missing or no plain text of at most 64 characters.
    """
    fields = dict(form)
    return CallAnswered(_attempt(path), _required(fields, b"CallSid"), _answered_by(fields))


def digits_gathered(path: Mapping[str, str], form: Form) -> DigitsGathered:
    """Read the end of a Gather (Twilio: Gather, action). Digits are absent or blank when no key was pressed.

    Of a long run of keys the first LONGEST_DIGITS count: more than any code has, so the rest cannot make it right.
    Without FinishedOnKey, which some carriers do not send, the finish key counts as pressed.

    Raises:
        Malformed: CallSid as in `call_answered`, or Digits holds what no keypad has.
    """
    fields = dict(form)
    digits = fields.get(b"Digits", b"")
    if not _KEYS.fullmatch(digits):
        raise Malformed("Digits may hold 0-9, A-D, * and # only")
    return DigitsGathered(
        _attempt(path),
        _required(fields, b"CallSid"),
        int(path["gather_number"]),
        digits[:LONGEST_DIGITS].decode("ascii"),
        _answered_by(fields),
        fields.get(b"FinishedOnKey") == b"",
    )


def call_status_changed(path: Mapping[str, str], form: Form) -> CallStatusChanged:
    """Read a report on a call (Twilio: Call StatusCallback).

    Raises:
        Malformed: CallSid or CallStatus is missing or no plain text of at most 64 characters.
    """
    fields = dict(form)
    return CallStatusChanged(
        _attempt(path),
        _required(fields, b"CallSid"),
        _required(fields, b"CallStatus"),
        _number(fields, b"SequenceNumber"),
        _answered_by(fields),
        _number(fields, b"SipResponseCode"),
    )


def machine_detected(path: Mapping[str, str], form: Form) -> MachineDetected:
    """Read the verdict on who took the call (Twilio: AsyncAmdStatusCallback); it bears no CallStatus.

    Raises:
        Malformed: CallSid or AnsweredBy is missing or no plain text of at most 64 characters.
    """
    fields = dict(form)
    return MachineDetected(_attempt(path), _required(fields, b"CallSid"), _required(fields, b"AnsweredBy"))


def message_status_changed(path: Mapping[str, str], form: Form) -> MessageStatusChanged:
    """Read a report on a text (Twilio: Message StatusCallback).

    Raises:
        Malformed: MessageSid or MessageStatus is missing or no plain text of at most 64 characters.
    """
    fields = dict(form)
    error_code = _number(fields, b"ErrorCode")
    return MessageStatusChanged(
        _attempt(path),
        _required(fields, b"MessageSid"),
        _required(fields, b"MessageStatus"),
        None if error_code is None else str(error_code),
    )


def message_received(_path: Mapping[str, str], form: Form) -> MessageReceived:
    """Read a text that a person sent (Twilio: inbound message webhook); a long one is cut, for its first word matters.

    Raises:
        Malformed: MessageSid, From or To is missing or no plain text of at most 64 characters.
    """
    fields = dict(form)
    return MessageReceived(
        _required(fields, b"MessageSid"),
        _required(fields, b"From"),
        _required(fields, b"To"),
        fields.get(b"Body", b"").decode(errors="replace")[:LONGEST_BODY],
        _plain(fields, b"MessagingServiceSid"),
        _OPT_OUT_TYPES.get(fields.get(b"OptOutType", b"").upper()),
    )


def _attempt(path: Mapping[str, str]) -> AttemptRef:
    return AttemptRef(path["verification_id"], path["token"])


def _required(fields: Mapping[bytes, bytes], name: bytes) -> str:
    value = fields.get(name, b"")
    if not _PLAIN.fullmatch(value):
        raise Malformed(f"{name.decode()} must be 1 to 64 printable ASCII characters")
    return value.decode("ascii")


def _plain(fields: Mapping[bytes, bytes], name: bytes) -> str | None:
    # As in _number: a side note.
    value = fields.get(name, b"")
    return value.decode("ascii") if _PLAIN.fullmatch(value) else None


def _number(fields: Mapping[bytes, bytes], name: bytes) -> int | None:
    # A side note of the report: one we cannot read must not cost us the report itself.
    value = fields.get(name, b"")
    return int(value) if _NUMBER.fullmatch(value) else None


def _answered_by(fields: Mapping[bytes, bytes]) -> str | None:
    # A side note, too, but even a word that we cannot read says that there was a verdict.
    return fields.get(b"AnsweredBy", b"")[:_LONGEST_WORD].decode(errors="replace") or None
