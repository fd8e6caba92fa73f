"""The outbox: hands committed sends to the provider, once."""

import logging
from collections.abc import Awaitable

from gateway.code_texts import CodeTexts
from gateway.crew import Crew
from gateway.domain import sends
from gateway.domain.attempts import by_id
from gateway.domain.phone import dial_string
from gateway.domain.policy import SECOND
from gateway.domain.refusals import Refused
from gateway.domain.replies import OPTED_OUT
from gateway.domain.verification import Attempt, Change, Channel, Failure, FailureCode, Status, Verification
from gateway.outbox_ports import DueSend, Sending, SendMove, Stage
from gateway.ports import (
    Call,
    Clock,
    Provider,
    ProviderBusy,
    ProviderRefused,
    ProviderUncertain,
    Sms,
    Step,
    Store,
)
from gateway.reply_ports import OptOutReason, OptOuts
from gateway.vault import Vault
from webhooks.addresses import Addresses
from webhooks.events import AttemptRef

_MINUTE = 60 * SECOND

logger = logging.getLogger(__name__)


class Dispatcher:
    """Fills `gateway.ports.SendQueue`.

    A send is claimed in the store before the provider is called, so that no two processes and no restart repeat it.
    What the provider left open is `unknown`: it is never sent again, and the reconciler asks what became of it.
    Who wants no texts is looked up here, behind the claim and before the provider is called: it is the last moment, so
    a stop also holds for what was created before it and waited, and the only place that knows which sender is used. A
    stop that is younger than the look is the provider's to heed, who heard it first and teaches us with its no.
    """

    def __init__(
        self,
        store: Store,
        opt_outs: OptOuts,
        provider: Provider,
        vault: Vault,
        texts: CodeTexts,
        addresses: Addresses,
        sending: Sending,
        clock: Clock,
    ) -> None:
        self._store = store
        self._opt_outs = opt_outs
        self._provider = provider
        self._vault = vault
        self._texts = texts
        self._addresses = addresses
        self._sending = sending
        self._clock = clock
        self._crew = Crew("a send", sending.concurrency, self._act, logger)

    @property
    def alive(self) -> bool:
        """Tell whether sends are being worked on."""
        return self._crew.alive

    def put(self, verification: Verification, attempt: Attempt) -> None:
        """See the port."""
        self.take_up(DueSend(attempt.id, verification.id, Stage.QUEUED, 0))

    def take_up(self, due: DueSend) -> None:
        """Work on a send soon, unless it is waiting already."""
        self._crew.take_up(due)

    async def close(self, grace: float) -> None:
        """Let sends under way finish for `grace` seconds; whatever is left is in the store."""
        await self._crew.close(grace)

    async def _act(self, due: DueSend) -> None:
        if due.stage is Stage.QUEUED:
            await self._send(due)
        else:  # its lease is over: whoever held it is gone, perhaps in mid-send
            await self._note_unknown(due)

    async def _send(self, due: DueSend) -> None:
        if not await self._store.claim(due.attempt_id, int(self._sending.lease * SECOND)):
            return
        verification, attempt = self._open(due)
        if verification is None or attempt is None:
            await self._apply(due, lambda kept, now: sends.withdrawn(kept, due.attempt_id, now))
            return
        texted = attempt.channel is Channel.SMS
        if texted and self._opt_outs.opted_out(verification.number, self._sending.text_sender):
            await self._fail(due, OPTED_OUT)
            return
        try:
            sid = await self._hand_over(verification, attempt)
        except ProviderRefused as refusal:
            if texted and refusal.failure is FailureCode.OPTED_OUT:
                senders = (self._sending.text_sender,)
                await self._opt_outs.opt_out(verification.number, senders, OptOutReason.PROVIDER)
            await self._fail(due, Failure(refusal.failure, refusal.detail, refusal.provider_code))
        except ProviderBusy as busy:
            await self._send_later(due, busy)
        except ProviderUncertain as error:
            logger.warning("the provider left it open whether %s was sent: %s", due.attempt_id, error.detail)
            await self._note_unknown(due)
        else:
            await self._note_sent(due, attempt, sid)

    def _open(self, due: DueSend) -> tuple[Verification, Attempt] | tuple[None, None]:
        """Return the verification and the attempt if there is still a reason to send."""
        verification = self._store.get(due.verification_id)
        if verification is None or verification.status is not Status.PENDING:
            return None, None
        if self._clock() >= verification.expires_at:
            return None, None
        attempt = by_id(verification, due.attempt_id)
        return (verification, attempt) if attempt else (None, None)

    def _hand_over(self, verification: Verification, attempt: Attempt) -> Awaitable[str]:
        ref = AttemptRef(verification.id, attempt.token)
        if attempt.channel is Channel.SMS:
            return self._provider.send_sms(
                Sms(
                    to=verification.number.e164,
                    sender=self._sending.text_sender,
                    body=self.text_of(verification, attempt),
                    status_callback=self._addresses.message_status_url(ref),
                )
            )
        return self._provider.place_call(
            Call(
                to=verification.number.e164,
                caller=self._sending.caller,
                answer_url=self._addresses.answer_url(ref),
                status_callback=self._addresses.call_status_url(ref),
                machine_callback=self._addresses.machine_url(ref) if self._listens_for_machines(verification) else None,
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

    async def _send_later(self, due: DueSend, busy: ProviderBusy) -> None:
        if due.tries + 1 >= self._sending.busy_tries:
            await self._fail(due, Failure(FailureCode.PROVIDER_UNAVAILABLE, busy.detail))
        else:
            delay = int(busy.retry_after * SECOND)
            await self._store.move_send(SendMove(due.attempt_id, Stage.QUEUED, delay, due.tries + 1))

    async def _note_sent(self, due: DueSend, attempt: Attempt, sid: str) -> None:
        move = SendMove(due.attempt_id, Stage.SETTLING, self._sending.patience(attempt.channel))
        change = await self._apply(due, lambda kept, now: sends.sent(kept, due.attempt_id, sid, now), move)
        after = None if change is None else by_id(change.verification, due.attempt_id)
        if change is not None and after is not None and sends.is_needless(change.verification, after):
            await self._store.move_send(SendMove(due.attempt_id, Stage.HANGING_UP))

    async def _note_unknown(self, due: DueSend) -> None:
        move = SendMove(due.attempt_id, Stage.UNKNOWN, int(self._sending.reconcile_after * SECOND))
        await self._apply(due, lambda kept, now: sends.uncertain(kept, due.attempt_id, now), move)

    async def _fail(self, due: DueSend, failure: Failure) -> None:
        await self._apply(due, lambda kept, now: sends.refused(kept, due.attempt_id, failure, now))

    async def _apply(self, due: DueSend, step: Step, move: SendMove | None = None) -> Change | None:
        """Change the verification and move the send; without a move, it is done. None if there is no such any more."""
        try:
            return await self._store.apply(due.verification_id, step, send=move or SendMove(due.attempt_id))
        except Refused:
            return None
