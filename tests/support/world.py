"""A whole world on loopback: the simulator, a gateway that serves, and integrators with keys."""

import base64
import contextlib
import functools
import itertools
import os
import secrets
import socket
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import msgspec

from gateway import app
from gateway.api.auth import KEY_PREFIX, key_digest
from gateway.domain.api_keys import ApiKey, Application
from gateway.domain.limits import Limits
from gateway.settings.accounts import Twilio
from gateway.settings.channels import Text, Voice
from gateway.settings.settings import Database, Keys, Outbox, Server, Settings
from gateway.stores.migrate import migrate
from gateway.stores.places import is_postgres
from gateway.stores.store import Store
from simulator.app import start
from simulator.config import SimulatorConfig
from support.integrator import PHONE, Integrator
from support.network import ACCOUNT, OURS, TOKEN, PhoneNetwork
from webhooks.urls import Addresses

__all__ = ["ACCOUNT", "OURS", "PHONE", "TOKEN", "World", "free_port", "serving_at", "settings_for", "world_at"]

HOST = "login.example.com"
LIMITS = Limits(call_grace=0.2, text_grace=0.2)

# Reading the catalogs is nine tenths of a gateway's start. They are the same files for all of them, and nobody changes
# what was read from them, so a worker reads them once and every test can have a gateway of its own.
app.load_translations = functools.cache(app.load_translations)
app.load_phrasebooks = functools.cache(app.load_phrasebooks)

_PORTS_EACH = 2_000
_FIRST_PORT = 10_240 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 11 * _PORTS_EACH
"""The tests' workers have ports apart, and below those that Linux gives to connections (ip_local_port_range)."""
_PLACES = itertools.count(os.getpid())


def free_port() -> int:
    """Return a port that nobody listens on, and that nobody is given by chance while its server is away."""
    while True:
        port = _FIRST_PORT + next(_PLACES) % _PORTS_EACH
        with socket.socket() as listener, contextlib.suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port


def random_key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


@functools.cache
def empty_database() -> bytes:
    """Return a database at head; a copy is a hundred times faster than a migration."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "poundkey.db"
        migrate(f"sqlite:///{path}")
        return path.read_bytes()


def settings_for(folder: Path, provider_url: str, **sections: msgspec.Struct) -> Settings:
    """Return settings as an operator would write them, for one test's own files and ports."""
    port = free_port()
    usual = {
        "server": Server(port=port, public_url=f"http://127.0.0.1:{port}", drain=2.0),
        "database": Database(f"sqlite:///{folder}/poundkey.db"),
        "keys": Keys((f"1:{random_key()}",), random_key(), random_key()),
        "limits": LIMITS,
        "text": Text(OURS, origin=f"https://{HOST}"),
        "voice": Voice(OURS),
        "outbox": Outbox(reconcile_after=0.2, reconcile_for=2.0),
        "twilio": Twilio(provider_url, ACCOUNT, TOKEN, total_timeout=2.0, connect_timeout=1.0),
    }
    return Settings(**{**usual, **sections})


class World(msgspec.Struct, frozen=True):
    """Everybody who takes part: two applications with a key each, the phone network, and the gateway between them."""

    gateway: app.Gateway
    settings: Settings
    network: PhoneNetwork
    integrator: Integrator
    other: Integrator


@contextlib.asynccontextmanager
async def serving_at(settings: Settings, network: PhoneNetwork) -> AsyncIterator[World]:
    """Start a gateway on settings that may have served before, and stop it in order."""
    _make_database(settings)
    async with app.running(settings) as gateway, app.serving(gateway, settings):
        url = settings.server.public_url
        network.simulator.set_inbound_url(Addresses(url, "twilio").inbound_message_url())
        keys = [await _add_key(gateway.store, application) for application in ("Example Bank", "Other Bank")]
        yield World(gateway, settings, network, *(Integrator(network.session, url, key) for key in keys))


async def key_for(settings: Settings) -> str:
    """Make the database of a gateway that is yet to start, with a key in it."""
    _make_database(settings)
    store = await app.open_store(settings)
    key = await _add_key(store, "Example Bank")
    await store.close()
    return key


@contextlib.asynccontextmanager
async def network_at(
    speed: float = 0, *, more_numbers: tuple[str, ...] = (), **config: str
) -> AsyncIterator[PhoneNetwork]:
    """Start a phone network alone; texts and calls may come from more numbers than ours.

    `config` says what another provider's network is started with.
    """
    usual = {"auth_token": TOKEN, "account_sid": ACCOUNT}
    async with contextlib.AsyncExitStack() as stack:
        simulator = await start(SimulatorConfig(**{**usual, **config}, numbers=(OURS, *more_numbers), speed=speed))
        stack.push_async_callback(simulator.close)
        connector = aiohttp.TCPConnector(limit=0)
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        yield PhoneNetwork(session, simulator)


@contextlib.asynccontextmanager
async def world_at(folder: Path, *, speed: float = 0, **sections: msgspec.Struct) -> AsyncIterator[World]:
    """Start a world whose gateway keeps its files in a folder.

    Args:
        folder: where the database is made.
        speed: of the network's clock; 0 takes no time.
        **sections: sections of the settings that the test wants otherwise.
    """
    async with (
        network_at(speed) as network,
        serving_at(settings_for(folder, network.url, **sections), network) as world,
    ):
        yield world


def _make_database(settings: Settings) -> None:
    path = settings.database.path
    if not is_postgres(settings.database.url) and not path.exists():
        path.write_bytes(empty_database())


async def _add_key(store: Store, application: str) -> str:
    secret = KEY_PREFIX + secrets.token_urlsafe(32)
    owner = Application(app.new_id("app"), application)
    await store.api_keys.add(ApiKey(app.new_id("key"), owner, "tests", key_digest(secret), app.now(), None))
    return secret
