"""Judges the PINs that are keyed in on calls: the hash outside of a transaction, what follows from it inside one."""

import asyncio
import contextlib
from weakref import WeakValueDictionary

from gateway.clock import Clock
from gateway.domain.enrollment import Enrollment
from gateway.domain.errors import Rejected
from gateway.domain.ivr.pin import KeyedPin, PinDecision, PinVerdict, StalePinHash, decide_pin, expected_hash
from gateway.domain.ivr.states import CallState
from gateway.domain.limits import Limits
from gateway.domain.verification import Attempt, Change, Verification
from gateway.security.password_hashing import PinHashes
from gateway.stores.enrollments import EnrollmentStore
from gateway.stores.verifications import PinStep, VerificationStore

_NOTHING = PinVerdict(None, fits=False)


class NotHashed(Exception):
    """Too many other passwords and PINs are being hashed: nothing was judged, and nothing counted."""


class CallPins:
    """A person's PINs are judged one at a time, so that guesses on many calls at once do no more than fail fast."""

    def __init__(
        self, enrollments: EnrollmentStore, store: VerificationStore, hashes: PinHashes, limits: Limits, clock: Clock
    ) -> None:
        self._enrollments = enrollments
        self._store = store
        self._hashes = hashes
        self._limits = limits
        self._clock = clock
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def judged(self, verification: Verification, attempt: Attempt, gathered: KeyedPin) -> Change:
        """Judge the digits of the open Gather of a call, once for that Gather, and store the change.

        Raises NotHashed, StoreUnavailable, and Rejected (`not_found`; `enrollment_blocked` and `no_method` for an
        approval that the record does not bear any more).
        """
        person_id = str(verification.enrollment_id)
        lock = self._locks.setdefault(person_id, asyncio.Lock())
        async with lock:
            while True:
                enrollment = await self._enrollments.get(person_id)
                verdict = _NOTHING if enrollment is None else await self._verdict(enrollment, attempt, gathered.digits)
                with contextlib.suppress(StalePinHash):
                    return await self._store.judge_pin(verification.id, self._step(gathered, verdict))

    def _step(self, gathered: KeyedPin, verdict: PinVerdict) -> PinStep:
        def step(verification: Verification, enrollment: Enrollment, now: int) -> PinDecision:
            return decide_pin(verification, enrollment, gathered, verdict, now, self._limits)

        return step

    async def _verdict(self, enrollment: Enrollment, attempt: Attempt, digits: str) -> PinVerdict:
        """Compare digits with the stored hash; while the PIN is locked, they are not compared."""
        against = expected_hash(enrollment, attempt)
        if against is None or enrollment.pin is None or enrollment.pin.locked(self._clock()):
            return PinVerdict(against, fits=False)
        try:
            fits = await self._hashes.verify(against, enrollment.id, digits)
            wanted = self._outgrown(against, attempt) if fits else attempt.call_state is CallState.NEW_PIN
            return PinVerdict(against, fits, await self._hashes.hash(enrollment.id, digits) if wanted else None)
        except Rejected as refusal:
            raise NotHashed(refusal.detail) from None

    def _outgrown(self, against: str, attempt: Attempt) -> bool:
        """Tell whether a right PIN is to be hashed again, because an older key made its stored hash."""
        return attempt.call_state is CallState.PROOF and not self._hashes.uses_newest_key(against)
