"""What spares a person a new proof at sign-in: a recent one, a browser they trust, a code that an operator granted."""

import hmac
from collections.abc import Callable

import msgspec

from gateway.domain.enrollment import (
    Bypass,
    Enrollment,
    EnrollmentChange,
    TrustedDevice,
    reject_if_blocked,
    update_enrollment,
)
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.journal import JournalEntry
from gateway.domain.limits import DAY, SECOND

BYPASS_DIGITS = 8
DEVICE_LIMIT = 20
"""Browsers of one person; one more lets the oldest go."""
_BYPASS_GUESSES = 5

Holds = Callable[[Enrollment, int], bool]
"""Tells of a person's record at a time (ms since the epoch) whether it still spares a new proof."""


class NotRecognized(Exception):
    """What was to spare a new proof does not hold any more."""


def recently_proven(enrollment: Enrollment, seconds: int, now: int) -> bool:
    """Tell whether a phone proved the person within so many seconds (policy: `proof_cache`)."""
    proof = enrollment.last_proof
    return proof is not None and 0 <= now - proof.at < seconds * SECOND


def trust_device(enrollment: Enrollment, digest: bytes, days: int, now: int) -> EnrollmentChange:
    """Trust a browser for so many days (policy: `remember_device_days`); raises Rejected (`enrollment_blocked`)."""
    reject_if_blocked(enrollment, now)
    device = TrustedDevice(digest, now, now + days * DAY)
    valid = tuple(other for other in enrollment.devices if now < other.expires_at)
    entry = JournalEntry("device.trusted", {"expires_at": device.expires_at})
    return update_enrollment(enrollment, now, entry, devices=(*valid, device)[-DEVICE_LIMIT:])


def trusted_until(enrollment: Enrollment, digest: bytes, now: int) -> int | None:
    """Return until when (ms since the epoch) the person trusts a browser; None if they do not, or not any more."""
    for device in enrollment.devices:
        if hmac.compare_digest(device.digest, digest) and now < device.expires_at:
            return device.expires_at
    return None


def forget_devices(enrollment: Enrollment, now: int) -> EnrollmentChange:
    """Trust no browser any more: each has to prove itself again."""
    entry = JournalEntry("devices.forgotten", {"count": len(enrollment.devices)})
    return update_enrollment(enrollment, now, entry, devices=())


def grant_bypass(enrollment: Enrollment, digest: bytes, seconds: int, reason: str, now: int) -> EnrollmentChange:
    """Grant a code for one sign-in within so many seconds; it takes the place of an earlier one."""
    reject_if_blocked(enrollment, now)
    bypass = Bypass(digest, reason, now + seconds * SECOND, _BYPASS_GUESSES)
    entry = JournalEntry("bypass.granted", {"reason": reason, "expires_at": bypass.expires_at})
    return update_enrollment(enrollment, now, entry, bypass=bypass)


def use_bypass(enrollment: Enrollment, digest: bytes, now: int) -> EnrollmentChange:
    """Use a granted code up; a wrong one counts, and the fifth ends it. Raises Rejected (`bypass_invalid`)."""
    reject_if_blocked(enrollment, now)
    bypass = enrollment.bypass
    if bypass is None or now >= bypass.expires_at:
        raise _invalid()
    if hmac.compare_digest(bypass.digest, digest):
        return update_enrollment(enrollment, now, JournalEntry("bypass.used", {"reason": bypass.reason}), bypass=None)
    guesses_left = bypass.guesses_left - 1
    after = msgspec.structs.replace(bypass, guesses_left=guesses_left) if guesses_left else None
    change = update_enrollment(
        enrollment, now, JournalEntry("bypass.refused", {"guesses_left": guesses_left}), bypass=after
    )
    return msgspec.structs.replace(change, refusal=_invalid())


def _invalid() -> Rejected:
    return Rejected(
        ErrorCode.BYPASS_INVALID,
        "This code is not good, or not any more. Ask your help desk for a new one.",
        field="code",
    )
