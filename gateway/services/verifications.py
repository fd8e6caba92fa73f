"""The integrator's use cases of a verification: create, check, resend, cancel; show, wait, list, follow."""

import asyncio
from collections.abc import AsyncIterator

import msgspec

from gateway.domain import code
from gateway.domain.api_keys import Application
from gateway.domain.applications import Applications
from gateway.domain.assurance import Assurance, Basis
from gateway.domain.commands import (
    MATCH_LENGTH,
    Created,
    NewAttempt,
    NewVerification,
    VerificationRequest,
    cancel,
    check_code,
    create,
    create_recognized,
    resend,
)
from gateway.domain.enrollment import Enrollment, EnrollmentChange, Phone, reject_if_blocked
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.idempotency import IdempotencyKey
from gateway.domain.ivr.modes import mode_of
from gateway.domain.journal import StoredEntry
from gateway.domain.limits import Limits, RateCounters
from gateway.domain.listing import ListFilter, Page
from gateway.domain.outbox import Submit, queued_attempt
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.phones import count_send, offer_phone, reject_text_to_extension
from gateway.domain.policy import Policy, sharing_denial
from gateway.domain.recognition import Holds, NotRecognized
from gateway.domain.routing import Route
from gateway.domain.verification import Change, Channel, Mode, Status, Verification
from gateway.security.generators import Generators
from gateway.security.vault import Vault
from gateway.services.counters import Counters
from gateway.services.method_selection import (
    plan,
    reject_forbidden,
    reject_without_pin,
    resent_mode,
    under,
    with_purpose,
)
from gateway.stores.enrollments import EnrollmentStore
from gateway.stores.verifications import Joining, VerificationStore


class Sending(msgspec.Struct, frozen=True):
    """How an attempt is sent: `route` chooses its provider, `submit` takes it once it is committed."""

    route: Route
    submit: Submit


class Verifications:
    """One use case per method; each raises Rejected for what it refuses, StoreUnavailable when nothing is stored."""

    def __init__(
        self,
        store: VerificationStore,
        enrollments: EnrollmentStore,
        applications: Applications,
        vault: Vault,
        limits: Limits,
        counters: Counters,
        sending: Sending,
        generators: Generators,
    ) -> None:
        self._store = store
        self._stopping = False
        self._waiting = 0
        self._enrollments = enrollments
        self._applications = applications
        self._vault = vault
        self._limits = limits
        self._counters = counters
        self._sending = sending
        self._generators = generators

    async def create(
        self, application: Application, request: VerificationRequest, idempotency_key: IdempotencyKey | None
    ) -> Verification:
        """Create a verification; its send is stored with it and goes out after the commit."""
        return (await self.create_with_enrollment(application, request, idempotency_key)).change.verification

    async def create_with_enrollment(
        self, application: Application, request: VerificationRequest, idempotency_key: IdempotencyKey | None
    ) -> Created:
        """Do what `create` does, and return the change with the person's record."""
        policy, enrollment = await self._terms(application, request.enrollment_id)
        request = under(policy, with_purpose(request, enrollment))
        reject_text_to_extension(request.channel, request.extension)
        reject_forbidden(policy, request.purpose, request.channel, request.mode, request.number, request.kind)
        limits = policy.limits(self._limits)
        new = self._new_verification(application, self._generators.new_code(limits.code_length))
        mode = mode_of(request.channel, request.mode, policy.call_proof)
        attempt = self.new_attempt(request.channel, mode, request.number)
        following = plan(policy, request, mode, enrollment)

        def step(rate_counters: RateCounters, now: int) -> Change:
            if enrollment is None:
                reject_without_pin(None, mode, now)
            return create(request, new, attempt, rate_counters, now, limits, following)

        joining = self._joining(request, policy, mode)
        created = await self._store.create(
            new.id, request.number, step, idempotency_key=idempotency_key, joining=joining
        )
        self._handed_over(created.change)
        return created

    async def recognize(
        self,
        application: Application,
        request: VerificationRequest,
        basis: Basis,
        assurance: Assurance | None,
        holds: Holds,
        idempotency_key: IdempotencyKey | None = None,
    ) -> Created:
        """Approve a person's sign-in without a text or a call, on this basis.

        The transaction checks again that the basis `holds`; raises NotRecognized, with nothing stored, if not.
        """
        await self._terms(application, request.enrollment_id)
        new = self._new_verification(application, "")

        def join(enrollment: Enrollment, _sharers: int, now: int) -> EnrollmentChange:
            reject_if_blocked(enrollment, now)
            if not holds(enrollment, now):
                raise NotRecognized
            return EnrollmentChange(enrollment)

        created = await self._store.create(
            new.id,
            request.number,
            lambda _rate_counters, now: create_recognized(request, new, basis, assurance, now),
            idempotency_key=idempotency_key,
            joining=Joining(str(request.enrollment_id), join),
        )
        self._counters.change_committed(created.change)
        return created

    async def check(self, application: Application, verification_id: str, typed: str) -> tuple[Verification, bool]:
        """Judge a code. The flag tells whether it was right; a malformed one is refused and burns nothing."""
        length = (await self.show(application, verification_id)).code_length
        guess = code.normalize(typed, length)
        if guess is None:
            detail = f"A code is {length} digits; spaces and hyphens do not matter."
            raise Rejected(ErrorCode.CODE_MALFORMED, detail, field="code")
        digest = self._vault.code_digest(verification_id, guess)
        change = await self._store.apply_counted(
            verification_id,
            lambda verification, rate_counters, now: check_code(verification, digest, rate_counters, now, self._limits),
        )
        verification = self._result(change)
        return verification, verification.status is Status.APPROVED

    async def resend(
        self,
        application: Application,
        verification_id: str,
        channel: Channel | None,
        mode: Mode | None,
        idempotency_key: IdempotencyKey | None,
    ) -> Verification:
        """Send the same code again, or call (again); without a channel, the way it went last."""
        before = await self.show(application, verification_id)
        policy, _ = await self._terms(application, before.enrollment_id)

        def step(verification: Verification, rate_counters: RateCounters, now: int) -> Change:
            by = channel or verification.channel
            reject_text_to_extension(by, verification.extension)
            reject_forbidden(policy, verification.purpose, by, mode, verification.number, None)
            chosen_mode = resent_mode(policy, verification, by, mode)
            if verification.enrollment_id is None:
                reject_without_pin(None, chosen_mode, now)
            return resend(
                verification, self.new_attempt(by, chosen_mode, verification.number), rate_counters, now, self._limits
            )

        def person(enrollment: Enrollment, now: int) -> EnrollmentChange:
            reject_without_pin(enrollment, resent_mode(policy, before, channel or before.channel, mode), now)
            return count_send(enrollment, now, self._limits)

        return self._handed_over(await self._store.resend(verification_id, step, idempotency_key, person=person))

    async def cancel(self, application: Application, verification_id: str) -> Verification:
        """End a verification."""

        def step(verification: Verification, now: int) -> Change:
            _must_own(application, verification)
            return cancel(verification, now)

        return self._result(await self._store.apply(verification_id, step))

    @property
    def waiting(self) -> int:
        """Return how many wait for a change."""
        return self._waiting

    async def show(self, application: Application, verification_id: str) -> Verification:
        """Return a verification as committed."""
        verification = await self._store.get(verification_id)
        if verification is None:
            raise Rejected(ErrorCode.NOT_FOUND, "There is no such verification.")
        _must_own(application, verification)
        return verification

    async def wait(
        self, application: Application, verification_id: str, revision: int | None, seconds: float
    ) -> Verification:
        """Return a verification once its revision is past `revision` (by default today's), or after `seconds`."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while True:
            # Asked for before the state is read, so that no change can fall between the two.
            changed = self._store.changed(verification_id)
            try:
                verification = await self.show(application, verification_id)
                revision = verification.revision if revision is None else revision
                remaining = deadline - loop.time()
                if verification.revision > revision or self._stopping or remaining <= 0:
                    return verification
                # Read again after waking: another process may have notified of a state that was read already.
                await self._wait_for(changed, remaining)
            finally:
                changed.cancel()

    async def find(self, application: Application, narrow: ListFilter) -> Page:
        """List an application's verifications, newest first."""
        return await self._store.page(application.id, narrow)

    async def events(self, application: Application, verification_id: str, after: int) -> list[StoredEntry]:
        """List the journal, oldest first, from behind entry number `after`."""
        await self.show(application, verification_id)
        return await self._store.journal(verification_id, after)

    async def follow(
        self, application: Application, verification_id: str, after: int, heartbeat: float
    ) -> AsyncIterator[list[StoredEntry]]:
        """Yield journal entries as they are committed, and an empty list each `heartbeat` seconds without any.

        Ends when the verification has ended and all its entries so far were yielded, or when the gateway stops.
        """
        while True:
            changed = self._store.changed(verification_id)
            try:
                verification = await self.show(application, verification_id)
                entries = await self._store.journal(verification_id, after)
                if entries:
                    after = entries[-1].sequence
                    yield entries
                # Of one that has ended long ago the journal is gone.
                all_yielded = verification.status is not Status.PENDING and (
                    after >= verification.entries or not entries
                )
                if all_yielded or self._stopping:
                    return
                if not entries:
                    await self._wait_for(changed, heartbeat)
                    if not changed.done():
                        yield []
            finally:
                changed.cancel()

    async def _wait_for(self, changed: asyncio.Future[None], seconds: float) -> None:
        self._waiting += 1
        try:
            await asyncio.wait([changed], timeout=seconds)
        finally:
            self._waiting -= 1

    def stop_waiting(self) -> None:
        """Answer every waiting request with the present state, and let no further one wait: the gateway stops."""
        self._stopping = True
        self._store.wake_all()

    async def _terms(self, application: Application, enrollment_id: str | None) -> tuple[Policy, Enrollment | None]:
        """Return the policy, and the record of the person if it is one's; raises Rejected (`not_found`)."""
        if enrollment_id is None:
            return self._applications.for_person(application.name, ()), None
        enrollment = await self._enrollments.get(enrollment_id)
        if enrollment is None or enrollment.application_id != application.id:
            raise Rejected(ErrorCode.NOT_FOUND, "There is no such enrollment.", field="enrollment_id")
        return self._applications.for_person(application.name, enrollment.groups), enrollment

    def _new_verification(self, application: Application, code_in_clear: str) -> NewVerification:
        verification_id = self._generators.new_id("ver")
        return NewVerification(
            id=verification_id,
            application_id=application.id,
            application_name=application.name,
            code_digest=self._vault.code_digest(verification_id, code_in_clear),
            sealed_code=self._vault.seal(code_in_clear, verification_id),
        )

    def _joining(self, request: VerificationRequest, policy: Policy, mode: Mode | None) -> Joining | None:
        if request.enrollment_id is None:
            return None
        phone = Phone(
            self._generators.new_id("phn"),
            request.kind,
            request.number,
            extension=request.extension,
            replaces=request.replaces,
        )

        def join(enrollment: Enrollment, sharers: int, now: int) -> EnrollmentChange:
            if enrollment.phone_at(phone.number, phone.extension) is None:
                denial = sharing_denial(policy, sharers)
                if denial is not None:
                    raise denial.refused()
            reject_without_pin(enrollment, mode, now)
            return offer_phone(enrollment, phone, now, self._limits)

        return Joining(request.enrollment_id, join)

    def new_attempt(self, channel: Channel, mode: Mode | None, number: PhoneNumber) -> NewAttempt:
        """Draw the id and the secrets of an attempt, and choose its provider; a call has a mode."""
        match_digits = self._generators.new_code(MATCH_LENGTH) if mode is Mode.MATCH else None
        provider = self._sending.route(channel, number)
        return NewAttempt(
            self._generators.new_id("att"), self._generators.new_token(), channel, mode, provider, match_digits
        )

    def _handed_over(self, change: Change) -> Verification:
        """Hand a committed send to the dispatcher."""
        verification = self._result(change)
        if change.send is not None:
            self._sending.submit(queued_attempt(verification.id, change.send))
        return verification

    def _result(self, change: Change) -> Verification:
        """Count a committed change and return its verification; raises its refusal."""
        self._counters.change_committed(change)
        if change.refusal is not None:
            raise change.refusal
        return change.verification


def _must_own(application: Application, verification: Verification) -> None:
    """Raise Rejected (`not_found`) if the verification is another application's."""
    if verification.application_id != application.id:
        raise Rejected(ErrorCode.NOT_FOUND, "There is no such verification.")
