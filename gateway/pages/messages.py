"""The texts for each failure, delivery state, status, denial, form error and banner: one total table per enum.

The texts are message ids, in English; `pages.po` translates them. `_` only marks them for extraction.
"""

from collections.abc import Mapping

import msgspec

from gateway.domain.enrollment import PhoneKind
from gateway.domain.ivr.call_phase import CallPhase
from gateway.domain.verification import Channel, FailureCode, Mode, Status
from gateway.pages.components import Banner, DeliveryState, DenialReason, FormErrorCode


def _(message: str) -> str:
    return message


class UserMessage(msgspec.Struct, frozen=True, gc=False):
    """What happened, in one sentence, and what the person should do next."""

    text: str
    next_step: str


FAILURES: Mapping[FailureCode, UserMessage] = {
    FailureCode.NUMBER_INVALID: UserMessage(
        _("The phone network says that this number does not exist."), _("Check the number, or use another one.")
    ),
    FailureCode.NUMBER_UNREACHABLE: UserMessage(
        _("We could not reach your phone."), _("Check that it is switched on and has reception, then try again.")
    ),
    FailureCode.LINE_BUSY: UserMessage(_("Your line was busy."), _("End your other call, then let us call again.")),
    FailureCode.NO_ANSWER: UserMessage(
        _("Nobody answered the call."), _("Have your phone at hand and let us call again.")
    ),
    FailureCode.CALL_REJECTED: UserMessage(
        _("The call was declined."),
        _("Let us call again and accept the call. Some phones decline unknown callers by themselves."),
    ),
    FailureCode.ANSWERED_BY_MACHINE: UserMessage(
        _("Your voicemail answered the call."), _("Voicemail cannot confirm it. Let us call again and answer yourself.")
    ),
    FailureCode.HUNG_UP: UserMessage(
        _("The call ended before you pressed %(key)s."),
        _("Let us call again, and press %(key)s when you are asked to."),
    ),
    FailureCode.NO_KEY_PRESSED: UserMessage(
        _("We did not hear a key."),
        _("Let us call again and press %(key)s. If your phone shows no keys during the call, open its keypad first."),
    ),
    FailureCode.WRONG_KEY: UserMessage(
        _("Those were not the right keys."), _("Let us call again and press what this page shows.")
    ),
    FailureCode.DELIVERY_FAILED: UserMessage(
        _("The text message could not be delivered."),
        _("Check that your phone can receive text messages, or let us call you instead."),
    ),
    FailureCode.CARRIER_FILTERED: UserMessage(
        _("Your carrier held the text message back."), _("Let us call you instead, or use another phone.")
    ),
    FailureCode.OPTED_OUT: UserMessage(
        _("This number has asked us not to contact it."),
        _("Reply START to our last text message to allow it again, or use another phone."),
    ),
    FailureCode.COUNTRY_BLOCKED: UserMessage(
        _("We cannot reach numbers in this country or region."), _("Use a phone of another country or region.")
    ),
    FailureCode.NUMBER_BLOCKED: UserMessage(_("This number cannot be used for verification."), _("Use another phone.")),
    FailureCode.RATE_LIMITED: UserMessage(
        _("There were too many text messages and calls to this number."), _("Wait a while, then try again.")
    ),
    FailureCode.PROVIDER_REFUSED: UserMessage(
        _("The phone network refused to reach this number."), _("Try the other method, or use another phone.")
    ),
    FailureCode.PROVIDER_UNAVAILABLE: UserMessage(
        _("The phone network does not answer us at the moment."),
        _("This is not your phone's fault. Try again in a few minutes."),
    ),
    FailureCode.OUTCOME_UNKNOWN: UserMessage(
        _("We cannot tell whether we reached your phone."), _("If nothing arrives within a minute, try again.")
    ),
    FailureCode.REPORTED_FRAUD: UserMessage(
        _("You told us that you did not ask for this."),
        _("To protect you, nobody can sign in with your phone now. Your support can lift this."),
    ),
}

DELIVERIES: Mapping[Channel, Mapping[DeliveryState, str]] = {
    Channel.SMS: {
        DeliveryState.QUEUED: _("The text message is on its way…"),
        DeliveryState.SENT: _("Your carrier has accepted the text message. It should arrive in a moment."),
        DeliveryState.DELIVERED: _("The text message has been delivered to your phone."),
        DeliveryState.UNDELIVERED: _(
            "The text message has not reached your phone. It may be switched off or out of reach."
        ),
        DeliveryState.UNKNOWN: _("We cannot tell yet whether the text message is on its way. Please give it a minute."),
    },
    Channel.CALL: {
        DeliveryState.QUEUED: _("Placing the call…"),
        DeliveryState.SENT: _("Connecting to your phone. Please answer it as soon as it rings."),
        DeliveryState.DELIVERED: _("The call has ended."),
        DeliveryState.UNDELIVERED: _("The call did not get through."),
        DeliveryState.UNKNOWN: _("We cannot tell yet whether your phone is ringing. Please give it a minute."),
    },
}


def _same(message: str) -> Mapping[Mode, str]:
    return dict.fromkeys(Mode, message)


CALL_PHASES: Mapping[CallPhase, Mapping[Mode, str]] = {
    CallPhase.RINGING: _same(_("Your phone is ringing. Please answer it.")),
    CallPhase.ANNOUNCING: _same(_("You have answered. Listen to the announcement…")),
    CallPhase.ASKING: {
        Mode.CONFIRM: _("Listen to the call, then press %(key)s on your phone."),
        Mode.MATCH: _("Key in %(digits)s on your phone, then press #."),
        Mode.PIN: _("Key in your PIN on your phone, then press #."),
        Mode.CODE: _("Listen to the call, then press %(key)s to hear your code."),
    },
    CallPhase.HOLDING: _same(_("We have your key. One moment, please…")),
    CallPhase.CONFIRM_REPORT: _same(
        _("The call asks whether you want to report that you did not ask for it. To go on, press %(key)s.")
    ),
    CallPhase.CONFIRM_STOP: _same(
        _("The call asks whether you never want a call or text from us again. To go on, press %(key)s.")
    ),
    CallPhase.TELLING_CODE: _same(_("Listen: the call is telling you your code. Enter it here.")),
    CallPhase.CHOOSING_PIN: _same(_("Now choose a PIN of your own: key it in on your phone, then press #.")),
    CallPhase.THANKING: _same(_("Thank you. You can hang up now.")),
    CallPhase.OVER: {
        **_same(_("The call has ended.")),
        Mode.CODE: _("The call has ended. Enter the code that it told you."),
    },
}
"""What the call says or asks for, in each mode; a call of mode `code` that is over and has not failed told the code."""

REFUSALS: Mapping[FailureCode, str] = {
    FailureCode.REPORTED_FRAUD: _("Somebody pressed %(digit)s on this phone to say that they did not ask for this."),
    FailureCode.NUMBER_BLOCKED: _("Somebody pressed %(digit)s on this phone: it gets no more calls or texts."),
}
"""What a refusal by key did."""

STATUSES: Mapping[Status, UserMessage] = {
    Status.PENDING: UserMessage(_("Waiting for you"), ""),
    Status.APPROVED: UserMessage(_("Your phone is verified"), _("You can continue.")),
    Status.DENIED: UserMessage(_("You said no"), _("Nobody gets in with this request.")),
    Status.CANCELED: UserMessage(_("This verification was canceled"), _("You can start again.")),
    Status.EXPIRED: UserMessage(
        _("This took too long"), _("For your safety, a code is good for a short time only. Start again.")
    ),
    Status.FAILED: UserMessage(_("That did not work"), _("Try again, or use another way.")),
    Status.MAX_ATTEMPTS_REACHED: UserMessage(
        _("Too many wrong codes"), _("For your safety, the code is no longer good. Start again to get a new one.")
    ),
}

CHANNEL_DENIALS: Mapping[Channel, Mapping[DenialReason, UserMessage]] = {
    Channel.SMS: {
        DenialReason.METHOD_FORBIDDEN: UserMessage(_("Text messages are not allowed here."), _("Choose a call.")),
        DenialReason.COUNTRY_FORBIDDEN: UserMessage(
            _("Text messages to this country or region are not allowed."), _("Choose a call, or use another number.")
        ),
        DenialReason.LINE_TYPE_FORBIDDEN: UserMessage(
            _("Text messages to this type of line are not allowed."), _("Choose a call, or use another number.")
        ),
        DenialReason.NO_TEXTS_TO_LINE: UserMessage(_("This line cannot receive text messages."), _("Choose a call.")),
        DenialReason.NO_TEXTS_TO_EXTENSION: UserMessage(
            _("Text messages do not reach an extension."), _("Choose a call.")
        ),
    },
    Channel.CALL: {
        DenialReason.METHOD_FORBIDDEN: UserMessage(_("Calls are not allowed here."), _("Choose a text message.")),
        DenialReason.COUNTRY_FORBIDDEN: UserMessage(
            _("Calls to this country or region are not allowed."), _("Choose a text message, or use another number.")
        ),
        DenialReason.LINE_TYPE_FORBIDDEN: UserMessage(
            _("Calls to this type of line are not allowed."), _("Choose a text message, or use another number.")
        ),
    },
}

DENIALS: Mapping[DenialReason, UserMessage] = {
    DenialReason.METHOD_FORBIDDEN: UserMessage(_("This method is not allowed here."), _("Choose another one.")),
    DenialReason.COUNTRY_FORBIDDEN: UserMessage(
        _("Numbers of this country or region are not allowed."), _("Use a number of another country or region.")
    ),
    DenialReason.LINE_TYPE_FORBIDDEN: UserMessage(_("This type of line is not allowed."), _("Use another number.")),
    DenialReason.PHONE_KIND_FORBIDDEN: UserMessage(
        _("This kind of phone is not allowed."), _("Choose another kind of phone.")
    ),
    DenialReason.NUMBER_SHARED_TOO_OFTEN: UserMessage(
        _("Too many people use this number already."), _("Use a number that is yours alone.")
    ),
    DenialReason.NUMBER_STOPPED: UserMessage(
        _("This number cannot be used for verification."), _("Use another phone.")
    ),
    DenialReason.NO_TEXTS_TO_LINE: UserMessage(_("This line cannot receive text messages."), _("Choose a call.")),
    DenialReason.NO_TEXTS_TO_EXTENSION: UserMessage(_("Text messages do not reach an extension."), _("Choose a call.")),
    DenialReason.SENDS_USED_UP: UserMessage(
        _("There were too many text messages and calls."), _("Wait a while, then try again.")
    ),
    DenialReason.PIN_NOT_SET: UserMessage(
        _("A call would ask for your PIN, and you have none yet."),
        _("Choose a text message, or ask your help desk for a PIN."),
    ),
    DenialReason.PIN_LOCKED: UserMessage(
        _("Too many wrong PINs were keyed in, so your PIN is locked for now."),
        _("Choose a text message, wait a while, or ask your help desk for a new PIN."),
    ),
}

_ASK_SUPPORT = _("Please ask your support for help.")
_OTHER_NUMBER = _("Use another number.")

LAST_DENIALS: Mapping[DenialReason, str] = {
    DenialReason.METHOD_FORBIDDEN: _ASK_SUPPORT,
    DenialReason.COUNTRY_FORBIDDEN: _OTHER_NUMBER,
    DenialReason.LINE_TYPE_FORBIDDEN: _OTHER_NUMBER,
    DenialReason.NO_TEXTS_TO_LINE: _OTHER_NUMBER,
    DenialReason.NO_TEXTS_TO_EXTENSION: _OTHER_NUMBER,
    DenialReason.PIN_NOT_SET: _ASK_SUPPORT,
    DenialReason.PIN_LOCKED: _ASK_SUPPORT,
}
"""What to do where the other channel is denied, too, and must not be advised."""

FORM_ERRORS: Mapping[FormErrorCode, str] = {
    FormErrorCode.NUMBER_MISSING: _("Enter your phone number."),
    FormErrorCode.NUMBER_CHARACTERS: _("A phone number may have digits, spaces and + - . / ( ) only."),
    FormErrorCode.NUMBER_TOO_SHORT: _("This number is too short. Check that no digit is missing."),
    FormErrorCode.NUMBER_TOO_LONG: _("This number is too long. Check that no digit is there twice."),
    FormErrorCode.NUMBER_INVALID: _("This is not a valid number in the chosen country or region. Check both."),
    FormErrorCode.NUMBER_BLOCKED: _(
        "Premium-rate, shared-cost and satellite numbers cannot be used. Enter another number."
    ),
    FormErrorCode.NUMBER_KNOWN: _("This number is one of your phones already."),
    FormErrorCode.COUNTRY_MISSING: _("Choose the country or region of the number."),
    FormErrorCode.EXTENSION_MALFORMED: _("An extension has 1 to 12 digits."),
    FormErrorCode.KIND_MISSING: _("Choose the kind of phone."),
    FormErrorCode.CHANNEL_MISSING: _("Choose how we should contact you."),
    FormErrorCode.METHOD_MISSING: _("Choose one of the methods."),
    FormErrorCode.DENIED: _("This is not allowed here."),
    FormErrorCode.PHONES_FULL: _("You have as many phones as you may have. Remove one first."),
    FormErrorCode.SENDS_USED_UP: _(
        "There were too many text messages and calls. Please wait before you ask for another."
    ),
    FormErrorCode.CODE_MISSING: _("Enter the code."),
    FormErrorCode.CODE_MALFORMED: _(
        "The code consists of %(length)s digits. Check what you typed: this did not count as a try."
    ),
    FormErrorCode.CODE_WRONG: _("That is not the code we sent."),
    FormErrorCode.BYPASS_WRONG: _("This code from the help desk is not good, or no longer. Ask for a new one."),
    FormErrorCode.NAME_MISSING: _("Enter a name, so that you know later which password this is."),
    FormErrorCode.NAME_TOO_LONG: _("This name is too long. Use at most 40 characters."),
    FormErrorCode.APP_PASSWORDS_FULL: _("You have as many app passwords as you may have. Delete one first."),
    FormErrorCode.PIN_MALFORMED: _("A PIN has 4 to 10 digits."),
    FormErrorCode.PIN_TOO_SIMPLE: _(
        "This PIN is too easy to guess. Do not repeat one digit, count up or down, or use the end of your own number."
    ),
    FormErrorCode.PIN_MISMATCH: _("The two PINs are not the same. Enter the new one twice."),
    FormErrorCode.TRY_LATER: _("This did not work just now, and nothing was changed. Please try again."),
}

BANNERS: Mapping[Banner, str] = {
    Banner.PHONE_ADDED: _("The phone has been added."),
    Banner.PHONE_CHANGED: _("The new phone has taken the old one's place."),
    Banner.PHONE_REMOVED: _("The phone has been removed."),
    Banner.PHONE_LOST: _("The phone has been removed. All app passwords and trusted devices went with it."),
    Banner.DEFAULT_SAVED: _("Your preferred option has been saved."),
    Banner.DEVICES_FORGOTTEN: _("You will be asked again on every device."),
    Banner.PIN_SET: _("Your new PIN has been set."),
    Banner.APP_PASSWORD_DELETED: _("The app password has been deleted. It no longer works anywhere."),
    Banner.CODE_SENT_AGAIN: _("We've sent the text message again."),
    Banner.CALLING_AGAIN: _("We're calling you again."),
}

KINDS: Mapping[PhoneKind, str] = {
    PhoneKind.AUTHENTICATION: _("Authentication phone"),
    PhoneKind.ALTERNATE: _("Alternate authentication phone"),
    PhoneKind.OFFICE: _("Office phone"),
}

FIRST_APP_PASSWORD = _("First app password")
