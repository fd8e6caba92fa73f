"""The integrator's journeys that change a verification: create, check, resend, cancel."""

from collections.abc import Mapping

import msgspec

from gateway.applications import Applications
from gateway.domain import code, fallback
from gateway.domain.enrollment import Enrollment, PersonChange, Phone, PhoneKind, refuse_if_blocked
from gateway.domain.permissions import Denial, Policy, method_denial, mode_denial, sharing_denial
from gateway.domain.phone import PhoneNumber
from gateway.domain.phones import phone_offered, refuse_text_to_extension, send_counted
from gateway.domain.policy import Limits, Tally
from gateway.domain.refusals import RefusalCode, Refused
from gateway.domain.requests import (
    MATCH_LENGTH,
    NO_PLAN,
    NewAttempt,
    Plan,
    Start,
    canceled,
    code_checked,
    created,
    recognized,
    resent,
)
from gateway.domain.verification import (
    Assurance,
    Basis,
    Change,
    Channel,
    FallbackStep,
    Mode,
    Purpose,
    Status,
    Verification,
)
from gateway.outbox_ports import SendQueue
from gateway.person_ports import PersonStore
from gateway.ports import (
    Application,
    Created,
    Joining,
    NewCode,
    NewId,
    NewToken,
    Receipt,
    Replay,
    Store,
)
from gateway.vault import Vault
from gateway.verifications.looks import Looks, must_own


class Wish(msgspec.Struct, frozen=True):
    """What is asked for. With `enrollment_id`, the phone joins the person's record as a phone of this kind.

    `fallback` begins with the way of the verification itself; None leaves it to the policy.
    """

    number: PhoneNumber
    channel: Channel
    mode: Mode | None
    locale: str
    enrollment_id: str | None = None
    metadata: Mapping[str, str] = {}
    extension: str | None = None
    purpose: Purpose | None = None
    fallback: tuple[FallbackStep, ...] | None = None
    kind: PhoneKind = PhoneKind.AUTHENTICATION
    replaces: str | None = None
    first_phone: bool = False


class Verifications(Looks):
    """One journey per method; each raises Refused for what it will not do, StoreUnavailable when nothing is kept."""

    def __init__(
        self,
        store: Store,
        people: PersonStore,
        applications: Applications,
        vault: Vault,
        sends: SendQueue,
        limits: Limits,
        *,
        provider: str,
        new_id: NewId,
        new_token: NewToken,
        new_code: NewCode,
    ) -> None:
        super().__init__(store)
        self._people = people
        self._applications = applications
        self._vault = vault
        self._sends = sends
        self._limits = limits
        self._provider = provider
        self._new_id = new_id
        self._new_token = new_token
        self._new_code = new_code

    async def create(self, application: Application, wish: Wish, receipt: Receipt | None) -> Verification | Replay:
        """Begin a verification; its send is kept with it and goes out after the commit."""
        begun = await self.begin(application, wish, receipt)
        return begun if isinstance(begun, Replay) else begun.change.verification

    async def begin(self, application: Application, wish: Wish, receipt: Receipt | None) -> Created | Replay:
        """Do what `create` does, and return the person's record with it."""
        policy = await self._policy(application, wish.enrollment_id)
        refuse_text_to_extension(wish.channel, wish.extension)
        _refuse_forbidden(policy, wish.purpose, wish.channel, wish.mode, wish.number, wish.kind)
        limits = policy.limits(self._limits)
        start = self._start(application, wish, policy, self._new_code(limits.code_length))
        attempt = self.new_attempt(wish.channel, _mode(policy, wish.channel, wish.mode))
        start = msgspec.structs.replace(start, mode=attempt.mode, fallback=_plan(policy, wish, attempt.mode))
        begun = await self._store.create(
            start.id,
            wish.number,
            lambda tally, now: created(start, attempt, tally, now, limits),
            receipt=receipt,
            joining=self._joining(wish, policy),
        )
        if isinstance(begun, Created):
            self._handed_over(begun.change)
        return begun

    async def recognize(
        self,
        application: Application,
        wish: Wish,
        basis: Basis,
        assurance: Assurance | None,
        receipt: Receipt | None = None,
    ) -> Created | Replay:
        """Approve a person's sign-in without a text or a call, because of what stands in for a proof."""
        policy = await self._policy(application, wish.enrollment_id)
        start = self._start(application, wish, policy, "")
        return await self._store.create(
            start.id,
            wish.number,
            lambda _tally, now: recognized(start, basis, assurance, now),
            receipt=receipt,
            joining=Joining(str(wish.enrollment_id), _unless_blocked),
        )

    async def check(self, application: Application, verification_id: str, typed: str) -> tuple[Verification, bool]:
        """Judge a code. The flag tells whether it was right; a malformed one is refused and burns nothing."""
        length = self.show(application, verification_id).code_length
        guess = code.normalize(typed, length)
        if guess is None:
            detail = f"A code is {length} digits; spaces and hyphens do not matter."
            raise Refused(RefusalCode.CODE_MALFORMED, detail, field="code")
        digest = self._vault.code_digest(verification_id, guess)
        change = await self._store.apply_counted(
            verification_id,
            lambda verification, tally, now: code_checked(verification, digest, tally, now, self._limits),
        )
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
        before = self.show(application, verification_id)
        policy = await self._policy(application, before.enrollment_id)

        def step(verification: Verification, tally: Tally, now: int) -> Change:
            by = channel or verification.channel
            refuse_text_to_extension(by, verification.extension)
            _refuse_forbidden(policy, verification.purpose, by, mode, verification.number, None)
            kept = Mode.MATCH if verification.match_digits else None  # a call that names no mode asks for no less
            attempt = self.new_attempt(by, _mode(policy, by, mode or kept))
            return resent(verification, attempt, tally, now, self._limits)

        def person(enrollment: Enrollment, now: int) -> PersonChange:
            return send_counted(enrollment, now, self._limits)

        return self._handed_over(await self._store.resend(verification_id, step, receipt, person=person))

    async def cancel(self, application: Application, verification_id: str) -> Verification:
        """End a verification."""

        def step(verification: Verification, now: int) -> Change:
            must_own(application, verification)
            return canceled(verification, now)

        return _result(await self._store.apply(verification_id, step))

    async def _policy(self, application: Application, enrollment_id: str | None) -> Policy:
        """Return what holds for a person, or for a number of nobody's; raises Refused (`not_found`)."""
        if enrollment_id is None:
            return self._applications.for_person(application.name, ())
        enrollment = await self._people.enrollment(enrollment_id)
        if enrollment is None or enrollment.application_id != application.id:
            raise Refused(RefusalCode.NOT_FOUND, "There is no such enrollment.", field="enrollment_id")
        return self._applications.for_person(application.name, enrollment.groups)

    def _start(self, application: Application, wish: Wish, policy: Policy, secret: str) -> Start:
        verification_id = self._new_id("ver")
        return Start(
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
            extension=wish.extension,
            purpose=wish.purpose,
            fraud_block_days=policy.fraud_block_days,
            first_phone=wish.first_phone,
            reply_with_code=policy.reply_with_code,
        )

    def _joining(self, wish: Wish, policy: Policy) -> Joining | None:
        if wish.enrollment_id is None:
            return None
        phone = Phone(self._new_id("phn"), wish.kind, wish.number, extension=wish.extension, replaces=wish.replaces)

        def join(enrollment: Enrollment, sharers: int, now: int) -> PersonChange:
            if enrollment.phone_at(phone.number, phone.extension) is None:
                denial = sharing_denial(policy, sharers)
                if denial is not None:
                    raise denial.refused()
            return phone_offered(enrollment, phone, now, self._limits)

        return Joining(wish.enrollment_id, join)

    def new_attempt(self, channel: Channel, mode: Mode | None) -> NewAttempt:
        """Draw the id and the secrets of an attempt; a call has a mode."""
        match_digits = self._new_code(MATCH_LENGTH) if mode is Mode.MATCH else None
        return NewAttempt(self._new_id("att"), self._new_token(), channel, mode, self._provider, match_digits)

    def _handed_over(self, kept: Change | Replay) -> Verification | Replay:
        """Hand a kept send to the dispatcher."""
        if isinstance(kept, Replay):
            return kept
        verification = _result(kept)
        if kept.send is not None:
            self._sends.put(verification, kept.send)
        return verification


def _refuse_forbidden(
    policy: Policy,
    purpose: Purpose | None,
    channel: Channel,
    mode: Mode | None,
    number: PhoneNumber,
    kind: PhoneKind | None,
) -> None:
    denial = _denial(policy, purpose, channel, mode, number, kind)
    if denial:
        raise denial.refused()


def _denial(
    policy: Policy,
    purpose: Purpose | None,
    channel: Channel,
    mode: Mode | None,
    number: PhoneNumber,
    kind: PhoneKind | None,
) -> Denial | None:
    return method_denial(policy, purpose, channel, number, kind) or (mode_denial(policy, mode) if mode else None)


def _mode(policy: Policy, channel: Channel, wished: Mode | None) -> Mode | None:
    return (wished or policy.call_proof) if channel is Channel.CALL else None


def _plan(policy: Policy, wish: Wish, mode: Mode | None) -> Plan:
    """Return what follows by itself: as asked for, or as the policy says of verifications that begin in this way."""
    steps = policy.fallback if wish.fallback is None else wish.fallback
    if not steps or steps[0].channel is not wish.channel or steps[0].mode not in {None, mode}:
        return NO_PLAN
    resolved = [msgspec.structs.replace(step, mode=_mode(policy, step.channel, step.mode)) for step in steps]

    def denial(step: FallbackStep) -> RefusalCode | None:
        if step.channel is Channel.SMS and wish.extension is not None:
            return RefusalCode.NUMBER_INVALID  # a text cannot reach an extension
        denied = _denial(policy, wish.purpose, step.channel, step.mode, wish.number, wish.kind)
        return None if denied is None else denied.code

    return fallback.planned(resolved, denial)


def _unless_blocked(enrollment: Enrollment, _sharers: int, now: int) -> PersonChange:
    refuse_if_blocked(enrollment, now)
    return PersonChange(enrollment)


def _result(change: Change) -> Verification:
    if change.refusal is not None:
        raise change.refusal
    return change.verification
