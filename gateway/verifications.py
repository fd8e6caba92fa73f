"""The integrator's journeys: create, check, resend, cancel, show, wait, list, events."""

import asyncio
from collections.abc import AsyncIterator, Mapping

import msgspec

from gateway.domain import code
from gateway.domain.enrollment import Phone, PhoneKind
from gateway.domain.journal import KeptEntry
from gateway.domain.phone import PhoneNumber
from gateway.domain.policy import Limits, Tally
from gateway.domain.refusals import RefusalCode, Refused
from gateway.domain.requests import NewAttempt, Start, canceled, code_checked, created, resent
from gateway.domain.verification import Change, Channel, Mode, Status, Verification
from gateway.ports import Application, ListFilter, NewCode, NewId, NewToken, Page, Receipt, Replay, SendQueue, Store
from gateway.vault import Vault


class Wish(msgspec.Struct, frozen=True):
    """What an integrator asks for."""

    number: PhoneNumber
    channel: Channel
    mode: Mode | None
    locale: str
    enrollment_id: str | None = None
    metadata: Mapping[str, str] = {}


class Verifications:
    """One journey per method; each raises Refused for what it will not do, StoreUnavailable when nothing is kept."""

    def __init__(
        self,
        store: Store,
        vault: Vault,
        sends: SendQueue,
        limits: Limits,
        *,
        provider: str,
        new_id: NewId,
        new_token: NewToken,
        new_code: NewCode,
    ) -> None:
        self._store = store
        self._vault = vault
        self._sends = sends
        self._limits = limits
        self._provider = provider
        self._new_id = new_id
        self._new_token = new_token
        self._new_code = new_code
        self._stopping = False

    async def create(self, application: Application, wish: Wish, receipt: Receipt | None) -> Verification | Replay:
        """Begin a verification; its send is kept with it and goes out after the commit."""
        verification_id = self._new_id("ver")
        secret = self._new_code(self._limits.code_length)
        start = Start(
            id=verification_id,
            application_id=application.id,
            application_name=application.name,
            number=wish.number,
            channel=wish.channel,
            mode=wish.mode,
            locale=wish.locale,
            enrollment_id=wish.enrollment_id,
            metadata=wish.metadata,
            code_digest=self._vault.code_digest(verification_id, secret),
            sealed_code=self._vault.seal(secret, verification_id),
        )
        attempt = self._attempt(wish.channel, wish.mode)
        phone = wish.enrollment_id and Phone(self._new_id("phn"), PhoneKind.AUTHENTICATION, wish.number)
        change = await self._store.create(
            verification_id,
            wish.number,
            lambda tally, now: created(start, attempt, tally, now, self._limits),
            receipt=receipt,
            phone=phone or None,
        )
        return self._handed_over(change)

    async def check(self, application: Application, verification_id: str, typed: str) -> tuple[Verification, bool]:
        """Judge a code. The flag tells whether it was right; a malformed one is refused and burns nothing."""
        guess = code.normalize(typed, self._limits.code_length)
        if guess is None:
            detail = f"A code is {self._limits.code_length} digits; spaces and hyphens do not matter."
            raise Refused(RefusalCode.CODE_MALFORMED, detail, field="code")
        digest = self._vault.code_digest(verification_id, guess)

        def step(verification: Verification, tally: Tally, now: int) -> Change:
            _must_own(application, verification)
            return code_checked(verification, digest, tally, now, self._limits)

        change = await self._store.apply_counted(verification_id, step)
        verification = _result(change)
        return verification, verification.status is Status.APPROVED

    async def resend(
        self,
        application: Application,
        verification_id: str,
        channel: Channel | None,
        mode: Mode | None,
        receipt: Receipt | None,
    ) -> Verification | Replay:
        """Send the same code again, or call (again); without a channel, the way it went last."""

        def step(verification: Verification, tally: Tally, now: int) -> Change:
            _must_own(application, verification)
            by = channel or verification.channel
            attempt = self._attempt(by, mode or (Mode.CONFIRM if by is Channel.CALL else None))
            return resent(verification, attempt, tally, now, self._limits)

        return self._handed_over(await self._store.resend(verification_id, step, receipt))

    async def cancel(self, application: Application, verification_id: str) -> Verification:
        """End a verification."""

        def step(verification: Verification, now: int) -> Change:
            _must_own(application, verification)
            return canceled(verification, now)

        return _result(await self._store.apply(verification_id, step))

    def show(self, application: Application, verification_id: str) -> Verification:
        """Return a verification as committed."""
        verification = self._store.get(verification_id)
        if verification is None:
            raise Refused(RefusalCode.NOT_FOUND, "There is no such verification.")
        _must_own(application, verification)
        return verification

    async def wait(
        self, application: Application, verification_id: str, revision: int | None, seconds: float
    ) -> Verification:
        """Return a verification once its revision is past `revision` (by default today's), or after `seconds`."""
        # Asked for before the state is read, so that no change can fall between the two.
        changed = self._store.changed(verification_id)
        try:
            verification = self.show(application, verification_id)
            seen = verification.revision if revision is None else revision
            if verification.revision > seen or self._stopping:
                return verification
            await asyncio.wait([changed], timeout=seconds)
            return self.show(application, verification_id)
        finally:
            changed.cancel()

    async def find(self, application: Application, narrow: ListFilter) -> Page:
        """List an application's verifications, newest first."""
        return await self._store.list_verifications(application.id, narrow)

    async def events(self, application: Application, verification_id: str, after: int) -> list[KeptEntry]:
        """List the journal, oldest first, from behind entry number `after`."""
        self.show(application, verification_id)
        return await self._store.journal(verification_id, after)

    async def follow(
        self, application: Application, verification_id: str, after: int, heartbeat: float
    ) -> AsyncIterator[list[KeptEntry]]:
        """Yield journal entries as they are committed, and an empty list each `heartbeat` seconds without any.

        Ends when the verification has ended and all its entries so far were told, or when the gateway stops.
        """
        while True:
            changed = self._store.changed(verification_id)
            try:
                verification = self.show(application, verification_id)
                entries = await self._store.journal(verification_id, after)
                if entries:
                    after = entries[-1].sequence
                    yield entries
                told_all = verification.status is not Status.PENDING and after >= verification.entries
                if told_all or self._stopping:
                    return
                if not entries:
                    await asyncio.wait([changed], timeout=heartbeat)
                    if not changed.done():
                        yield []
            finally:
                changed.cancel()

    def stop_waiting(self) -> None:
        """Answer everyone who waits with what there is, and let no one wait any more: the gateway stops."""
        self._stopping = True
        self._store.wake_all()

    def _attempt(self, channel: Channel, mode: Mode | None) -> NewAttempt:
        return NewAttempt(self._new_id("att"), self._new_token(), channel, mode, self._provider)

    def _handed_over(self, kept: Change | Replay) -> Verification | Replay:
        """Hand a kept send to the dispatcher."""
        if isinstance(kept, Replay):
            return kept
        verification = _result(kept)
        if kept.send is not None:
            self._sends.put(verification, kept.send)
        return verification


def _must_own(application: Application, verification: Verification) -> None:
    if verification.application_id != application.id:
        raise Refused(RefusalCode.NOT_FOUND, "There is no such verification.")


def _result(change: Change) -> Verification:
    if change.refusal is not None:
        raise change.refusal
    return change.verification
