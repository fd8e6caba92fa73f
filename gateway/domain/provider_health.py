"""The health of a provider: one that keeps failing is rested for growing times, and probed by one send after each."""

from typing import Annotated

import msgspec

from gateway.domain.limits import SECOND, Count

_MOST_DOUBLINGS = 16

Rest = Annotated[int, msgspec.Meta(ge=1, le=86_400)]


class HealthRule(msgspec.Struct, frozen=True):
    """When a provider is rested, and for how long (seconds). Each rest that a probe did not end is twice as long."""

    failures: Count = 5
    rest: Rest = 30
    longest_rest: Rest = 900

    def length(self, rests: int) -> int:
        """Return how long (ms) the rest number `rests` is, from 1."""
        return min(self.rest << min(rests - 1, _MOST_DOUBLINGS), self.longest_rest) * SECOND


class Health(msgspec.Struct, frozen=True, gc=False):
    """How a provider does. Times are in ms since the epoch.

    `failures` counts those in a row, `rests` the rests since it last worked. `rests_until` is set while it rests;
    `probed_until` while a probe is out, after whose answer, or that time, another may go.
    """

    failures: int = 0
    rests: int = 0
    rests_until: int | None = None
    probed_until: int | None = None

    @property
    def rests_now(self) -> bool:
        """Tell whether it is rested, until a probe succeeds."""
        return self.rests_until is not None


WELL = Health()


def is_fit(health: Health, now: int) -> bool:
    """Tell whether it may be sent to: it does not rest, or its rest is over and no probe is out."""
    if health.rests_until is None:
        return True
    return now >= health.rests_until and (health.probed_until is None or now >= health.probed_until)


def asked(health: Health, now: int, patience: int) -> Health:
    """A send goes to it. If its rest is over, that send is the probe, whose answer is waited for `patience` ms."""
    if health.rests_until is None or not is_fit(health, now):
        return health
    return msgspec.structs.replace(health, probed_until=now + patience)


def worked(_health: Health) -> Health:
    """It took a send, or said no for the number's sake: it is well."""
    return WELL


def failed(health: Health, now: int, rule: HealthRule) -> Health:
    """It failed for its own sake, or left us in doubt. The last failure allowed, or a failed probe, begins a rest.

    What was under way when a rest began changes nothing of it.
    """
    failures = health.failures + 1
    if health.rests_until is not None and now < health.rests_until:
        return msgspec.structs.replace(health, failures=failures)
    if health.rests_until is None and failures < rule.failures:
        return msgspec.structs.replace(health, failures=failures)
    rests = health.rests + 1
    return Health(failures, rests, rests_until=now + rule.length(rests))
