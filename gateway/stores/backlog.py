"""How much the outbox holds that no provider has taken yet, for whoever watches."""

import msgspec

from gateway.domain.attempts import find_attempt
from gateway.outbox_ports import TO_SEND
from gateway.stores import sql
from gateway.stores.engine import Row, Transaction
from gateway.stores.store import Store

_STAGES = tuple(stage.value for stage in TO_SEND)


class Backlog(msgspec.Struct, frozen=True, gc=False):
    """Sends that wait for a provider, or are being handed over; the oldest was made at `oldest_at` (ms)."""

    queued: int
    oldest_at: int | None


async def backlog(store: Store) -> Backlog:
    """Look at the outbox without taking anything from it; raises StoreUnavailable."""

    async def look(transaction: Transaction) -> tuple[int, str | None, Row | None]:
        queued, oldest = await transaction.read(sql.count_sends(len(_STAGES)), _STAGES) or (0, None)
        return queued, oldest, await transaction.read(sql.VERIFICATION_OF_SEND, (oldest,)) if oldest else None

    queued, oldest, whose = await store.run(look)
    verification = await store.verifications.get(whose[0]) if whose else None
    attempt = find_attempt(verification, str(oldest)) if verification else None
    return Backlog(queued, attempt.created_at if attempt else None)
