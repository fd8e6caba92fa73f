"""What a PIN on a call asks of the store."""

from collections.abc import Callable
from typing import Protocol

from gateway.domain.enrollment import Enrollment
from gateway.domain.ivr.pin import PinDecision
from gateway.domain.verification import Change, Verification

PinStep = Callable[[Verification, Enrollment, int], PinDecision]
"""Acts on a verdict; takes the verification, the record of its person, and the time."""


class PinStore(Protocol):
    """Durable state, with the rules of `gateway.ports.Store`."""

    async def judge(self, verification_id: str, step: PinStep) -> Change:
        """Change a verification and the record of its person by one step, in one transaction.

        Raises what the step raises, with nothing kept; Refused (`not_found`).
        """
        ...
