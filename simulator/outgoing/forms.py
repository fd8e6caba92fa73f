"""The fields that the provider sends with its requests about calls and texts."""

from __future__ import annotations

from simulator.calls.call import Call
from simulator.numbers import country
from simulator.records import API_VERSION
from simulator.texts.message import Message
from simulator.texts.segments import count_segments


def voice_form(call: Call) -> dict[str, str]:
    """Return the fields of a request for a call's document (Twilio: TwiML Voice request)."""
    form = {
        "CallSid": call.sid,
        "AccountSid": call.account_sid,
        "From": call.caller,
        "To": call.to,
        "Caller": call.caller,
        "Called": call.to,
        "CallStatus": call.status,
        "ApiVersion": API_VERSION,
        "Direction": "outbound-api",
        **_places(From=call.caller, To=call.to, Caller=call.caller, Called=call.to),
    }
    if call.answered_by:
        form["AnsweredBy"] = call.answered_by
    return form


def message_form(message: Message) -> dict[str, str]:
    """Return the fields of a report about a text (Twilio: Message StatusCallback)."""
    form = {
        "MessageSid": message.sid,
        "SmsSid": message.sid,
        "AccountSid": message.account_sid,
        "From": message.sender or "",
        "To": message.to,
        "MessageStatus": message.status,
        "SmsStatus": message.status,
        "ApiVersion": API_VERSION,
    }
    if message.messaging_service_sid:
        form["MessagingServiceSid"] = message.messaging_service_sid
    if message.error_code:
        form["ErrorCode"] = str(message.error_code)
    if message.status in {"delivered", "undelivered"}:
        form["RawDlrDoneDate"] = message.updated.strftime("%y%m%d%H%M")
    return form


def inbound_form(message: Message) -> dict[str, str]:
    """Return the fields of a request about a text from a handset (Twilio: incoming message webhook)."""
    sender = message.sender or ""
    form = {
        "MessageSid": message.sid,
        "SmsSid": message.sid,
        "SmsMessageSid": message.sid,
        "AccountSid": message.account_sid,
        "From": sender,
        "To": message.to,
        "Body": message.body,
        "NumMedia": "0",
        "NumSegments": str(count_segments(message.body)),
        "SmsStatus": message.status,
        "ApiVersion": API_VERSION,
        **_places(From=sender, To=message.to),
    }
    if message.messaging_service_sid:
        form["MessagingServiceSid"] = message.messaging_service_sid
        if message.opt_out:
            form["OptOutType"] = message.opt_out
    return form


def _places(**numbers: str) -> dict[str, str]:
    """Return where the numbers are; blank but for the country, as when the provider does not know."""
    places: dict[str, str] = {}
    for role, number in numbers.items():
        places |= {f"{role}City": "", f"{role}State": "", f"{role}Zip": "", f"{role}Country": country(number)}
    return places
