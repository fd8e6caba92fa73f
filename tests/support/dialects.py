"""Networks of other providers than Twilio, and the settings of our accounts there."""

import contextlib
import uuid
from collections.abc import AsyncIterator

import msgspec

from gateway.settings.accounts import AccountSettings
from simulator.dialects import new_signing_key, public_key
from support.network import OURS, TOKEN, PhoneNetwork
from support.world import network_at

SPARE = "spare"
"""The name that the second provider has in the settings."""

_ROOTS = {"signalwire": "/api/laml", "telnyx": "/v2"}


class Elsewhere(msgspec.Struct, frozen=True):
    """Another provider's network, and our account there."""

    network: PhoneNetwork
    account: AccountSettings


@contextlib.asynccontextmanager
async def elsewhere_at(dialect: str, *, more_numbers: tuple[str, ...] = ()) -> AsyncIterator[Elsewhere]:
    """Start the network of a provider; texts and calls may come from more numbers than ours."""
    account_sid, key = str(uuid.uuid4()), new_signing_key()
    config = {"dialect": dialect, "account_sid": account_sid, "signing_key": key}
    async with network_at(more_numbers=more_numbers, **config) as network:
        account = AccountSettings(
            dialect=dialect,
            base_url=network.url + _ROOTS[dialect],
            account_sid=account_sid,
            application_sid="2000",
            auth_token=TOKEN,
            signing_tokens=(key,),
            public_keys=(public_key(key),),
            connect_timeout=1.0,
            total_timeout=2.0,
            sender=OURS,
            caller=OURS,
        )
        yield Elsewhere(network, account)
