"""A person's record: made, shown, changed, blocked, reset, removed."""

import msgspec

from gateway.clock import Clock
from gateway.domain.api_keys import Application
from gateway.domain.applications import Applications
from gateway.domain.blocks import block_person, reset, unblock_person
from gateway.domain.enrollment import DefaultMethod, Enrollment, EnrollmentChange, update_enrollment
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.idempotency import IdempotencyKey
from gateway.domain.journal import JournalEntry, StoredEntry
from gateway.domain.limits import SECOND
from gateway.domain.phones import choose_default, remove_phone
from gateway.domain.pins import pin_denial
from gateway.domain.policy import Permission, Policy, explain
from gateway.domain.verification import Channel
from gateway.security.generators import NewId
from gateway.stores.enrollments import EnrollmentStore, PersonStep


class Person(msgspec.Struct, frozen=True):
    """Who is to be enrolled: the application's own name for the person, how to address them, and their groups."""

    user: str
    display_name: str | None = None
    locale: str | None = None
    groups: tuple[str, ...] = ()


class Amendment(msgspec.Struct, frozen=True):
    """What is to be different; UNSET stays as it is."""

    display_name: str | msgspec.UnsetType | None = msgspec.UNSET
    locale: str | msgspec.UnsetType | None = msgspec.UNSET
    groups: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    default_method: DefaultMethod | msgspec.UnsetType = msgspec.UNSET


class Enrollments:
    """One use case per method; each raises Rejected (`not_found`) for a record that is not the application's."""

    def __init__(
        self, enrollments: EnrollmentStore, applications: Applications, *, clock: Clock, new_id: NewId
    ) -> None:
        self._enrollments = enrollments
        self._applications = applications
        self._clock = clock
        self._new_id = new_id

    async def enroll(
        self, application: Application, person: Person, idempotency_key: IdempotencyKey | None
    ) -> tuple[Enrollment, bool]:
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
            groups=person.groups,
        )
        return await self._enrollments.enroll(enrollment, idempotency_key)

    async def show(self, application: Application, enrollment_id: str) -> Enrollment:
        """Return an enrollment."""
        return owned(application, await self._enrollments.get(enrollment_id))

    async def find(self, application: Application, user: str) -> Enrollment:
        """Return a user's enrollment."""
        return owned(application, await self._enrollments.of_user(application.id, user))

    async def amend(self, application: Application, enrollment_id: str, amendment: Amendment) -> Enrollment:
        """Change what the integrator says of a person, or the default method."""

        def step(enrollment: Enrollment, now: int) -> EnrollmentChange:
            changes = {
                name: value
                for name in ("display_name", "locale", "groups")
                if (value := getattr(amendment, name)) is not msgspec.UNSET
            }
            entry = JournalEntry("enrollment.amended", {"fields": ", ".join(changes)})
            change = update_enrollment(enrollment, now, entry, **changes) if changes else EnrollmentChange(enrollment)
            if isinstance(amendment.default_method, DefaultMethod):
                chosen = choose_default(change.enrollment, amendment.default_method, now)
                return msgspec.structs.replace(chosen, entries=(*change.entries, *chosen.entries))
            return change

        return await self._changed(application, enrollment_id, step)

    async def remove_phone(
        self, application: Application, enrollment_id: str, phone_id: str, *, lost: bool, even_last: bool = True
    ) -> Enrollment:
        """Take a phone away, unless it is the last proven one and that one stays; the record says what is left.

        A lost one takes app passwords and trusted devices with it.
        """

        def step(enrollment: Enrollment, now: int) -> EnrollmentChange:
            if not even_last and [phone.id for phone in enrollment.proven_phones] == [phone_id]:
                return EnrollmentChange(enrollment)
            return remove_phone(enrollment, phone_id, now, lost=lost)

        return await self._changed(application, enrollment_id, step)

    async def block(self, application: Application, enrollment_id: str, reason: str, seconds: int | None) -> Enrollment:
        """Lock a person out, for so many seconds or until somebody ends it."""

        def step(enrollment: Enrollment, now: int) -> EnrollmentChange:
            return block_person(enrollment, reason, None if seconds is None else now + seconds * SECOND, now)

        return await self._changed(application, enrollment_id, step)

    async def unblock(self, application: Application, enrollment_id: str, reason: str) -> Enrollment:
        """Let a person in again."""
        return await self._changed(
            application, enrollment_id, lambda enrollment, now: unblock_person(enrollment, reason, now)
        )

    async def reset(self, application: Application, enrollment_id: str, reason: str) -> Enrollment:
        """Let a person start over."""
        return await self._changed(application, enrollment_id, lambda enrollment, now: reset(enrollment, reason, now))

    async def remove(self, application: Application, enrollment_id: str) -> None:
        """Delete a person's record with its phones and app passwords."""

        def check(enrollment: Enrollment, _now: int) -> EnrollmentChange:
            return EnrollmentChange(owned(application, enrollment))

        await self._enrollments.remove(enrollment_id, check)

    async def history(self, application: Application, enrollment_id: str, after: int) -> list[StoredEntry]:
        """List the record's journal, oldest first, from behind entry number `after`."""
        await self.show(application, enrollment_id)
        return await self._enrollments.history(enrollment_id, after)

    async def explain(self, application: Application, enrollment_id: str) -> tuple[Permission, ...]:
        """Say for each method whether the person may use it, and if not, who decided so and what to do."""
        enrollment = await self.show(application, enrollment_id)
        policy = self.policy(application, enrollment)
        no_calls = pin_denial(policy, enrollment, self._clock())
        return tuple(
            msgspec.structs.replace(permission, denial=permission.denial or no_calls)
            if permission.channel is Channel.CALL
            else permission
            for permission in explain(policy, enrollment.phones)
        )

    def policy(self, application: Application, enrollment: Enrollment) -> Policy:
        """Return what holds for a person."""
        return self._applications.for_person(application.name, enrollment.groups)

    async def _changed(self, application: Application, enrollment_id: str, step: PersonStep) -> Enrollment:
        def owned_step(enrollment: Enrollment, now: int) -> EnrollmentChange:
            return step(owned(application, enrollment), now)

        return done(await self._enrollments.change(enrollment_id, owned_step)).enrollment


def owned(application: Application, enrollment: Enrollment | None) -> Enrollment:
    """Return the enrollment if it is the application's; raises Rejected (`not_found`)."""
    if enrollment is None or enrollment.application_id != application.id:
        raise Rejected(ErrorCode.NOT_FOUND, "There is no such enrollment.")
    return enrollment


def done(change: EnrollmentChange) -> EnrollmentChange:
    """Return a change that was made; raises the refusal that it carries."""
    if change.refusal is not None:
        raise change.refusal
    return change
