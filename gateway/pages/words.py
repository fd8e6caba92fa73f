"""Which words a person reads for each failure, state, fault and no: one table each, total over its enum.

The texts are message ids: English as it stands, translated by `pages.po`. `_` only marks them for the catalogs.
"""

from collections.abc import Mapping

import msgspec

from gateway.domain.enrollment import PhoneKind
from gateway.domain.verification import Channel, FailureCode, Status
from gateway.pages.parts import Barrier, Delivery, Fault, Notice


def _(message: str) -> str:
    return message


class Words(msgspec.Struct, frozen=True, gc=False):
    """What happened, in one sentence, and what to do next."""

    said: str
    next: str


FAILURES: Mapping[FailureCode, Words] = {
    FailureCode.NUMBER_INVALID: Words(
        _("The phone network says that this number does not exist."), _("Check the number, or use another one.")
    ),
    FailureCode.NUMBER_UNREACHABLE: Words(
        _("We could not reach your phone."), _("Check that it is switched on and has reception, then try again.")
    ),
    FailureCode.LINE_BUSY: Words(_("Your line was busy."), _("End your other call, then let us call again.")),
    FailureCode.NO_ANSWER: Words(_("Nobody answered the call."), _("Have your phone at hand and let us call again.")),
    FailureCode.CALL_REJECTED: Words(
        _("The call was declined."),
        _("Let us call again and accept the call. Some phones decline unknown callers by themselves."),
    ),
    FailureCode.ANSWERED_BY_MACHINE: Words(
        _("Your voicemail answered the call."), _("Voicemail cannot confirm it. Let us call again and answer yourself.")
    ),
    FailureCode.HUNG_UP: Words(
        _("The call ended before you pressed %(key)s."),
        _("Let us call again, and press %(key)s when you are asked to."),
    ),
    FailureCode.NO_KEY_PRESSED: Words(
        _("We did not hear a key."),
        _("Let us call again and press %(key)s. If your phone shows no keys during the call, open its keypad first."),
    ),
    FailureCode.WRONG_KEY: Words(
        _("Those were not the right keys."), _("Let us call again and press what this page shows.")
    ),
    FailureCode.DELIVERY_FAILED: Words(
        _("The text message could not be delivered."),
        _("Check that your phone can receive text messages, or let us call you instead."),
    ),
    FailureCode.CARRIER_FILTERED: Words(
        _("Your carrier held the text message back."), _("Let us call you instead, or use another phone.")
    ),
    FailureCode.OPTED_OUT: Words(
        _("This number has asked us not to contact it."),
        _("Reply START to our last text message to allow it again, or use another phone."),
    ),
    FailureCode.COUNTRY_BLOCKED: Words(
        _("We cannot reach numbers in this country or region."), _("Use a phone of another country or region.")
    ),
    FailureCode.NUMBER_BLOCKED: Words(_("This number cannot be used for verification."), _("Use another phone.")),
    FailureCode.RATE_LIMITED: Words(
        _("There were too many text messages and calls to this number."), _("Wait a while, then try again.")
    ),
    FailureCode.PROVIDER_REFUSED: Words(
        _("The phone network refused to reach this number."), _("Try the other method, or use another phone.")
    ),
    FailureCode.PROVIDER_UNAVAILABLE: Words(
        _("The phone network does not answer us at the moment."),
        _("This is not your phone's fault. Try again in a few minutes."),
    ),
    FailureCode.OUTCOME_UNKNOWN: Words(
        _("We cannot tell whether we reached your phone."), _("If nothing arrives within a minute, try again.")
    ),
    FailureCode.REPORTED_FRAUD: Words(
        _("You told us that you did not ask for this."),
        _("To protect you, nobody can sign in with your phone now. Your support can lift this."),
    ),
}

DELIVERIES: Mapping[Channel, Mapping[Delivery, str]] = {
    Channel.SMS: {
        Delivery.QUEUED: _("Sending the text message…"),
        Delivery.DIALLING: _("Sending the text message…"),
        Delivery.SENT: _("Your carrier has accepted the text message. It should arrive in a moment."),
        Delivery.RINGING: _("Your carrier has accepted the text message. It should arrive in a moment."),
        Delivery.ANSWERED: _("The text message has been delivered to your phone."),
        Delivery.WAITING_FOR_KEY: _("The text message has been delivered to your phone."),
        Delivery.DELIVERED: _("The text message has been delivered to your phone."),
        Delivery.UNDELIVERED: _("The text message has not reached your phone. It may be switched off or out of reach."),
        Delivery.ENDED: _("The text message has not reached your phone. It may be switched off or out of reach."),
        Delivery.UNKNOWN: _("We cannot tell yet whether the text message is on its way. Please give it a minute."),
    },
    Channel.CALL: {
        Delivery.QUEUED: _("Placing the call…"),
        Delivery.SENT: _("Placing the call…"),
        Delivery.DIALLING: _("Connecting to your phone…"),
        Delivery.RINGING: _("Your phone is ringing. Please answer it."),
        Delivery.ANSWERED: _("You have answered. Listen to the announcement…"),
        Delivery.WAITING_FOR_KEY: _("Waiting for your key."),
        Delivery.DELIVERED: _("The call has ended."),
        Delivery.UNDELIVERED: _("The call did not get through."),
        Delivery.ENDED: _("The call has ended."),
        Delivery.UNKNOWN: _("We cannot tell yet whether your phone is ringing. Please give it a minute."),
    },
}

STATUSES: Mapping[Status, Words] = {
    Status.PENDING: Words(_("Waiting for you"), ""),
    Status.APPROVED: Words(_("Your phone is verified"), _("You can continue.")),
    Status.DENIED: Words(_("You said no"), _("Nobody gets in with this request.")),
    Status.CANCELED: Words(_("This verification was canceled"), _("You can start again.")),
    Status.EXPIRED: Words(
        _("This took too long"), _("For your safety, a code is good for a short time only. Start again.")
    ),
    Status.FAILED: Words(_("That did not work"), _("Try again, or use another way.")),
    Status.MAX_ATTEMPTS_REACHED: Words(
        _("Too many wrong codes"), _("For your safety, the code is no longer good. Start again to get a new one.")
    ),
}

BARRIERS: Mapping[Channel, Mapping[Barrier, Words]] = {
    Channel.SMS: {
        Barrier.METHOD_FORBIDDEN: Words(_("Text messages are not allowed here."), _("Choose a call.")),
        Barrier.COUNTRY_FORBIDDEN: Words(
            _("Text messages to this country or region are not allowed."), _("Choose a call, or use another number.")
        ),
        Barrier.LINE_TYPE_FORBIDDEN: Words(
            _("Text messages to this type of line are not allowed."), _("Choose a call, or use another number.")
        ),
        Barrier.NO_TEXTS_TO_LINE: Words(_("This line cannot receive text messages."), _("Choose a call.")),
        Barrier.NO_TEXTS_TO_EXTENSION: Words(_("Text messages do not reach an extension."), _("Choose a call.")),
    },
    Channel.CALL: {
        Barrier.METHOD_FORBIDDEN: Words(_("Calls are not allowed here."), _("Choose a text message.")),
        Barrier.COUNTRY_FORBIDDEN: Words(
            _("Calls to this country or region are not allowed."), _("Choose a text message, or use another number.")
        ),
        Barrier.LINE_TYPE_FORBIDDEN: Words(
            _("Calls to this type of line are not allowed."), _("Choose a text message, or use another number.")
        ),
    },
}

ANY_BARRIERS: Mapping[Barrier, Words] = {
    Barrier.METHOD_FORBIDDEN: Words(_("This method is not allowed here."), _("Choose another one.")),
    Barrier.COUNTRY_FORBIDDEN: Words(
        _("Numbers of this country or region are not allowed."), _("Use a number of another country or region.")
    ),
    Barrier.LINE_TYPE_FORBIDDEN: Words(_("This type of line is not allowed."), _("Use another number.")),
    Barrier.PHONE_KIND_FORBIDDEN: Words(_("This kind of phone is not allowed."), _("Choose another kind of phone.")),
    Barrier.NUMBER_SHARED_TOO_OFTEN: Words(
        _("Too many people use this number already."), _("Use a number that is yours alone.")
    ),
    Barrier.NUMBER_STOPPED: Words(_("This number cannot be used for verification."), _("Use another phone.")),
    Barrier.NO_TEXTS_TO_LINE: Words(_("This line cannot receive text messages."), _("Choose a call.")),
    Barrier.NO_TEXTS_TO_EXTENSION: Words(_("Text messages do not reach an extension."), _("Choose a call.")),
    Barrier.SENDS_USED_UP: Words(_("There were too many text messages and calls."), _("Wait a while, then try again.")),
    Barrier.PIN_NOT_SET: Words(
        _("A call would ask for your PIN, and you have none yet."),
        _("Choose a text message, or ask your help desk for a PIN."),
    ),
    Barrier.PIN_LOCKED: Words(
        _("Too many wrong PINs were keyed in, so your PIN is locked for now."),
        _("Choose a text message, wait a while, or ask your help desk for a new PIN."),
    ),
}

FAULTS: Mapping[Fault, str] = {
    Fault.NUMBER_MISSING: _("Enter your phone number."),
    Fault.NUMBER_CHARACTERS: _("A phone number may have digits, spaces and + - . / ( ) only."),
    Fault.NUMBER_TOO_SHORT: _("This number is too short. Check that no digit is missing."),
    Fault.NUMBER_TOO_LONG: _("This number is too long. Check that no digit is there twice."),
    Fault.NUMBER_INVALID: _("This is not a valid number in the chosen country or region. Check both."),
    Fault.NUMBER_BLOCKED: _("Premium-rate, shared-cost and satellite numbers cannot be used. Enter another number."),
    Fault.NUMBER_KNOWN: _("This number is one of your phones already."),
    Fault.COUNTRY_MISSING: _("Choose the country or region of the number."),
    Fault.EXTENSION_MALFORMED: _("An extension has 1 to 12 digits."),
    Fault.KIND_MISSING: _("Choose the kind of phone."),
    Fault.CHANNEL_MISSING: _("Choose how we should contact you."),
    Fault.METHOD_MISSING: _("Choose one of the methods."),
    Fault.DENIED: _("This is not allowed here."),
    Fault.PHONES_FULL: _("You have as many phones as you may have. Remove one first."),
    Fault.SENDS_USED_UP: _("There were too many text messages and calls. Please wait before you ask for another."),
    Fault.CODE_MISSING: _("Enter the code."),
    Fault.CODE_MALFORMED: _(
        "The code consists of %(length)s digits. Check what you typed: this did not count as a try."
    ),
    Fault.CODE_WRONG: _("That is not the code we sent."),
    Fault.BYPASS_WRONG: _("This code from the help desk is not good, or no longer. Ask for a new one."),
    Fault.NAME_MISSING: _("Enter a name, so that you know later which password this is."),
    Fault.NAME_TOO_LONG: _("This name is too long. Use at most 40 characters."),
    Fault.APP_PASSWORDS_FULL: _("You have as many app passwords as you may have. Delete one first."),
    Fault.PIN_MALFORMED: _("A PIN has 4 to 10 digits."),
    Fault.PIN_TOO_SIMPLE: _(
        "This PIN is too easy to guess. Do not repeat one digit, count up or down, or use the end of your own number."
    ),
    Fault.PIN_MISMATCH: _("The two PINs are not the same. Enter the new one twice."),
    Fault.TRY_LATER: _("This did not work just now, and nothing was changed. Please try again."),
}

NOTICES: Mapping[Notice, str] = {
    Notice.PHONE_ADDED: _("The phone has been added."),
    Notice.PHONE_CHANGED: _("The new phone has taken the old one's place."),
    Notice.PHONE_REMOVED: _("The phone has been removed."),
    Notice.PHONE_LOST: _("The phone has been removed. All app passwords and trusted devices went with it."),
    Notice.DEFAULT_SAVED: _("Your preferred option has been saved."),
    Notice.DEVICES_FORGOTTEN: _("You will be asked again on every device."),
    Notice.PIN_SET: _("Your new PIN has been set."),
    Notice.APP_PASSWORD_DELETED: _("The app password has been deleted. It no longer works anywhere."),
    Notice.CODE_SENT_AGAIN: _("We've sent the text message again."),
    Notice.CALLING_AGAIN: _("We're calling you again."),
}

KINDS: Mapping[PhoneKind, str] = {
    PhoneKind.AUTHENTICATION: _("Authentication phone"),
    PhoneKind.ALTERNATE: _("Alternate authentication phone"),
    PhoneKind.OFFICE: _("Office phone"),
}

FIRST_APP_PASSWORD = _("First app password")
