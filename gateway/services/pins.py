"""A person's PIN: set by the operator or by the person, and removed."""

from gateway.domain.api_keys import Application
from gateway.domain.enrollment import Enrollment, EnrollmentChange
from gateway.domain.pins import reject_unsuitable_pin, remove_pin, set_pin
from gateway.security.password_hashing import PinHashes
from gateway.services.enrollments import done, owned
from gateway.stores.enrollments import EnrollmentStore, PersonStep


class Pins:
    """One use case per method; each raises Rejected (`not_found`) for a record that is not the application's."""

    def __init__(self, enrollments: EnrollmentStore, hashes: PinHashes) -> None:
        self._enrollments = enrollments
        self._hashes = hashes

    async def set_initial(self, application: Application, enrollment_id: str, typed: str) -> Enrollment:
        """Set a PIN for a person, who has to change it when they first use it; raises Rejected as `choose` does."""
        return await self._set(application, enrollment_id, typed, must_change=True)

    async def choose(self, application: Application, enrollment_id: str, typed: str) -> Enrollment:
        """Set the PIN that a person has chosen.

        Raises Rejected: `pin_malformed`, `pin_too_simple`, `enrollment_blocked`, or `rate_limited` while too many
        others are being hashed.
        """
        return await self._set(application, enrollment_id, typed, must_change=False)

    async def remove(self, application: Application, enrollment_id: str) -> Enrollment:
        """Take a person's PIN away; raises Rejected (`not_found`) where there is none."""
        return await self._changed(application, enrollment_id, remove_pin)

    async def _set(self, application: Application, enrollment_id: str, typed: str, *, must_change: bool) -> Enrollment:
        before = owned(application, await self._enrollments.get(enrollment_id))
        reject_unsuitable_pin(typed, before.phones)  # before it costs a hash
        pin_hash = await self._hashes.hash(enrollment_id, typed)
        return await self._changed(
            application,
            enrollment_id,
            lambda current, now: set_pin(current, typed, pin_hash, now, must_change=must_change),
        )

    async def _changed(self, application: Application, enrollment_id: str, step: PersonStep) -> Enrollment:
        def owned_step(enrollment: Enrollment, now: int) -> EnrollmentChange:
            return step(owned(application, enrollment), now)

        return done(await self._enrollments.change(enrollment_id, owned_step)).enrollment
