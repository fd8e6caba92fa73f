"""The notices' journey: a person is told by text of changes of their record, so that no thief makes one unseen."""

import asyncio
import logging

from gateway.clock import Clock
from gateway.domain.applications import Applications
from gateway.domain.errors import StoreUnavailable
from gateway.domain.limits import DAY, SECOND
from gateway.domain.routing import RejectionScope
from gateway.domain.verification import FailureCode
from gateway.providers.base import ProviderBusy, ProviderRefused, ProviderUncertain, ProviderUnreachable, Sms
from gateway.roster import Account, Roster
from gateway.services.phrasebooks import Phrasebooks
from gateway.stores.outbox import DueNotice, OutboxStore
from gateway.stores.suppressions import OptOutReason, SuppressionStore
from twiml.sms import notification_text

_TICK = 0.25
_CONCURRENCY = 4
_LONGEST_SEND = 60 * SECOND  # the longest total_timeout of a provider
_SHORTEST_LEASE = 120 * SECOND  # longer than the longest send and the longest wait that a provider asks for together
_LONGEST_LEASE = 3_600 * SECOND

logger = logging.getLogger(__name__)


class Notices:
    """Looks at the store four times a second and sends a few of the notices that are due.

    There is a pause after each few, so that many notices leave the provider's rate to verifications. A notice is taken
    with a lease and leaves the store when it is sent, refused, uncertain or older than a day. Only one that the
    provider was too busy for is tried again, once its lease is over. A process that ends between the send and the drop
    leaves a notice behind that is sent once more.

    After a no for the provider's own sake the next one of the route is asked at once, or, if the lease covers no other
    send, later. Who has said no is not kept: a notice that is taken up again begins anew.
    """

    def __init__(
        self,
        outbox: OutboxStore,
        suppressions: SuppressionStore,
        roster: Roster,
        applications: Applications,
        phrasebooks: Phrasebooks,
        *,
        clock: Clock,
    ) -> None:
        self._outbox = outbox
        self._suppressions = suppressions
        self._roster = roster
        self._applications = applications
        self._phrasebooks = phrasebooks
        self._clock = clock
        self._settled: set[str] = set()  # sent, or never to be, but the store could not drop them yet
        self._stopping = asyncio.Event()
        self._task = asyncio.create_task(self._work(), name="notices")

    @property
    def alive(self) -> bool:
        """Tell whether notices are being sent."""
        return not self._task.done()

    async def close(self, grace: float) -> None:
        """Let notices under way finish for `grace` seconds; whatever is left is in the store."""
        self._stopping.set()
        await asyncio.wait([self._task], timeout=grace)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                due = await self._outbox.due_notices(_CONCURRENCY)
                await asyncio.gather(*(self._take_up(notice) for notice in due))
            except StoreUnavailable as error:
                logger.warning("notices wait for the store: %s", error)
            except Exception:
                logger.exception("the notices could not be looked at in a way that was not foreseen")
            await self._pause()

    async def _pause(self) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), _TICK)
        except TimeoutError:
            return

    async def _take_up(self, due: DueNotice) -> None:
        """Act on one notice; what goes wrong with it harms no other."""
        try:
            await self._act(due)
        except StoreUnavailable as error:
            logger.warning("the notice %s waits for the store: %s", due.id, error)
        except Exception:
            logger.exception("the notice %s failed in a way that was not foreseen", due.id)

    async def _act(self, due: DueNotice) -> None:
        now = self._clock()
        age = now - due.created_at
        if due.id in self._settled:
            await self._drop(due)
        elif age > DAY:
            logger.warning("the notice %s is dropped unsent: it is older than a day", due.id)
            await self._drop(due)
        elif await self._outbox.claim_notice(due.id, lease := _lease(age)):
            await self._send(due, now + lease)

    async def _send(self, due: DueNotice, over_at: int) -> None:
        """Ask one provider after the other, while each says no for its own sake and the lease covers one more send."""
        number = due.notice.number
        refused_by: list[str] = []
        while account := self._roster.for_text(number, refused_by):
            try:
                await self._send_by(account, due)
            except ProviderBusy as busy:
                logger.info("the notice %s is sent later: %s", due.id, busy.detail)
                return
            except ProviderUncertain as error:
                logger.warning("the provider left it open whether the notice %s was sent: %s", due.id, error.detail)
            except ProviderRefused as refusal:
                refused_by.append(account.name)
                if refusal.fault is not RejectionScope.NUMBER and self._roster.for_text(number, refused_by):
                    logger.info("the notice %s goes to another provider: %s", due.id, refusal.detail)
                    if self._clock() + _LONGEST_SEND <= over_at:
                        continue
                    return  # what is left of the lease covers no other send: it begins anew
                logger.warning("the notice %s was refused: %s", due.id, refusal.detail)
            break
        await self._drop(due)

    async def _send_by(self, account: Account, due: DueNotice) -> None:
        """Hand a notice to a provider, unless its number wants no texts from there; raises as the provider does."""
        number, sender = due.notice.number, account.text_senders.to(due.notice.number)
        self._roster.asked(account.name)  # before anything is waited for: of many who looked, only one may probe
        if await self._suppressions.opted_out(number, sender):
            logger.info("the notice %s is dropped unsent: its number wants no texts of ours", due.id)
            return
        try:
            await account.provider.send_sms(Sms(number.e164, sender, self._text(due)))
        except ProviderRefused as refusal:
            self._roster.refused(account.name, refusal.fault)
            if refusal.failure is FailureCode.OPTED_OUT:
                await self._suppressions.opt_out(number, (sender,), OptOutReason.PROVIDER)
            raise
        except (ProviderUnreachable, ProviderUncertain):
            self._roster.failed(account.name)
            raise
        self._roster.worked(account.name)

    async def _drop(self, due: DueNotice) -> None:
        self._settled.add(due.id)
        await self._outbox.drop_notice(due.id)
        self._settled.discard(due.id)

    def _text(self, due: DueNotice) -> str:
        brand = self._applications.branding(due.application_name)
        return notification_text(
            self._phrasebooks.for_locale(due.enrollment.locale),
            due.notice.kind.value,
            application=due.application_name,
            support=brand.support_phone or brand.support_url or brand.support_email or None,
        )


def _lease(age: int) -> int:
    """Return for how long (ms) to take a notice of this age: about twice as long each time, up to an hour."""
    return min(max(age, _SHORTEST_LEASE), _LONGEST_LEASE)
