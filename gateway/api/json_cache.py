"""Ready-made JSON of the verifications that are polled: the same state is rendered once."""

from collections import OrderedDict

import msgspec

from gateway.api.views import verification_view
from gateway.domain.limits import Limits
from gateway.domain.verification import Verification

_LIMIT = 5_000


class VerificationJsonCache:
    """A bounded memory; a verification that has changed is another object, so nothing stale is shown."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._kept: OrderedDict[str, tuple[Verification, bytes]] = OrderedDict()

    def json(self, verification: Verification) -> bytes:
        """Return the verification as the API shows it."""
        kept = self._kept.get(verification.id)
        if kept is not None and kept[0] is verification:
            return kept[1]
        body = msgspec.json.encode(verification_view(verification, self._limits))
        self._kept[verification.id] = verification, body
        self._kept.move_to_end(verification.id)
        if len(self._kept) > _LIMIT:
            self._kept.popitem(last=False)
        return body
