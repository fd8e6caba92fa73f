"""The phone user's journeys: so far, being enrolled and being shown."""

import msgspec

from gateway.domain.enrollment import Enrollment
from gateway.domain.refusals import RefusalCode, Refused
from gateway.ports import Application, Clock, NewId, Receipt, Replay, Store


class Person(msgspec.Struct, frozen=True):
    """Who is to be enrolled: the application's own name for the person, and how to address them."""

    user: str
    display_name: str | None = None
    locale: str | None = None


class Enrollments:
    """One journey per method."""

    def __init__(self, store: Store, *, clock: Clock, new_id: NewId) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id

    async def enroll(
        self, application: Application, person: Person, receipt: Receipt | None
    ) -> tuple[Enrollment, bool] | Replay:
        """Make a person's record, or return the one that is there; the flag tells which (True: new)."""
        now = self._clock()
        enrollment = Enrollment(
            id=self._new_id("enr"),
            application_id=application.id,
            user=person.user,
            created_at=now,
            updated_at=now,
            display_name=person.display_name,
            locale=person.locale,
        )
        return await self._store.enroll(enrollment, receipt)

    async def show(self, application: Application, enrollment_id: str) -> Enrollment:
        """Return an enrollment; raises Refused (`not_found`)."""
        return _owned(application, await self._store.enrollment(enrollment_id))

    async def find(self, application: Application, user: str) -> Enrollment:
        """Return a user's enrollment; raises Refused (`not_found`)."""
        return _owned(application, await self._store.enrollment_of(application.id, user))


def _owned(application: Application, enrollment: Enrollment | None) -> Enrollment:
    if enrollment is None or enrollment.application_id != application.id:
        raise Refused(RefusalCode.NOT_FOUND, "There is no such enrollment.")
    return enrollment
