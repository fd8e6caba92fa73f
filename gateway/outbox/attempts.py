"""The attempts in the outbox: what each says or calls, and what becomes of its verification."""

from collections.abc import Awaitable

import msgspec

from gateway.clock import Clock
from gateway.domain import send_results
from gateway.domain.attempts import find_attempt
from gateway.domain.delivery import DeliveryStatus
from gateway.domain.errors import Rejected
from gateway.domain.limits import SECOND
from gateway.domain.outbox import OutboxEntry, OutboxState, OutboxUpdate
from gateway.domain.phone_number import dial_string
from gateway.domain.verification import Attempt, Change, Channel, Failure, Status, Verification
from gateway.outbox.provider_pool import ProviderAccount
from gateway.outbox.settings import SendingSettings
from gateway.providers.base import Call, ProviderBusy, ProviderUnreachable, Sms
from gateway.security.vault import Vault
from gateway.services.code_texts import CodeTexts
from gateway.services.counters import Counters
from gateway.stores.outbox import OutboxStore
from gateway.stores.verifications import Step, VerificationStore
from webhooks.events import AttemptRef

_MINUTE = 60 * SECOND
_BUSY_TRIES_BEFORE_ANOTHER = 2


class Attempts:
    """Implements `gateway.outbox.dispatcher.Contents`.

    Args:
        verifications: The verifications that they are of.
        outbox: The entries.
        texts: Writes what texts say.
        vault: Unseals the codes.
        settings: How attempts go out.
        clock: The store's time.
        counters: Counts what is committed.
    """

    def __init__(
        self,
        verifications: VerificationStore,
        outbox: OutboxStore,
        texts: CodeTexts,
        vault: Vault,
        settings: SendingSettings,
        clock: Clock,
        counters: Counters,
    ) -> None:
        self._verifications = verifications
        self._texts = texts
        self._vault = vault
        self._clock = clock
        self._counters = counters
        self.outbox = outbox
        self.settings = settings

    async def open(self, entry: OutboxEntry) -> "OutgoingAttempt | None":
        """Return an attempt whose verification is pending and of which no report came; None for any other."""
        verification = await self._verifications.get(entry.subject_id)
        if verification is None or verification.status is not Status.PENDING:
            return None
        if self._clock() >= verification.expires_at:
            return None
        attempt = find_attempt(verification, entry.id)
        if attempt is None or attempt.status is not DeliveryStatus.QUEUED:
            return None  # a provider that refused it has sent a report all the same: it is over
        return OutgoingAttempt(self, entry, verification, attempt)

    async def withdraw(self, entry: OutboxEntry) -> None:
        """Record that the attempt is not sent, because its verification has ended."""
        await self.apply(entry, lambda before, now: send_results.withdraw(before, entry.id, now))

    async def note_lease_over(self, entry: OutboxEntry) -> None:
        """Record that it is unknown whether the attempt was sent; the reconciler then asks the provider."""
        delay = int(self.settings.reconcile_after * SECOND)
        update = OutboxUpdate(entry.id, OutboxState.UNKNOWN, delay)
        await self.apply(entry, lambda before, now: send_results.record_unknown(before, entry.id, now), update)

    def text_of(self, verification: Verification, attempt: Attempt) -> str:
        """Write the text; the same every time for the same attempt, so that the reconciler can recognise it."""
        return self._texts.write(
            verification.application_name,
            verification.locale,
            self._vault.unseal(verification.sealed_code or b"", verification.id).decode(),
            max(1, -(-(verification.expires_at - attempt.created_at) // _MINUTE)),
        )

    async def apply(self, entry: OutboxEntry, step: Step, update: OutboxUpdate | None = None) -> Change | None:
        """Change the verification and the entry in one transaction; without an update, the entry is removed.

        None if there is no such verification any more.
        """
        try:
            change = await self._verifications.apply(entry.subject_id, step, update=update or OutboxUpdate(entry.id))
        except Rejected:
            return None
        self._counters.change_committed(change)
        return change


class OutgoingAttempt:
    """Implements `gateway.outbox.dispatcher.Outgoing`."""

    def __init__(self, attempts: Attempts, entry: OutboxEntry, verification: Verification, attempt: Attempt) -> None:
        self._attempts = attempts
        self._verification = verification
        self._attempt = attempt
        self.entry = entry
        self.channel = attempt.channel
        self.number = verification.number
        self.provider = attempt.provider
        self.refused_by = attempt.refused_by

    def hand_over(self, account: ProviderAccount) -> Awaitable[str | None]:
        """Send the attempt's text or place its call at this provider."""
        verification, number = self._verification, self.number
        ref, addresses = AttemptRef(verification.id, self._attempt.token), account.addresses
        if self.channel is Channel.SMS:
            return account.provider.send_sms(
                Sms(
                    to=number.e164,
                    sender=account.text_senders.to(number),
                    body=self._attempts.text_of(verification, self._attempt),
                    status_callback=addresses.message_status_url(ref),
                )
            )
        return account.provider.place_call(
            Call(
                to=number.e164,
                caller=account.callers.to(number),
                answer_url=addresses.answer_url(ref),
                status_callback=addresses.call_status_url(ref),
                machine_callback=addresses.machine_url(ref) if self._detects_machines else None,
                ring_timeout=self._attempts.settings.ring_timeout,
                send_digits=None if verification.extension is None else dial_string(verification.extension),
            )
        )

    @property
    def _detects_machines(self) -> bool:
        """An office's phone system would be taken for a machine (Twilio: SendDigits switches the detection off)."""
        return self._attempts.settings.detect_machines and self._verification.extension is None

    def retry_delay(self, busy: ProviderBusy, *, others_left: bool) -> int | None:
        """Return the provider's delay (ms), a few times; fewer where another provider is left: a person waits."""
        tries = self._attempts.settings.busy_tries
        if others_left:
            tries = min(tries, 1 if isinstance(busy, ProviderUnreachable) else _BUSY_TRIES_BEFORE_ANOTHER)
        return int(busy.retry_after * SECOND) if self.entry.tries + 1 < tries else None

    async def note_sent(self, sid: str | None) -> None:
        """Record the provider's sid; a call whose verification has ended meanwhile is hung up."""
        attempt_id = self.entry.id
        update = OutboxUpdate(attempt_id, OutboxState.SETTLING, self._attempts.settings.patience(self.channel))
        change = await self._attempts.apply(
            self.entry, lambda before, now: send_results.record_sent(before, attempt_id, sid, now), update
        )
        after = None if change is None else find_attempt(change.verification, attempt_id)
        if change is not None and after is not None and send_results.is_unneeded(change.verification, after):
            await self._attempts.outbox.update(
                OutboxUpdate(attempt_id, OutboxState.HANGING_UP, only_from=OutboxState.SETTLING)
            )

    async def note_failed(self, failure: Failure) -> None:
        """Record the provider's refusal: the attempt has failed."""
        await self._attempts.apply(
            self.entry, lambda before, now: send_results.record_rejected(before, self.entry.id, failure, now)
        )

    async def note_uncertain(self) -> None:
        """Record that it is unknown whether the attempt was sent."""
        await self._attempts.note_lease_over(self.entry)

    async def reroute(self, provider: str, failure: Failure | None) -> OutboxEntry | None:
        """Queue the attempt for another provider; its verification stores the provider, and those that refused it."""
        entry = self.entry
        update = OutboxUpdate(entry.id, OutboxState.QUEUED, only_from=OutboxState.SENDING)
        change = await self._attempts.apply(
            entry, lambda before, now: send_results.reroute(before, entry.id, provider, failure, now), update
        )
        return None if change is None else msgspec.structs.replace(entry, tries=0)
