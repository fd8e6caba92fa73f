"""A person's app passwords: made, listed, deleted, and checked for applications that know no second factor."""

import asyncio
import contextlib
from weakref import WeakValueDictionary

from gateway.clock import Clock
from gateway.domain.api_keys import Application
from gateway.domain.app_passwords import (
    SelectorTaken,
    create_app_password,
    delete_app_password,
    find_app_password,
    find_usable,
    format_password,
    normalize_password,
    record_use,
)
from gateway.domain.applications import Applications
from gateway.domain.enrollment import AppPassword, Enrollment, EnrollmentChange
from gateway.domain.errors import Rejected
from gateway.domain.idempotency import IdempotencyKey
from gateway.domain.limits import DAY, Limits
from gateway.domain.policy import Denial, Feature, feature_denial
from gateway.security.generators import Generators
from gateway.security.password_hashing import PasswordHasher
from gateway.security.vault import Vault
from gateway.services.enrollments import done, owned
from gateway.services.portal import reject_ended
from gateway.stores.enrollments import EnrollmentStore
from gateway.stores.rate_counters import RateCounterStore


class AppPasswords:
    """One use case per method; all but `check` raise Rejected (`not_found`) for a record that is not the application's.

    `create` and `check` raise Rejected (`rate_limited`) while too many others are being hashed.
    """

    def __init__(
        self,
        enrollments: EnrollmentStore,
        rate_counters: RateCounterStore,
        applications: Applications,
        vault: Vault,
        passwords: PasswordHasher,
        limits: Limits,
        clock: Clock,
        generators: Generators,
    ) -> None:
        self._enrollments = enrollments
        self._rate_counters = rate_counters
        self._applications = applications
        self._vault = vault
        self._passwords = passwords
        self._limits = limits
        self._clock = clock
        self._generators = generators
        self._locks: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()

    async def create(
        self,
        application: Application,
        enrollment_id: str,
        name: str,
        scope: str | None = None,
        expires_in_days: int | None = None,
        idempotency_key: IdempotencyKey | None = None,
        visit_began: int | None = None,
    ) -> tuple[AppPassword, str]:
        """Make an app password; returns it as stored, and in clear, which is shown this once.

        Raises Rejected: `feature_off`, `enrollment_blocked`, `app_password_name_invalid`, `app_passwords_full`; and
        PortalVisitChanged if the visit that asks has ended meanwhile.
        """
        while True:
            with contextlib.suppress(SelectorTaken):
                return await self._create(
                    application, enrollment_id, name, scope, expires_in_days, idempotency_key, visit_began
                )

    async def list(self, application: Application, enrollment_id: str) -> tuple[AppPassword, ...]:
        """List a person's app passwords in the order they were made; expired ones stay until the next is made."""
        return owned(application, await self._enrollments.get(enrollment_id)).app_passwords

    async def delete(self, application: Application, enrollment_id: str, app_password_id: str) -> None:
        """Delete an app password, also where policy has switched them off; raises Rejected (`not_found`)."""

        def step(enrollment: Enrollment, now: int) -> EnrollmentChange:
            return delete_app_password(owned(application, enrollment), app_password_id, now)

        done(await self._enrollments.change(enrollment_id, step))

    async def check(
        self, application: Application, user: str, password: str, scope: str | None = None
    ) -> AppPassword | None:
        """Return the app password that a user gave, or None: it is not theirs, or does not work now or for this scope.

        Every failure counts alike and costs one hash verification, also that of an unknown user. Raises Rejected
        (`rate_limited`) after too many failures.
        """
        keys = self._vault.rate_counter_keys("app_password", application.id, user)
        # One at a time for each user: a mail client opens many connections, which must not use up each other's tries.
        lock = self._locks.setdefault(keys[0], asyncio.Lock())
        async with lock:
            await self._rate_counters.count(
                keys, lambda rate_counters, now: rate_counters.with_app_password_tried(now, self._limits)
            )
            try:
                app_password = await self._verify(application, user, password, scope)
            except Rejected:
                await self._take_back(keys)
                raise
            if app_password is not None:
                await self._take_back(keys)
            return app_password

    async def _verify(
        self, application: Application, user: str, password: str, scope: str | None
    ) -> AppPassword | None:
        normalized = normalize_password(password) or ""
        enrollment = await self._enrollments.of_user(application.id, user)
        candidate = None if enrollment is None else self._candidate(application, enrollment, normalized, scope)
        matches = await self._passwords.verify(candidate.hash if candidate else None, normalized)
        if enrollment is None or candidate is None or not matches:
            return None
        return await self._record_use(enrollment, candidate, self._vault.password_selector(enrollment.id, normalized))

    def _candidate(
        self, application: Application, enrollment: Enrollment, normalized: str, scope: str | None
    ) -> AppPassword | None:
        if self._denial(application, enrollment):
            return None
        now = self._clock()
        candidates = (
            find_usable(enrollment, selector, scope, now)
            for selector in self._vault.password_selectors(enrollment.id, normalized)
        )
        return next(filter(None, candidates), None)

    async def _record_use(
        self, enrollment: Enrollment, app_password: AppPassword, selector: bytes
    ) -> AppPassword | None:
        """Note the use; None if the password was taken away while it was being verified.

        From now on it is found by this selector, which the newest key made.
        """

        def step(current: Enrollment, now: int) -> EnrollmentChange:
            return record_use(current, app_password.id, now, selector)

        try:
            change = done(await self._enrollments.change(enrollment.id, step))
        except Rejected:
            return None
        return find_app_password(change.enrollment, app_password.id)

    async def _take_back(self, keys: tuple[bytes, ...]) -> None:
        await self._rate_counters.count(keys, lambda rate_counters, _now: rate_counters.without_latest_try())

    async def _create(
        self,
        application: Application,
        enrollment_id: str,
        name: str,
        scope: str | None,
        expires_in_days: int | None,
        idempotency_key: IdempotencyKey | None,
        visit_began: int | None,
    ) -> tuple[AppPassword, str]:
        """Draw a password and store it; raises SelectorTaken if another must be drawn."""
        password = self._generators.new_password()
        app_password_id = self._generators.new_id("apw")
        selector = self._vault.password_selector(enrollment_id, password)
        password_hash = await self._passwords.hash(password)

        def step(enrollment: Enrollment, now: int) -> EnrollmentChange:
            reject_ended(owned(application, enrollment), visit_began)
            denial = self._denial(application, enrollment)
            if denial is not None:
                raise denial.refused()
            expires_at = None if expires_in_days is None else now + expires_in_days * DAY
            return create_app_password(
                enrollment,
                AppPassword(app_password_id, name, selector, password_hash, now, scope, expires_at),
                now,
            )

        def result_of(change: EnrollmentChange) -> tuple[AppPassword, str]:
            return change.enrollment.app_passwords[-1], format_password(password)

        key = idempotency_key and idempotency_key.after(result_of)
        return result_of(await self._enrollments.change(enrollment_id, step, key))

    def _denial(self, application: Application, enrollment: Enrollment) -> Denial | None:
        policy = self._applications.for_person(application.name, enrollment.groups)
        return feature_denial(policy, Feature.APP_PASSWORDS)
