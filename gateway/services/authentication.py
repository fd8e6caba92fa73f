"""Verifies a person: proves a new phone, or approves a sign-in by a phone, a trusted device, a proof or a bypass."""

import contextlib

import msgspec

from gateway.clock import Clock
from gateway.domain import recognition
from gateway.domain.api_keys import Application
from gateway.domain.applications import Applications
from gateway.domain.assurance import Basis
from gateway.domain.commands import Created, VerificationRequest
from gateway.domain.enrollment import Enrollment, EnrollmentChange, Phone, PhoneKind
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.idempotency import IdempotencyKey
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.phones import reject_text_to_extension
from gateway.domain.verification import Channel, FallbackStep, Mode, Purpose
from gateway.security.generators import NewCode
from gateway.security.vault import Vault
from gateway.services.enrollments import done, owned
from gateway.services.portal import reject_ended
from gateway.services.verifications import Verifications
from gateway.stores.enrollments import EnrollmentStore, PersonStep

_ANY_LOCALE = "en"


class NewPhone(msgspec.Struct, frozen=True):
    """A phone that a person says is theirs; `replaces` is the id of the phone that goes once this one is proven.

    A `first` phone needs no earlier proof; it is rejected once another phone of the person is proven.
    """

    kind: PhoneKind
    number: PhoneNumber
    channel: Channel
    mode: Mode | None = None
    extension: str | None = None
    replaces: str | None = None
    first: bool = False


class Challenge(msgspec.Struct, frozen=True):
    """How a person is asked for a proof; what is None is the person's default.

    One that `continues` another verification (an id) calls the phone that is next, after those that were `tried` (ids).
    """

    purpose: Purpose | None = None
    phone_id: str | None = None
    channel: Channel | None = None
    mode: Mode | None = None
    fallback: tuple[FallbackStep, ...] | None = None
    continues: str | None = None
    tried: tuple[str, ...] = ()


class Authentication:
    """One use case per method; each raises Rejected for what it will not do."""

    def __init__(
        self,
        enrollments: EnrollmentStore,
        applications: Applications,
        verifications: Verifications,
        vault: Vault,
        *,
        clock: Clock,
        new_code: NewCode,
    ) -> None:
        self._enrollments = enrollments
        self._applications = applications
        self._verifications = verifications
        self._vault = vault
        self._clock = clock
        self._new_code = new_code

    async def offer_phone(
        self,
        application: Application,
        enrollment_id: str,
        phone: NewPhone,
        idempotency_key: IdempotencyKey | None,
        locale: str | None = None,
    ) -> Created:
        """Begin to prove a phone; it counts once its verification is approved."""
        reject_text_to_extension(phone.channel, phone.extension)
        enrollment = owned(application, await self._enrollments.get(enrollment_id))
        known = enrollment.phone_at(phone.number, phone.extension)
        request = VerificationRequest(
            number=phone.number,
            channel=phone.channel,
            mode=phone.mode,
            locale=locale or enrollment.locale or _ANY_LOCALE,
            enrollment_id=enrollment_id,
            extension=phone.extension,
            purpose=Purpose.ENROLL,
            kind=phone.kind,
            replaces=phone.replaces,
            first_phone=phone.first,
            confirm_key=enrollment.confirm_key(known),
        )
        return await self._verifications.create_with_enrollment(application, request, idempotency_key)

    async def challenge(
        self,
        application: Application,
        enrollment_id: str,
        challenge: Challenge,
        idempotency_key: IdempotencyKey | None,
        locale: str | None = None,
    ) -> Created:
        """Verify a person by a phone of theirs; a sign-in soon after a proof needs no new one, if policy says so."""
        enrollment = owned(application, await self._enrollments.get(enrollment_id))
        request = _request_for(enrollment, challenge, locale)
        policy = self._applications.for_person(application.name, enrollment.groups)
        proof = enrollment.last_proof
        may_reuse_proof = (
            challenge.purpose is Purpose.SIGN_IN and challenge.phone_id is None and challenge.channel is None
        )

        def holds(current: Enrollment, now: int) -> bool:
            return recognition.recently_proven(current, policy.proof_cache, now)

        if may_reuse_proof and proof and holds(enrollment, self._clock()):
            with contextlib.suppress(recognition.NotRecognized):
                return await self._verifications.recognize(
                    application, request, Basis.RECENT_PROOF, proof.assurance, holds, idempotency_key
                )
        return await self._verifications.create_with_enrollment(application, request, idempotency_key)

    async def recognize_device(self, application: Application, enrollment_id: str, secret: str) -> Created | None:
        """Approve a sign-in from a browser that the person trusts; None if they do not, or policy says no."""
        enrollment = owned(application, await self._enrollments.get(enrollment_id))
        policy = self._applications.for_person(application.name, enrollment.groups)
        digest = self._vault.secret_digest(secret)

        def holds(current: Enrollment, now: int) -> bool:
            return recognition.trusted_until(current, digest, now) is not None

        if not policy.remember_device_days or not holds(enrollment, self._clock()):
            return None
        request = _request_for(enrollment, Challenge(Purpose.SIGN_IN), None)
        with contextlib.suppress(recognition.NotRecognized):
            return await self._verifications.recognize(application, request, Basis.TRUSTED_DEVICE, None, holds)
        return None

    async def trusted_until(self, application: Application, enrollment_id: str, secret: str) -> int | None:
        """Return until when (ms since the epoch) the person trusts this browser; None if they do not."""
        enrollment = owned(application, await self._enrollments.get(enrollment_id))
        return recognition.trusted_until(enrollment, self._vault.secret_digest(secret), self._clock())

    async def trust_device(
        self, application: Application, enrollment_id: str, secret: str, visit_began: int | None = None
    ) -> int:
        """Trust a browser for as long as policy says; returns how many days, 0 where policy says no.

        Raises PortalVisitChanged if the visit that asks has ended meanwhile.
        """
        enrollment = owned(application, await self._enrollments.get(enrollment_id))
        days = self._applications.for_person(application.name, enrollment.groups).remember_device_days
        if days:
            digest = self._vault.secret_digest(secret)

            def step(current: Enrollment, now: int) -> EnrollmentChange:
                reject_ended(current, visit_began)
                return recognition.trust_device(current, digest, days, now)

            await self._changed(application, enrollment_id, step)
        return days

    async def forget_devices(self, application: Application, enrollment_id: str) -> Enrollment:
        """Trust no browser any more."""
        return await self._changed(application, enrollment_id, recognition.forget_devices)

    async def grant_bypass(
        self,
        application: Application,
        enrollment_id: str,
        seconds: int,
        reason: str,
        idempotency_key: IdempotencyKey | None = None,
    ) -> tuple[str, int]:
        """Grant a code for one sign-in within so many seconds; returns it, shown once, and its end (ms).

        Raises Rejected: `enrollment_blocked`, `no_method` for a person who has no phone and so enrolls instead.
        """
        code = self._new_code(recognition.BYPASS_DIGITS)
        digest = self._vault.code_digest(enrollment_id, code)

        def step(enrollment: Enrollment, now: int) -> EnrollmentChange:
            _phone(owned(application, enrollment), Challenge())
            return recognition.grant_bypass(enrollment, digest, seconds, reason, now)

        def granted(change: EnrollmentChange) -> tuple[str, int]:
            bypass = change.enrollment.bypass
            if bypass is None:
                raise TypeError("a bypass was granted, and its person does not have it")
            return code, bypass.expires_at

        key = idempotency_key and idempotency_key.after(granted)
        return granted(await self._enrollments.change(enrollment_id, step, key))

    async def use_bypass(self, application: Application, enrollment_id: str, typed: str) -> Created:
        """Sign in with a granted code; raises Rejected: `bypass_invalid`, or `no_method`, which leaves it unused."""
        _phone(owned(application, await self._enrollments.get(enrollment_id)), Challenge())
        digest = self._vault.code_digest(enrollment_id, "".join(typed.split()).replace("-", ""))
        enrollment = await self._changed(
            application, enrollment_id, lambda current, now: recognition.use_bypass(current, digest, now)
        )
        request = _request_for(enrollment, Challenge(Purpose.SIGN_IN), None)
        # The code was used up in a transaction of its own: there is nothing left to ask again.
        return await self._verifications.recognize(
            application, request, Basis.BYPASS, None, lambda _current, _now: True
        )

    async def _changed(self, application: Application, enrollment_id: str, step: PersonStep) -> Enrollment:
        def owned_step(enrollment: Enrollment, now: int) -> EnrollmentChange:
            return step(owned(application, enrollment), now)

        return done(await self._enrollments.change(enrollment_id, owned_step)).enrollment


def _request_for(enrollment: Enrollment, challenge: Challenge, locale: str | None) -> VerificationRequest:
    """Return how to reach a person.

    Raises Rejected: `not_found` for a phone that is not theirs, `phone_not_proven`, `no_method`, `number_invalid` for a
    text to an extension.
    """
    default = enrollment.default_method
    phone = _phone(enrollment, challenge)
    usual = default.channel if default and default.phone_id == phone.id else _usual_channel(phone)
    channel = challenge.channel or usual
    reject_text_to_extension(channel, phone.extension)
    return VerificationRequest(
        number=phone.number,
        channel=channel,
        mode=challenge.mode,
        locale=locale or enrollment.locale or _ANY_LOCALE,
        enrollment_id=enrollment.id,
        extension=phone.extension,
        purpose=challenge.purpose,
        fallback=challenge.fallback,
        kind=phone.kind,
        confirm_key=enrollment.confirm_key(phone),
        continues=challenge.continues,
        tried=challenge.tried,
    )


def _phone(enrollment: Enrollment, challenge: Challenge) -> Phone:
    if challenge.phone_id is not None:
        return _chosen(enrollment, challenge.phone_id, challenge.purpose)
    default = enrollment.default_method
    usual = None if default is None else enrollment.phone(default.phone_id)
    candidates = (usual, *enrollment.proven_phones, *enrollment.phones)
    phone = next((phone for phone in candidates if phone is not None), None)
    if phone is None:
        raise Rejected(ErrorCode.NO_METHOD, "This person has no phone yet: send them to the page `enroll` first.")
    return phone


def _chosen(enrollment: Enrollment, phone_id: str, purpose: Purpose | None) -> Phone:
    """Return the phone that was named; an unproven phone cannot be used by a person who has a proven one."""
    phone = enrollment.phone(phone_id)
    if phone is None:
        raise Rejected(ErrorCode.NOT_FOUND, "There is no such phone.", field="phone_id")
    if phone.verified_at is None and enrollment.proven_phones and purpose is not Purpose.ENROLL:
        raise Rejected(
            ErrorCode.PHONE_NOT_PROVEN,
            "This phone is not proven yet: use one that is, or prove this one first.",
            field="phone_id",
        )
    return phone


def _usual_channel(phone: Phone) -> Channel:
    return Channel.CALL if phone.extension or phone.kind is PhoneKind.OFFICE else Channel.SMS
