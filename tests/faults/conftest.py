"""A world whose provider is given up soon, and asked soon what became of a send."""

import pytest
from support.world import ACCOUNT, TOKEN, network_at, serving_at, settings_for

from gateway.settings.accounts import Twilio
from gateway.settings.settings import Outbox


@pytest.fixture
async def network():
    async with network_at() as network:
        yield network


@pytest.fixture
def outbox():
    return Outbox(lease=1.0, reconcile_after=0.1, reconcile_for=0.6)


@pytest.fixture
async def world(tmp_path, network, outbox):
    twilio = Twilio(network.url, ACCOUNT, TOKEN, total_timeout=0.5, connect_timeout=0.3)
    async with serving_at(settings_for(tmp_path, network.url, outbox=outbox, twilio=twilio), network) as world:
        yield world


@pytest.fixture
def integrator(world):
    return world.integrator
