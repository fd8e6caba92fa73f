"""What the clock begins: verifications go on or end, due entries are sent or asked about, what is old is deleted."""

import asyncio
import contextlib
import logging

from gateway.clock import Clock
from gateway.domain.backup_phone import is_overdue
from gateway.domain.enrollment import Enrollment, EnrollmentChange
from gateway.domain.errors import Rejected, StoreUnavailable
from gateway.domain.fallback import DrawAttempt, is_due, skip_step, take_next_step
from gateway.domain.limits import DAY, Limits
from gateway.domain.outbox import TO_RECONCILE, TO_SEND, OutboxKind, Submit, queued_attempt
from gateway.domain.phones import count_send
from gateway.domain.pins import reject_pin_call
from gateway.domain.retention import Retention
from gateway.domain.timeouts import pass_deadline
from gateway.domain.verification import Mode
from gateway.outbox.dispatcher import Dispatcher
from gateway.outbox.reconciler import Reconciler
from gateway.services.counters import Counters
from gateway.services.report_listener import ReportListener
from gateway.stores.store import Store
from gateway.stores.verifications import VerificationStore

_TICK = 0.25
_BATCH = 200
_RETENTION_INTERVAL = 3_600_000

logger = logging.getLogger(__name__)


class DueVerifications:
    """Ends verifications whose time is over, or takes the next step of their fallback.

    Args:
        verifications: The verifications.
        submit: Has the attempt of a step sent.
        draw: Makes a new attempt.
        limits: The limits, which hold for steps as for every other send.
        clock: The store's time.
        reports: Learns of verifications that end before another phone of the person was called.
        counters: Counts what is committed.
    """

    def __init__(
        self,
        verifications: VerificationStore,
        submit: Submit,
        draw: DrawAttempt,
        limits: Limits,
        clock: Clock,
        reports: ReportListener,
        counters: Counters,
    ) -> None:
        self._verifications = verifications
        self._submit = submit
        self._draw = draw
        self._limits = limits
        self._clock = clock
        self._reports = reports
        self._counters = counters

    async def advance(self, verification_id: str) -> None:
        """End a verification, or take its next step; one that limits or lists refuse is left out."""
        verification = await self._verifications.get(verification_id)
        if verification is None or not is_due(verification, self._clock()):
            if verification is not None and is_overdue(verification, self._clock()):
                await self._reports.reported(verification)
            self._counters.change_committed(await self._verifications.apply(verification_id, pass_deadline))
            return
        mode = verification.steps[0].mode
        try:
            change = await self._verifications.resend(
                verification_id,
                lambda before, rate_counters, now: take_next_step(before, self._draw, rate_counters, now, self._limits),
                None,
                person=lambda enrollment, now: self._counted(enrollment, mode, now),
            )
        except Rejected as refusal:
            code = refusal.code
            with contextlib.suppress(Rejected):
                left_out = await self._verifications.apply(
                    verification_id, lambda before, now: skip_step(before, code, now)
                )
                self._counters.change_committed(left_out)
            return
        self._counters.change_committed(change)
        if change.send is not None:
            self._submit(queued_attempt(verification_id, change.send))

    def _counted(self, enrollment: Enrollment, mode: Mode | None, now: int) -> EnrollmentChange:
        """Count a send for its person; a call for a PIN that is locked, or taken away, could not be answered."""
        if mode is Mode.PIN:
            reject_pin_call(enrollment, now)
        return count_send(enrollment, now, self._limits)


class Scheduler:
    """Looks at the store four times a second, through indexes of what is due.

    Args:
        store: The entries and the verifications, and whatever is deleted once it is old.
        dispatcher: Sends entries.
        reconciler: Asks about attempts.
        verifications: Advances verifications.
        retention: For how long what is stored.
        clock: The store's time.
    """

    def __init__(
        self,
        store: Store,
        dispatcher: Dispatcher,
        reconciler: Reconciler,
        verifications: DueVerifications,
        retention: Retention,
        clock: Clock,
    ) -> None:
        self._store = store
        self._dispatcher = dispatcher
        self._reconciler = reconciler
        self._verifications = verifications
        self._retention = retention
        self._clock = clock
        self._expiry_at = 0
        self._retention_at = 0
        self._task = asyncio.create_task(self._work(), name="scheduler")

    @property
    def alive(self) -> bool:
        """Tell whether it still looks."""
        return not self._task.done()

    async def close(self) -> None:
        """Stop looking."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _work(self) -> None:
        more = False
        while True:
            try:
                if not more:
                    await self._submit_notifications()
                more = await self._look()
            except StoreUnavailable as error:
                more = False
                logger.warning("the scheduler waits for the store: %s", error)
            except Exception:
                more = False
                logger.exception("the scheduler: unexpected error")
            await asyncio.sleep(0 if more else _TICK)

    async def _submit_notifications(self) -> None:
        """Have a few notifications sent, once a tick: the provider's rate is for attempts."""
        if capacity := self._dispatcher.notification_capacity:
            for entry in await self._store.outbox.claim_due(capacity, OutboxKind.NOTIFICATION, TO_SEND):
                self._dispatcher.submit(entry)

    async def _look(self) -> bool:
        """Act on a batch of what is due; returns whether there may be more."""
        for entry in await self._store.outbox.claim_due(_BATCH, OutboxKind.ATTEMPT, TO_SEND):
            self._dispatcher.submit(entry)
        if capacity := self._reconciler.capacity:
            for entry in await self._store.outbox.claim_due(capacity, OutboxKind.ATTEMPT, TO_RECONCILE):
                self._reconciler.submit(entry)
        due = await self._store.verifications.claim_due(_BATCH)
        advances = (self._verifications.advance(verification_id) for verification_id in due)
        failed = [error for error in await asyncio.gather(*advances, return_exceptions=True) if error is not None]
        await self._delete_old()
        if failed:  # they stay due, and keep nobody else from what is due
            raise failed[0]
        return len(due) == _BATCH

    async def _delete_old(self) -> None:
        """Delete a batch of what is old; if there may be more, that waits for the next look."""
        if self._clock() >= self._expiry_at and not await self._store.retention.delete_expired(self._clock() - DAY):
            self._expiry_at = self._clock() + _RETENTION_INTERVAL
        if self._clock() >= self._retention_at and not await self._store.retention.apply(self._retention):
            self._retention_at = self._clock() + _RETENTION_INTERVAL
