"""The verifications in use, as last committed, so that the next step of one needs no read and no decryption."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping

from gateway.domain.verification import Verification


class Recent:
    """A bounded copy of committed state, for a store that alone writes its database; the longest unused go first."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._verifications: OrderedDict[str, Verification] = OrderedDict()

    def get(self, verification_id: str) -> Verification | None:
        """Return the committed state, or None if it is not at hand."""
        return self._verifications.get(verification_id)

    def forget(self, verification_ids: Iterable[str]) -> None:
        """Let these be read anew."""
        for verification_id in verification_ids:
            self._verifications.pop(verification_id, None)

    def clear(self) -> None:
        """Let all be read anew: another process has written."""
        self._verifications.clear()

    def keep(self, verifications: Mapping[str, Verification]) -> None:
        """Take in what a batch has committed."""
        kept = self._verifications
        for verification_id, verification in verifications.items():
            kept[verification_id] = verification
            kept.move_to_end(verification_id)
        while len(kept) > self._limit:
            kept.popitem(last=False)
