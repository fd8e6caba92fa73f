"""A fresh world for each journey; its limits can be asked for with `@pytest.mark.parametrize("limits", …)`."""

import pytest
from support.world import LIMITS, world_at


@pytest.fixture
def limits():
    return LIMITS


@pytest.fixture
async def world(tmp_path, limits):
    async with world_at(tmp_path, limits=limits) as world:
        yield world


@pytest.fixture
def integrator(world):
    return world.integrator


@pytest.fixture
def network(world):
    return world.network
