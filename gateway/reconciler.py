"""The reconciler: asks the provider what became of sends, and ends calls that are no longer needed.

Three kinds of sends come here: those of which nobody knows whether the provider took them, those whose last word was
never heard, and calls whose verification has ended.
"""

import logging
from collections.abc import Callable
from typing import NamedTuple

from gateway.clock import Clock
from gateway.crew import Crew
from gateway.domain import send_results
from gateway.domain.attempts import find_attempt
from gateway.domain.delivery import CALL_ENDED, TEXT_ENDED
from gateway.domain.errors import Rejected
from gateway.domain.limits import SECOND, Limits
from gateway.domain.listing import ListFilter
from gateway.domain.status_reports import apply_call_report, apply_message_report
from gateway.domain.verification import Attempt, Change, Channel, Status, Verification
from gateway.outbox_ports import DueSend, Sending, SendMove, Stage
from gateway.providers.base import Provider, ProviderBusy, ProviderRefused, ProviderUncertain
from gateway.roster import Account, Roster
from gateway.services.counters import Counters
from gateway.services.report_listener import ReportListener
from gateway.stores.store import Store
from gateway.stores.verifications import Step

_MINUTE = 60 * SECOND
_WORKERS = 4
_ROOM = 32
_SHORTEST_REST = 1 * SECOND
_LONGEST_REST = 60 * SECOND
_LONGEST_DELAY = 3_600 * SECOND

logger = logging.getLogger(__name__)


class _Rest(NamedTuple):
    """How long (ms) a provider that did not answer is asked nothing, and until when (ms since the epoch)."""

    length: int
    until: int


_NO_REST = _Rest(0, 0)


class Reconciler:
    """Works on sends in the stages TO_ASK, a few at a time, beside the dispatcher and never in its way.

    What is not decided yet is asked again after a wait that doubles. A provider that does not answer is left alone for
    a rest that doubles, whatever waits: while every one rests, there is no room for more.

    Args:
        store: Where sends and verifications are kept.
        roster: The providers, of whom each is asked about what it was handed.
        text_of: Writes the text of an attempt, by which the provider's copy of it is recognised.
        sending: How sends go out.
        limits: Whose graces hold for what the provider answers, as for its callbacks.
        clock: The time.
        reports: Who is told of what was settled, as after a callback.
        counters: Who counts what is kept.
    """

    def __init__(
        self,
        store: Store,
        roster: Roster,
        text_of: Callable[[Verification, Attempt], str],
        sending: Sending,
        limits: Limits,
        clock: Clock,
        reports: ReportListener,
        counters: Counters,
    ) -> None:
        self._store = store
        self._roster = roster
        self._text_of = text_of
        self._sending = sending
        self._limits = limits
        self._clock = clock
        self._reports = reports
        self._counters = counters
        self._rests: dict[str, _Rest] = {}
        self._crew = Crew("a question to the provider", _WORKERS, self._act, logger)

    @property
    def alive(self) -> bool:
        """Tell whether questions are being asked."""
        return self._crew.alive

    @property
    def room(self) -> int:
        """Return how many more sends can be taken up now."""
        now = self._clock()
        resting = [name for name, rest in self._rests.items() if now < rest.until]
        return 0 if len(resting) == len(self._roster.accounts) else _ROOM - self._crew.taken

    def take_up(self, due: DueSend) -> None:
        """Ask about a send soon, unless it is waiting already."""
        self._crew.take_up(due)

    async def close(self) -> None:
        """Ask no more; what was to be asked is in the store."""
        await self._crew.close(0)

    async def _act(self, due: DueSend) -> None:
        verification = await self._store.verifications.get(due.verification_id)
        attempt = None if verification is None else find_attempt(verification, due.attempt_id)
        if verification is None or attempt is None:
            await self._drop(due)
            return
        account = self._roster.account(attempt.provider)
        if account is None:
            logger.warning("nobody can be asked about %s: its provider is not in the settings", due.attempt_id)
            await self._drop(due)
            return
        rest = self._rests.get(account.name, _NO_REST)
        if self._clock() < rest.until:
            await self._store.outbox.move(self._moved(due, due.stage, rest.until - self._clock(), due.tries))
            return
        if due.stage is Stage.HANGING_UP and verification.status is Status.PENDING:
            return  # read from the disk a moment before the end came to memory: it stays due
        try:
            await self._ask(due, account, verification, attempt)
        except (ProviderRefused, ProviderBusy, ProviderUncertain) as error:
            logger.warning("the provider could not be asked about %s: %s", due.attempt_id, error)
            self._begin_rest(account.name)
            await self._later(due, due.stage, int(self._sending.reconcile_after * SECOND) << due.tries)
        else:
            self._rests.pop(account.name, None)

    async def _ask(self, due: DueSend, account: Account, verification: Verification, attempt: Attempt) -> None:
        if send_results.is_unneeded(verification, attempt):
            await self._hang_up(due, account, verification, attempt)
        elif verification.status is not Status.PENDING or send_results.is_final(attempt):
            await self._drop(due)
        elif attempt.provider_sid is None:
            await self._find(due, account, verification, attempt)
        else:
            await self._settle(due, account, attempt, attempt.provider_sid)

    async def _find(self, due: DueSend, account: Account, verification: Verification, attempt: Attempt) -> None:
        """Look for a send whose sid nobody told, taken by the provider or perhaps not. It is never sent again."""
        sids = await self._candidates(account, verification, attempt)
        over = self._clock() >= attempt.created_at + int(self._sending.reconcile_for * SECOND)
        if len(sids) == 1 and not send_results.may_belong_to_another(verification, attempt, sids[0]):
            move = self._moved(due, Stage.SETTLING, self._sending.patience(attempt.channel))
            await self._apply(
                due, lambda kept, now: send_results.record_matched(kept, due.attempt_id, sids[0], now), move
            )
        elif over:
            await self._apply(due, lambda kept, now: send_results.record_not_received(kept, due.attempt_id, now))
        else:
            delay = int(self._sending.reconcile_after * SECOND)
            await self._store.outbox.move(self._moved(due, due.stage, delay))

    async def _candidates(self, account: Account, verification: Verification, attempt: Attempt) -> list[str]:
        """List the provider's sends that can only be this attempt: ours in every detail, and no other attempt's."""
        if verification.number.is_wiped:
            return []  # without a number, everybody's sends would be listed
        to, since = verification.number.e164, attempt.created_at - _MINUTE
        if attempt.channel is Channel.SMS:
            body = self._text_of(verification, attempt)
            found = [sms for sms in await account.provider.find_sms(to, since) if sms.body == body]
        else:
            caller = account.callers.to(verification.number)
            found = [call for call in await account.provider.find_calls(to, since) if call.sender == caller]
        narrow = ListFilter(number=verification.number, limit=100)
        page = await self._store.verifications.page(None, narrow)  # another application may call with the same caller
        taken = {attempt.provider_sid for kept in page.verifications for attempt in kept.attempts}
        return [send.sid for send in found if send.sid not in taken]

    async def _settle(self, due: DueSend, account: Account, attempt: Attempt, sid: str) -> None:
        """Ask how a send ended of which nothing was heard for a while, and take the answer in as its callback."""
        patience = self._sending.patience(attempt.channel)
        silent_at = attempt.updated_at + patience
        if self._clock() < silent_at:
            await self._store.outbox.move(self._moved(due, Stage.SETTLING, silent_at - self._clock(), due.tries))
            return
        step = await self._last_word(account.provider, attempt, sid)
        if step is None:
            await self._later(due, Stage.SETTLING, patience << due.tries)
            return
        change = await self._apply(due, step)
        if change is not None:
            await self._reports.reported(change.verification)

    async def _last_word(self, provider: Provider, attempt: Attempt, sid: str) -> Step | None:
        """Return the report that the provider's callback would have been; None while it is not the last one."""
        if attempt.channel is Channel.SMS:
            text = await provider.fetch_sms(sid)
            if text is None or text.status not in TEXT_ENDED:
                return None
            return lambda kept, now: apply_message_report(kept, attempt.token, text, now, self._limits)
        call = await provider.fetch_call(sid)
        if call is None or call.status not in CALL_ENDED:
            return None
        return lambda kept, now: apply_call_report(kept, attempt.token, call, now, self._limits)

    async def _hang_up(self, due: DueSend, account: Account, verification: Verification, attempt: Attempt) -> None:
        """End a call that is no longer needed: once, unless not a byte of it left us."""
        known = attempt.provider_sid
        sids = [known] if known else await self._candidates(account, verification, attempt)
        try:
            for sid in sids:
                await account.provider.hang_up(sid)
        except ProviderBusy:
            if due.tries + 1 < self._sending.busy_tries:
                raise
            await self._drop(due)
        except (ProviderRefused, ProviderUncertain) as error:
            logger.warning("the call %s was not hung up: %s", due.attempt_id, error)
            await self._drop(due)
        else:
            await self._apply(due, lambda kept, now: send_results.record_hang_up(kept, due.attempt_id, now))

    def _begin_rest(self, name: str) -> None:
        rest, now = self._rests.get(name, _NO_REST), self._clock()
        if now >= rest.until:
            length = min(max(2 * rest.length, _SHORTEST_REST), _LONGEST_REST)
            self._rests[name] = _Rest(length, now + length)

    async def _later(self, due: DueSend, stage: Stage, delay: int) -> None:
        await self._store.outbox.move(self._moved(due, stage, min(delay, _LONGEST_DELAY), due.tries + 1))

    @staticmethod
    def _moved(due: DueSend, stage: Stage | None = None, delay: int = 0, tries: int = 0) -> SendMove:
        """Move a send from the stage in which it was taken up: what an end made of it meanwhile stays."""
        return SendMove(due.attempt_id, stage, delay, tries, moves_only=due.stage)

    async def _drop(self, due: DueSend) -> None:
        await self._store.outbox.move(self._moved(due))

    async def _apply(self, due: DueSend, step: Step, move: SendMove | None = None) -> Change | None:
        """Change the verification and move the send; without a move, it is done. None if there is no such any more."""
        try:
            change = await self._store.verifications.apply(due.verification_id, step, send=move or self._moved(due))
        except Rejected:
            return None
        self._counters.kept(change)
        return change
