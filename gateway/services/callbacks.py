"""Applies each callback of a provider to its verification; `StatusWords` translates the provider's words into ours."""

import logging
from collections.abc import Awaitable
from typing import Protocol

import msgspec

from gateway.domain.attempts import find_attempt_by_token, is_sent_by
from gateway.domain.delivery import AnsweredBy
from gateway.domain.errors import Rejected
from gateway.domain.ivr import call_events
from gateway.domain.ivr.flow import FRAUD_REPORTED
from gateway.domain.ivr.pin import KeyedPin, open_attempt
from gateway.domain.limits import Limits, RateCounters
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.status_reports import apply_call_report, apply_message_report
from gateway.domain.verification import Attempt, Change, FailureCode, Verification
from gateway.providers.base import StatusWords
from gateway.services.call_pins import CallPins
from gateway.services.call_scripts import CallScripts
from gateway.services.counters import Counters
from gateway.services.report_listener import ReportListener
from gateway.stores.verifications import CountedStep, Step, VerificationStore
from webhooks.events import (
    AttemptRef,
    CallAnswered,
    CallStatusChanged,
    DigitsGathered,
    MachineDetected,
    MessageReceived,
    MessageStatusChanged,
)

logger = logging.getLogger(__name__)


class TextListener(Protocol):
    """Receives people's texts, and opt-outs that the provider reports."""

    async def received(self, event: MessageReceived) -> str:
        """Take in a text, and return the TwiML of the answer."""
        ...

    async def opted_out(self, number: PhoneNumber) -> None:
        """Learn that a number wants no texts of ours."""
        ...


class CallHandling(msgspec.Struct, frozen=True):
    """What answers calls: the scripts that they speak, and the check of PINs that are keyed in."""

    scripts: CallScripts
    pins: CallPins


class Callbacks:
    """Implements `webhooks.routes.ProviderListener` for one provider.

    An attempt or verification that we do not know is harmless, and so is one that was handed to another provider.
    """

    def __init__(
        self,
        store: VerificationStore,
        calls: CallHandling,
        limits: Limits,
        words: StatusWords,
        texts: TextListener,
        reports: ReportListener,
        counters: Counters,
        *,
        provider: str,
    ) -> None:
        self._provider = provider
        self._texts = texts
        self._reports = reports
        self._counters = counters
        self._words = words
        self._store = store
        self._scripts = calls.scripts
        self._pins = calls.pins
        self._limits = limits

    async def call_answered(self, event: CallAnswered) -> str:
        """Say what the callee hears first."""
        token, answered_by = event.attempt.token, self._words.answered_by(event.answered_by)
        change = await self._applied(
            event.attempt,
            lambda verification, now: call_events.answer_call(verification, token, event.sid, answered_by, now),
        )
        return self._scripts.written(event.attempt, change)

    async def digits_gathered(self, event: DigitsGathered) -> str:
        """Take keys in, and say what the callee hears next. Wrong digits count for the number, as wrong codes do.

        What may be a PIN changes nothing at first: it is judged, and only then acted on. A machine presses no keys.
        """
        token = event.attempt.token
        if self._words.answered_by(event.answered_by) is AnsweredBy.MACHINE:
            return self._scripts.written(event.attempt, await self._machine_took(event.attempt, event.sid))
        change = await self._applied_counted(
            event.attempt,
            lambda verification, rate_counters, now: call_events.gather_digits(
                verification,
                token,
                event.sid,
                event.gather_number,
                event.digits,
                rate_counters,
                now,
                self._limits,
                keypad=self._scripts.keypad(verification),
                cut_off=event.cut_off,
            ),
        )
        gathered = KeyedPin(token, event.sid, event.gather_number, event.digits)
        judged = self._to_be_judged(event.attempt, change, gathered)
        if change is not None and judged is not None:
            change = await self._committed(self._pins.judged(change.verification, judged, gathered))
        if change is not None and any(entry.type == FRAUD_REPORTED for entry in change.entries):
            logger.warning("a person reported fraud on a call: %s", event.attempt.verification_id)
        return self._scripts.written(event.attempt, change)

    async def machine_detected(self, event: MachineDetected) -> None:
        """Take in a verdict on who took the call; only a machine decides anything."""
        token, answered_by = event.attempt.token, self._words.answered_by(event.answered_by) or AnsweredBy.UNKNOWN
        if answered_by is AnsweredBy.MACHINE:
            await self._machine_took(event.attempt, event.sid)
        else:
            await self._applied(
                event.attempt,
                lambda verification, now: call_events.detect_person(verification, token, event.sid, answered_by, now),
            )

    async def call_status_changed(self, event: CallStatusChanged) -> None:
        """Note how far a call got."""
        report = self._words.call_report(
            event.sid, event.word, event.answered_by, event.sequence, event.sip_response_code
        )
        token = event.attempt.token
        change = await self._applied(
            event.attempt,
            lambda verification, now: apply_call_report(verification, token, report, now, self._limits),
        )
        if change is not None:
            await self._reports.reported(change.verification)

    async def message_status_changed(self, event: MessageStatusChanged) -> None:
        """Note how far a text got."""
        report = self._words.text_report(event.sid, event.word, event.error_code)
        token = event.attempt.token
        change = await self._applied(
            event.attempt,
            lambda verification, now: apply_message_report(verification, token, report, now, self._limits),
        )
        if change is None:
            return
        await self._reports.reported(change.verification)
        stopped = report.failure is not None and report.failure.code is FailureCode.OPTED_OUT
        if not stopped or change.verification.number.is_wiped or not self._has(change.verification, event.attempt):
            return
        if find_attempt_by_token(change.verification, token, event.sid) is not None:
            await self._texts.opted_out(change.verification.number)

    async def message_received(self, event: MessageReceived) -> str:
        """Hand a person's text on, and return the TwiML of the answer."""
        return await self._texts.received(event)

    async def _machine_took(self, attempt: AttemptRef, sid: str) -> Change | None:
        return await self._applied(
            attempt, lambda verification, now: call_events.detect_machine(verification, attempt.token, sid, now)
        )

    async def _applied(self, attempt: AttemptRef, step: Step) -> Change | None:
        def own(verification: Verification, now: int) -> Change:
            return step(verification, now) if self._has(verification, attempt) else Change(verification)

        return await self._committed(self._store.apply(attempt.verification_id, own))

    async def _applied_counted(self, attempt: AttemptRef, step: CountedStep) -> Change | None:
        def own(verification: Verification, rate_counters: RateCounters, now: int) -> Change:
            return step(verification, rate_counters, now) if self._has(verification, attempt) else Change(verification)

        return await self._committed(self._store.apply_counted(attempt.verification_id, own))

    def _to_be_judged(self, attempt: AttemptRef, change: Change | None, gathered: KeyedPin) -> Attempt | None:
        if change is None or not self._has(change.verification, attempt):
            return None
        return open_attempt(change.verification, gathered)

    def _has(self, verification: Verification, attempt: AttemptRef) -> bool:
        return is_sent_by(verification, attempt.token, self._provider)

    async def _committed(self, applied: Awaitable[Change]) -> Change | None:
        """Return the change once it is committed; None for what we do not know."""
        try:
            change = await applied
        except Rejected:
            return None
        self._counters.change_committed(change)
        return change
