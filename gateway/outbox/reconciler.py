"""The reconciler: asks the provider what became of attempts, and ends calls that are no longer needed.

Three kinds of attempts come here: those of which it is unknown whether the provider took them, those whose last report
never came, and calls whose verification has ended.
"""

import logging
from typing import NamedTuple

from gateway.clock import Clock
from gateway.domain import send_results
from gateway.domain.attempts import find_attempt
from gateway.domain.delivery import CALL_ENDED, TEXT_ENDED
from gateway.domain.limits import SECOND, Limits
from gateway.domain.listing import ListFilter
from gateway.domain.outbox import OutboxEntry, OutboxState, OutboxUpdate
from gateway.domain.status_reports import apply_call_report, apply_message_report
from gateway.domain.verification import Attempt, Change, Channel, Status, Verification
from gateway.outbox.attempts import Attempts
from gateway.outbox.provider_pool import ProviderAccount, ProviderPool
from gateway.outbox.worker_pool import WorkerPool
from gateway.providers.base import Provider, ProviderBusy, ProviderRefused, ProviderUncertain
from gateway.services.report_listener import ReportListener
from gateway.stores.verifications import Step, VerificationStore

_MINUTE = 60 * SECOND
_WORKERS = 4
_MOST_IN_HAND = 32
_SHORTEST_SILENCE = 1 * SECOND
_LONGEST_SILENCE = 60 * SECOND
_LONGEST_DELAY = 3_600 * SECOND

logger = logging.getLogger(__name__)


class _Silence(NamedTuple):
    """How long (ms) a provider that did not answer is asked nothing, and until when (ms since the epoch)."""

    length: int
    until: int


_NO_SILENCE = _Silence(0, 0)


class Reconciler:
    """Works on attempts in the states TO_RECONCILE, a few at a time, beside the dispatcher and never in its way.

    What is not decided yet is asked again after a wait that doubles. A provider that does not answer is asked nothing
    for a time that doubles, whatever waits: while that holds for every one, there is no capacity.

    Args:
        verifications: The verifications that the attempts are of.
        attempts: Writes texts, by which the provider's copy is recognised, and commits what became of attempts.
        providers: The providers, of whom each is asked about what it was handed.
        limits: Whose graces hold for what the provider answers, as for its callbacks.
        clock: The time.
        reports: Learns of what was settled, as after a callback.
    """

    def __init__(
        self,
        verifications: VerificationStore,
        attempts: Attempts,
        providers: ProviderPool,
        limits: Limits,
        clock: Clock,
        reports: ReportListener,
    ) -> None:
        self._verifications = verifications
        self._attempts = attempts
        self._outbox = attempts.outbox
        self._settings = attempts.settings
        self._providers = providers
        self._limits = limits
        self._clock = clock
        self._reports = reports
        self._silences: dict[str, _Silence] = {}
        self._workers = WorkerPool("a question to the provider", _WORKERS, self._reconcile, logger)

    @property
    def alive(self) -> bool:
        """Tell whether every worker still works."""
        return self._workers.alive

    @property
    def capacity(self) -> int:
        """Return how many more attempts can be submitted now."""
        now = self._clock()
        silent = [name for name, silence in self._silences.items() if now < silence.until]
        return 0 if len(silent) == len(self._providers.accounts) else _MOST_IN_HAND - self._workers.in_hand

    def submit(self, entry: OutboxEntry) -> None:
        """Ask about an attempt soon, unless it is in hand already."""
        self._workers.submit(entry)

    async def close(self) -> None:
        """Ask no more; what was to be asked is in the store."""
        await self._workers.close(0)

    async def _reconcile(self, entry: OutboxEntry) -> None:
        verification = await self._verifications.get(entry.subject_id)
        attempt = None if verification is None else find_attempt(verification, entry.id)
        if verification is None or attempt is None:
            await self._remove(entry)
            return
        account = self._providers.account(attempt.provider)
        if account is None:
            logger.warning("cannot ask about %s: its provider is not in the settings", entry.id)
            await self._remove(entry)
            return
        silence = self._silences.get(account.name, _NO_SILENCE)
        if self._clock() < silence.until:
            await self._outbox.update(_moved(entry, entry.state, silence.until - self._clock(), entry.tries))
            return
        if entry.state is OutboxState.HANGING_UP and verification.status is Status.PENDING:
            return  # read from the disk a moment before the end came to memory: it stays due
        try:
            await self._ask(entry, account, verification, attempt)
        except (ProviderRefused, ProviderBusy, ProviderUncertain) as error:
            logger.warning("the provider could not be asked about %s: %s", entry.id, error)
            self._begin_silence(account.name)
            await self._later(entry, entry.state, int(self._settings.reconcile_after * SECOND) << entry.tries)
        else:
            self._silences.pop(account.name, None)

    async def _ask(
        self, entry: OutboxEntry, account: ProviderAccount, verification: Verification, attempt: Attempt
    ) -> None:
        if send_results.is_unneeded(verification, attempt):
            await self._hang_up(entry, account, verification, attempt)
        elif verification.status is not Status.PENDING or send_results.is_final(attempt):
            await self._remove(entry)
        elif attempt.provider_sid is None:
            await self._find(entry, account, verification, attempt)
        else:
            await self._settle(entry, account, attempt, attempt.provider_sid)

    async def _find(
        self, entry: OutboxEntry, account: ProviderAccount, verification: Verification, attempt: Attempt
    ) -> None:
        """Look for a send without a sid, which the provider took or perhaps not. It is never sent again."""
        sids = await self._candidates(account, verification, attempt)
        over = self._clock() >= attempt.created_at + int(self._settings.reconcile_for * SECOND)
        if len(sids) == 1 and not send_results.may_belong_to_another(verification, attempt, sids[0]):
            move = _moved(entry, OutboxState.SETTLING, self._settings.patience(attempt.channel))
            await self._apply(
                entry, lambda before, now: send_results.record_matched(before, entry.id, sids[0], now), move
            )
        elif over:
            await self._apply(entry, lambda before, now: send_results.record_not_received(before, entry.id, now))
        else:
            delay = int(self._settings.reconcile_after * SECOND)
            await self._outbox.update(_moved(entry, entry.state, delay))

    async def _candidates(self, account: ProviderAccount, verification: Verification, attempt: Attempt) -> list[str]:
        """List the provider's sends that can only be this attempt: ours in every detail, and no other attempt's."""
        if verification.number.is_wiped:
            return []  # without a number, everybody's sends would be listed
        to, since = verification.number.e164, attempt.created_at - _MINUTE
        if attempt.channel is Channel.SMS:
            body = self._attempts.text_of(verification, attempt)
            matching_sends = [sms for sms in await account.provider.find_sms(to, since) if sms.body == body]
        else:
            caller = account.callers.to(verification.number)
            matching_sends = [call for call in await account.provider.find_calls(to, since) if call.sender == caller]
        narrow = ListFilter(number=verification.number, limit=100)
        page = await self._verifications.page(None, narrow)  # another application may call with the same caller
        known_sids = {
            attempt.provider_sid
            for verification_of_number in page.verifications
            for attempt in verification_of_number.attempts
        }
        return [send.sid for send in matching_sends if send.sid not in known_sids]

    async def _settle(self, entry: OutboxEntry, account: ProviderAccount, attempt: Attempt, sid: str) -> None:
        """Ask how a send ended that had no report for a while, and apply the answer as its callback."""
        patience = self._settings.patience(attempt.channel)
        silent_at = attempt.updated_at + patience
        if self._clock() < silent_at:
            await self._outbox.update(_moved(entry, OutboxState.SETTLING, silent_at - self._clock(), entry.tries))
            return
        step = await self._last_word(account.provider, attempt, sid)
        if step is None:
            await self._later(entry, OutboxState.SETTLING, patience << entry.tries)
            return
        change = await self._apply(entry, step)
        if change is not None:
            await self._reports.reported(change.verification)

    async def _last_word(self, provider: Provider, attempt: Attempt, sid: str) -> Step | None:
        """Return the report that the provider's callback would have been; None while it is not the last one."""
        if attempt.channel is Channel.SMS:
            text = await provider.fetch_sms(sid)
            if text is None or text.status not in TEXT_ENDED:
                return None
            return lambda before, now: apply_message_report(before, attempt.token, text, now, self._limits)
        call = await provider.fetch_call(sid)
        if call is None or call.status not in CALL_ENDED:
            return None
        return lambda before, now: apply_call_report(before, attempt.token, call, now, self._limits)

    async def _hang_up(
        self, entry: OutboxEntry, account: ProviderAccount, verification: Verification, attempt: Attempt
    ) -> None:
        """End a call that is no longer needed: once, unless not a byte of it left us."""
        known = attempt.provider_sid
        sids = [known] if known else await self._candidates(account, verification, attempt)
        try:
            for sid in sids:
                await account.provider.hang_up(sid)
        except ProviderBusy:
            if entry.tries + 1 < self._settings.busy_tries:
                raise
            await self._remove(entry)
        except (ProviderRefused, ProviderUncertain) as error:
            logger.warning("the call %s was not hung up: %s", entry.id, error)
            await self._remove(entry)
        else:
            await self._apply(entry, lambda before, now: send_results.record_hang_up(before, entry.id, now))

    def _begin_silence(self, name: str) -> None:
        silence, now = self._silences.get(name, _NO_SILENCE), self._clock()
        if now >= silence.until:
            length = min(max(2 * silence.length, _SHORTEST_SILENCE), _LONGEST_SILENCE)
            self._silences[name] = _Silence(length, now + length)

    async def _later(self, entry: OutboxEntry, state: OutboxState, delay: int) -> None:
        await self._outbox.update(_moved(entry, state, min(delay, _LONGEST_DELAY), entry.tries + 1))

    async def _remove(self, entry: OutboxEntry) -> None:
        await self._outbox.update(_moved(entry))

    async def _apply(self, entry: OutboxEntry, step: Step, update: OutboxUpdate | None = None) -> Change | None:
        """Change the verification and the entry; without an update, the entry is removed, unless an end was faster."""
        return await self._attempts.apply(entry, step, update or _moved(entry))


def _moved(entry: OutboxEntry, state: OutboxState | None = None, delay: int = 0, tries: int = 0) -> OutboxUpdate:
    """Update an entry from the state in which it was submitted: what an end made of it meanwhile stays."""
    return OutboxUpdate(entry.id, state, delay, tries, only_from=entry.state)
