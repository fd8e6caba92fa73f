"""Renders what a call says: the script that the rules chose, in the callee's language, with the gateway's keys."""

import msgspec

from gateway.domain.ivr.keypad import LANGUAGE_KEY, SLOW_KEY, Keypad
from gateway.domain.ivr.states import Script
from gateway.domain.verification import Change, Reply, Verification
from gateway.security.vault import Vault
from gateway.services.phrasebooks import Phrasebooks
from twiml import pin_scripts, scripts
from twiml.phrases import Phrasebook
from webhooks.events import AttemptRef
from webhooks.urls import Addresses


class CallScripts:
    """Writes the TwiML of every answer to a call. The code is unsealed for the one script that tells it."""

    def __init__(
        self,
        phrasebooks: Phrasebooks,
        addresses: Addresses,
        vault: Vault,
        keypad: Keypad,
        second_language: str | None,
    ) -> None:
        self._phrasebooks = phrasebooks
        self._addresses = addresses
        self._vault = vault
        self._keypad = keypad
        self._second_language = second_language

    def keypad(self, verification: Verification) -> Keypad:
        """Return the keys that count on this verification's calls: only who is offered another language has its key."""
        offered = self._other_book(verification) is not None
        return msgspec.structs.replace(self._keypad, language=LANGUAGE_KEY) if offered else self._keypad

    def written(self, attempt: AttemptRef, change: Change | None) -> str:
        """Return the TwiML of a change's reply; for an unknown attempt, the script that nothing is needed."""
        if change is None or change.reply is None:
            return scripts.not_needed(self._phrasebooks.for_locale(None))
        return self._written(attempt, change.verification, change.reply)

    def _written(self, attempt: AttemptRef, verification: Verification, reply: Reply) -> str:
        book, keys = self._language(attempt, verification, reply)
        if reply.script in _ENDINGS:
            return _ENDINGS[reply.script](book)
        application = verification.application_name
        if reply.script is Script.SPEAK_CODE:
            code = self._vault.unseal(verification.sealed_code or b"", verification.id).decode()
            return scripts.speak_code(book, application=application, code=code)
        return self._question(book, keys, application, reply, self._addresses.gather_url(attempt, reply.gather_number))

    def _question(
        self, book: Phrasebook, keys: scripts.OfferedKeys, application: str, reply: Reply, action: str
    ) -> str:
        """Return what asks for a key, or for several."""
        if reply.script is Script.FRAUD_REPORTED:
            return scripts.fraud_reported(book, action=action)
        if reply.script is Script.CHOOSE_PIN:
            return pin_scripts.choose_pin(book, action=action, again=reply.reprompt_reason, flaw=reply.flaw)
        if reply.script is Script.REPEAT_PIN:
            return pin_scripts.repeat_pin(book, action=action, again=reply.reprompt_reason)
        if reply.script in _QUESTIONS:
            return _QUESTIONS[reply.script](book, action=action, keys=keys)
        return _REQUESTS[reply.script](
            book, application=application, action=action, again=reply.reprompt_reason, keys=keys
        )

    def _language(
        self, attempt: AttemptRef, verification: Verification, reply: Reply
    ) -> tuple[Phrasebook, scripts.OfferedKeys]:
        """Return the language that the call is in, and the keys with the language that it can change to."""
        book, other = self._phrasebooks.for_locale(verification.locale), self._other_book(verification)
        if reply.second_language and other is not None:
            book, other = other, book
        if reply.slow:
            book, other = self._phrasebooks.slower(book), other and self._phrasebooks.slower(other)
        confirm_key = next(
            (
                other_attempt.confirm_key
                for other_attempt in verification.attempts
                if other_attempt.token == attempt.token
            ),
            "",
        )
        keypad = self.keypad(verification).asking(confirm_key)
        slower = "" if reply.slow else SLOW_KEY
        return book, scripts.OfferedKeys(keypad.confirm, keypad.never_call, keypad.language, other, slower)

    def _other_book(self, verification: Verification) -> Phrasebook | None:
        if self._second_language is None:
            return None
        other = self._phrasebooks.for_locale(self._second_language)
        return None if other is self._phrasebooks.for_locale(verification.locale) else other


_REQUESTS = {
    Script.PRESS_POUND: scripts.press_pound,
    Script.MATCH_DIGITS: scripts.match_digits,
    Script.ENTER_PIN: pin_scripts.enter_pin,
    Script.OFFER_CODE: scripts.offer_code,
}
_QUESTIONS = {Script.REPORT_FRAUD: scripts.report_fraud, Script.NO_MORE_CALLS: scripts.no_more_calls}
_ENDINGS = {
    Script.CONFIRMED: scripts.confirmed,
    Script.NO_KEY: scripts.no_key,
    Script.NO_DIGITS: scripts.no_digits,
    Script.WRONG_KEYS: scripts.wrong_keys,
    Script.WRONG_DIGITS: scripts.wrong_digits,
    Script.TOO_MANY_WRONG: scripts.too_many_wrong,
    Script.PIN_CHANGED: pin_scripts.pin_changed,
    Script.PIN_NOT_CHANGED: pin_scripts.pin_not_changed,
    Script.WRONG_PIN: pin_scripts.wrong_pin,
    Script.PIN_LOCKED: pin_scripts.pin_locked,
    Script.FRAUD_NOTED: scripts.fraud_noted,
    Script.CALLS_STOPPED: scripts.calls_stopped,
    Script.NOT_NEEDED: scripts.not_needed,
    Script.HANG_UP: scripts.hang_up,
}
