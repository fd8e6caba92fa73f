"""The clock's journeys: verifications go on or end in time, left sends are taken up, what is old goes."""

import asyncio
import contextlib
import logging
from typing import Protocol

from gateway.clock import Clock
from gateway.domain.backup_phone import is_overdue
from gateway.domain.enrollment import Enrollment, EnrollmentChange
from gateway.domain.errors import Rejected, StoreUnavailable
from gateway.domain.fallback import DrawAttempt, is_due, skip_step, take_next_step
from gateway.domain.limits import DAY, Limits
from gateway.domain.phones import count_send
from gateway.domain.pins import reject_pin_call
from gateway.domain.retention import Retention
from gateway.domain.timeouts import pass_deadline
from gateway.domain.verification import Attempt, Mode, Verification
from gateway.outbox_ports import TO_ASK, TO_SEND, DueSend
from gateway.services.counters import Counters
from gateway.services.report_listener import ReportListener
from gateway.stores.store import Store

_TICK = 0.25
_BATCH = 200
_PURGE_EVERY = 3_600_000

logger = logging.getLogger(__name__)


class Outbox(Protocol):
    """Who hands sends to the provider."""

    def put(self, verification: Verification, attempt: Attempt) -> None:
        """Send this attempt soon."""
        ...

    def take_up(self, due: DueSend) -> None:
        """Work on a send soon."""
        ...


class Questions(Protocol):
    """Who asks the provider what became of sends."""

    @property
    def room(self) -> int:
        """Return how many more sends can be taken up now."""
        ...

    def take_up(self, due: DueSend) -> None:
        """Ask about a send soon."""
        ...


class Deadlines:
    """Looks at the store four times a second, through an index of what is due."""

    def __init__(
        self,
        store: Store,
        outbox: Outbox,
        questions: Questions,
        draw: DrawAttempt,
        limits: Limits,
        retention: Retention,
        clock: Clock,
        reports: ReportListener,
        counters: Counters,
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._questions = questions
        self._draw = draw
        self._limits = limits
        self._retention = retention
        self._clock = clock
        self._reports = reports
        self._counters = counters
        self._purge_at = 0
        self._let_go_at = 0
        self._task = asyncio.create_task(self._work(), name="deadlines")

    @property
    def alive(self) -> bool:
        """Tell whether deadlines are being kept."""
        return not self._task.done()

    async def close(self) -> None:
        """Stop looking."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _work(self) -> None:
        while True:
            try:
                more = await self._look()
            except StoreUnavailable as error:
                more = False
                logger.warning("deadlines wait for the store: %s", error)
            except Exception:
                more = False
                logger.exception("a deadline failed in a way that was not foreseen")
            await asyncio.sleep(0 if more else _TICK)

    async def _look(self) -> bool:
        """Act on a batch of what is due; returns whether there may be more."""
        for due in await self._store.outbox.claim_due(_BATCH, TO_SEND):
            self._outbox.take_up(due)
        if room := self._questions.room:
            for due in await self._store.outbox.claim_due(room, TO_ASK):
                self._questions.take_up(due)
        verifications = await self._store.verifications.claim_due(_BATCH)
        moves = (self._move_on(verification_id) for verification_id in verifications)
        failed = [error for error in await asyncio.gather(*moves, return_exceptions=True) if error is not None]
        await self._let_go()
        if failed:  # they stay due, and keep nobody else from what is due
            raise failed[0]
        return len(verifications) == _BATCH

    async def _let_go(self) -> None:
        """Forget a batch of what is old; if there may be more, that waits for the next look."""
        if self._clock() >= self._purge_at and not await self._store.retention.delete_expired(self._clock() - DAY):
            self._purge_at = self._clock() + _PURGE_EVERY
        if self._clock() >= self._let_go_at and not await self._store.retention.apply(self._retention):
            self._let_go_at = self._clock() + _PURGE_EVERY

    async def _move_on(self, verification_id: str) -> None:
        """End a verification, or take the next of its ways; one that limits or lists refuse is left out."""
        verification = await self._store.verifications.get(verification_id)
        if verification is None or not is_due(verification, self._clock()):
            if verification is not None and is_overdue(verification, self._clock()):
                await self._reports.reported(verification)
            self._counters.kept(await self._store.verifications.apply(verification_id, pass_deadline))
            return
        mode = verification.steps[0].mode
        try:
            change = await self._store.verifications.resend(
                verification_id,
                lambda kept, tally, now: take_next_step(kept, self._draw, tally, now, self._limits),
                None,
                person=lambda enrollment, now: self._counted(enrollment, mode, now),
            )
        except Rejected as refusal:
            code = refusal.code
            with contextlib.suppress(Rejected):
                left_out = await self._store.verifications.apply(
                    verification_id, lambda kept, now: skip_step(kept, code, now)
                )
                self._counters.kept(left_out)
            return
        self._counters.kept(change)
        if change.send is not None:
            self._outbox.put(change.verification, change.send)

    def _counted(self, enrollment: Enrollment, mode: Mode | None, now: int) -> EnrollmentChange:
        """Count a send for its person; a call for a PIN that is locked, or taken away, could not be answered."""
        if mode is Mode.PIN:
            reject_pin_call(enrollment, now)
        return count_send(enrollment, now, self._limits)
