"""The notifications in the outbox: texts to a person about changes of their record, so that none goes unseen."""

import logging
from collections.abc import Awaitable

import msgspec

from gateway.clock import Clock
from gateway.domain.applications import Applications
from gateway.domain.limits import DAY, SECOND
from gateway.domain.outbox import NotificationContent, OutboxEntry, OutboxState, OutboxUpdate
from gateway.domain.verification import Channel, Failure
from gateway.outbox.provider_pool import ProviderAccount, ProviderPool
from gateway.providers.base import ProviderBusy, Sms
from gateway.services.phrasebooks import Phrasebooks
from gateway.stores.outbox import OutboxStore
from twiml.sms import notification_text

_SHORTEST_DELAY = 120 * SECOND  # longer than the longest wait that a provider asks for
_LONGEST_DELAY = 3_600 * SECOND

logger = logging.getLogger(__name__)


class Notifications:
    """Implements `gateway.outbox.dispatcher.Contents`.

    A notification is removed when it is sent, refused, in doubt or older than a day. Its delivery is not tracked, so it
    has no callbacks. Only one that a provider was too busy for, or could not be reached for, is sent later.

    Args:
        outbox: The entries.
        providers: The providers, one of which each notification goes to.
        applications: Whose names and contacts the texts have.
        phrasebooks: The languages of the texts.
        clock: The store's time.
    """

    def __init__(
        self,
        outbox: OutboxStore,
        providers: ProviderPool,
        applications: Applications,
        phrasebooks: Phrasebooks,
        clock: Clock,
    ) -> None:
        self._providers = providers
        self._applications = applications
        self._phrasebooks = phrasebooks
        self.outbox = outbox
        self.clock = clock

    async def open(self, entry: OutboxEntry) -> "OutgoingNotification | None":
        """Return a notification that is younger than a day and whose person has a record; None for any other."""
        if self.clock() - entry.created_at > DAY:
            logger.warning("the notification %s is dropped unsent: it is older than a day", entry.id)
            return None
        notification = await self.outbox.notification(entry.id)
        if notification is None:
            return None
        provider = self._providers.next_provider(Channel.SMS, notification.number, entry.refused_by)
        return None if provider is None else OutgoingNotification(self, entry, notification, provider)

    async def withdraw(self, entry: OutboxEntry) -> None:
        """Remove the notification."""
        await self.outbox.update(OutboxUpdate(entry.id, only_from=OutboxState.SENDING))

    async def note_lease_over(self, entry: OutboxEntry) -> None:
        """Remove the notification: it may have been sent."""
        logger.warning("unknown whether the notification %s was sent: its lease is over", entry.id)
        await self.withdraw(entry)

    def text_of(self, notification: NotificationContent) -> str:
        """Write the text."""
        brand = self._applications.branding(notification.application_name)
        return notification_text(
            self._phrasebooks.for_locale(notification.locale),
            notification.kind.value,
            application=notification.application_name,
            support=brand.support_phone or brand.support_url or brand.support_email or None,
        )


class OutgoingNotification:
    """Implements `gateway.outbox.dispatcher.Outgoing`."""

    channel = Channel.SMS

    def __init__(
        self, notifications: Notifications, entry: OutboxEntry, notification: NotificationContent, provider: str
    ) -> None:
        self._notifications = notifications
        self._notification = notification
        self.entry = entry
        self.number = notification.number
        self.provider = provider
        self.refused_by = entry.refused_by

    def hand_over(self, account: ProviderAccount) -> Awaitable[str | None]:
        """Send the notification's text at this provider."""
        sender = account.text_senders.to(self.number)
        text = self._notifications.text_of(self._notification)
        return account.provider.send_sms(Sms(self.number.e164, sender, text))

    def retry_delay(self, busy: ProviderBusy, *, others_left: bool) -> int | None:  # noqa: ARG002 - nobody waits for it
        """Return the notification's age (ms), up to an hour, so that tries grow rarer."""
        logger.info("the notification %s is sent later: %s", self.entry.id, busy.detail)
        age = self._notifications.clock() - self.entry.created_at
        return min(max(age, _SHORTEST_DELAY), _LONGEST_DELAY)

    async def note_sent(self, sid: str | None) -> None:  # noqa: ARG002 - nobody asks about it later
        """Remove the notification, which was sent."""
        await self._notifications.withdraw(self.entry)

    async def note_failed(self, failure: Failure) -> None:
        """Log the provider's refusal and remove the notification."""
        logger.warning("the notification %s was refused: %s", self.entry.id, failure.detail)
        await self._notifications.withdraw(self.entry)

    async def note_uncertain(self) -> None:
        """Remove the notification: it may have been sent."""
        await self._notifications.withdraw(self.entry)

    async def reroute(self, provider: str, failure: Failure | None) -> OutboxEntry | None:
        """Queue it for another provider. Refusals are not stored: another process starts with the first provider."""
        entry = self.entry
        await self._notifications.outbox.update(
            OutboxUpdate(entry.id, OutboxState.QUEUED, only_from=OutboxState.SENDING)
        )
        if failure is None:
            return entry
        logger.info("the notification %s goes to the provider %s: %s", entry.id, provider, failure.detail)
        return msgspec.structs.replace(entry, refused_by=(*entry.refused_by, self.provider))
