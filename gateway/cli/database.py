"""How a command reaches the database while gateways serve it."""

import contextlib
from collections.abc import AsyncIterator

from gateway.app import now, vault_of
from gateway.cli.command import CommandFailed
from gateway.domain.api_keys import Application
from gateway.domain.errors import Rejected, StoreUnavailable
from gateway.domain.phone_number import PhoneNumber, parse_e164
from gateway.settings.settings import Settings
from gateway.stores.opening import store_beside
from gateway.stores.store import Store


@contextlib.asynccontextmanager
async def opened_store(settings: Settings) -> AsyncIterator[Store]:
    """Open the database, which gateways may be using; raises CommandFailed if it is unavailable."""
    try:
        async with store_beside(settings.database.url, vault_of(settings), now) as store:
            yield store
    except StoreUnavailable as unavailable:
        raise CommandFailed(str(unavailable)) from None


async def application_named(store: Store, name: str) -> Application:
    """Return the application with this name; raises CommandFailed if there is none."""
    application = await store.api_keys.application_named(name)
    if application is None:
        raise CommandFailed(f"there is no application {name}; see poundkey keys list")
    return application


def parse_number(text: str) -> PhoneNumber:
    """Parse an E.164 number; raises CommandFailed."""
    try:
        return parse_e164(text)
    except Rejected as rejected:
        raise CommandFailed(rejected.detail) from None
