"""Limits as pure decisions over what is already counted. Every limit fails closed."""

from collections.abc import Collection
from typing import Annotated

import msgspec

from gateway.domain.errors import ErrorCode, Rejected

SECOND = 1_000
DAY = 86_400 * SECOND
PROVEN_FACTOR = 4
"""How many times `sends_per_number` a number may get, those given back included."""


Count = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]


class Limits(msgspec.Struct, frozen=True, gc=False):
    """What one number, and one person, may cost. Times are in seconds; defaults are the contract's."""

    code_length: Annotated[int, msgspec.Meta(ge=4, le=10)] = 6
    lifetime: Annotated[int, msgspec.Meta(ge=1, le=86_400)] = 600
    checks_per_verification: Count = 5
    sends_per_number: Count = 5
    sends_per_person: Count = 10
    send_window: Annotated[int, msgspec.Meta(ge=1, le=86_400)] = 600
    resend_wait: Annotated[int, msgspec.Meta(ge=0, le=86_400)] = 30
    failed_checks_per_day: Count = 20
    app_password_failures: Count = 10
    app_password_window: Annotated[int, msgspec.Meta(ge=1, le=86_400)] = 600
    pin_failures: Count = 5
    pin_window: Annotated[int, msgspec.Meta(ge=1, le=86_400)] = 86_400
    wrong_keys_per_call: Count = 3
    silent_prompts_per_call: Count = 2
    call_grace: Seconds = 3.0
    text_grace: Seconds = 120.0


class RateCounters(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What is counted for one number over all its verifications: times (ms) of recent sends and failed checks.

    `proven_sends` were given back, as their verification was approved. `stopped` is read with it and kept elsewhere:
    the number is on the stop list, and is sent nothing.
    """

    sends: tuple[int, ...] = ()
    failed_checks: tuple[int, ...] = ()
    proven_sends: tuple[int, ...] = ()
    stopped: bool = False

    def with_send(self, now: int, limits: Limits) -> "RateCounters":
        """Count a send; raises Refused: `number_stopped`, or `rate_limited` when the number has had its share."""
        if self.stopped:
            raise Rejected(ErrorCode.NUMBER_STOPPED, _STOPPED)
        start = now - limits.send_window * SECOND
        recent, proven = _since(self.sends, start), _since(self.proven_sends, start)
        most = limits.sends_per_number
        for counted, share in ((recent, most), (tuple(sorted(recent + proven)), most * PROVEN_FACTOR)):
            if len(counted) >= share:
                raise rate_limited("Too many texts and calls to this number.", counted[-share] - start)
        return msgspec.structs.replace(self, sends=(*recent, now), proven_sends=proven)

    def with_sends_given_back(self, times: Collection[int]) -> "RateCounters":
        """Give back the sends of an approved verification: who succeeds is not locked out by succeeding.

        They still count towards `PROVEN_FACTOR` times the limit, so that nobody is paid for calling themselves.
        """
        left = without_times(self.sends, times)
        given_back = without_times(self.sends, left)
        return msgspec.structs.replace(self, sends=left, proven_sends=(*self.proven_sends, *given_back))

    def with_failed_check(self, now: int) -> "RateCounters":
        """Count a wrong code. Resends, channels and new verifications do not reset it (NIST SP 800-63B-4)."""
        return msgspec.structs.replace(self, failed_checks=(*_since(self.failed_checks, now - DAY), now))

    def reject_check_over_limit(self, now: int, limits: Limits) -> None:
        """Refuse to judge a code when the number has had its failed checks for a day."""
        recent = _since(self.failed_checks, now - DAY)
        if len(recent) >= limits.failed_checks_per_day:
            wait = recent[-limits.failed_checks_per_day] + DAY - now
            raise rate_limited("Too many wrong codes for this number.", wait)

    def with_app_password_tried(self, now: int, limits: Limits) -> "RateCounters":
        """Count an app password before it is judged, so that no number of guesses at once gets past the limit."""
        recent = _since(self.failed_checks, now - limits.app_password_window * SECOND)
        if len(recent) >= limits.app_password_failures:
            wait = recent[-limits.app_password_failures] + limits.app_password_window * SECOND - now
            raise rate_limited("Too many wrong app passwords for this user.", wait)
        return msgspec.structs.replace(self, failed_checks=(*recent, now))

    def without_latest_try(self) -> "RateCounters":
        """Take back the latest count: what was tried was right, or could not be judged."""
        return msgspec.structs.replace(self, failed_checks=self.failed_checks[:-1])


def without_times(times: tuple[int, ...], removed: Collection[int]) -> tuple[int, ...]:
    """Return the times without those removed, each of which takes one away if it is there."""
    left = list(times)
    for time in removed:
        if time in left:
            left.remove(time)
    return tuple(left)


_STOPPED = "Whoever has this number asked for no more calls and texts. Use another one; only an operator lifts this."


def resend_wait(attempts: int, limits: Limits) -> int:
    """Return how long (ms) after the latest attempt the next may follow: the base wait, doubled by each resend."""
    return limits.resend_wait * SECOND << (attempts - 1)


def rate_limited(detail: str, wait: int) -> Rejected:
    """Build the refusal for a limit; `wait` is in ms, told to the caller in whole seconds, at least one."""
    seconds = max(1, -(-wait // SECOND))
    return Rejected(ErrorCode.RATE_LIMITED, f"{detail} Try again in {seconds} s.", retry_after=seconds)


def _since(times: tuple[int, ...], start: int) -> tuple[int, ...]:
    # A clock set back leaves times in the future: they count, so a jump never opens a limit.
    return tuple(time for time in times if time > start)
