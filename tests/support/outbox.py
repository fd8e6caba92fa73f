"""What a store's outbox holds, looked at without claiming any of it."""

import msgspec

from gateway.domain.outbox import NotificationContent
from gateway.stores.statement import select
from gateway.stores.store import Store

_IDS = "SELECT id FROM outbox WHERE kind = 'notification' ORDER BY created_at, id"


class Waiting(msgspec.Struct, frozen=True):
    """A notification in the outbox."""

    id: str
    notification: NotificationContent


async def waiting_notifications(store: Store) -> list[Waiting]:
    """List the notifications in the outbox, oldest first."""
    ids = [entry_id for (entry_id,) in await store.run(lambda work: work.read_all(select(_IDS)))]
    return [Waiting(entry_id, await store.outbox.notification(entry_id)) for entry_id in ids]
