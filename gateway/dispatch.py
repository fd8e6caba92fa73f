"""The outbox: hands committed sends to the provider, once."""

import logging
from collections.abc import Awaitable

import msgspec

from gateway.clock import Clock
from gateway.crew import Crew
from gateway.domain import send_results
from gateway.domain.attempts import find_attempt
from gateway.domain.delivery import DeliveryStatus
from gateway.domain.errors import Rejected
from gateway.domain.inbound_sms import OPTED_OUT, STOPPED
from gateway.domain.limits import SECOND
from gateway.domain.phone_number import PhoneNumber, dial_string
from gateway.domain.routing import RejectionScope
from gateway.domain.verification import Attempt, Change, Channel, Failure, FailureCode, Status, Verification
from gateway.outbox_ports import DueSend, Sending, SendMove, Stage
from gateway.providers.base import Call, ProviderBusy, ProviderRefused, ProviderUncertain, ProviderUnreachable, Sms
from gateway.roster import Account, Roster
from gateway.security.vault import Vault
from gateway.services.code_texts import CodeTexts
from gateway.services.counters import Counters
from gateway.stores.store import Store
from gateway.stores.suppressions import OptOutReason, SuppressionStore
from gateway.stores.verifications import Step
from webhooks.events import AttemptRef

_MINUTE = 60 * SECOND
_BUSY_TRIES_BEFORE_ANOTHER = 2
_NOBODY_LEFT = Failure(FailureCode.PROVIDER_UNAVAILABLE, "The provider of this send is not in the settings any more.")

logger = logging.getLogger(__name__)


class Dispatcher:
    """Fills `gateway.ports.SendQueue`.

    A send is claimed in the store before the provider is called, so that no two processes and no restart repeat it.
    What the provider left open is `unknown`: it is never sent again, and the reconciler asks what became of it. Only a
    send that nobody took, as its provider said no for its own sake, was not reached or rests, is handed to the next one
    of its route; that is kept before the next one is asked, so that whoever takes it up later knows who has said no.
    Who wants no texts or calls is looked up here, behind the claim and before the provider is called: it is the last
    moment, so a stop also holds for what was created before it and waited, and the only place that knows which sender
    is used. A stop that is younger than the look is the provider's to heed, who heard it first and teaches us with its
    no.
    """

    def __init__(
        self,
        store: Store,
        suppressions: SuppressionStore,
        roster: Roster,
        vault: Vault,
        texts: CodeTexts,
        sending: Sending,
        clock: Clock,
        counters: Counters,
    ) -> None:
        self._store = store
        self._suppressions = suppressions
        self._roster = roster
        self._vault = vault
        self._texts = texts
        self._sending = sending
        self._clock = clock
        self._counters = counters
        self._crew = Crew("a send", sending.concurrency, self._act, logger)

    @property
    def alive(self) -> bool:
        """Tell whether sends are being worked on."""
        return self._crew.alive

    @property
    def in_hand(self) -> int:
        """Return how many sends wait here or are being handed over."""
        return self._crew.taken

    def put(self, verification: Verification, attempt: Attempt) -> None:
        """Send this attempt soon."""
        self.take_up(DueSend(attempt.id, verification.id, Stage.QUEUED, 0))

    def take_up(self, due: DueSend) -> None:
        """Work on a send soon, unless it is waiting already."""
        self._crew.take_up(due)

    async def close(self, grace: float) -> None:
        """Let sends under way finish for `grace` seconds; whatever is left is in the store."""
        await self._crew.close(grace)

    async def _act(self, due: DueSend) -> None:
        if due.stage is Stage.QUEUED:
            while await self._send(due):
                due = msgspec.structs.replace(due, tries=0)
        else:  # its lease is over: whoever held it is gone, perhaps in mid-send
            await self._note_unknown(due)

    async def _send(self, due: DueSend) -> bool:
        """Send once, if it is ours to send. True if it went to another provider instead, and is queued again.

        Behind the end of its lease it is not sent: by then others may have noted it as unknown, or as never sent.
        """
        lease = int(self._sending.lease * SECOND)
        over_at = self._clock() + lease
        if not await self._store.outbox.claim(due.attempt_id, lease):
            return False
        verification, attempt = await self._open(due)
        if verification is None or attempt is None:
            if self._clock() < over_at:
                await self._apply(due, lambda kept, now: send_results.withdraw(kept, due.attempt_id, now))
            return False
        account = self._roster.now_for(attempt, verification.number)
        if account is not None and account.name == attempt.provider:
            if unwanted := await self._unwanted(account, attempt.channel, verification.number):
                return await self._fail(due, unwanted)
            account = self._roster.now_for(attempt, verification.number)  # anew: of many who looked, only one may probe
        if account is None:
            return await self._fail(due, _NOBODY_LEFT)
        if account.name != attempt.provider:
            return await self._reroute(due, account.name, None)
        return self._clock() < over_at and await self._send_by(account, due, verification, attempt)

    async def _unwanted(self, account: Account, channel: Channel, number: PhoneNumber) -> Failure | None:
        if channel is Channel.CALL:
            return STOPPED if await self._suppressions.suppressed(number) else None
        return OPTED_OUT if await self._suppressions.opted_out(number, account.text_senders.to(number)) else None

    async def _send_by(self, account: Account, due: DueSend, verification: Verification, attempt: Attempt) -> bool:
        self._roster.asked(account.name)
        try:
            sid = await self._hand_over(account, verification, attempt)
        except ProviderRefused as refusal:
            return await self._note_refused(due, account, verification, attempt, refusal)
        except ProviderBusy as busy:
            return await self._note_busy(due, verification, attempt, busy)
        except ProviderUncertain as error:
            self._roster.failed(account.name)
            logger.warning("the provider left it open whether %s was sent: %s", due.attempt_id, error.detail)
            await self._note_unknown(due)
        else:
            self._roster.worked(account.name)
            await self._note_sent(due, attempt, sid)
        return False

    async def _open(self, due: DueSend) -> tuple[Verification, Attempt] | tuple[None, None]:
        """Return the verification and the attempt if there is still a reason to send."""
        verification = await self._store.verifications.get(due.verification_id)
        if verification is None or verification.status is not Status.PENDING:
            return None, None
        if self._clock() >= verification.expires_at:
            return None, None
        attempt = find_attempt(verification, due.attempt_id)
        if attempt is None or attempt.status is not DeliveryStatus.QUEUED:
            return None, None  # a provider that said no has reported on it all the same: whatever that was, it is over
        return verification, attempt

    def _hand_over(self, account: Account, verification: Verification, attempt: Attempt) -> Awaitable[str | None]:
        ref, addresses = AttemptRef(verification.id, attempt.token), account.addresses
        if attempt.channel is Channel.SMS:
            return account.provider.send_sms(
                Sms(
                    to=verification.number.e164,
                    sender=account.text_senders.to(verification.number),
                    body=self.text_of(verification, attempt),
                    status_callback=addresses.message_status_url(ref),
                )
            )
        return account.provider.place_call(
            Call(
                to=verification.number.e164,
                caller=account.callers.to(verification.number),
                answer_url=addresses.answer_url(ref),
                status_callback=addresses.call_status_url(ref),
                machine_callback=addresses.machine_url(ref) if self._listens_for_machines(verification) else None,
                ring_timeout=self._sending.ring_timeout,
                send_digits=None if verification.extension is None else dial_string(verification.extension),
            )
        )

    def _listens_for_machines(self, verification: Verification) -> bool:
        """An office's phone system would be taken for a machine (Twilio: SendDigits switches the detection off)."""
        return self._sending.detect_machines and verification.extension is None

    def text_of(self, verification: Verification, attempt: Attempt) -> str:
        """Write the text; the same every time for the same attempt, so that the reconciler can recognise it."""
        return self._texts.write(
            verification.application_name,
            verification.locale,
            self._vault.unseal(verification.sealed_code or b"", verification.id).decode(),
            max(1, -(-(verification.expires_at - attempt.created_at) // _MINUTE)),
        )

    async def _note_refused(
        self, due: DueSend, account: Account, verification: Verification, attempt: Attempt, refusal: ProviderRefused
    ) -> bool:
        number = verification.number
        if attempt.channel is Channel.SMS and refusal.failure is FailureCode.OPTED_OUT:
            await self._suppressions.opt_out(number, (account.text_senders.to(number),), OptOutReason.PROVIDER)
        self._roster.refused(account.name, refusal.fault)
        failure = Failure(refusal.failure, refusal.detail, refusal.provider_code)
        if refusal.fault is RejectionScope.NUMBER:
            return await self._fail(due, failure)
        return await self._move_on(due, verification, attempt, failure)

    async def _note_busy(self, due: DueSend, verification: Verification, attempt: Attempt, busy: ProviderBusy) -> bool:
        """Nothing was sent: try again later, or, where there is another provider, soon there."""
        unreachable = isinstance(busy, ProviderUnreachable)
        tries = self._sending.busy_tries
        if self._roster.next_for(attempt, verification.number) is not None:
            tries = min(tries, 1 if unreachable else _BUSY_TRIES_BEFORE_ANOTHER)
        given_up = due.tries + 1 >= tries
        if unreachable or given_up:
            self._roster.failed(attempt.provider)
        if given_up:
            failure = Failure(FailureCode.PROVIDER_UNAVAILABLE, busy.detail)
            return await self._move_on(due, verification, attempt, failure)
        delay = int(busy.retry_after * SECOND)
        # Behind the end of its lease others may have noted it as unknown: then it stays that.
        await self._store.outbox.move(
            SendMove(due.attempt_id, Stage.QUEUED, delay, due.tries + 1, moves_only=Stage.SENDING)
        )
        return False

    async def _move_on(self, due: DueSend, verification: Verification, attempt: Attempt, failure: Failure) -> bool:
        """Hand a send that its provider has not taken to the next one; if all have said no, it has failed."""
        to = self._roster.next_for(attempt, verification.number)
        return await self._fail(due, failure) if to is None else await self._reroute(due, to, failure)

    async def _reroute(self, due: DueSend, to: str, failure: Failure | None) -> bool:
        move = SendMove(due.attempt_id, Stage.QUEUED, moves_only=Stage.SENDING)
        change = await self._apply(
            due, lambda kept, now: send_results.reroute(kept, due.attempt_id, to, failure, now), move
        )
        return change is not None

    async def _note_sent(self, due: DueSend, attempt: Attempt, sid: str | None) -> None:
        move = SendMove(due.attempt_id, Stage.SETTLING, self._sending.patience(attempt.channel))
        change = await self._apply(
            due, lambda kept, now: send_results.record_sent(kept, due.attempt_id, sid, now), move
        )
        after = None if change is None else find_attempt(change.verification, due.attempt_id)
        if change is not None and after is not None and send_results.is_unneeded(change.verification, after):
            await self._store.outbox.move(SendMove(due.attempt_id, Stage.HANGING_UP))

    async def _note_unknown(self, due: DueSend) -> None:
        move = SendMove(due.attempt_id, Stage.UNKNOWN, int(self._sending.reconcile_after * SECOND))
        await self._apply(due, lambda kept, now: send_results.record_unknown(kept, due.attempt_id, now), move)

    async def _fail(self, due: DueSend, failure: Failure) -> bool:
        await self._apply(due, lambda kept, now: send_results.record_rejected(kept, due.attempt_id, failure, now))
        return False

    async def _apply(self, due: DueSend, step: Step, move: SendMove | None = None) -> Change | None:
        """Change the verification and move the send; without a move, it is done. None if there is no such any more."""
        try:
            change = await self._store.verifications.apply(
                due.verification_id, step, send=move or SendMove(due.attempt_id)
            )
        except Rejected:
            return None
        self._counters.kept(change)
        return change
