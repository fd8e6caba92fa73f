"""The outbox: hands committed sends to the provider, once, and settles those of which nobody knows what became."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable

import msgspec

from gateway.catalogs import Phrasebooks
from gateway.domain import sends
from gateway.domain.attempts import by_id
from gateway.domain.phone import dial_string
from gateway.domain.policy import SECOND
from gateway.domain.refusals import Refused
from gateway.domain.verification import Attempt, Channel, Failure, FailureCode, Status, Verification
from gateway.ports import (
    Call,
    Clock,
    DueSend,
    ListFilter,
    Provider,
    ProviderBusy,
    ProviderRefused,
    ProviderUncertain,
    SendMove,
    Sms,
    Stage,
    Step,
    Store,
    StoreUnavailable,
)
from gateway.vault import Vault
from twiml.messages import code_text
from webhooks.addresses import Addresses
from webhooks.events import AttemptRef

_MINUTE = 60 * SECOND

logger = logging.getLogger(__name__)


class Sending(msgspec.Struct, frozen=True):
    """How sends go out. Times are in seconds; `origin` is the site that codes in texts are bound to."""

    text_sender: str
    caller: str
    origin: str | None = None
    ring_timeout: int = 30
    detect_machines: bool = True
    concurrency: int = 32
    lease: float = 60.0
    busy_tries: int = 5
    reconcile_after: float = 30.0
    reconcile_for: float = 300.0


class Dispatcher:
    """Fills `gateway.ports.SendQueue`.

    A send is claimed in the store before the provider is called, so that no two processes and no restart repeat it.
    What the provider left open is `unknown`: it is asked later whether it knows the send, which is never sent again.
    """

    def __init__(
        self,
        store: Store,
        provider: Provider,
        vault: Vault,
        phrasebooks: Phrasebooks,
        addresses: Addresses,
        sending: Sending,
        clock: Clock,
    ) -> None:
        self._store = store
        self._provider = provider
        self._vault = vault
        self._phrasebooks = phrasebooks
        self._addresses = addresses
        self._sending = sending
        self._clock = clock
        self._queue: asyncio.Queue[DueSend] = asyncio.Queue()
        self._queued: set[str] = set()
        self._workers = [
            asyncio.create_task(self._work(), name=f"dispatch {number}") for number in range(sending.concurrency)
        ]

    @property
    def alive(self) -> bool:
        """Tell whether sends are being worked on."""
        return not any(worker.done() for worker in self._workers)

    def put(self, verification: Verification, attempt: Attempt) -> None:
        """See the port."""
        self.take_up(DueSend(attempt.id, verification.id, Stage.QUEUED, 0))

    def take_up(self, due: DueSend) -> None:
        """Work on a send soon, unless it is waiting already."""
        if due.attempt_id not in self._queued:
            self._queued.add(due.attempt_id)
            self._queue.put_nowait(due)

    async def close(self, grace: float) -> None:
        """Let sends under way finish for `grace` seconds; whatever is left is in the store."""
        while not self._queue.empty():
            self._queue.get_nowait()
            self._queue.task_done()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._queue.join(), grace)
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)

    async def _work(self) -> None:
        while True:
            due = await self._queue.get()
            try:
                await self._act(due)
            except StoreUnavailable as error:
                logger.warning("a send waits for the store: %s", error)
            except Exception:
                logger.exception("a send failed in a way that was not foreseen")
            finally:
                self._queued.discard(due.attempt_id)
                self._queue.task_done()

    async def _act(self, due: DueSend) -> None:
        if due.stage is Stage.QUEUED:
            await self._send(due)
        elif due.stage is Stage.SENDING:  # its lease is over: whoever held it is gone, perhaps in mid-send
            await self._note_unknown(due)
        else:
            await self._reconcile(due)

    async def _send(self, due: DueSend) -> None:
        if not await self._store.claim(due.attempt_id, int(self._sending.lease * SECOND)):
            return
        verification, attempt = self._open(due)
        if verification is None or attempt is None:
            await self._apply(due, lambda kept, now: sends.withdrawn(kept, due.attempt_id, now), None)
            return
        try:
            sid = await self._hand_over(verification, attempt)
        except ProviderRefused as refusal:
            await self._fail(due, Failure(refusal.failure, refusal.detail, refusal.provider_code))
        except ProviderBusy as busy:
            await self._send_later(due, busy)
        except ProviderUncertain as error:
            logger.warning("the provider left it open whether %s was sent: %s", due.attempt_id, error.detail)
            await self._note_unknown(due)
        else:
            await self._note_sent(due, sid)

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
                    body=self._text(verification, attempt),
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

    def _text(self, verification: Verification, attempt: Attempt) -> str:
        """Write the text; the same every time for the same attempt, so that the reconciler can recognise it."""
        return code_text(
            self._phrasebooks.for_locale(verification.locale),
            application=verification.application_name,
            code=self._vault.unseal(verification.sealed_code or b"", verification.id).decode(),
            minutes=max(1, -(-(verification.expires_at - attempt.created_at) // _MINUTE)),
            origin=self._sending.origin,
        )

    async def _send_later(self, due: DueSend, busy: ProviderBusy) -> None:
        if due.tries + 1 >= self._sending.busy_tries:
            await self._fail(due, Failure(FailureCode.PROVIDER_UNAVAILABLE, busy.detail))
        else:
            await self._store.move_send(SendMove(due.attempt_id, Stage.QUEUED, int(busy.retry_after * SECOND)))

    async def _reconcile(self, due: DueSend) -> None:
        """Ask the provider for a send of which nobody knows what became."""
        verification, attempt = self._open(due)
        if verification is None or attempt is None or attempt.provider_sid:
            await self._store.move_send(SendMove(due.attempt_id))
            return
        try:
            sids = await self._candidates(verification, attempt)
        except (ProviderRefused, ProviderBusy, ProviderUncertain) as error:
            logger.warning("the provider could not be asked about %s: %s", due.attempt_id, error)
            sids = None
        over = self._clock() >= attempt.created_at + int(self._sending.reconcile_for * SECOND)
        if sids and len(sids) == 1:
            await self._note_sent(due, sids[0])
        elif over and sids is not None:
            await self._apply(due, lambda kept, now: sends.never_arrived(kept, due.attempt_id, now), None)
        else:
            await self._store.move_send(SendMove(due.attempt_id, Stage.UNKNOWN, self._reconcile_delay))

    async def _candidates(self, verification: Verification, attempt: Attempt) -> list[str]:
        """List the provider's sends that can only be this attempt: ours in every detail, and no other attempt's."""
        to, since = verification.number.e164, attempt.created_at - _MINUTE
        if attempt.channel is Channel.SMS:
            body = self._text(verification, attempt)
            found = [sms for sms in await self._provider.find_sms(to, since) if sms.body == body]
        else:
            found = [call for call in await self._provider.find_calls(to, since) if call.sender == self._sending.caller]
        narrow = ListFilter(number=verification.number, limit=100)
        page = await self._store.list_verifications(verification.application_id, narrow)
        taken = {attempt.provider_sid for kept in page.verifications for attempt in kept.attempts}
        return [send.sid for send in found if send.sid not in taken]

    @property
    def _reconcile_delay(self) -> int:
        return int(self._sending.reconcile_after * SECOND)

    async def _note_sent(self, due: DueSend, sid: str) -> None:
        await self._apply(due, lambda kept, now: sends.sent(kept, due.attempt_id, sid, now), None)

    async def _note_unknown(self, due: DueSend) -> None:
        await self._apply(due, lambda kept, now: sends.uncertain(kept, due.attempt_id, now), Stage.UNKNOWN)

    async def _fail(self, due: DueSend, failure: Failure) -> None:
        await self._apply(due, lambda kept, now: sends.refused(kept, due.attempt_id, failure, now), None)

    async def _apply(self, due: DueSend, step: Step, stage: Stage | None) -> None:
        move = SendMove(due.attempt_id, stage, self._reconcile_delay)
        with contextlib.suppress(Refused):
            await self._store.apply(due.verification_id, step, send=move)
