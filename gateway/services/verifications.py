"""The integrator's journeys that change a verification: create, check, resend, cancel."""

import msgspec

from gateway.domain import code
from gateway.domain.applications import Applications
from gateway.domain.assurance import Assurance, Basis
from gateway.domain.commands import (
    MATCH_LENGTH,
    NewAttempt,
    Start,
    canceled,
    code_checked,
    created,
    recognized,
    resent,
)
from gateway.domain.enrollment import Enrollment, EnrollmentChange, Phone, PhoneKind, reject_if_blocked
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.limits import Limits, Tally
from gateway.domain.modes import mode_of
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.phones import phone_offered, reject_text_to_extension, send_counted
from gateway.domain.policy import Policy, sharing_denial
from gateway.domain.recognition import Holds, NotRecognized
from gateway.domain.routing import Route
from gateway.domain.verification import Change, Channel, Mode, Purpose, Status, Verification
from gateway.outbox_ports import SendQueue
from gateway.person_ports import PersonStore
from gateway.ports import Application, Created, Joining, NewCode, NewId, NewToken, Receipt, Replay, Store
from gateway.security.vault import Vault
from gateway.services.counters import Counters
from gateway.services.method_selection import Wish, meant, plan, reject_forbidden, reject_without_pin, resent_mode
from gateway.services.verification_reads import VerificationReads, must_own


class Verifications(VerificationReads):
    """One journey per method; each raises Refused for what it will not do, StoreUnavailable when nothing is kept."""

    def __init__(
        self,
        store: Store,
        people: PersonStore,
        applications: Applications,
        vault: Vault,
        sends: SendQueue,
        limits: Limits,
        counters: Counters,
        *,
        route: Route,
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
        self._counters = counters
        self._route = route
        self._new_id = new_id
        self._new_token = new_token
        self._new_code = new_code

    async def create(self, application: Application, wish: Wish, receipt: Receipt | None) -> Verification | Replay:
        """Begin a verification; its send is kept with it and goes out after the commit."""
        begun = await self.begin(application, wish, receipt)
        return begun if isinstance(begun, Replay) else begun.change.verification

    async def begin(self, application: Application, wish: Wish, receipt: Receipt | None) -> Created | Replay:
        """Do what `create` does, and return the person's record with it."""
        policy, enrollment = await self._terms(application, wish.enrollment_id)
        wish = meant(wish, enrollment)
        reject_text_to_extension(wish.channel, wish.extension)
        reject_forbidden(policy, wish.purpose, wish.channel, wish.mode, wish.number, wish.kind)
        limits = policy.limits(self._limits)
        start = self._start(application, wish, policy, self._new_code(limits.code_length))
        attempt = self.new_attempt(wish.channel, mode_of(wish.channel, wish.mode, policy.call_proof), wish.number)
        following = plan(policy, wish, attempt.mode, enrollment)
        start = msgspec.structs.replace(start, mode=attempt.mode, fallback=following)

        def begin(tally: Tally, now: int) -> Change:
            if enrollment is None:
                reject_without_pin(None, attempt.mode, now)
            return created(start, attempt, tally, now, limits)

        joining = self._joining(wish, policy, attempt.mode)
        begun = await self._store.create(start.id, wish.number, begin, receipt=receipt, joining=joining)
        if isinstance(begun, Created):
            self._handed_over(begun.change)
        return begun

    async def recognize(
        self,
        application: Application,
        wish: Wish,
        basis: Basis,
        assurance: Assurance | None,
        holds: Holds,
        receipt: Receipt | None = None,
    ) -> Created | Replay:
        """Approve a person's sign-in without a text or a call, because of what stands in for a proof.

        It is asked again in the transaction whether it `holds`; raises NotRecognized, with nothing kept, if not.
        """
        policy, _ = await self._terms(application, wish.enrollment_id)
        start = self._start(application, wish, policy, "")

        def join(enrollment: Enrollment, _sharers: int, now: int) -> EnrollmentChange:
            reject_if_blocked(enrollment, now)
            if not holds(enrollment, now):
                raise NotRecognized
            return EnrollmentChange(enrollment)

        kept = await self._store.create(
            start.id,
            wish.number,
            lambda _tally, now: recognized(start, basis, assurance, now),
            receipt=receipt,
            joining=Joining(str(wish.enrollment_id), join),
        )
        if isinstance(kept, Created):
            self._counters.kept(kept.change)
        return kept

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
            lambda verification, tally, now: code_checked(verification, digest, tally, now, self._limits),
        )
        verification = self._result(change)
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
        before = await self.show(application, verification_id)
        policy, _ = await self._terms(application, before.enrollment_id)

        def step(verification: Verification, tally: Tally, now: int) -> Change:
            by = channel or verification.channel
            reject_text_to_extension(by, verification.extension)
            reject_forbidden(policy, verification.purpose, by, mode, verification.number, None)
            asked = resent_mode(policy, verification, by, mode)
            if verification.enrollment_id is None:
                reject_without_pin(None, asked, now)
            return resent(verification, self.new_attempt(by, asked, verification.number), tally, now, self._limits)

        def person(enrollment: Enrollment, now: int) -> EnrollmentChange:
            reject_without_pin(enrollment, resent_mode(policy, before, channel or before.channel, mode), now)
            return send_counted(enrollment, now, self._limits)

        return self._handed_over(await self._store.resend(verification_id, step, receipt, person=person))

    async def cancel(self, application: Application, verification_id: str) -> Verification:
        """End a verification."""

        def step(verification: Verification, now: int) -> Change:
            must_own(application, verification)
            return canceled(verification, now)

        return self._result(await self._store.apply(verification_id, step))

    async def _terms(self, application: Application, enrollment_id: str | None) -> tuple[Policy, Enrollment | None]:
        """Return the policy, and the record of the person if it is one's; raises Refused (`not_found`)."""
        if enrollment_id is None:
            return self._applications.for_person(application.name, ()), None
        enrollment = await self._people.enrollment(enrollment_id)
        if enrollment is None or enrollment.application_id != application.id:
            raise Rejected(ErrorCode.NOT_FOUND, "There is no such enrollment.", field="enrollment_id")
        return self._applications.for_person(application.name, enrollment.groups), enrollment

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
            confirm_key=wish.confirm_key,
            learns_key=wish.purpose is Purpose.ENROLL and wish.kind is PhoneKind.OFFICE,
            reply_with_code=policy.reply_with_code,
            call_backup=policy.call_backup and wish.purpose is Purpose.SIGN_IN,
            continues=wish.continues,
            tried=wish.tried,
        )

    def _joining(self, wish: Wish, policy: Policy, mode: Mode | None) -> Joining | None:
        if wish.enrollment_id is None:
            return None
        phone = Phone(self._new_id("phn"), wish.kind, wish.number, extension=wish.extension, replaces=wish.replaces)

        def join(enrollment: Enrollment, sharers: int, now: int) -> EnrollmentChange:
            if enrollment.phone_at(phone.number, phone.extension) is None:
                denial = sharing_denial(policy, sharers)
                if denial is not None:
                    raise denial.refused()
            reject_without_pin(enrollment, mode, now)
            return phone_offered(enrollment, phone, now, self._limits)

        return Joining(wish.enrollment_id, join)

    def new_attempt(self, channel: Channel, mode: Mode | None, number: PhoneNumber) -> NewAttempt:
        """Draw the id and the secrets of an attempt, and choose its provider; a call has a mode."""
        match_digits = self._new_code(MATCH_LENGTH) if mode is Mode.MATCH else None
        provider = self._route(channel, number)
        return NewAttempt(self._new_id("att"), self._new_token(), channel, mode, provider, match_digits)

    def _handed_over(self, kept: Change | Replay) -> Verification | Replay:
        """Hand a kept send to the dispatcher."""
        if isinstance(kept, Replay):
            return kept
        verification = self._result(kept)
        if kept.send is not None:
            self._sends.put(verification, kept.send)
        return verification

    def _result(self, change: Change) -> Verification:
        """Count a change that was kept, and return what it made; raises its refusal."""
        self._counters.kept(change)
        if change.refusal is not None:
            raise change.refusal
        return change.verification
