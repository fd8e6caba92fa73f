"""Calls the person's next phone where nobody answers a sign-in's call, if the policy says so."""

import contextlib
import hashlib

from gateway.domain import backup_phone
from gateway.domain.api_keys import Application
from gateway.domain.commands import Created
from gateway.domain.enrollment import Enrollment
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.idempotency import IdempotencyKey, RepeatedRequest
from gateway.domain.verification import Channel, Purpose, Verification
from gateway.services.authentication import Authentication, Challenge
from gateway.services.counters import Counters
from gateway.services.verifications import Verifications
from gateway.stores.enrollments import EnrollmentStore
from gateway.stores.verifications import Step, VerificationStore


class BackupPhones:
    """Implements `gateway.services.report_listener.ReportListener`.

    The backup is a verification of its own. It is created before the first one names it in `continued_by`, and only
    once, however many reports come in however many processes: its Idempotency-Key is stored in the transaction that
    creates it. If the first one has ended meanwhile, the backup is canceled. Where no report comes, or a process ended
    between the two, the scheduler does the same before it ends the first one.
    """

    def __init__(
        self,
        store: VerificationStore,
        enrollments: EnrollmentStore,
        authentication: Authentication,
        verifications: Verifications,
        counters: Counters,
    ) -> None:
        self._store = store
        self._enrollments = enrollments
        self._authentication = authentication
        self._verifications = verifications
        self._counters = counters

    async def reported(self, verification: Verification) -> None:
        """Go on from where a report, or the clock, has left a verification."""
        if not backup_phone.is_due(verification):
            return
        enrollment = await self._enrollments.get(str(verification.enrollment_id))
        if enrollment is None:
            return
        application = Application(verification.application_id, verification.application_name)
        try:
            backup_id = await self._create_backup(application, enrollment, verification)
        except Rejected as refusal:
            reason = refusal.code
            await self._apply(verification, lambda current, now: backup_phone.give_up_backup(current, reason, now))
            return
        noted = await self._apply(
            verification, lambda current, now: backup_phone.continue_with_backup(current, backup_id, now)
        )
        if noted is None or noted.continued_by != backup_id:
            with contextlib.suppress(Rejected):  # it has ended by itself
                await self._verifications.cancel(application, backup_id)

    async def _create_backup(self, application: Application, enrollment: Enrollment, first: Verification) -> str:
        """Call the best phone that may be called, and return the verification's id; raises Rejected where none may."""
        backup = backup_phone.next_backup(enrollment, first)
        digest = hashlib.sha256(f"backup of {first.id}".encode()).digest()
        key = IdempotencyKey(digest, digest, _id_of)
        refusal = Rejected(ErrorCode.NO_METHOD, "This person has no other phone.")
        for phone in backup.phones:
            challenge = Challenge(Purpose.SIGN_IN, phone.id, Channel.CALL, backup.mode, (), first.id, backup.tried)
            try:
                created = await self._authentication.challenge(application, enrollment.id, challenge, key, first.locale)
            except RepeatedRequest as repeated:
                return repeated.response.content.decode()
            except Rejected as refused:
                refusal = refused
            else:
                return created.change.verification.id
        raise refusal

    async def _apply(self, first: Verification, step: Step) -> Verification | None:
        """Change the first verification; None if there is no such any more."""
        try:
            change = await self._store.apply(first.id, step)
        except Rejected:
            return None
        self._counters.change_committed(change)
        return change.verification


def _id_of(created: Created) -> bytes:
    return created.change.verification.id.encode()
