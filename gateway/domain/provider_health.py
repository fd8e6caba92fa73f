"""The circuit breaker of a provider: it opens after failures in a row, and a send probes whether it closes.

While it is open, nothing is sent to the provider as long as another one is left.
"""

from typing import Annotated

import msgspec

from gateway.domain.limits import SECOND, Count

_MOST_DOUBLINGS = 16

OpenTime = Annotated[int, msgspec.Meta(ge=1, le=86_400)]
"""How long a circuit stays open (seconds)."""


class CircuitRule(msgspec.Struct, frozen=True):
    """After how many failures in a row a circuit opens, and for how long (seconds): twice so after a failed probe."""

    failures: Count = 5
    open_for: OpenTime = 30
    longest_open: OpenTime = 900

    def length(self, openings: int) -> int:
        """Return how long (ms) the circuit stays open the time number `openings`, from 1."""
        return min(self.open_for << min(openings - 1, _MOST_DOUBLINGS), self.longest_open) * SECOND


class Circuit(msgspec.Struct, frozen=True, gc=False):
    """What is known of a provider. Times are in ms since the epoch.

    `failures` counts those in a row, `openings` how often the circuit opened since the provider last worked.
    `open_until` is set while it is open; `probed_until` while a probe is out, after whose answer, or that time, another
    may go.
    """

    failures: int = 0
    openings: int = 0
    open_until: int | None = None
    probed_until: int | None = None

    @property
    def is_open(self) -> bool:
        """Tell whether the circuit is open: until a probe succeeds."""
        return self.open_until is not None


CLOSED = Circuit()


def may_send(circuit: Circuit, now: int) -> bool:
    """Tell whether the provider may be sent to: the circuit is closed, or its time is over and no probe is out."""
    if circuit.open_until is None:
        return True
    return now >= circuit.open_until and (circuit.probed_until is None or now >= circuit.probed_until)


def send_begun(circuit: Circuit, now: int, patience: int) -> Circuit:
    """A send goes to the provider. If the circuit is open, that send is the probe, waited for `patience` ms."""
    if circuit.open_until is None or not may_send(circuit, now):
        return circuit
    return msgspec.structs.replace(circuit, probed_until=now + patience)


def send_succeeded(_circuit: Circuit) -> Circuit:
    """The provider took a send, or refused its number: the circuit is closed."""
    return CLOSED


def send_failed(circuit: Circuit, now: int, rule: CircuitRule) -> Circuit:
    """The provider failed, or left it unknown whether it took the send.

    The last failure allowed, or a failed probe, opens the circuit. What was under way when the circuit opened changes
    nothing of it.
    """
    failures = circuit.failures + 1
    if circuit.open_until is not None and now < circuit.open_until:
        return msgspec.structs.replace(circuit, failures=failures)
    if circuit.open_until is None and failures < rule.failures:
        return msgspec.structs.replace(circuit, failures=failures)
    openings = circuit.openings + 1
    return Circuit(failures, openings, open_until=now + rule.length(openings))
