"""One world for each file of API tests, whose numbers come from a long row so that no limit is met by accident."""

import itertools

import msgspec
import pytest
import pytest_asyncio
from support.world import LIMITS, world_at


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory):
    limits = msgspec.structs.replace(LIMITS, resend_wait=0)
    async with world_at(tmp_path_factory.mktemp("world"), limits=limits) as world:
        yield world


@pytest.fixture(scope="module")
def integrator(world):
    return world.integrator


@pytest.fixture(scope="module")
def network(world):
    return world.network


@pytest.fixture(scope="module")
def numbers():
    """Numbers that nobody has used yet."""
    return (f"+1425555{number:04}" for number in itertools.count(1000))
