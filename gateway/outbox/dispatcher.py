"""Hands the entries of the outbox to providers, each once, whatever their kind."""

import asyncio
import logging
from collections.abc import Awaitable, Mapping
from typing import Protocol

from gateway.clock import Clock
from gateway.domain.inbound_sms import OPTED_OUT, STOPPED
from gateway.domain.outbox import OutboxEntry, OutboxKind, OutboxState, OutboxUpdate
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.routing import RejectionScope
from gateway.domain.verification import Channel, Failure, FailureCode
from gateway.outbox.provider_pool import ProviderAccount, ProviderPool
from gateway.outbox.settings import SendingSettings
from gateway.outbox.worker_pool import WorkerPool
from gateway.providers.base import ProviderBusy, ProviderRefused, ProviderUncertain, ProviderUnreachable
from gateway.stores.outbox import OutboxStore
from gateway.stores.suppressions import OptOutReason, SuppressionStore

NOTIFICATION_WORKERS = 4
"""Workers that notifications have beside those of the attempts, so that no attempt ever waits for a notification."""
_NO_PROVIDER = Failure(FailureCode.PROVIDER_UNAVAILABLE, "The provider of this send is not in the settings any more.")

logger = logging.getLogger(__name__)


class Outgoing(Protocol):
    """A claimed entry with its content. Each kind notes in its own way what became of it."""

    entry: OutboxEntry
    channel: Channel
    number: PhoneNumber
    provider: str
    refused_by: tuple[str, ...]

    def hand_over(self, account: ProviderAccount) -> Awaitable[str | None]:
        """Ask a provider to send it; returns the sid, if the provider tells it, and raises as `Provider` does."""
        ...

    def retry_delay(self, busy: ProviderBusy, *, others_left: bool) -> int | None:
        """Return after how long (ms) the same provider is asked again; None: it has been asked often enough."""
        ...

    async def note_sent(self, sid: str | None) -> None:
        """Note that a provider has it."""
        ...

    async def note_failed(self, failure: Failure) -> None:
        """Note that it was not sent and never will be."""
        ...

    async def note_uncertain(self) -> None:
        """Note that it is unknown whether it was sent: it is never sent again."""
        ...

    async def reroute(self, provider: str, failure: Failure | None) -> OutboxEntry | None:
        """Queue it again, for another provider; returns the entry as it is then, None if it is not to be sent any more.

        Without a failure its provider has not refused it: that circuit is open.
        """
        ...


class Contents(Protocol):
    """What the entries of one kind are about."""

    async def open(self, entry: OutboxEntry) -> Outgoing | None:
        """Return an entry with its content; None if there is no reason to send it any more."""
        ...

    async def withdraw(self, entry: OutboxEntry) -> None:
        """Note that an entry which could not be opened is not sent."""
        ...

    async def note_lease_over(self, entry: OutboxEntry) -> None:
        """Note that the process which claimed an entry may have sent it: it is never sent again."""
        ...


class Dispatcher:
    """Claims entries in the store before their provider is called, so that no process and no restart repeats a send.

    Whatever may have gone out is never sent again: neither what a provider left open, nor what was claimed by a process
    that has not noted the outcome within its lease. Only an entry that no provider has (its own one refused it for a
    reason of the provider or the route, was not reached, or has an open circuit) is queued again for the next provider
    of its route, before that one is called.

    Suppressed and opted-out numbers are looked up between the claim and the provider's call: so a suppression also
    holds for entries that were committed before it, and the sender of the text is known. An opt-out that comes after
    the look-up is the provider's to enforce, and its refusal records the opt-out here.

    Args:
        outbox: The entries.
        suppressions: Which numbers want no texts or calls.
        providers: The providers, and their circuits.
        contents: What the entries of each kind are about.
        settings: How they go out.
        clock: The store's time.
    """

    def __init__(
        self,
        outbox: OutboxStore,
        suppressions: SuppressionStore,
        providers: ProviderPool,
        contents: Mapping[OutboxKind, Contents],
        settings: SendingSettings,
        clock: Clock,
    ) -> None:
        self._outbox = outbox
        self._suppressions = suppressions
        self._providers = providers
        self._contents = contents
        self._settings = settings
        self._clock = clock
        self._workers = {
            OutboxKind.ATTEMPT: WorkerPool("an attempt", settings.concurrency, self._dispatch, logger),
            OutboxKind.NOTIFICATION: WorkerPool("a notification", NOTIFICATION_WORKERS, self._dispatch, logger),
        }

    @property
    def alive(self) -> bool:
        """Tell whether every worker still works."""
        return all(workers.alive for workers in self._workers.values())

    @property
    def attempts_in_hand(self) -> int:
        """Return how many attempts wait here or are being handed over."""
        return self._workers[OutboxKind.ATTEMPT].in_hand

    @property
    def notification_capacity(self) -> int:
        """Return how many more notifications can be sent now."""
        return self._workers[OutboxKind.NOTIFICATION].idle

    def submit(self, entry: OutboxEntry) -> None:
        """Have an entry sent soon, unless it is in hand already."""
        self._workers[entry.kind].submit(entry)

    async def close(self, grace: float) -> None:
        """Let sends under way finish for `grace` seconds; whatever is left is in the store."""
        await asyncio.gather(*(workers.close(grace) for workers in self._workers.values()))

    async def _dispatch(self, entry: OutboxEntry) -> None:
        contents = self._contents[entry.kind]
        if entry.state is not OutboxState.QUEUED:
            await contents.note_lease_over(entry)
            return
        queued: OutboxEntry | None = entry
        while queued is not None:
            queued = await self._send(queued, contents)

    async def _send(self, entry: OutboxEntry, contents: Contents) -> OutboxEntry | None:
        """Send an entry once, if the claim succeeds. Returns the entry if it is queued again for another provider.

        Behind the end of its lease it is not sent: by then others may have noted that it is in doubt.
        """
        lease_ends_at = self._clock() + self._settings.lease_ms
        if not await self._outbox.claim(entry.id, self._settings.lease_ms):
            return None
        outgoing = await contents.open(entry)
        if outgoing is None:
            if self._clock() < lease_ends_at:
                await contents.withdraw(entry)
            return None
        account = self._account_for(outgoing)
        if account is not None and account.name == outgoing.provider:
            if unwanted := await self._unwanted(account, outgoing):
                await outgoing.note_failed(unwanted)
                return None
            account = self._account_for(outgoing)  # anew: of many that waited for the look-up, only one may probe
        if account is None:
            await outgoing.note_failed(_NO_PROVIDER)
            return None
        if account.name != outgoing.provider:
            return await outgoing.reroute(account.name, None)
        return await self._hand_over(outgoing, account) if self._clock() < lease_ends_at else None

    def _account_for(self, outgoing: Outgoing) -> ProviderAccount | None:
        return self._providers.account_for(outgoing.channel, outgoing.number, outgoing.provider, outgoing.refused_by)

    async def _unwanted(self, account: ProviderAccount, outgoing: Outgoing) -> Failure | None:
        number = outgoing.number
        if outgoing.channel is Channel.CALL:
            return STOPPED if await self._suppressions.suppressed(number) else None
        return OPTED_OUT if await self._suppressions.opted_out(number, account.text_senders.to(number)) else None

    async def _hand_over(self, outgoing: Outgoing, account: ProviderAccount) -> OutboxEntry | None:
        self._providers.record_send(account.name)
        try:
            sid = await outgoing.hand_over(account)
        except ProviderRefused as refusal:
            return await self._note_refused(outgoing, account, refusal)
        except ProviderBusy as busy:
            return await self._note_busy(outgoing, account, busy)
        except ProviderUncertain as error:
            self._providers.record_failure(account.name)
            logger.warning("the provider left it open whether %s was sent: %s", outgoing.entry.id, error.detail)
            await outgoing.note_uncertain()
        else:
            self._providers.record_success(account.name)
            await outgoing.note_sent(sid)
        return None

    async def _note_refused(
        self, outgoing: Outgoing, account: ProviderAccount, refusal: ProviderRefused
    ) -> OutboxEntry | None:
        number = outgoing.number
        if outgoing.channel is Channel.SMS and refusal.failure is FailureCode.OPTED_OUT:
            await self._suppressions.opt_out(number, (account.text_senders.to(number),), OptOutReason.PROVIDER)
        self._providers.record_refusal(account.name, refusal.fault)
        failure = Failure(refusal.failure, refusal.detail, refusal.provider_code)
        if refusal.fault is RejectionScope.NUMBER:
            await outgoing.note_failed(failure)
            return None
        return await self._fail_over(outgoing, failure)

    async def _note_busy(self, outgoing: Outgoing, account: ProviderAccount, busy: ProviderBusy) -> OutboxEntry | None:
        """Nothing was sent: try again later, or, where there is another provider, soon there."""
        delay = outgoing.retry_delay(busy, others_left=self._next_provider(outgoing) is not None)
        if delay is None or isinstance(busy, ProviderUnreachable):
            self._providers.record_failure(account.name)
        if delay is None:
            return await self._fail_over(outgoing, Failure(FailureCode.PROVIDER_UNAVAILABLE, busy.detail))
        # Behind the end of its lease others may have noted that it is in doubt: then it stays that.
        entry = outgoing.entry
        await self._outbox.update(
            OutboxUpdate(entry.id, OutboxState.QUEUED, delay, entry.tries + 1, only_from=OutboxState.SENDING)
        )
        return None

    async def _fail_over(self, outgoing: Outgoing, failure: Failure) -> OutboxEntry | None:
        """Queue what its provider has not sent for the next one; if all have refused, it has failed."""
        provider = self._next_provider(outgoing)
        if provider is not None:
            return await outgoing.reroute(provider, failure)
        await outgoing.note_failed(failure)
        return None

    def _next_provider(self, outgoing: Outgoing) -> str | None:
        refused_by = (*outgoing.refused_by, outgoing.provider)
        return self._providers.next_provider(outgoing.channel, outgoing.number, refused_by)
