"""The provider's journeys, and the one place where the provider's words become ours."""

from collections.abc import Awaitable, Callable, Mapping

from gateway.catalogs import Phrasebooks
from gateway.domain import calls
from gateway.domain.delivery import DeliveryStatus
from gateway.domain.policy import Limits
from gateway.domain.refusals import Refused
from gateway.domain.reports import CallReport, MessageReport, call_status_changed, message_status_changed
from gateway.domain.verification import Change, Failure, FailureCode, Reply, Script
from gateway.ports import CountedStep, Step, Store
from twiml import scripts
from twiml.messages import NO_REPLY
from webhooks.addresses import Addresses
from webhooks.events import (
    AnsweredBy,
    AttemptRef,
    CallAnswered,
    CallStatus,
    CallStatusChanged,
    DigitsGathered,
    MachineDetected,
    MessageReceived,
    MessageStatus,
    MessageStatusChanged,
)

_CALL_STATUSES: Mapping[CallStatus, DeliveryStatus] = {
    CallStatus.QUEUED: DeliveryStatus.SENT,
    CallStatus.INITIATED: DeliveryStatus.INITIATED,
    CallStatus.RINGING: DeliveryStatus.RINGING,
    CallStatus.IN_PROGRESS: DeliveryStatus.IN_PROGRESS,
    CallStatus.COMPLETED: DeliveryStatus.COMPLETED,
    CallStatus.BUSY: DeliveryStatus.BUSY,
    CallStatus.FAILED: DeliveryStatus.FAILED,
    CallStatus.NO_ANSWER: DeliveryStatus.NO_ANSWER,
    CallStatus.CANCELED: DeliveryStatus.CANCELED,
}
_MESSAGE_STATUSES: Mapping[MessageStatus, DeliveryStatus] = {
    MessageStatus.QUEUED: DeliveryStatus.SENT,
    MessageStatus.SENDING: DeliveryStatus.SENT,
    MessageStatus.SENT: DeliveryStatus.SENT,
    MessageStatus.DELIVERED: DeliveryStatus.DELIVERED,
    MessageStatus.UNDELIVERED: DeliveryStatus.UNDELIVERED,
    MessageStatus.FAILED: DeliveryStatus.FAILED,
    MessageStatus.CANCELED: DeliveryStatus.FAILED,
}
_AGAIN = {FailureCode.WRONG_KEY: scripts.Again.WRONG_KEY, FailureCode.NO_KEY_PRESSED: scripts.Again.NO_KEY}


class ProviderEvents:
    """Fills `webhooks.routes.ProviderListener`. An attempt or verification that we do not know is harmless."""

    def __init__(
        self,
        store: Store,
        phrasebooks: Phrasebooks,
        addresses: Addresses,
        limits: Limits,
        delivery_failure: Callable[[str | None], Failure],
    ) -> None:
        self._delivery_failure = delivery_failure
        self._store = store
        self._phrasebooks = phrasebooks
        self._addresses = addresses
        self._limits = limits

    async def call_answered(self, event: CallAnswered) -> str:
        """Say what the callee hears first."""
        token, answered_by = event.attempt.token, event.answered_by and event.answered_by.value
        change = await self._applied(
            event.attempt,
            lambda verification, now: calls.call_answered(verification, token, event.sid, answered_by, now),
        )
        return self._spoken(event.attempt, change)

    async def digits_gathered(self, event: DigitsGathered) -> str:
        """Take keys in, and say what the callee hears next. Wrong digits count for the number, as wrong codes do."""
        token = event.attempt.token
        change = await self._applied_counted(
            event.attempt,
            lambda verification, tally, now: calls.digits_gathered(
                verification, token, event.sid, event.turn, event.digits, tally, now, self._limits
            ),
        )
        return self._spoken(event.attempt, change)

    async def machine_detected(self, event: MachineDetected) -> None:
        """Take in a verdict on who took the call; only a machine decides anything."""
        token, answered_by = event.attempt.token, event.answered_by
        if answered_by is AnsweredBy.MACHINE:
            await self._applied(
                event.attempt,
                lambda verification, now: calls.machine_detected(verification, token, event.sid, now),
            )
        else:
            await self._applied(
                event.attempt,
                lambda verification, now: calls.person_detected(
                    verification, token, event.sid, answered_by.value, now, self._limits
                ),
            )

    async def call_status_changed(self, event: CallStatusChanged) -> None:
        """Note how far a call got."""
        report = CallReport(
            sid=event.sid,
            status=_CALL_STATUSES.get(event.status),
            word=event.word,
            sequence=event.sequence,
            answered_by=event.answered_by and event.answered_by.value,
            sip_response_code=event.sip_response_code,
        )
        token = event.attempt.token
        await self._applied(
            event.attempt,
            lambda verification, now: call_status_changed(verification, token, report, now, self._limits),
        )

    async def message_status_changed(self, event: MessageStatusChanged) -> None:
        """Note how far a text got."""
        status = _MESSAGE_STATUSES.get(event.status)
        lost = status in {DeliveryStatus.UNDELIVERED, DeliveryStatus.FAILED}
        report = MessageReport(
            event.sid, status, event.word, self._delivery_failure(event.error_code) if lost else None
        )
        token = event.attempt.token
        await self._applied(
            event.attempt,
            lambda verification, now: message_status_changed(verification, token, report, now, self._limits),
        )

    async def message_received(self, event: MessageReceived) -> str:  # noqa: ARG002 - replies decide nothing yet
        """Leave a person's text without an answer."""
        return NO_REPLY

    async def _applied(self, attempt: AttemptRef, step: Step) -> Change | None:
        return await _unless_unknown(self._store.apply(attempt.verification_id, step))

    async def _applied_counted(self, attempt: AttemptRef, step: CountedStep) -> Change | None:
        return await _unless_unknown(self._store.apply_counted(attempt.verification_id, step))

    def _spoken(self, attempt: AttemptRef, change: Change | None) -> str:
        if change is None or change.reply is None:
            return scripts.not_needed(self._phrasebooks.for_locale(None))
        return self._script(attempt, change, change.reply)

    def _script(self, attempt: AttemptRef, change: Change, reply: Reply) -> str:
        verification = change.verification
        book = self._phrasebooks.for_locale(verification.locale)
        if reply.script in _ENDINGS:
            return _ENDINGS[reply.script](book)
        return _REQUESTS[reply.script](
            book,
            application=verification.application_name,
            action=self._addresses.gather_url(attempt, reply.turn),
            again=_AGAIN[reply.again] if reply.again else None,
        )


async def _unless_unknown(applied: Awaitable[Change]) -> Change | None:
    try:
        return await applied
    except Refused:
        return None


_REQUESTS = {Script.PRESS_POUND: scripts.press_pound, Script.MATCH_DIGITS: scripts.match_digits}
_ENDINGS = {
    Script.CONFIRMED: scripts.confirmed,
    Script.NO_KEY: scripts.no_key,
    Script.NO_DIGITS: scripts.no_digits,
    Script.WRONG_KEYS: scripts.wrong_keys,
    Script.WRONG_DIGITS: scripts.wrong_digits,
    Script.TOO_MANY_WRONG: scripts.too_many_wrong,
    Script.NOT_NEEDED: scripts.not_needed,
    Script.HANG_UP: scripts.hang_up,
}
